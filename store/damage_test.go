package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/candor-edge/candor/store/pages"
)

// woundedHouse has three small files with rows of two streams, uploads, and dead records. It returns the rows that are
// buffered in stream 100 and the uploads of stream 200.
func woundedHouse(t *testing.T) (h *house, rows []int, uploads []string) {
	t.Helper()
	h = newHouse(t)
	s := h.open()
	for i := range 12 {
		h.take(s, numbered(1, 100+int64(i/4), i*20, 20))
		h.take(s, numbered(2, 100+int64(i/4), i*20, 20))
		h.flush(s)
		if i == 2 {
			if _, err := s.Cut(100, 30, whole); err != nil { // rows 0 to 39 go, and are acknowledged
				t.Fatal(err)
			}
			if err := s.Acknowledge(s.Outgoing(100)); err != nil {
				t.Fatal(err)
			}
		}
		if i == 4 || i == 9 {
			if _, err := s.Cut(200, 1000, rooms(15)); err != nil {
				t.Fatal(err)
			}
			s.io.Lock()
			if err := s.roll(); err != nil {
				t.Fatal(err)
			}
			s.io.Unlock()
		}
	}
	rows = h.peek(s, 100)
	uploads = h.loaded(s, s.Outgoing(200))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows, count0(40, 200)) || len(uploads) != 13 || s.Status().Segments != 3 {
		t.Fatalf("%d rows, %d uploads, %d files", len(rows), len(uploads), s.Status().Segments)
	}
	return h, rows, uploads
}

// lookAside makes the stores of the house look through their files beside other work, however small they are.
func (h *house) lookAside() {
	h.opt.disk = realDisk()
	h.opt.disk.lookedAtOpen, h.opt.disk.lookGrace = -1, -1
}

// wound is one thing that happens to a file.
type wound struct {
	name string
	do   func(b []byte) []byte
}

func wounds(size int) (all []wound) {
	for p := 0; p < size/pageSize; p++ {
		at := p * pageSize
		all = append(all,
			wound{fmt.Sprintf("zeroed page %d", p), func(b []byte) []byte { clear(b[at : at+pageSize]); return b }},
			wound{fmt.Sprintf("cut at page %d", p), func(b []byte) []byte { return b[:at] }},
			wound{fmt.Sprintf("garbage in page %d", p), func(b []byte) []byte {
				for i := range pageSize {
					b[at+i] = byte(i*7 + p)
				}
				return b
			}})
		for i, off := range []int{0, 8, 10, 12, 17, 24, 33, 56, 90, 700, 2000, 3900} {
			if (i+p)%2 == 0 {
				continue
			}
			all = append(all, wound{fmt.Sprintf("bit %d of page %d", off*8+p%8, p), func(b []byte) []byte { b[at+off] ^= 1 << (p % 8); return b }})
		}
	}
	return append(all,
		wound{"both metas zeroed", func(b []byte) []byte { clear(b[:2*pageSize]); return b }},
		wound{"empty", func([]byte) []byte { return nil }},
		wound{"text", func([]byte) []byte { return []byte("not a buffer at all") }},
		wound{"garbage", func(b []byte) []byte {
			for i := range b {
				b[i] = byte(i*i>>3 + i)
			}
			return b
		}})
}

