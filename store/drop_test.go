package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

// seeded is a store with rows committed, rows waiting, uploads and a mark, for grants 1 and 2.
func seeded(t *testing.T) (*house, *Store) {
	h := newHouse(t)
	s := h.open()
	for g := consent.GrantID(1); g <= 2; g++ {
		h.take(s, numbered(g, 100, 0, 30), Mark{g, "rec", 30})
	}
	h.flush(s)
	for _, id := range []uint32{100, 200} {
		if _, err := s.Cut(id, 30, rooms(10)); err != nil {
			t.Fatal(err)
		}
	}
	for g := consent.GrantID(1); g <= 2; g++ {
		h.take(s, numbered(g, 101, 30, 5), Mark{g, "rec", 35})
	}
	h.flush(s)
	for g := consent.GrantID(1); g <= 2; g++ {
		h.take(s, numbered(g, 101, 35, 5), Mark{g, "rec", 40})
	}
	return h, s
}

func TestDropGrant(t *testing.T) {
	h, s := seeded(t)
	out := s.Outgoing(100)
	if err := s.Park(out[2], "no"); err != nil {
		t.Fatal(err)
	}
	if err := s.DropGrant(1); err != nil {
		t.Fatal(err)
	}
	h.keys.destroy(1)
	check := func(s *Store) {
		t.Helper()
		equal(t, "streams", s.Streams(), []uint32{200})
		if len(s.Outgoing(100)) != 0 || s.Position(1, "rec") != 0 || len(s.Parked()) != 0 || s.Status().Parked != 0 {
			t.Error("something of the grant is left")
		}
		if _, err := s.Load(out[0]); !errors.Is(err, ErrGone) {
			t.Errorf("load: %v", err)
		}
		if _, err := s.Cut(100, 10, whole); !errors.Is(err, ErrGone) && !errors.Is(err, ErrUnknown) {
			t.Errorf("cut: %v", err)
		}
	}
	check(s)
	h.take(s, numbered(1, 101, 40, 5), Mark{1, "rec", 45}) // from a plan that is a moment old
	if st := s.Status(); st.WaitingRows != 5 || st.Dropped[droppedRevoked] != 5 {
		t.Errorf("%+v", st)
	}
	s.Advance(1, "rec", 50)
	h.flush(s)
	check(s)
	equal(t, "the other grant", h.peek(s, 200), count0(30, 10))
	s = h.after()
	check(s)
	if len(s.Outgoing(200)) != 3 || s.Position(2, "rec") != 40 {
		t.Error("the other grant lost something")
	}
}

