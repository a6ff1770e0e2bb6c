package bustest

import (
	"io"
	"os"

	"github.com/candor-edge/candor/sensors/bus"
)

// TB is what Replay needs of a test; every testing.TB is one.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Replay returns a bus that answers with the transcript read from r. When the test ends it fails if anything was asked
// otherwise than recorded, in another order, for another length, or if the transcript was not used to its end. name is
// the bus's name in errors.
func Replay(t TB, name string, r io.Reader) *bus.Player {
	t.Helper()
	ops, err := bus.ReadTranscript(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p := bus.NewPlayer(name, ops)
	t.Cleanup(func() {
		if err := p.Check(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return p
}

// ReplayFile is [Replay] of a file.
func ReplayFile(t TB, file string) *bus.Player {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatalf("opening a transcript: %v", err)
	}
	defer func() { _ = f.Close() }()
	return Replay(t, file, f)
}
