package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// badDisk is a disk that fails when told to.
type badDisk struct{ before, after, open atomic.Pointer[error] }

func (b *badDisk) disk() disk {
	d := realDisk()
	d.before = func() error { return get(&b.before) }
	d.after = func() error { return get(&b.after) }
	d.open = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		if err := get(&b.open); err == syscall.EIO || err != nil && flag&(os.O_RDWR|os.O_WRONLY) != 0 {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return os.OpenFile(name, flag, perm)
	}
	return d
}

func get(p *atomic.Pointer[error]) error {
	if e := p.Load(); e != nil {
		return *e
	}
	return nil
}

func set(p *atomic.Pointer[error], err error) {
	if err == nil {
		p.Store(nil)
		return
	}
	p.Store(&err)
}

func badHouse(t *testing.T) (*house, *badDisk) {
	h, b := newHouse(t), &badDisk{}
	h.opt.disk = b.disk()
	return h, b
}

func TestFullDiskKeepsRowsThenDropsTheOldest(t *testing.T) {
	h, bad := badHouse(t)
	h.opt.FlushRows = 10
	s := h.open()
	set(&bad.before, syscall.ENOSPC)
	for i := range 10 {
		h.take(s, numbered(1, 100, i*10, 10), Mark{1, "rec", uint64(i*10 + 10)})
	}
	if err := s.Flush(); err == nil {
		t.Fatal("a full disk took rows")
	}
	st := s.Status()
	if st.State != StateFull || st.Detail == "" || st.WaitingRows != 40 || st.Dropped[droppedFull] != 60 {
		t.Fatalf("%+v", st)
	}
	set(&bad.before, nil)
	h.flush(s)
	if st := s.Status(); st.State != StateOK || st.Detail != "" || st.WaitingRows != 0 {
		t.Fatalf("%+v", st)
	}
	equal(t, "rows", h.peek(s, 100), count0(60, 40))
	equal(t, "losses", s.Losses(100), []Loss{{BufferFull, 60}})
	s = h.after()
	equal(t, "losses after a power cut", s.Losses(100), []Loss{{BufferFull, 60}})
	var lot Lot
	if _, err := s.Cut(100, 100, func(l Lot) ([]Upload, []Row, error) { lot = l; return whole(l) }); err != nil {
		t.Fatal(err)
	}
	equal(t, "losses in the lot", lot.Losses, []Loss{{BufferFull, 60}})
	if s.Losses(100) != nil || s.Position(1, "rec") != 100 {
		t.Errorf("losses %v, position %d", s.Losses(100), s.Position(1, "rec"))
	}
}

// A commit whose sync failed may be on the disk or not. The file decides, and neither answer loses or doubles a row.
func TestCommitInDoubt(t *testing.T) {
	for name, applied := range map[string]bool{"it counts": true, "it does not": false} {
		for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
			t.Run(fmt.Sprintf("%s, %v", name, cause), func(t *testing.T) {
				h, bad := badHouse(t)
				s := h.open()
				p := &bad.before
				if applied {
					p = &bad.after
				}
				h.take(s, numbered(1, 100, 0, 10), Mark{1, "rec", 10})
				set(p, cause)
				if s.Flush() == nil {
					t.Fatal("no error")
				}
				h.take(s, numbered(1, 100, 10, 10), Mark{1, "rec", 20})
				set(p, nil)
				h.flush(s)
				equal(t, "rows", h.peek(s, 100), count0(0, 20))
				set(p, cause)
				if _, err := s.Cut(100, 100, rooms(15)); err == nil {
					t.Fatal("no error")
				}
				set(p, nil)
				h.flush(s)
				if _, err := s.Cut(100, 100, rooms(15)); err != nil {
					t.Fatal(err)
				}
				s = h.after()
				equal(t, "upload", h.loaded(s, s.Outgoing(100)), []string{fmt.Sprint(count0(0, 15))})
				equal(t, "rest", h.peek(s, 100), count0(15, 5))
				if s.Position(1, "rec") != 20 || len(s.Status().Gaps) != 0 {
					t.Errorf("position %d, gaps %v", s.Position(1, "rec"), s.Status().Gaps)
				}
			})
		}
	}
}