// A withdrawal while rows are handed to encode: nothing comes out of the cut.
func TestDropGrantDuringCut(t *testing.T) {
	_, s := seeded(t)
	done := make(chan error)
	out, err := s.Cut(100, 100, func(l Lot) ([]Upload, []Row, error) {
		go func() { done <- s.DropGrant(1) }()
		for s.Status().BufferedRows != 5 { // until it has had effect in memory
		}
		return whole(l)
	})
	if !errors.Is(err, ErrGone) || len(out) != 0 {
		t.Errorf("%v, %v", out, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(s.Outgoing(100)) != 0 {
		t.Error("the cut left uploads behind")
	}
}

func TestKeysGone(t *testing.T) {
	h, s := seeded(t)
	out := s.Outgoing(100)
	h.keys.destroy(1) // while the store runs
	if _, err := s.Load(out[0]); !errors.Is(err, ErrGone) {
		t.Errorf("load: %v", err)
	}
	if got := len(s.Outgoing(100)); got != 2 {
		t.Errorf("%d uploads are offered", got)
	}
	if out, err := s.Cut(100, 100, rooms(100)); err != nil || len(out) != 0 {
		t.Errorf("cut: %v %v", out, err)
	}
	if st := s.Status(); st.Dropped[droppedKey] != 15 || st.State != StateOK || len(st.Gaps) != 2 {
		t.Errorf("%+v", st)
	}
	_ = s.Close()
	s = h.open() // and between two runs
	st := s.Status()
	equal(t, "streams", s.Streams(), []uint32{100, 200}) // 100 has what was waiting, under a new key
	if st.Dropped[droppedKey] != 20 || len(st.Gaps) != 1 || st.Gaps[0].What != droppedKey || len(s.Uncertain()) != 0 {
		t.Errorf("%+v", st)
	}
}

func TestExpire(t *testing.T) {
	h, s := seeded(t)
	h.flush(s)
	if err := s.Expire(1, 101); err != nil {
		t.Fatal(err)
	}
	if len(s.Outgoing(100)) != 0 || len(s.Outgoing(200)) != 3 {
		t.Error("uploads of the day before are kept, or too many are gone")
	}
	if err := s.Expire(2, 102); err != nil {
		t.Fatal(err)
	}
	s = h.after()
	equal(t, "streams", s.Streams(), []uint32{100})
	equal(t, "rows of the day", h.peek(s, 100), count0(30, 10))
}

func TestRestream(t *testing.T) {
	h, s := seeded(t)
	if err := s.Enroll(150, 1, 3); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]uint32{"itself": 100, "another grant's": 200} {
		if err := s.Restream(100, to); err == nil {
			t.Errorf("moved to %s", name)
		}
	}
	if err := s.Restream(999, 150); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown stream: %v", err)
	}
	if err := s.Restream(100, 150); err != nil {
		t.Fatal(err)
	}
	h.streams.renamed.Store(uint32(100), uint32(150))
	if err := s.Acknowledge(s.Outgoing(100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Retire(100); err != nil {
		t.Fatal(err)
	}
	h.take(s, numbered(1, 101, 40, 5))
	h.flush(s)
	check := func(s *Store) {
		t.Helper()
		equal(t, "streams", s.Streams(), []uint32{150, 200})
		equal(t, "rows", h.peek(s, 150), count0(30, 15))
	}
	check(s)
	check(h.after())
	if out, err := s.Cut(150, 8, rooms(7)); err != nil || len(out) != 1 || out[0].Seq() != 1 {
		t.Fatalf("%v %v", out, err)
	}
	equal(t, "left after a power cut", h.peek(h.after(), 150), count0(37, 8))
	if _, err := s.Cut(100, 8, whole); err == nil {
		t.Error("the old stream was cut")
	}
	s.io.Lock()
	if err := s.roll(); err != nil {
		t.Fatal(err)
	}
	s.io.Unlock()
	for {
		out, err := s.Cut(150, 100, rooms(1))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) == 0 {
			break
		}
	}
	for _, id := range s.Streams() {
		if err := s.Acknowledge(s.Outgoing(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropGrant(2); err != nil {
		t.Fatal(err)
	}
	if h.take(s, numbered(3, 100, 0, 1)); s.Flush() != nil || s.state.streams[100] != nil || s.state.streams[200] != nil {
		t.Error("streams that no file names are remembered")
	}
}

func TestRetiredStreamsAreForgotten(t *testing.T) {
	h, s := seeded(t)
	if err := s.Retire(100); err != nil {
		t.Fatal(err)
	}
	equal(t, "streams", s.Streams(), []uint32{200})
	s = h.after()
	equal(t, "streams after a power cut", s.Streams(), []uint32{200})
	if st := s.Status(); st.WaitingRows != 0 {
		t.Errorf("%+v", st)
	}
}

// Drained files give the disk its space back, and their keys are given up once their day is over.
func TestDrainedFilesAreDeleted(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	n := 0
	for s.Status().Bytes < 3<<20 {
		h.take(s, numbered(1, 100, n, 4000))
		n += 4000
		h.flush(s)
	}
	h.take(s, numbered(1, 101, n, 10))
	h.flush(s)
	if _, err := s.Cut(100, 1<<30, func(l Lot) ([]Upload, []Row, error) { return []Upload{{Bytes: []byte("x")}}, nil, nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Acknowledge(s.Outgoing(100)); err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); st.Bytes > 1<<17 || st.Segments != 1 || len(h.bufferFiles()) != 1 {
		t.Errorf("%d bytes in %d files are left", st.Bytes, st.Segments)
	}
	if fmt.Sprint(h.keys.discarded) != "map[{1 100}:1]" {
		t.Errorf("keys given up: %v", h.keys.discarded)
	}
	if info, err := os.Stat(filepath.Join(h.dir, "buffer", h.bufferFiles()[0])); err != nil || info.Size() > 1<<17 {
		t.Errorf("%v %v", info, err)
	}
	h.take(s, numbered(1, 101, 5, 1))
	h.flush(s)
	equal(t, "rows", h.peek(h.after(), 100), []int{5})
}
