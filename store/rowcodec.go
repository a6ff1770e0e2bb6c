package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/candor-edge/candor/store/consent"
)

// Limits of one row and one chunk. The decoder holds input to them, so that no chunk can ask for much memory.
const (
	maxCells     = 256     // cells of one row
	maxGroup     = 1 << 16 // groups of a purpose
	maxToken     = 255     // bytes of a token (a pseudonym has 16, a label at most 64)
	maxChunkRows = 1024    // rows of one chunk
)

// Row is one stored row as [Encode] and [Store.Peek] see it. Like [consent.Cell] it has no text form. Cells is valid
// only during the call that handed the row out.
type Row struct {
	Group    int   // index into Purpose.Groups
	Time     int64 // ticks of the purpose's `time` since 1970
	Coverage int8  // quarters of the window, -1 where there is none
	Cells    []consent.Cell
	Day      int64 // UTC day (since 1970) the agent took it; set by the store, and of no effect in a carry

	mark int // 1 + index into the rows of the lot it came in; 0 for a row the store did not hand out
}

// Format implements fmt.Formatter: the row is not shown.
func (Row) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[row]")) }

// LogValue implements slog.LogValuer: the row is not shown.
func (Row) LogValue() slog.Value { return slog.StringValue("[row]") }

// MarshalText implements encoding.TextMarshaler so that no encoder reaches the fields by reflection.
func (Row) MarshalText() ([]byte, error) { return []byte("[row]"), nil }

// What a cell holds, one byte each in the shape of a group.
const (
	cellUnset byte = iota
	cellNum
	cellToken
	cellBoth
)

// The low bits of a row's first number; the group is in the bits above.
const (
	headShape    = 1 << 0 // the kinds of the cells follow, since they differ from the group's row before
	headCoverage = 1 << 1 // a coverage byte follows, since it differs
	headBits     = 2
)

var errRows = errors.New("store: rows are not well formed")

// lastRow is what the next row of a group is told against.
type lastRow struct {
	time, step int64
	coverage   int8
	kinds      []byte
	nums       []int64
}

// rowWriter packs rows one by one. A row is
//
//	uvarint  group<<2 | coverage differs<<1 | kinds differ
//	varint   time: for the group's first row against the row before in the chunk, then against the step before
//	byte     coverage, if it differs (two's complement)
//	uvarint  number of cells, then one kind byte each, if they differ
//	cells    number: varint against the same cell of the group's row before
//	         token: uvarint index of the token; the next free index is followed by uvarint length and the bytes
//
// Varints are those of encoding/binary in their shortest form; differences wrap around at 64 bits.
type rowWriter struct {
	buf    []byte
	rows   int
	last   int64
	groups map[int]*lastRow
	tokens map[string]uint64
	group  *lastRow // of the row before, whose group is index
	index  int
}

// reset empties the writer and wipes what it held.
func (w *rowWriter) reset() {
	clear(w.buf)
	*w = rowWriter{}
}

// checkRow says why a row cannot be stored, without telling anything of it.
func checkRow(r *Row) error {
	if r.Group < 0 || r.Group >= maxGroup {
		return fmt.Errorf("store: group %d is outside 0 to %d", r.Group, maxGroup-1)
	}
	if len(r.Cells) > maxCells {
		return fmt.Errorf("store: a row of %d cells, at most %d are possible", len(r.Cells), maxCells)
	}
	for i := range r.Cells {
		if len(r.Cells[i].Token) > maxToken {
			return fmt.Errorf("store: a token of %d bytes, at most %d are possible", len(r.Cells[i].Token), maxToken)
		}
	}
	return nil
}

// add packs one row that checkRow accepted.
func (w *rowWriter) add(r *Row) {
	g, known := w.row(r.Group)
	head := uint64(r.Group) << headBits
	shape := !sameShape(g.kinds, r.Cells)
	if shape {
		head |= headShape
	}
	if g.coverage != r.Coverage {
		head |= headCoverage
	}
	w.buf = binary.AppendUvarint(w.buf, head)
	w.buf = binary.AppendVarint(w.buf, r.Time-g.time-g.step)
	if known {
		g.step = r.Time - g.time
	}
	g.time, w.last = r.Time, r.Time
	if g.coverage != r.Coverage {
		w.buf = append(w.buf, byte(r.Coverage))
		g.coverage = r.Coverage
	}
	if shape {
		w.shape(g, r.Cells)
	}
	for i := range r.Cells {
		w.cell(g, i, &r.Cells[i])
	}
	w.rows++
}

// row finds what the next row of a group is told against, and whether there was one.
func (w *rowWriter) row(group int) (g *lastRow, known bool) {
	if w.group != nil && w.index == group {
		return w.group, true
	}
	if w.groups == nil {
		w.groups, w.tokens = map[int]*lastRow{}, map[string]uint64{}
	}
	if g, known = w.groups[group]; !known {
		g = &lastRow{time: w.last, coverage: -1}
		w.groups[group] = g
	}
	w.group, w.index = g, group
	return g, known
}

func (w *rowWriter) shape(g *lastRow, cells []consent.Cell) {
	w.buf = binary.AppendUvarint(w.buf, uint64(len(cells)))
	g.kinds = g.kinds[:0]
	for i := range cells {
		g.kinds = append(g.kinds, kindOf(&cells[i]))
	}
	w.buf = append(w.buf, g.kinds...)
	for len(g.nums) < len(cells) {
		g.nums = append(g.nums, 0)
	}
}

