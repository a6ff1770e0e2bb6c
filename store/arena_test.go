package store

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/store/consent"
)

// Cells come without a value, belong to one row only, and stay where they are until reset, however often it is used.
func TestArena(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a arena
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			var lent [][]consent.Cell
			for i, n := range rapid.SliceOfN(rapid.IntRange(0, maxCells), 0, 200).Draw(t, "rows") {
				c := a.lend(n)
				if len(c) != n || cap(c) != n {
					t.Fatalf("%d cells with room for %d, want %d", len(c), cap(c), n)
				}
				for j := range c {
					if c[j] != (consent.Cell{}) {
						t.Fatal("a cell had a value")
					}
					c[j] = consent.Cell{Num: int64(i), Token: "x", Set: true}
				}
				lent = append(lent, c)
			}
			for i, c := range lent {
				for j := range c {
					if c[j].Num != int64(i) {
						t.Fatalf("a cell of row %d was lent to row %d", i, c[j].Num)
					}
				}
			}
			a.reset()
		}
		for _, b := range a.blocks {
			for i := range b {
				if b[i] != (consent.Cell{}) {
					t.Fatal("reset has left a value")
				}
			}
		}
	})
}

// The memory of a cut is used again for the next cut of a backlog: nothing of the rows before may show, and a buffer that
// is caught up with keeps none of it.
func TestNextCutIsClean(t *testing.T) {
	h := newHouse(t)
	s := h.open()
	p, rows := purposeOf(1), 3*(leastSpare+1)
	in := make([]incoming, rows)
	for i := range in {
		cells := []consent.Cell{{Num: int64(i), Set: true}, {Token: fmt.Sprint("t", i%7), Set: true}, {Num: 5, Set: true}}
		if i >= leastSpare+1 {
			cells = []consent.Cell{{Num: int64(i), Set: true}, {}, {}}
		}
		in[i] = incoming{purpose: p, day: 100, row: Row{Time: int64(i), Coverage: -1, Cells: cells}}
	}
	h.take(s, in)
	h.flush(s)
	next := 0
	for cut := 0; next < rows; cut++ {
		var seen []Row
		if _, err := s.Cut(100, leastSpare+1, func(l Lot) ([]Upload, []Row, error) {
			for i, r := range l.Rows {
				if want := in[next+i].row.Cells; !equalCells(r.Cells, want) || r.Time != int64(next+i) || r.mark != i+1 {
					t.Fatalf("cut %d: row %d is not what was stored", cut, next+i)
				}
			}
			next += len(l.Rows)
			seen = l.Rows
			return whole(l)
		}); err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if seen[i].Cells != nil {
				t.Fatal("a row is still there after its cut")
			}
		}
		if s.spare == nil && len(seen) > leastSpare {
			t.Error("a backlog's memory was given away")
		}
	}
	if _, err := s.Cut(100, 1, whole); err != nil {
		t.Fatal(err)
	}
	if s.spare != nil {
		t.Error("the memory is kept though there is no backlog")
	}
}

func equalCells(a, b []consent.Cell) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// However long a file grows, what bbolt has mapped of it does not count as memory of the agent for long.
func TestMappedStaysSmall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells how much of a mapping is resident")
	}
	h := newHouse(t)
	s := h.open()
	most := 0
	for i := range 400 {
		h.take(s, numbered(1, 100, i*2000, 2000))
		h.flush(s)
		most = max(most, resident(t, s.path(1)))
	}
	size := int(s.Status().Bytes)
	if size < 4<<20 {
		t.Fatalf("the file has %d bytes only", size)
	}
	if most > 1<<20 {
		t.Errorf("%d bytes of a file of %d were resident after a commit", most, size)
	}
}

// resident is how many bytes of the mappings of a file are in memory.
func resident(t *testing.T, file string) (bytesIn int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	ours := false
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) >= 5 && strings.Contains(f[0], "-") {
			ours = f[len(f)-1] == file
		}
		if ours && f[0] == "Rss:" {
			kilo, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			bytesIn += kilo << 10
		}
	}
	return bytesIn
}