// Whatever happens to one file: the store opens, keeps the other files whole, hands out nothing that was not stored and
// nothing twice, takes new rows, and where something is missing there is a gap.
func TestDamageTable(t *testing.T) {
	h, rows, uploads := woundedHouse(t)
	for file := 1; file <= 3; file++ {
		name := filepath.Join("buffer", fmt.Sprintf("%08d.db", file))
		good, err := os.ReadFile(filepath.Join(h.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		all := wounds(len(good))
		for i, w := range all {
			if testing.Short() && i%7 != 0 {
				continue
			}
			c := h.copy()
			if (i+file)%2 == 0 {
				c.lookAside()
			}
			if err := os.WriteFile(filepath.Join(c.dir, name), w.do(bytes.Clone(good)), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("file %d, %s", file, w.name), func(t *testing.T) {
				c.t = t
				kept += c.checkWounded(rows, uploads, file == 3)
			})
		}
		t.Logf("file %d: %d of %d rows kept over %d wounds", file, kept, len(all)*len(rows), len(all))
	}
}

func (h *house) checkWounded(rows []int, uploads []string, newest bool) (kept int) {
	t := h.t
	s := h.open()
	got := []int{}
	for _, id := range s.Streams() {
		if id == 100 {
			got = h.peek(s, 100)
		}
	}
	kept = len(got)
	for i, n := range got {
		if _, ok := slices.BinarySearch(rows, n); !ok && !newest {
			t.Fatalf("row %d was not there", n)
		}
		if i > 0 && got[i-1] >= n {
			t.Fatalf("row %d comes after %d", n, got[i-1])
		}
	}
	var found []string
	for _, o := range s.Outgoing(200) {
		full, err := s.Load(o)
		if err != nil {
			continue
		}
		found = append(found, string(full.Body()))
		if !slices.Contains(uploads, string(full.Body())) {
			t.Fatalf("an upload that was not there: %s", full.Body())
		}
	}
	lost := len(got) < len(rows) || len(found) < len(uploads)
	if st := s.Status(); lost && len(st.Gaps) == 0 && s.damagedRead() == 0 {
		t.Errorf("rows %d of %d, uploads %d of %d, and no gap", len(got), len(rows), len(found), len(uploads))
	}
	for i, id := range s.Uncertain() {
		if _, err := s.Cut(id, 10, whole); err == nil {
			t.Errorf("a stream of lost numbering was cut")
		}
		if err := s.Restream(id, id+1000); err != nil {
			t.Fatal(i, err)
		}
		h.streams.renamed.Store(id, id+1000)
	}
	defer h.streams.renamed.Clear()
	h.goesOn(s, got)
	return kept
}

// damagedRead reads everything and says how many rows did not authenticate.
func (s *Store) damagedRead() (n uint64) {
	s.io.Lock()
	defer s.io.Unlock()
	for _, id := range s.Streams() {
		n += s.read(s.choose(id, 1<<30)).damaged
	}
	return n
}

// goesOn makes sure that a store works: new rows come behind the old ones, and all of them can be cut and kept.
func (h *house) goesOn(s *Store, old []int) {
	h.t.Helper()
	h.take(s, numbered(1, 105, 5000, 3))
	h.flush(s)
	stream, _ := h.streams.Stream(purposeOf(1), 0)
	want := fmt.Sprint(append(slices.Clone(old), 5000, 5001, 5002))
	out, err := s.Cut(stream, 1<<30, whole)
	if err != nil || len(out) != 1 || string(out[0].Body()) != want {
		h.t.Fatalf("cut after damage: %v\n%s\n%s", err, out[0].Body(), want)
	}
	s2 := h.after()
	if got := h.loaded(s2, s2.Outgoing(stream)); got[len(got)-1] != want {
		h.t.Fatalf("after a power cut: %s", got)
	}
	if len(s2.Uncertain()) != 0 {
		h.t.Errorf("still uncertain: %v", s2.Uncertain())
	}
}

// A record that fails to authenticate is left out and told, whether it is found at open or later.
func TestDamageWhileRunning(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 6 {
		h.take(s, numbered(1, 100, i*100, 100))
		h.flush(s)
	}
	path := filepath.Join(h.dir, "buffer", "00000001.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	live := s.livePages(t)
	clear(b[live*pageSize : (live+1)*pageSize])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var lot Lot
	out, err := s.Cut(100, 1<<20, func(l Lot) ([]Upload, []Row, error) { lot = l; return whole(l) })
	if err != nil || len(out) != 1 {
		t.Fatalf("cut: %v", err)
	}
	if len(lot.Losses) != 1 || lot.Losses[0].Reason != Damaged || lot.Losses[0].Rows+uint64(len(lot.Rows)) != 600 {
		t.Errorf("losses %v and %d rows of 600", lot.Losses, len(lot.Rows))
	}
	if len(s.Status().Gaps) == 0 || len(s.Losses(100)) != 0 {
		t.Errorf("gaps %v, losses %v", s.Status().Gaps, s.Losses(100))
	}
	h.goesOn(s, nil)
	if q := s.quarantined(); len(q) != 1 {
		t.Errorf("%d files in quarantine", len(q))
	}
}

// A branch of the file in use, or all of its pages, rot under bbolt: it never follows them, nothing that was taken is lost without being told,
// and the store goes on in a new file with the next flush.
func TestTheFileInUseRots(t *testing.T) {
	for name, wound := range map[string]func(page []byte, id uint64){
		"a branch that leads to itself": func(page []byte, id uint64) {
			for i := 0; page[8] == 1 && i < int(binary.NativeEndian.Uint16(page[10:])); i++ {
				binary.NativeEndian.PutUint64(page[16+16*i+8:], id)
			}
		},
		"all zeros": func(page []byte, _ uint64) { clear(page) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			s := h.open()
			for i := range 150 {
				h.take(s, numbered(1, 100, i*4, 4))
				h.flush(s)
			}
			path := s.path(s.current.id)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			was := bytes.Clone(b)
			for id := uint64(2); id < uint64(len(b)/pageSize); id++ {
				wound(b[id*pageSize:(id+1)*pageSize], id)
			}
			if bytes.Equal(b, was) {
				t.Fatal("nothing was changed")
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(b, 0); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			h.take(s, numbered(1, 100, 600, 4))
			h.flush(s)
			if s.path(s.current.id) == path {
				t.Error("it goes on in the file that rotted")
			}
			got, lost := h.peek(s, 100), uint64(0)
			for _, l := range s.Losses(100) {
				lost += l.Rows
			}
			for _, g := range s.Status().Gaps {
				lost += g.Rows
			}
			if uint64(len(got))+lost < 604 || len(got) < 4 || got[len(got)-1] != 603 {
				t.Errorf("%d rows are there and %d are said to be lost, of 604", len(got), lost)
			}
		})
	}
}

// livePages finds a leaf page of the current file.
func (s *Store) livePages(t *testing.T) int64 {
	r, err := s.openReader(s.path(s.current.id))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var at []int64
	if err := r.Walk(func(e pages.Element) error { at = append(at, e.At/pageSize); return nil }); err != nil {
		t.Fatal(err)
	}
	return at[0]
}
