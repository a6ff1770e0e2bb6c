package store

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

// boltFile makes a file through the store's own writer: batches of appended keys with values of the given sizes.
func boltFile(t testing.TB, sizes []int, batch int) (path string, want map[string][]byte) {
	t.Helper()
	path, want = filepath.Join(t.TempDir(), "x.db"), map[string][]byte{}
	w, err := openWriter(realDisk(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(sizes) || i == 0; i += batch {
		var puts []put
		for j := i; j < min(i+batch, len(sizes)); j++ {
			h := header{seq: uint64(j + 1), kind: kindChunk, stream: uint32(j % 3)}
			v := bytes.Repeat([]byte{byte(j)}, sizes[j])
			puts = append(puts, put{h.key(), v})
			want[string(h.key())] = v
		}
		state := fmt.Appendf(nil, "state %d", i)
		if _, _, _, err := w.update(puts, func(uint64) []byte { return state }); err != nil {
			t.Fatal(err)
		}
		want[string(stateKey())] = state
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return path, want
}

func readPages(t testing.TB, path string) (*pages, int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, _ := f.Stat()
	p, err := openPages(f, info.Size())
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
	err := p.walk(func(e element) error {
		v, err := p.value(e)
		got[string(e.key)] = v
		return err
	})
	if err != nil || !p.both {
		t.Fatalf("walk: %v", err)
	}
	found := map[string][]byte{}
	salvage(p, size, func(p *pages, e element) { found[string(e.key)], _ = p.value(e) })
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_ = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketName)).ForEach(func(k, v []byte) error {
			one, err := p.get(k)
			if err != nil || !bytes.Equal(one, v) || !bytes.Equal(got[string(k)], v) || !bytes.Equal(found[string(k)], v) ||
				!bytes.Equal(want[string(k)], v) {
				t.Fatalf("key %x: %v", k, err)
			}
			return nil
		})
	})
	if len(got) != len(want) || len(found) != len(want) {
		t.Fatalf("walk %d, salvage %d, want %d", len(got), len(found), len(want))
	}
	if _, err := p.get((&header{seq: 1 << 40}).key()); err != errNotFound {
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
			page := rapid.IntRange(0, len(b)/pageSize-1).Draw(t, "page")
			at := page*pageSize + rapid.OneOf(rapid.IntRange(0, 80), rapid.IntRange(0, pageSize-8)).Draw(t, "at")
			v := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, uint64(len(b)/pageSize))).Draw(t, "value")
			binary.NativeEndian.PutUint64(b[at:], v)
		}
		readEverything(b[:rapid.IntRange(0, len(b)).Draw(t, "cut")])
		readEverything(b)
	})
}

// readEverything visits all that can be visited in bytes that claim to be a file.
func readEverything(b []byte) {
	r := bytes.NewReader(b)
	p, err := openPages(r, int64(len(b)))
	if err != nil {
		p = &pages{f: r}
	} else {
		_ = p.walk(func(e element) error { _, err := p.value(e); return err })
		_, _ = p.get(stateKey())
		_, _ = p.free()
	}
	salvage(p, int64(len(b)), func(p *pages, e element) { _, _ = p.value(e) })
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
