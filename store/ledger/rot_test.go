package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// A key that rots makes a walk over the lines or the chain an error, not one that goes round for ever.
func TestKeysOutOfOrderEndAWalk(t *testing.T) {
	for _, bucket := range []string{sentBucket, chainBucket} {
		l, _ := openNew(t)
		for i := range 3 * chunk {
			must(t, l.RecordSent([]Sent{batch(1, uint64(i+1), start+sensors.Micros(i)*minute)}))
			if _, err := l.Record(Event{Kind: Act, Time: start + sensors.Micros(i)*minute, Text: "looked", Role: "technician"}); err != nil {
				t.Fatal(err)
			}
		}
		b := image(t, l)
		f, err := os.OpenFile(filepath.Join(l.dir, fileName), os.O_WRONLY, 0)
		must(t, err)
		old, next, rotten := key64(2*chunk), key64(2*chunk+1), key64(3) // the last of a stretch
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], old)
			if i < 0 {
				break
			}
			at += i
			if bytes.Contains(b[at:min(at+1500, len(b))], next) { // a key, and no number of a page
				_, err := f.WriteAt(rotten, int64(at))
				must(t, err)
			}
		}
		must(t, f.Close())
		visited := 0
		count := func() error {
			if visited++; visited > 10*chunk {
				return errors.New("it goes round for ever")
			}
			return nil
		}
		if bucket == sentBucket {
			err = l.sentLines(func(uint64, Sent, error) error { return count() })
		} else {
			err = l.Events(func(Event) error { return count() })
		}
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: after %d: %v", bucket, visited, err)
		}
	}
}
