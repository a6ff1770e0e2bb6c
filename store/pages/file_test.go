package pages

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// form is that of the files here: one bucket, keys of 13 bytes, the last of which is all ones.
func form() Form { return Form{Bucket: "r", Key: 13, Value: 1 << 20, Head: 34} }

func key(n int) []byte { return binary.BigEndian.AppendUint64([]byte("chunk"), uint64(n)) }

func last() []byte { return bytes.Repeat([]byte{0xff}, 13) }

// boltFile makes a file with bbolt, as an object's buffer is made: batches of appended keys with values of the given sizes, and the
// last key anew with each.
func boltFile(t testing.TB, sizes []int, batch int) (path string, want map[string][]byte) {
	t.Helper()
	path, want = filepath.Join(t.TempDir(), "x.db"), map[string][]byte{}
	db := openBolt(t, path, &bolt.Options{PageSize: Size, Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoSync: true})
	for i := 0; i < len(sizes) || i == 0; i += batch {
		err := db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("r"))
			if err != nil {
				return err
			}
			b.FillPercent = 1
			for j := i; j < min(i+batch, len(sizes)); j++ {
				want[string(key(j))] = bytes.Repeat([]byte{byte(j)}, sizes[j])
				if err := b.Put(key(j), want[string(key(j))]); err != nil {
					return err
				}
			}
			want[string(last())] = fmt.Appendf(nil, "state %d", i)
			return b.Put(last(), want[string(last())])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, want
}

func openBolt(t testing.TB, path string, o *bolt.Options) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func readPages(t testing.TB, path string) (*File, int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, _ := f.Stat()
	p, err := Open(f, info.Size(), form())
	if err != nil {
		t.Fatal(err)
	}
	return p, info.Size()
}

// What we read of bbolt's files is what bbolt reads, for trees of every height and values of every size.
func TestPagesReadAsBboltDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 300), rapid.IntRange(3000, 20000)), 0, 80).Draw(rt, "sizes")
		path, want := boltFile(t, sizes, rapid.IntRange(1, 20).Draw(rt, "batch"))
		comparePages(t, path, want)
	})
	many := make([]int, 9000) // three levels
	for i := range many {
		many[i] = 100
	}
	path, want := boltFile(t, many, 3000)
	comparePages(t, path, want)
}

func comparePages(t *testing.T, path string, want map[string][]byte) {
	t.Helper()
	p, size := readPages(t, path)
	got := map[string][]byte{}
	err := p.Walk(func(e Element) error {
		v, err := p.Value(e)
		got[string(e.Key)] = v
		return err
	})
	if err != nil || !p.both {
		t.Fatalf("walk: %v", err)
	}
	found := map[string][]byte{}
	p.Salvage(size, false, func(p *File, e Element) { found[string(e.Key)], _ = p.Value(e) })
	db := openBolt(t, path, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	defer func() { _ = db.Close() }()
	_ = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("r")).ForEach(func(k, v []byte) error {
			one, err := p.Get(k)
			if err != nil || !bytes.Equal(one, v) || !bytes.Equal(got[string(k)], v) || !bytes.Equal(found[string(k)], v) ||
				!bytes.Equal(want[string(k)], v) {
				t.Fatalf("key %x: %v", k, err)
			}
			return nil
		})
	})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if tx, err := Check(f, size); err != nil || tx != p.Transaction() {
		t.Fatalf("check: transaction %d of %d, %v", tx, p.Transaction(), err)
	}
	if len(got) != len(want) || len(found) != len(want) {
		t.Fatalf("walk %d, salvage %d, want %d", len(got), len(found), len(want))
	}
	if _, err := p.Get(key(1 << 40)); err != ErrNotFound {
		t.Fatalf("a key that is not there: %v", err)
	}
}

// No page of our making may lead the reader out of bounds, into a circle or into a panic.
func TestPagesStandAnyBytes(t *testing.T) {
	many := make([]int, 300)
	for i := range many {
		many[i] = 60 + i%7*900
	}
	path, _ := boltFile(t, many, 50)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		for range rapid.IntRange(1, 8).Draw(t, "wounds") {
			page := rapid.IntRange(0, len(b)/Size-1).Draw(t, "page")
			at := page*Size + rapid.OneOf(rapid.IntRange(0, 80), rapid.IntRange(0, Size-8)).Draw(t, "at")
			v := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, uint64(len(b)/Size))).Draw(t, "value")
			binary.NativeEndian.PutUint64(b[at:], v)
		}
		readEverything(b[:rapid.IntRange(0, len(b)).Draw(t, "cut")])
		readEverything(b)
	})
}

// readEverything visits all that can be visited in bytes that claim to be a file.
func readEverything(b []byte) {
	r := bytes.NewReader(b)
	p, err := Open(r, int64(len(b)), form())
	if err == nil {
		_ = p.Walk(func(e Element) error { _, err := p.Value(e); return err })
		_, _ = p.Get(last())
		_, _ = p.free()
	}
	p.Salvage(int64(len(b)), false, func(p *File, e Element) { _, _ = p.Value(e) })
	_, _ = Check(r, int64(len(b)))
	_ = CheckTrees(r, p.meta.root, uint64(len(b))/Size)
}

func FuzzPages(f *testing.F) {
	path, _ := boltFile(f, []int{10, 5000, 30}, 2)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { readEverything(b) })
}
