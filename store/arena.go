package store

import "github.com/candor-edge/candor/store/consent"

// Cells in the first block of an arena and how often the next one is twice as large, up to 4096. A cell has 32 bytes:
// one row costs little, a backlog few allocations.
const (
	smallBlock = maxCells
	doublings  = 4
)

// arena lends the cells of rows, and lends them again after reset. The zero value is ready.
type arena struct {
	blocks [][]consent.Cell
	block  int // that is lent from
	used   int // of it
}

// lend gives n cells without a value, at most maxCells. They stay where they are until reset.
func (a *arena) lend(n int) []consent.Cell {
	if a.block < len(a.blocks) && len(a.blocks[a.block])-a.used < n {
		a.block, a.used = a.block+1, 0
	}
	if a.block == len(a.blocks) {
		a.blocks = append(a.blocks, make([]consent.Cell, smallBlock<<min(len(a.blocks), doublings)))
	}
	c := a.blocks[a.block][a.used : a.used+n : a.used+n]
	a.used += n
	return c
}

// reset takes back all that was lent and wipes it.
func (a *arena) reset() {
	for i := range min(a.block+1, len(a.blocks)) {
		clear(a.blocks[i])
	}
	a.block, a.used = 0, 0
}
