package store

import (
	"crypto/cipher"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/candor-edge/candor/store/consent"
)

// gatedKeys answer Opener for the days before 101 only once the gate is open, as a look through files that takes long does.
type gatedKeys struct {
	*testKeys
	gate chan struct{}
}

func (k gatedKeys) Opener(grant consent.GrantID, day int64) (cipher.AEAD, bool) {
	if day < 101 {
		<-k.gate
	}
	return k.testKeys.Opener(grant, day)
}

// backlogHouse has files of about 64 KB with rows 0 to n-1 of grants 1 and 2 each on day 100, nothing in the newest one, and is closed.
func backlogHouse(t *testing.T, n int) *house {
	t.Helper()
	h := newHouse(t)
	h.opt.SegmentSize = 64 << 10
	s := h.openUnread()
	for first := 0; first < n; first += 500 {
		h.take(s, numbered(1, 100, first, 500))
		h.take(s, numbered(2, 100, first, 500))
		h.flush(s)
	}
	s.io.Lock()
	err := s.roll()
	s.io.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); st.Segments < 3 || st.Unread != 0 {
		t.Fatalf("%d files, %d unread", st.Segments, st.Unread)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.lookAside()
	return h
}

// While the files are looked through rows are taken and committed, and a grant is dropped, without waiting for it. What depends on
// all that lies there waits, and is exact then.
func TestWorkBesideTheLook(t *testing.T) {
	h := backlogHouse(t, 10_000)
	keys := gatedKeys{h.keys, make(chan struct{})}
	h.opt.Keys = keys
	s := h.openUnread()
	files := len(h.bufferFiles())
	if st := s.Status(); st.Unread == 0 || st.Segments != files || st.Bytes < int64(files-1)*64<<10 {
		t.Fatalf("%d of %d files unread, %d bytes", st.Unread, st.Segments, st.Bytes)
	}
	h.take(s, numbered(1, 101, 10_000, 20))
	h.flush(s)
	h.keys.destroy(2)
	if err := s.DropGrant(2); err != nil {
		t.Fatal(err)
	}
	streams := make(chan []uint32)
	go func() { streams <- s.Streams() }()
	select {
	case got := <-streams:
		t.Fatalf("streams %v before the files were looked through", got)
	case <-time.After(50 * time.Millisecond):
	}
	close(keys.gate)
	equal(t, "streams", <-streams, []uint32{100})
	equal(t, "rows", h.peek(s, 100), count0(0, 10_020))
	st := s.Status()
	if st.Unread != 0 || len(st.Gaps) != 0 || len(st.Dropped) != 0 || st.BufferedRows != 10_020 {
		t.Errorf("%+v", st)
	}
	x := h.after()
	equal(t, "rows after a power cut", h.peek(x, 100), count0(0, 10_020))
	equal(t, "streams after a power cut", x.Streams(), []uint32{100})
}

// A buffer that is closed before it was looked through is none the worse for it.
func TestCloseBeforeTheLook(t *testing.T) {
	h := backlogHouse(t, 5_000)
	for i := range 20 {
		s := h.openUnread()
		h.take(s, numbered(1, 101, 5_000+i, 1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := h.openUnread()
	equal(t, "rows", h.peek(s, 100), count0(0, 5_020))
	equal(t, "rows of the other", h.peek(s, 200), count0(0, 5_000))
	if st := s.Status(); len(st.Gaps) != 0 || st.Unclean {
		t.Errorf("%+v", st)
	}
}

// A quota that is reached before the files were looked through costs the oldest rows, which are counted exactly.
func TestQuotaBesideTheLook(t *testing.T) {
	h := backlogHouse(t, 10_000)
	s := h.openUnread()
	s.Await()
	h.opt.MaxSize = max(s.Status().Bytes*3/4, 8*64<<10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.opt.SegmentSize = 0
	s = h.openUnread()
	h.take(s, numbered(1, 101, 10_000, 10))
	h.flush(s)
	one, two := h.peek(s, 100), h.peek(s, 200)
	equal(t, "rows", one, count0(10_010-len(one), len(one)))
	equal(t, "rows of the other", two, count0(10_000-len(two), len(two)))
	lost := uint64(20_010 - len(one) - len(two))
	rows := uint64(0)
	for _, g := range s.Status().Gaps {
		rows += g.Rows
	}
	if lost == 0 || rows != lost || s.Status().Dropped[droppedFull] != lost {
		t.Errorf("%d rows are gone, gaps of %d, dropped %v", lost, rows, s.Status().Dropped)
	}
}

// Damage in the current file where bbolt does not look is found by the look, told exactly, and costs no stream its numbering.
func TestDamageFoundBesideTheLook(t *testing.T) {
	h := newHouse(t)
	s := h.openUnread()
	for i := range 40 {
		h.take(s, numbered(1, 100, i*100, 100))
		h.flush(s)
	}
	page := s.livePages(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, "buffer", "00000001.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[page*pageSize : (page+1)*pageSize])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	h.lookAside()
	s = h.openUnread()
	h.take(s, numbered(1, 100, 4000, 100))
	h.flush(s)
	got := h.peek(s, 100)
	st := s.Status()
	if len(got) >= 4100 || len(got) < 2000 || !slices.IsSorted(got) || got[len(got)-1] != 4099 {
		t.Fatalf("%d rows", len(got))
	}
	if len(st.Gaps) != 1 || len(s.Uncertain()) != 0 || s.Quarantined() != 1 {
		t.Errorf("gaps %v, uncertain %v, %d in quarantine", st.Gaps, s.Uncertain(), s.Quarantined())
	}
	h.goesOn(s, got)
}
