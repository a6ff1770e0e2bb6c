package store

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// commitPages is a file before and after one commit, and the pages that differ.
type commitPages struct {
	name        string
	before, now []byte
	meta, data  []int // numbers of pages
}

// changedBy runs do, which commits to the newest file, and tells what it changed there.
func (h *house) changedBy(do func()) commitPages {
	h.t.Helper()
	files := h.bufferFiles()
	c := commitPages{name: filepath.Join("buffer", files[len(files)-1])}
	read := func() []byte {
		b, err := os.ReadFile(filepath.Join(h.dir, c.name))
		if err != nil {
			h.t.Fatal(err)
		}
		return b
	}
	c.before = read()
	do()
	c.now = read()
	for p := range len(c.now) / pageSize {
		at := p * pageSize
		same := at+pageSize <= len(c.before) && bytes.Equal(c.before[at:at+pageSize], c.now[at:at+pageSize])
		switch {
		case same || at >= len(c.before) && bytes.Equal(c.now[at:at+pageSize], make([]byte, pageSize)):
		case p < 2:
			c.meta = append(c.meta, p)
		default:
			c.data = append(c.data, p)
		}
	}
	return c
}

// torn is the file as a power cut leaves it when, of the pages the commit changed, those whose bit is set reached the disk.
func (c *commitPages) torn(pages []int, set uint64) []byte {
	b := bytes.Clone(c.before)
	if len(b) < len(c.now) { // the file had grown before
		b = append(b, make([]byte, len(c.now)-len(b))...)
	}
	for i, p := range pages {
		if set&(1<<i) != 0 {
			copy(b[p*pageSize:], c.now[p*pageSize:(p+1)*pageSize])
		}
	}
	return b
}

// subsets lists which of n pages reached the disk: every combination up to ten pages, else a thousand drawn from a seed, and always
// none and all.
func subsets(n int) (all []uint64) {
	if n <= 10 {
		for set := range uint64(1) << n {
			all = append(all, set)
		}
		return all
	}
	random := rand.New(rand.NewSource(int64(n)))
	all = append(all, 0, 1<<n-1)
	for range 1000 {
		all = append(all, random.Uint64()&(1<<n-1))
	}
	return all
}

// Every subset of the pages a commit changes, put together with the old and with the new meta page. With the old one the commit
// has not happened, whatever else reached the disk. With the new one, on a disk that says it has synced what it has not, it
// has happened wholly, or the damage is seen: nothing is handed out that was not stored, nothing twice, and what is missing is told.
func TestEverySubsetOfACommit(t *testing.T) {
	t.Parallel()
	commits := map[string]func(h *house, s *Store){
		"rows": func(h *house, s *Store) {
			h.take(s, numbered(1, 100, 200, 800))
			h.take(s, numbered(2, 100, 200, 400))
			h.flush(s)
		},
		"cut": func(h *house, s *Store) {
			if _, err := s.Cut(100, 3000, rooms(200)); err != nil {
				h.t.Fatal(err)
			}
		},
		"acknowledge": func(h *house, s *Store) {
			if err := s.Acknowledge(s.Outgoing(200)); err != nil {
				h.t.Fatal(err)
			}
		},
	}
	for name, do := range commits {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			s := h.open()
			h.take(s, numbered(1, 100, -1300, 1300))
			for i := range 10 {
				h.take(s, numbered(1, 100, i*20, 20))
				h.take(s, numbered(2, 100, i*20, 20))
				h.flush(s)
			}
			if _, err := s.Cut(200, 1000, rooms(60)); err != nil {
				t.Fatal(err)
			}
			was, keys := h.contents(s), h.copy()
			c := h.changedBy(func() { do(h, s) })
			now := h.contents(s)
			if len(c.meta) != 1 || len(c.data) == 0 || slices.Equal(was, now) {
				t.Fatalf("the commit changed pages %v and meta pages %v", c.data, c.meta)
			}
			sets := subsets(len(c.data))
			if testing.Short() {
				sets = sets[:min(len(sets), 32)]
			}
			for _, set := range sets {
				keys.t = t
				keys.checkTorn(&c, c.torn(c.data, set), was, was)
				full := set == 1<<len(c.data)-1
				torn := c.torn(append(slices.Clone(c.data), c.meta...), set|1<<len(c.data))
				if full {
					keys.checkTorn(&c, torn, now, now)
				} else {
					keys.checkTorn(&c, torn, was, now)
				}
			}
			t.Logf("%d pages and a meta page changed, %d files put together", len(c.data), 2*len(sets))
		})
	}
}

// contents is what a store would hand out, one text a row and an upload.
func (h *house) contents(s *Store) (out []string) {
	for _, id := range s.Streams() {
		for _, n := range h.peek(s, id) {
			out = append(out, fmt.Sprintf("%d row %d", id, n))
		}
		outgoing := s.Outgoing(id)
		for i, text := range h.loaded(s, outgoing) {
			out = append(out, fmt.Sprintf("%d upload %d %s", id, outgoing[i].Seq(), text))
		}
	}
	return out
}

// checkTorn opens a copy of the house with the file as given. Where was and now are the same it must hold just that; else it
// must be one of the two, or tell that something is damaged and hold nothing that neither has.
func (h *house) checkTorn(c *commitPages, file []byte, was, now []string) {
	h.t.Helper()
	x := h.copy()
	if len(file)/pageSize%2 == 0 != slices.Equal(was, now) {
		x.lookAside()
	}
	if err := os.WriteFile(filepath.Join(x.dir, c.name), file, 0o600); err != nil {
		h.t.Fatal(err)
	}
	s, err := Open(withDir(x.opt, x.dir))
	if err != nil {
		h.t.Fatalf("it does not open: %v", err)
	}
	defer func() { _ = s.Close() }()
	got, whole := x.readable(s)
	st := s.Status()
	switch {
	case slices.Equal(got, now) || slices.Equal(got, was):
		if slices.Equal(was, now) && (len(st.Gaps) > 0 || !whole) {
			h.t.Fatalf("nothing is missing and a gap is told: %v", st.Gaps)
		}
		return
	case slices.Equal(was, now):
		h.t.Fatalf("with the meta page of %d entries: %d are there", len(was), len(got))
	case len(st.Gaps) == 0 && whole && len(s.Uncertain()) == 0:
		h.t.Fatalf("neither before (%d) nor after (%d) but %d, and nobody is told", len(was), len(now), len(got))
	}
	seen := map[string]bool{}
	for _, e := range got {
		if seen[e] || !slices.Contains(was, e) && !slices.Contains(now, e) {
			h.t.Fatalf("%q is there twice, or was never stored", e)
		}
		seen[e] = true
	}
}

func withDir(o Options, dir string) Options {
	o.Dir = dir
	return o
}

// readable is contents, without what can't be read; false when there was such a thing.
func (h *house) readable(s *Store) (out []string, whole bool) {
	whole = true
	for _, id := range s.Streams() {
		for _, n := range h.peek(s, id) {
			out = append(out, fmt.Sprintf("%d row %d", id, n))
		}
		for _, o := range s.Outgoing(id) {
			full, err := s.Load(o)
			if err != nil {
				whole = false
				continue
			}
			out = append(out, fmt.Sprintf("%d upload %d %s", id, o.Seq(), full.Body()))
		}
	}
	return out, whole && s.damagedRead() == 0
}
