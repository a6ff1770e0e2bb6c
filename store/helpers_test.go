package store

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/candor-edge/candor/store/consent"
)

// testKeys is a keyring in memory. It outlives the stores of a test, as the real one outlives a power cut.
type testKeys struct {
	mu        sync.Mutex
	rand      io.Reader
	keys      map[dayKey]cipher.AEAD
	discarded map[dayKey]int
	fail      error
}

func newKeys() *testKeys {
	return &testKeys{rand: rand.NewChaCha8([32]byte{1}), keys: map[dayKey]cipher.AEAD{}, discarded: map[dayKey]int{}}
}

func (k *testKeys) Sealer(grant consent.GrantID, day int64) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return nil, k.fail
	}
	id := dayKey{grant, int32(day)}
	if k.keys[id] == nil {
		var key [32]byte
		_, _ = k.rand.Read(key[:])
		k.keys[id], _ = chacha20poly1305.New(key[:])
	}
	return k.keys[id], nil
}

func (k *testKeys) Opener(grant consent.GrantID, day int64) (cipher.AEAD, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, ok := k.keys[dayKey{grant, int32(day)}]
	return a, ok
}

func (k *testKeys) Discard(grant consent.GrantID, day int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.discarded[dayKey{grant, int32(day)}]++
	delete(k.keys, dayKey{grant, int32(day)})
	return nil
}

// destroy forgets all keys of a grant, as a withdrawal does.
func (k *testKeys) destroy(grant consent.GrantID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.keys {
		if id.grant == grant {
			delete(k.keys, id)
		}
	}
}

// testStreams numbers streams as grant*100 + epoch, unless told otherwise.
type testStreams struct{ renamed sync.Map }

func (t *testStreams) Stream(p *consent.Purpose, epoch uint64) (uint32, error) {
	if p.Grant.ID == 66 {
		return 0, errors.New("no stream for this one")
	}
	id := uint32(p.Grant.ID)*100 + uint32(epoch)
	if to, ok := t.renamed.Load(id); ok {
		return to.(uint32), nil
	}
	return id, nil
}

func purposeOf(grant consent.GrantID) *consent.Purpose {
	return &consent.Purpose{ID: fmt.Sprintf("p%d", grant), Grant: consent.Grant{ID: grant}, Digest: consent.Digest{byte(grant)}}
}

// house is a state directory and what lives outside it.
type house struct {
	t       testing.TB
	dir     string
	keys    *testKeys
	streams *testStreams
	opt     Options
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), keys: newKeys(), streams: &testStreams{}}
	h.opt = Options{Dir: h.dir, Keys: h.keys, Streams: h.streams, Rand: rand.NewChaCha8([32]byte{2}),
		Free: func(string) (int64, error) { return math.MaxInt64, nil }}
	return h
}

// open opens the store of the house and closes it at the end of the test.
func (h *house) open() *Store {
	h.t.Helper()
	s := h.openUnread()
	s.Await()
	return s
}

// openUnread leaves the looking through to go on beside the test.
func (h *house) openUnread() *Store {
	h.t.Helper()
	h.opt.Dir = h.dir
	s, err := Open(h.opt)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

// copy is the house as it is now, keys and all, with a life of its own.
func (h *house) copy() *house {
	h.t.Helper()
	c := *h
	c.dir = filepath.Join(h.t.TempDir(), "copy")
	copyTree(h.t, h.dir, c.dir)
	h.keys.mu.Lock()
	defer h.keys.mu.Unlock()
	c.keys = &testKeys{rand: h.keys.rand, keys: maps.Clone(h.keys.keys), discarded: map[dayKey]int{}}
	c.opt.Keys = c.keys
	return &c
}

// after opens a copy: what a fresh agent finds after a power cut.
func (h *house) after() *Store {
	h.t.Helper()
	return h.copy().open()
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numbered makes n rows of a grant whose first cell counts from first.
func numbered(grant consent.GrantID, day int64, first, n int) []incoming {
	in := make([]incoming, n)
	p := purposeOf(grant)
	for i := range in {
		v := int64(first + i)
		in[i] = incoming{purpose: p, day: day, row: Row{Time: 1000 + v*10, Coverage: -1, Cells: []consent.Cell{
			{Num: v, Set: true}, {Num: 21_000 + v%17, Set: true}, {Num: 101_325 - v%5, Set: true}, {}, {Num: 45_00 + v%23, Set: true}}}}
	}
	return in
}

func (h *house) take(s *Store, in []incoming, at ...Mark) {
	h.t.Helper()
	if err := s.take(in, at); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) flush(s *Store) {
	h.t.Helper()
	if err := s.Flush(); err != nil {
		h.t.Fatal(err)
	}
}

// firsts lists the first cells of rows: the numbers that numbered gave them.
func firsts(rows []Row) []int {
	out := []int{}
	for _, r := range rows {
		out = append(out, int(r.Cells[0].Num))
	}
	return out
}

// peek lists all that a stream has buffered.
func (h *house) peek(s *Store, stream uint32) (got []int) {
	h.t.Helper()
	if err := s.Peek(stream, math.MaxInt, func(rows []Row) error { got = firsts(rows); return nil }); err != nil {
		h.t.Fatal(err)
	}
	return got
}

// count0 lists first, first+1, …
func count0(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}

// rooms makes uploads of exactly room rows, telling the numbers of the rows, and carries the rest.
func rooms(room int) Encode {
	return func(l Lot) (ups []Upload, carry []Row, err error) {
		rows := l.Rows
		for len(rows) >= room {
			ups = append(ups, Upload{Bytes: fmt.Append(nil, firsts(rows[:room])), Rows: room, ColumnBytes: 3, Fields: []string{"hall.temperature"}})
			rows = rows[room:]
		}
		return ups, rows, nil
	}
}

// whole makes one upload of everything.
func whole(l Lot) ([]Upload, []Row, error) {
	return []Upload{{Bytes: fmt.Append(nil, firsts(l.Rows)), Rows: len(l.Rows)}}, nil, nil
}

// loaded gives the text of uploads.
func (h *house) loaded(s *Store, out []Outgoing) (texts []string) {
	h.t.Helper()
	for _, o := range out {
		full, err := s.Load(o)
		if err != nil {
			h.t.Fatalf("load %v: %v", o, err)
		}
		texts = append(texts, string(full.Body()))
	}
	return texts
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = got[i] == want[i]
	}
	if !same {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// destroyDay destroys one key.
func (k *testKeys) destroyDay(grant consent.GrantID, day int64) { _ = k.Discard(grant, day) }