// What is said while a commit is in doubt outlives the doubt.
func TestAcknowledgeWhileInDoubt(t *testing.T) {
	h, bad := badHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 30))
	h.flush(s)
	out, err := s.Cut(100, 30, rooms(10))
	if err != nil {
		t.Fatal(err)
	}
	h.take(s, numbered(2, 100, 0, 5))
	set(&bad.after, syscall.EIO)
	set(&bad.open, syscall.EIO) // it cannot be asked, either
	if s.Flush() == nil {
		t.Fatal("no error")
	}
	if s.Acknowledge(out[:1]) == nil || s.Park(out[1], "no") == nil || s.DropGrant(2) == nil {
		t.Fatal("a disk that fails is not told")
	}
	if got := s.Outgoing(100); len(got) != 1 || got[0].Seq() != 3 || s.Status().WaitingRows != 0 {
		t.Fatalf("%v, %d waiting", got, s.Status().WaitingRows)
	}
	set(&bad.after, nil)
	set(&bad.open, nil)
	h.flush(s)
	s = h.after()
	if got := s.Outgoing(100); len(got) != 1 || got[0].Seq() != 3 || len(s.Parked()) != 1 || len(s.Streams()) != 1 {
		t.Errorf("%v, parked %v, streams %v", got, s.Parked(), s.Streams())
	}
}

func TestReadOnlyDiskIsAState(t *testing.T) {
	h, bad := badHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 10))
	h.flush(s)
	_ = s.Close()
	set(&bad.open, syscall.EROFS)
	s = h.open()
	if st := s.Status(); st.State != StateReadOnly || st.BufferedRows != 10 {
		t.Fatalf("%+v", st)
	}
	equal(t, "rows", h.peek(s, 100), count0(0, 10))
	h.take(s, numbered(1, 100, 10, 10))
	if s.Flush() == nil || s.Status().WaitingRows != 10 {
		t.Error("a read-only disk took rows")
	}
	if err := s.DropGrant(1); err == nil {
		t.Error("a read-only disk took a withdrawal")
	}
	if st := s.Status(); st.WaitingRows != 0 || st.BufferedRows != 0 || len(s.Streams()) != 0 {
		t.Errorf("after a withdrawal: %+v", st)
	}
	set(&bad.open, nil)
	h.flush(s)
	if st := s.Status(); st.State != StateOK {
		t.Errorf("%+v", st)
	}
	if s = h.after(); len(s.Streams()) != 0 {
		t.Error("the withdrawal was not written later")
	}
}

func TestOpenRefuses(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	start := time.Now()
	if _, err := Open(h.opt); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second opening: %v after %v", err, time.Since(start))
	}
	_ = s.Close()
	if err := s.Append(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for name, spoil := range map[string]func(o *Options){
		"directory": func(o *Options) { o.Dir = "" }, "keys": func(o *Options) { o.Keys = nil }, "streams": func(o *Options) { o.Streams = nil },
		"randomness": func(o *Options) { o.Rand = nil }, "size": func(o *Options) { o.MaxSize = -1 }, "buffer": func(o *Options) { o.MaxSize = 1000 },
		"a file": func(o *Options) { o.Dir = filepath.Join(h.dir, "buffer", "00000001.db") },
	} {
		o := h.opt
		spoil(&o)
		if _, err := Open(o); err == nil {
			t.Errorf("without %s it opens", name)
		}
	}
}

