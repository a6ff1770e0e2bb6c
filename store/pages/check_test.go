package pages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// manyBuckets makes a file as the ledger is: buckets with many small values, with a few long ones, with little, and with nothing, after some
// were deleted again.
func manyBuckets(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db := openBolt(t, path, &bolt.Options{PageSize: Size, Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoSync: true})
	for round := range 12 {
		err := db.Update(func(tx *bolt.Tx) error {
			for name, each := range map[string]struct{ n, size int }{"many": {150, 40}, "long": {2, 9000}, "few": {round % 2, 30}, "none": {}} {
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				for i := range each.n {
					if err := b.Put(key(round*1000+i), bytes.Repeat([]byte{byte(i)}, each.size)); err != nil {
						return err
					}
				}
				if round%3 == 2 {
					for i := range each.n / 2 {
						if err := b.Delete(key(round*1000 + i)); err != nil {
							return err
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// use has bbolt read all there is in a file, and write into each bucket. It returns how many bytes the file has then.
func use(path string) (size int64, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
		if info, e := os.Stat(path); e == nil {
			size = info.Size()
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: Size, Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoSync: true})
	if err != nil {
		return 0, err
	}
	read := func(b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if len(v) > 1<<20 {
				return fmt.Errorf("a value of %d bytes", len(v))
			}
			return nil
		})
	}
	if err := db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return read(b) })
	}); err != nil {
		return 0, err
	}
	for i := range 3 {
		err := db.Update(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
				_ = b.Delete(key(i * 1007))
				return b.Put(key(20000+i), make([]byte, 500))
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return 0, db.Close()
}

var errPanic = errors.New("bbolt panics")

// Whatever became of a file: with one that passed the check bbolt comes to an end, takes no memory for what is not there, and lets it grow no
// more than any. It may still panic over keys out of their order.
func TestBboltCanBeTrustedWithWhatPassed(t *testing.T) {
	good := manyBuckets(t)
	used, err := Open(bytes.NewReader(good), int64(len(good)), Form{})
	if err != nil {
		t.Fatal(err)
	}
	pages := int(used.Pages())
	passed, refused, panicked := 0, 0, 0
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		for range rapid.IntRange(1, 3).Draw(t, "wounds") {
			page := rapid.IntRange(2, pages-1).Draw(t, "page")
			at := page*Size + rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, Size-8)).Draw(t, "at")
			if rapid.Bool().Draw(t, "a bit") {
				b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "which")
			} else {
				v := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, uint64(pages))).Draw(t, "value")
				binary.NativeEndian.PutUint64(b[at&^7:], v)
			}
		}
		if _, err := Check(bytes.NewReader(b), int64(len(b))); err != nil {
			refused++
			return
		}
		passed++
		path := filepath.Join(dir, fmt.Sprint(passed))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		size, err := use(path)
		if err != nil && !errors.Is(err, errPanic) {
			t.Fatal(err)
		}
		if err != nil {
			panicked++
		}
		if size > 4*int64(len(good)) { // bbolt makes a file twice as long when it needs a page
			t.Fatalf("the file has %d bytes, it had %d", size, len(good))
		}
		_ = os.Remove(path)
	})
	t.Logf("%d files passed, %d were refused, over %d bbolt panicked", passed, refused, panicked)
	if !t.Failed() && (passed < 5 || refused < 5) {
		t.Errorf("%d files passed, %d were refused: one of them was not tried", passed, refused)
	}
}
