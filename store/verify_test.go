package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Verify counts what is alive, finds a record that does not authenticate any more and one whose key is gone, and changes nothing.
func TestVerify(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 6 {
		h.take(s, numbered(1, 100+int64(i/3), i*20, 20))
		h.flush(s)
	}
	if _, err := s.Cut(100, 40, rooms(15)); err != nil {
		t.Fatal(err)
	}
	found := verified(t, s)
	if c := found[0]; c.Rows != 120 || c.Damaged+c.KeyGone != 0 || c.Fault != "" {
		t.Fatalf("a whole file: %+v", c)
	}
	whole := found[0].Records

	h.keys.mu.Lock()
	delete(h.keys.keys, dayKey{1, 101}) // rows 60 to 119
	h.keys.mu.Unlock()
	name := filepath.Join(h.dir, "buffer", found[0].File)
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := lastRecordOf(t, s, 100)
	damaged := bytes.Clone(old)
	i := bytes.Index(damaged, at)
	if i < 0 {
		t.Fatal("the record is not in the file")
	}
	damaged[i+len(at)-1] ^= 1
	if err := os.WriteFile(name, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	found = verified(t, s)
	if c := found[0]; c.Damaged != 1 || c.KeyGone == 0 || c.Records+c.Damaged+c.KeyGone != whole || c.Fault != "" {
		t.Errorf("after a flipped bit and a destroyed key: %+v of %d records", c, whole)
	}
	if now, _ := os.ReadFile(name); !bytes.Equal(now, damaged) {
		t.Error("looking changed the file")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// verified is what Verify finds in a buffer of one file.
func verified(t *testing.T, s *Store) (found []SegmentCheck) {
	t.Helper()
	err := s.Verify(t.Context(), func(c SegmentCheck, of int) error {
		if found = append(found, c); of != 1 {
			t.Errorf("one of %d files", of)
		}
		return nil
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	return found
}

// lastRecordOf is the stored bytes of the oldest upload of a stream, whose key is of day 100.
func lastRecordOf(t *testing.T, s *Store, stream uint32) []byte {
	t.Helper()
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	o := s.index[stream].outs[0]
	s.mu.Unlock()
	r := s.openSegment(uint64(o.segment))
	if r == nil {
		t.Fatal("no file")
	}
	defer r.close()
	h := header{kind: kindOutgoing, stream: stream, seq: o.seq}
	v, err := r.Get(h.key())
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(v)
}

// Each sees every committed row once, in order, and leaves them where they are.
func TestEach(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 40 {
		h.take(s, numbered(1, 100, i*100, 100))
		h.flush(s)
	}
	before := h.peek(s, 100)
	var got []int
	visits := 0
	if err := s.Each(100, func(rows []Row) error {
		visits++
		for i := range rows {
			got = append(got, int(rows[i].Cells[0].Num))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, before) || visits < 2 {
		t.Errorf("%d rows in %d visits, want %d", len(got), visits, len(before))
	}
	stop := errors.New("enough")
	if err := s.Each(100, func([]Row) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a visit that fails: %v", err)
	}
	if err := s.Each(77, func([]Row) error { return stop }); err != nil {
		t.Errorf("a stream without rows: %v", err)
	}
	if after := h.peek(s, 100); !slices.Equal(after, before) {
		t.Error("looking changed the buffer")
	}
}