// No key: the rows of that grant wait, and its marks with them; the others are stored.
func TestNoKeyForAGrant(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	h.take(s, numbered(1, 100, 0, 10), Mark{1, "rec", 10})
	h.keys.fail = errors.New("keyring: no")
	if err := s.Flush(); err == nil || s.Status().WaitingRows != 10 {
		t.Fatalf("%v, %d waiting", err, s.Status().WaitingRows)
	}
	if after := h.after(); after.Position(1, "rec") != 0 || s.Position(1, "rec") != 10 {
		t.Error("a mark was stored without its rows")
	}
	h.keys.fail = nil
	h.flush(s)
	s = h.after()
	equal(t, "rows", h.peek(s, 100), count0(0, 10))
	if s.Position(1, "rec") != 10 {
		t.Error("the mark is missing")
	}
}

func TestQuotaGivesUpTheOldest(t *testing.T) {
	h := newHouse(t)
	h.opt.MaxSize, h.opt.SegmentSize = 1<<20, 64<<10
	s := h.open()
	n := 0
	for s.Status().Dropped[droppedFull] == 0 {
		for range 4 {
			h.take(s, numbered(1, 100+int64(n/5000), n, 500))
			n += 500
		}
		h.flush(s)
		if st := s.Status(); st.Bytes > st.MaxBytes || n > 1<<20 {
			t.Fatalf("%d bytes of %d after %d rows", st.Bytes, st.MaxBytes, n)
		}
	}
	check := func(s *Store) {
		t.Helper()
		lost := s.Losses(100)
		if len(lost) != 1 || lost[0].Reason != BufferFull {
			t.Fatalf("losses %v", lost)
		}
		gone := int(lost[0].Rows)
		equal(t, "the newest rows", h.peek(s, 100), count0(gone, n-gone))
	}
	check(s)
	if g := s.Status().Gaps; len(g) == 0 || g[0].What != "no room" {
		t.Errorf("gaps %v", g)
	}
	check(h.after())
}

func TestDiskReserve(t *testing.T) {
	h := newHouse(t)
	var free atomic.Int64
	free.Store(math.MaxInt64)
	h.opt.Free = func(string) (int64, error) { return free.Load(), nil }
	s := h.open()
	h.take(s, numbered(1, 100, 0, 10))
	h.flush(s)
	free.Store(1 << 20)
	h.take(s, numbered(1, 100, 10, 10))
	if err := s.Flush(); !errors.Is(err, ErrFull) || s.Status().State != StateFull || s.Status().WaitingRows != 10 {
		t.Fatalf("%v, %+v", err, s.Status())
	}
	if _, err := s.Cut(100, 100, whole); err != nil { // what makes room may use the reserve
		t.Fatal(err)
	}
	if err := s.DropGrant(1); err != nil { // and so may a withdrawal
		t.Fatal(err)
	}
	free.Store(1 << 30)
	h.take(s, numbered(2, 100, 0, 5))
	h.flush(s)
	if st := s.Status(); st.State != StateOK || st.BufferedRows != 5 {
		t.Errorf("%+v", st)
	}
}

// Many goroutines at once, for the race detector, and a withdrawal among them.
func TestConcurrentUse(t *testing.T) {
	h := newHouse(t)
	h.opt.FlushRows = 50
	s := h.open()
	var wg sync.WaitGroup
	run := func(f func(i int)) {
		wg.Go(func() {
			for i := range 40 {
				f(i)
			}
		})
	}
	for g := range 3 {
		run(func(i int) {
			_ = s.take(numbered(3+1, 100, i, 5), nil)
			_ = s.take(numbered(1, 100, i*5, 5*(1-g%2)), nil)
		})
	}
	run(func(int) { _ = s.Flush() })
	run(func(int) { _, _ = s.Cut(100, 20, rooms(7)) })
	run(func(int) { _, _ = s.Cut(400, 20, rooms(7)) })
	run(func(int) {
		for _, o := range s.Outgoing(400) {
			if full, err := s.Load(o); err == nil && full.Body() == nil {
				t.Error("loaded without bytes")
			}
		}
		_ = s.Acknowledge(s.Outgoing(100))
	})
	run(func(i int) { s.Advance(1, "rec", uint64(i)); s.Status(); s.Streams(); s.Losses(100) })
	wg.Go(func() {
		time.Sleep(5 * time.Millisecond)
		if err := s.DropGrant(4); err != nil {
			t.Error(err)
		}
		if len(s.Outgoing(400)) != 0 {
			t.Error("uploads of a dropped grant are offered")
		}
	})
	wg.Wait()
	h.flush(s)
	if got := s.Streams(); len(got) > 1 || len(got) == 1 && got[0] != 100 {
		t.Errorf("streams %v", got)
	}
}

