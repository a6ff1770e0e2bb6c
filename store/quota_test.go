package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// A full buffer on a disk from which nothing can be deleted, as one that became read-only, says so and does not try without end; it
// gives up no more than one file, and goes on where it was once the disk takes writing again.
func TestAFullBufferThatCanDeleteNothing(t *testing.T) {
	h := newHouse(t)
	h.opt.MaxSize, h.opt.SegmentSize = 1<<20, 64<<10
	var fault error
	var tries int
	h.opt.disk = realDisk()
	h.opt.disk.remove = func(name string) error {
		tries++
		if fault != nil && tries < 1000 {
			return &fs.PathError{Op: "remove", Path: name, Err: fault}
		}
		return os.Remove(name)
	}
	s := h.open()
	n := 0
	for s.Status().Dropped[droppedFull] == 0 {
		h.take(s, numbered(1, 100+int64(n/5000), n, 2000))
		n += 2000
		h.flush(s)
		if n > 1<<20 {
			t.Fatal("it is never full")
		}
	}
	fault, tries = syscall.EROFS, 0
	before, files := s.Status().Dropped[droppedFull], len(s.segments)
	failed := 0
	for range 40 { // more than two files of rows
		h.take(s, numbered(1, 100+int64(n/5000), n, 500))
		n += 500
		if err := s.Flush(); err != nil {
			failed++
			if !errors.Is(err, syscall.EROFS) {
				t.Fatalf("%v", err)
			}
		}
	}
	if failed == 0 || tries > 3*failed {
		t.Fatalf("%d flushes failed, %d times something was to be deleted", failed, tries)
	}
	st := s.Status()
	if st.State != StateReadOnly || st.Bytes > st.MaxBytes {
		t.Errorf("%+v", st)
	}
	if got := int(st.Dropped[droppedFull] - before); got == 0 || got > 2*n/files {
		t.Errorf("%d rows were given up while nothing could be deleted: %d files held %d", got, files, n)
	}
	fault = nil
	h.flush(s)
	lost := int(s.Losses(100)[0].Rows)
	equal(t, "rows", h.peek(s, 100), count0(lost, n-lost))
}

// While a disk takes nothing, what comes goes on in the lots that wait: a row and a try at a time don't leave a lot each.
func TestLotsOfADiskThatTakesNothing(t *testing.T) {
	h, bad := badHouse(t)
	s := h.open()
	set(&bad.before, syscall.EROFS)
	const n = 2000
	for i := range n {
		h.take(s, numbered(1, 100, i, 1))
		h.take(s, numbered(2, 100, i, 1))
		if err := s.Flush(); err == nil {
			t.Fatal("it took rows")
		}
	}
	s.mu.Lock()
	lots := len(s.waiting)
	s.mu.Unlock()
	if most := 2 * (n/s.lotRows() + 1); lots > most {
		t.Errorf("%d lots wait, of %d rows of each of two streams", lots, n)
	}
	set(&bad.before, nil)
	h.flush(s)
	for _, stream := range []uint32{100, 200} {
		equal(t, "rows", h.peek(s, stream), count0(0, n))
	}
}
