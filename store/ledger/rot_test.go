package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// A key that rots is one line that can't be read, or an entry that is missing: no walk goes round for ever, and the ledger goes on.
func TestAKeyThatRots(t *testing.T) {
	for _, rotten := range [][]byte{key64(3), key64(2*chunk | 1<<60), key64(1<<64 - 1)} {
		for _, bucket := range []string{sentBucket, chainBucket} {
			keyThatRots(t, bucket, rotten)
		}
	}
}

func keyThatRots(t *testing.T, bucket string, rotten []byte) {
	t.Helper()
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
	old, next := key64(2*chunk), key64(2*chunk+1) // the last of a stretch
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], old)
		if i < 0 {
			break
		}
		at += i
		if at%pageSize >= 16 && bytes.Contains(b[at:min(at+1500, len(b))], next) { // a key, and no head of a page
			_, err := f.WriteAt(rotten, int64(at))
			must(t, err)
		}
	}
	must(t, f.Close())
	visited, unread := 0, 0
	count := func(err error) error {
		if err != nil {
			unread++
		}
		if visited++; visited > 3*chunk+2 {
			return errors.New("it goes round")
		}
		return nil
	}
	if bucket == sentBucket {
		err = l.sentLines(func(_ uint64, _ Sent, err error) error { return count(err) })
		if err == nil && unread != 1 {
			err = fmt.Errorf("%d lines can't be read, want one", unread)
		}
	} else {
		err = l.Events(func(Event) error { return count(nil) })
	}
	if err != nil && !(bucket == chainBucket && errors.Is(err, ErrDamaged)) {
		t.Errorf("%s: after %d: %v", bucket, visited, err)
	}
	must(t, l.Prune(start+sensors.Micros(chunk)*minute))
	if _, err := l.Record(Event{Kind: Act, Time: start + sensors.Day, Text: "looked", Role: "technician"}); err != nil {
		t.Errorf("%s: the ledger takes nothing any more: %v", bucket, err)
	}
	if report, err := l.Verify(); err == nil && len(report.Problems) == 0 {
		t.Errorf("%s: it verifies", bucket)
	}
}