// A new file whose name may not be durable is not committed to, and the old one is not written again.
func TestNameNotDurable(t *testing.T) {
	h := newHouse(t)
	h.opt.SegmentSize = 64 << 10
	var fail atomic.Bool
	d := realDisk()
	d.sync = func(dir string) error {
		if fail.Load() {
			return syscall.EIO
		}
		return realDisk().sync(dir)
	}
	h.opt.disk = d
	s := h.open()
	n := 0
	for s.current.size < 64<<10 {
		h.take(s, numbered(1, 100, n, 500))
		n += 500
		h.flush(s)
	}
	fail.Store(true)
	h.take(s, numbered(1, 100, n, 10))
	for range 2 {
		if err := s.Flush(); !errors.Is(err, syscall.EIO) || s.Status().State != StateFailing {
			t.Fatalf("%v, %v", err, s.Status().State)
		}
		equal(t, "rows in the files", h.peek(h.after(), 100), count0(0, n))
	}
	fail.Store(false)
	h.flush(s)
	equal(t, "rows", h.peek(s, 100), count0(0, n+10))
	equal(t, "rows after a power cut", h.peek(h.after(), 100), count0(0, n+10))
}

// A disk on which commits take long is a state that says so; rows get to it all the same, and it ends with a quick commit.
func TestSlowDiskIsAState(t *testing.T) {
	h := newHouse(t)
	h.opt.disk = realDisk()
	h.opt.disk.slow = 20 * time.Millisecond
	slow := true
	h.opt.disk.before = func() error {
		if slow {
			time.Sleep(40 * time.Millisecond)
		}
		return nil
	}
	s := h.open()
	h.take(s, numbered(1, 100, 0, 5))
	h.flush(s)
	if st := s.Status(); st.State != StateSlow || st.Detail == "" || !st.State.Takes() || st.BufferedRows != 5 {
		t.Errorf("on a slow disk: %+v", st)
	}
	slow, s.disk.slow = false, time.Minute
	h.take(s, numbered(1, 100, 5, 5))
	h.flush(s)
	if st := s.Status(); st.State != StateOK || st.BufferedRows != 10 {
		t.Errorf("after a quick commit: %+v", st)
	}
}

// A file of the buffer that this user may not read does not keep the store from opening; what is in it is told as missing.
func TestAFileOfAnotherOwner(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 2 {
		h.take(s, numbered(1, 100, i*5, 5))
		h.flush(s)
		s.io.Lock()
		if err := s.roll(); err != nil {
			t.Fatal(err)
		}
		s.io.Unlock()
	}
	h.take(s, numbered(1, 100, 10, 5))
	h.flush(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	real := realDisk()
	h.opt.disk = real
	h.opt.disk.open = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		if strings.HasSuffix(name, "00000001.db") {
			return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
		}
		return real.open(name, flag, perm)
	}
	again := h.open()
	if got := h.peek(again, 100); len(got) == 0 || got[len(got)-1] != 14 {
		t.Errorf("rows %v are left", got)
	}
	if st := again.Status(); len(st.Gaps) == 0 {
		t.Error("nobody is told of the file that can't be read")
	}
	h.take(again, numbered(1, 100, 15, 5))
	h.flush(again)
}
