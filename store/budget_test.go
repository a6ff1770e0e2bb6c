package store

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"
)

// The flash budget of the design: bytes given to the file system for each row of five cells, for commits of 100 and of
// 1,000 rows, over enough commits that files, branches and free lists are at their usual size.
func TestFlashBudget(t *testing.T) {
	for _, c := range []struct{ rows, budget int }{{100, 600}, {1000, 200}} {
		h := newHouse(t)
		s := h.open()
		h.take(s, numbered(1, 100, 0, 1))
		h.flush(s)
		before, n := s.Status().Written, 0
		for range 150 {
			h.take(s, numbered(1, 100, n, c.rows))
			n += c.rows
			h.flush(s)
		}
		each := int(s.Status().Written-before) / n
		t.Logf("%d rows a commit: %d bytes a row written, %d in the files", c.rows, each, int(s.Status().Bytes)/n)
		if each > c.budget {
			t.Errorf("%d rows a commit: %d bytes a row, budget %d", c.rows, each, c.budget)
		}
	}
}

// Status.Written is what a commit changes in the file, plus at most the pages bbolt rewrote as they were.
func TestWrittenIsWhatChanges(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	for i := range 20 {
		before, c := s.Status().Written, h.copy()
		h.take(s, numbered(1, 100, i*50, 50))
		h.flush(s)
		path := filepath.Join("buffer", "00000001.db")
		old, _ := os.ReadFile(filepath.Join(c.dir, path))
		now, err := os.ReadFile(filepath.Join(h.dir, path))
		if err != nil {
			t.Fatal(err)
		}
		changed := int64(0)
		for at := 0; at < len(now); at += pageSize {
			if at >= len(old) && !bytes.Equal(now[at:at+pageSize], make([]byte, pageSize)) || at < len(old) && !bytes.Equal(old[at:at+pageSize], now[at:at+pageSize]) {
				changed += pageSize
			}
		}
		if told := s.Status().Written - before; told < changed || told > changed+4*pageSize {
			t.Errorf("commit %d: %d bytes told, %d changed", i, told, changed)
		}
	}
}

// A backlog costs a reference of 32 bytes a chunk in memory, whatever is in it.
func TestBacklogMemory(t *testing.T) {
	if n := unsafe.Sizeof(chunkRef{}); n > 32 {
		t.Errorf("a chunk costs %d bytes", n)
	}
	h := newHouse(t)
	s := h.open()
	for i := range 60 {
		h.take(s, numbered(1, 100, i*5000, 5000))
		h.flush(s)
	}
	_ = s.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s = h.open()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 256<<10 || s.Status().BufferedRows != 300_000 {
		t.Errorf("%d bytes of memory for %d rows", grown, s.Status().BufferedRows)
	}
}

func benchmarkCommit(b *testing.B, rows int) {
	h := newHouse(b)
	s := h.open()
	in := numbered(1, 100, 0, rows)
	b.ReportAllocs()
	start := s.Status().Written
	for b.Loop() {
		if err := s.take(in, nil); err != nil {
			b.Fatal(err)
		}
		if err := s.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.Status().Written-start)/float64(b.N*rows), "written-B/row")
}

func BenchmarkCommit100(b *testing.B)  { benchmarkCommit(b, 100) }
func BenchmarkCommit1000(b *testing.B) { benchmarkCommit(b, 1000) }

func BenchmarkAppend(b *testing.B) {
	h := newHouse(b)
	h.opt.FlushRows = 1 << 30
	s := h.open()
	in := numbered(1, 100, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.take(in, nil); err != nil {
			b.Fatal(err)
		}
		if s.waitRows > 1<<20 {
			s.mu.Lock()
			s.dropLots(func(*lot) bool { return true })
			s.mu.Unlock()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/row")
}

// BenchmarkDrain cuts a backlog of 200,000 rows.
func BenchmarkDrain(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newHouse(b)
		s := h.open()
		for i := range 40 {
			h.take(s, numbered(1, 100, i*5000, 5000))
			h.flush(s)
		}
		b.StartTimer()
		for left := 200_000; left > 0; left -= 20_000 {
			out, err := s.Cut(100, 20_000-1023, func(l Lot) ([]Upload, []Row, error) {
				return []Upload{{Bytes: make([]byte, 2*len(l.Rows)), Rows: len(l.Rows)}}, nil, nil
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Acknowledge(out); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(200_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkOpenBacklog(b *testing.B) {
	h := newHouse(b)
	s := h.open()
	for i := range 200 {
		h.take(s, numbered(1, 100, i*5000, 5000))
		h.flush(s)
	}
	_ = s.Close()
	for b.Loop() {
		s, err := Open(h.opt)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = s.Close()
		b.StartTimer()
	}
}
