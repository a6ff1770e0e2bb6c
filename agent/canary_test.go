package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"

	crand "crypto/rand"
)

// noStreams is for a store that is only read.
type noStreams struct{}

func (noStreams) Stream(*consent.Purpose, uint64) (uint32, error) {
	return 0, errors.New("nothing is written here")
}

// stored opens what an agent has buffered with the agent's own keys and returns every number in it.
func (o *object) stored() map[int64]int {
	o.t.Helper()
	keys, err := keyring.Open(filepath.Join(o.dir, "state-keys"), crand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = keys.Close() }()
	s, err := store.Open(store.Options{Dir: filepath.Join(o.dir, "state"), Keys: keys, Streams: noStreams{}, Rand: crand.Reader})
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	out := map[int64]int{}
	for _, stream := range s.Streams() {
		if err := s.Peek(stream, 1<<20, func(rows []store.Row) error {
			for i := range rows {
				for _, c := range rows[i].Cells {
					out[c.Num]++
				}
			}
			return nil
		}); err != nil {
			o.t.Fatal(err)
		}
	}
	return out
}

// buffer senses and keeps: the receiver is away, so nothing is cut off the buffer.
func (o *object) buffer(purposes ...string) {
	o.t.Helper()
	o.write("candor.toml", strings.Split(o.read("candor.toml"), "[[route]]")[0]) // without a way nothing is cut
	var left *agent.LeftError
	if err := o.once(time.Second, purposes...); !errors.As(err, &left) || left.Rows == 0 {
		o.t.Fatalf("nothing is buffered: %v", err)
	}
}

func (o *object) read(name string) string {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

// scaledLight is secretLight in the unit of the field.
const scaledLight = 54321987

// TestWhatIsStoredOpenedHoldsNoHiddenRow opens the sealed buffer with the agent's own keys: a search in sealed bytes alone would find
// nothing whatever was in them.
func TestWhatIsStoredOpenedHoldsNoHiddenRow(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 400)
	o.buffer("air")
	got := o.stored()
	if len(got) == 0 {
		t.Fatal("nothing is stored: the search could not fail")
	}
	for n := range got {
		if n != 0 && (n%50_00 != 0 || n < 400_00) { // co2 rounded to 50 ppm, and pseudonyms, which have no number
			t.Errorf("a stored row holds a value that no purpose that was granted lets out")
		}
	}
	if got[scaledLight] != 0 {
		t.Error("the light, which nobody granted, is stored")
	}
	findLeaks(t, o.logged(), filepath.Join(o.dir, "state"), filepath.Join(o.dir, "state-keys"))
}

// TestStoredCanariesWouldBeFound shows that the search can fail.
func TestStoredCanariesWouldBeFound(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 50)
	o.buffer("who")
	if o.stored()[scaledLight] == 0 {
		t.Fatal("granted and stored, the value is not found")
	}
}
