package store

import (
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
	open       time.Duration
}

// TestGrowth appends to a buffer that nobody drains and holds what one more commit costs, in bytes written and in memory, to what it
// cost when the buffer was nearly empty; times are told and not judged. Then the backlog is drained, and the disk gets its space back.
// `make soak` does it with ten million rows.
func TestGrowth(t *testing.T) {
	most := growthRows(t)
	h := newHouse(t)
	h.opt.MaxSize = 4 << 30
	s := h.open()
	rows := 0
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
		t.Logf("%9d rows: %5.1f bytes written and %5.0f allocated a row, %6d KB in memory, commit %v, open %v",
			g.rows, g.writtenRow, g.allocRow, g.heap>>10, g.commit.Round(10*time.Microsecond), g.open.Round(10*time.Microsecond))
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
	drainGrown(t, h, s, rows)
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
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	again, err := Open(h.opt)
	g.open = time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
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
