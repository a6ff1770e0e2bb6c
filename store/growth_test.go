package store

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

// growthRows is the size of the largest backlog TestGrowth builds: CANDOR_BACKLOG, or 300,000 rows.
func growthRows(t *testing.T) int {
	text := os.Getenv("CANDOR_BACKLOG")
	if text == "" {
		return 300_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10_000 {
		t.Fatalf("CANDOR_BACKLOG=%q is no number of rows from 10000 on", text)
	}
	return n
}

// grown is what a buffer of some rows costs.
type grown struct {
	rows       int
	writtenRow float64 // bytes written for each row of one more commit
	allocRow   float64 // bytes allocated for each row of one more commit
	heap       int64   // bytes the whole store holds
	commit     time.Duration
	start      started
	empty      started       // the same of an empty buffer, in turns with it
	look       time.Duration // until all was looked through
}

// started is how long a start takes: until Open returns, and until the first row is on the disk.
type started struct{ open, stored time.Duration }

// startsFlat holds a start to one with nothing in the buffer.
func (g *grown) startsFlat() bool { return g.start.stored <= g.empty.stored*6/5+newestFile }

func (s started) String() string {
	return fmt.Sprintf("%v (open %v)", s.stored.Round(10*time.Microsecond), s.open.Round(10*time.Microsecond))
}

// newestFile is what the look at the newest file's branches and free list may take, which grows until that file is full and not with
// the backlog behind it: about a hundredth of what a whole agent takes to start.
const newestFile = 250 * time.Microsecond

// starts is how often a buffer is opened to find what that takes.
const starts = 31

// TestGrowth appends to a buffer that nobody drains and holds what one more commit and a start cost to what they cost when the
// buffer was empty or nearly so: bytes written, bytes of memory, and the time until the first row is on the disk, as a ratio of the
// least of many. Then the backlog is drained, and the disk gets its space back. `make soak` does it with ten million rows.
func TestGrowth(t *testing.T) {
	most := growthRows(t)
	h := newHouse(t)
	h.opt.MaxSize = 4 << 30
	rows := 0
	s := h.open()
	var all []grown
	for at := 10_000; at <= most; at *= 10 {
		for rows < at {
			h.take(s, numbered(1, 100, rows, 5000))
			h.flush(s)
			rows += 5000
		}
		g := measureGrowth(t, h, s, &rows)
		all = append(all, g)
		s = h.open()
		t.Logf("%9d rows: %5.1f bytes written and %5.0f allocated a row, %6d KB in memory, commit %v, start %v, of an empty one %v, all looked through %v",
			g.rows, g.writtenRow, g.allocRow, g.heap>>10, g.commit.Round(10*time.Microsecond),
			g.start, g.empty, g.look.Round(10*time.Microsecond))
	}
	first, last := all[0], all[len(all)-1]
	if last.writtenRow > first.writtenRow*1.2 {
		t.Errorf("a row costs %.1f bytes written with %d rows in the buffer, and %.1f with %d", first.writtenRow, first.rows, last.writtenRow, last.rows)
	}
	if last.allocRow > first.allocRow*1.2 {
		t.Errorf("a row costs %.0f bytes of memory passed through with %d rows in the buffer, and %.0f with %d", first.allocRow, first.rows, last.allocRow, last.rows)
	}
	// 32 bytes a chunk of some thousand rows; what else the heap holds at that moment moves by some tens of kilobytes.
	if grew := last.heap - first.heap; grew > 256<<10+int64(last.rows)/10 {
		t.Errorf("%d rows that wait hold %d bytes of memory", last.rows, grew)
	}
	if !last.startsFlat() {
		t.Errorf("a start with %d rows in the buffer takes %v, and %v with none", last.rows, last.start, last.empty)
	}
	drainGrown(t, h, s, rows)
}

// leastStarts is the least time that a start takes in each of some houses, in turns: other work on the machine makes it longer and
// never shorter.
func leastStarts(t *testing.T, houses ...*house) []started {
	t.Helper()
	least := make([]started, len(houses))
	for n := range starts {
		for i, h := range houses {
			began := time.Now()
			s, err := Open(h.opt)
			opened := time.Since(began)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Begin(); err != nil {
				t.Fatal(err)
			}
			h.take(s, numbered(1, 100, n, 1))
			h.flush(s)
			stored := time.Since(began)
			if n == 0 {
				least[i] = started{opened, stored}
			}
			least[i] = started{min(least[i].open, opened), min(least[i].stored, stored)}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return least
}

// measureGrowth commits twenty times 5,000 rows more, closes the store and opens it again. It leaves it closed.
func measureGrowth(t *testing.T, h *house, s *Store, rows *int) grown {
	t.Helper()
	g := grown{rows: *rows}
	const commits, each = 20, 5000
	batches := make([][]incoming, commits)
	for i := range batches {
		batches[i] = numbered(1, 100, *rows+i*each, each)
	}
	var before, after runtime.MemStats
	written := s.Status().Written
	runtime.ReadMemStats(&before)
	var took []time.Duration
	for _, in := range batches {
		began := time.Now()
		h.take(s, in)
		h.flush(s)
		took = append(took, time.Since(began))
	}
	runtime.ReadMemStats(&after)
	*rows += commits * each
	slices.Sort(took)
	g.commit = took[len(took)/2]
	g.writtenRow = float64(s.Status().Written-written) / (commits * each)
	g.allocRow = float64(after.TotalAlloc-before.TotalAlloc) / (commits * each)
	clear(batches)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for again := 0; again == 0 || again < 4 && !g.startsFlat(); again++ { // a busy machine gets more than one chance
		both := leastStarts(t, h, newHouse(t))
		g.start, g.empty = both[0], both[1]
		*rows += starts
	}
	runtime.GC() // twice, since pools keep what they have over one
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	again, err := Open(h.opt)
	if err != nil {
		t.Fatal(err)
	}
	again.Await()
	g.look = time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	g.heap = int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if n := again.Status().BufferedRows; n != *rows {
		t.Fatalf("%d rows are buffered, want %d", n, *rows)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	return g
}

// drainGrown sends everything, and wants the disk back.
func drainGrown(t *testing.T, h *house, s *Store, rows int) {
	t.Helper()
	began := time.Now()
	for left := rows; left > 0; {
		out, err := s.Cut(100, 16_000, func(l Lot) ([]Upload, []Row, error) {
			return []Upload{{Bytes: make([]byte, len(l.Rows)), Rows: len(l.Rows)}}, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			left -= o.Rows()
		}
		if len(out) == 0 {
			t.Fatalf("%d rows are left and nothing is cut", left)
		}
		if err := s.Acknowledge(out); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Status()
	if st.Segments > 2 || st.Bytes > h.opt.SegmentSize+32<<20 {
		t.Errorf("after draining %d files with %d bytes are left", st.Segments, st.Bytes)
	}
	t.Logf("drained in %v; %d files, %d KB are left", time.Since(began).Round(time.Millisecond), st.Segments, st.Bytes>>10)
}