func (w *rowWriter) cell(g *lastRow, i int, c *consent.Cell) {
	kind := g.kinds[i]
	if kind&cellNum != 0 {
		w.buf = binary.AppendVarint(w.buf, c.Num-g.nums[i])
		g.nums[i] = c.Num
	}
	if kind&cellToken != 0 {
		id, known := w.tokens[c.Token]
		if known {
			w.buf = binary.AppendUvarint(w.buf, id)
			return
		}
		id = uint64(len(w.tokens))
		w.tokens[c.Token] = id
		w.buf = binary.AppendUvarint(w.buf, id)
		w.buf = binary.AppendUvarint(w.buf, uint64(len(c.Token)))
		w.buf = append(w.buf, c.Token...)
	}
}

func kindOf(c *consent.Cell) byte {
	switch {
	case !c.Set:
		return cellUnset
	case c.Token == "":
		return cellNum
	case c.Num == 0:
		return cellToken
	}
	return cellBoth
}

func sameShape(kinds []byte, cells []consent.Cell) bool {
	if len(kinds) != len(cells) {
		return false
	}
	for i := range cells {
		if kindOf(&cells[i]) != kinds[i] {
			return false
		}
	}
	return true
}

// rowReader unpacks what rowWriter packed.
type rowReader struct {
	in     []byte
	last   int64
	groups map[int]*lastRow
	tokens []string
	cells  *arena
}

// readRows unpacks exactly n rows and appends them to dst. Input that is longer, shorter or not what a rowWriter could
// have written gives errRows and leaves dst as it was. The cells are lent by cells.
func readRows(dst []Row, in []byte, n int, cells *arena) ([]Row, error) {
	if n < 0 || n > maxChunkRows {
		return dst, errRows
	}
	r := rowReader{in: in, groups: map[int]*lastRow{}, cells: cells}
	out := dst
	for range n {
		row, ok := r.row()
		if !ok {
			return dst, errRows
		}
		out = append(out, row)
	}
	if len(r.in) != 0 {
		return dst, errRows
	}
	return out, nil
}

func (r *rowReader) row() (Row, bool) {
	head, ok := r.uvarint()
	if !ok || head>>headBits >= maxGroup {
		return Row{}, false
	}
	row := Row{Group: int(head >> headBits)}
	g, known := r.groups[row.Group]
	if !known {
		g = &lastRow{time: r.last, coverage: -1}
		r.groups[row.Group] = g
	}
	step, ok := r.varint()
	if !ok {
		return Row{}, false
	}
	step += g.step
	g.time += step
	if known {
		g.step = step
	}
	row.Time, r.last = g.time, g.time
	if head&headCoverage != 0 {
		if len(r.in) == 0 || int8(r.in[0]) == g.coverage {
			return Row{}, false
		}
		g.coverage, r.in = int8(r.in[0]), r.in[1:]
	}
	row.Coverage = g.coverage
	if head&headShape != 0 && !r.shape(g) {
		return Row{}, false
	}
	row.Cells = r.cells.lend(len(g.kinds))
	for i := range row.Cells {
		if !r.cell(g, i, &row.Cells[i]) {
			return Row{}, false
		}
	}
	return row, true
}

func (r *rowReader) shape(g *lastRow) bool {
	n, ok := r.uvarint()
	if !ok || n > maxCells || n > uint64(len(r.in)) {
		return false
	}
	same := int(n) == len(g.kinds)
	for i, k := range r.in[:n] {
		if k > cellBoth {
			return false
		}
		same = same && k == g.kinds[i]
	}
	if same { // a writer says it only when it differs
		return false
	}
	g.kinds = append(g.kinds[:0], r.in[:n]...)
	r.in = r.in[n:]
	for len(g.nums) < int(n) {
		g.nums = append(g.nums, 0)
	}
	return true
}

func (r *rowReader) cell(g *lastRow, i int, c *consent.Cell) bool {
	kind := g.kinds[i]
	c.Set = kind != cellUnset
	if kind&cellNum != 0 {
		d, ok := r.varint()
		if !ok {
			return false
		}
		g.nums[i] += d
		c.Num = g.nums[i]
	}
	if kind == cellBoth && c.Num == 0 {
		return false
	}
	if kind&cellToken == 0 {
		return true
	}
	var ok bool
	c.Token, ok = r.token()
	return ok
}

func (r *rowReader) token() (string, bool) {
	id, ok := r.uvarint()
	if !ok || id > uint64(len(r.tokens)) {
		return "", false
	}
	if id < uint64(len(r.tokens)) {
		return r.tokens[id], true
	}
	n, ok := r.uvarint()
	if !ok || n == 0 || n > maxToken || n > uint64(len(r.in)) {
		return "", false
	}
	t := string(r.in[:n])
	r.in = r.in[n:]
	r.tokens = append(r.tokens, t)
	return t, true
}

// uvarint reads a number in its shortest form only.
func (r *rowReader) uvarint() (uint64, bool) {
	if len(r.in) > 0 && r.in[0] < 0x80 { // most are that small
		v := uint64(r.in[0])
		r.in = r.in[1:]
		return v, true
	}
	v, n := binary.Uvarint(r.in)
	if n <= 0 || n > 1 && r.in[n-1] == 0 {
		return 0, false
	}
	r.in = r.in[n:]
	return v, true
}

func (r *rowReader) varint() (int64, bool) {
	u, ok := r.uvarint()
	return int64(u>>1) ^ -int64(u&1), ok
}
