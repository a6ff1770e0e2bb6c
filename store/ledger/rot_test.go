package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
)

// A key that rots is one line that can't be read, or an entry that is missing: no walk goes round for ever, and the ledger goes on.
func TestAKeyThatRots(t *testing.T) {
	l, keys := openNew(t)
	for i := range 3 * chunk {
		must(t, l.RecordSent([]Sent{batch(1, uint64(i+1), start+sensors.Micros(i)*minute)}))
		if _, err := l.Record(Event{Kind: Act, Time: start + sensors.Micros(i)*minute, Text: "looked", Role: "technician"}); err != nil {
			t.Fatal(err)
		}
	}
	must(t, l.Close())
	good := image(t, l)
	count, hash := keys.Head()
	for i, rotten := range [][]byte{key64(3), key64(2*chunk | 1<<60), key64(1<<64 - 1), key64(2*chunk + 50), key64(1 << 60), key64(0)} {
		which := uint64(2*chunk + i/3) // the last of a stretch, and the first
		for _, bucket := range []string{sentBucket, chainBucket} {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, fileName), good, 0o600))
			keys.SetHead(count, hash)
			l := openAt(t, dir, keys)
			keyThatRots(t, l, bucket, which, rotten)
			_ = l.Close()
		}
	}
}

func keyThatRots(t *testing.T, l *Ledger, bucket string, which uint64, rotten []byte) {
	t.Helper()
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(rotten, keyOffset(t, l, bucket, key64(which)))
	must(t, errors.Join(err, f.Close()))
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
		// One that rots downwards at the beginning of a stretch may be passed over; Verify tells.
		if passed := 3*chunk - visited; err == nil && (unread+passed != 1 || passed != 0 && uint64FromKey(rotten) > which) {
			err = fmt.Errorf("%d lines can't be read and %d are passed over, want one of %d that can't", unread, passed, 3*chunk)
		}
	} else {
		err = l.Events(func(Event) error { return count(nil) })
	}
	if err != nil && !(bucket == chainBucket && errors.Is(err, ErrDamaged)) {
		t.Errorf("%s, %d as %x: after %d: %v", bucket, which, rotten, visited, err)
	}
	must(t, l.Prune(start+sensors.Micros(chunk)*minute))
	if _, err := l.Record(Event{Kind: Act, Time: start + sensors.Day, Text: "looked", Role: "technician"}); err != nil {
		t.Errorf("%s: the ledger takes nothing any more: %v", bucket, err)
	}
	if report, err := l.Verify(); err == nil && len(report.Problems) == 0 {
		t.Errorf("%s: it verifies", bucket)
	}
}

// keyOffset is where in the file a key of a bucket is.
func keyOffset(t *testing.T, l *Ledger, bucket string, key []byte) (at int64) {
	t.Helper()
	must(t, l.db.View(func(tx *bolt.Tx) error {
		k, _ := tx.Bucket([]byte(bucket)).Cursor().Seek(key)
		if !bytes.Equal(k, key) {
			t.Fatalf("%s has no key %x", bucket, key)
		}
		at = int64(uintptr(unsafe.Pointer(&k[0])) - l.db.Info().Data) // a slice of the mapped file
		return nil
	}))
	return at
}
