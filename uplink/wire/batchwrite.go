package wire

import (
	"slices"
	"strings"
)

// Encoder writes batches. It keeps its scratch from one batch to the next, so
// that encoding does not allocate in the long run: some 24 bytes a row of the
// largest group. The scratch holds numbers of the last batch, never tokens, until
// the next one overwrites them. The zero value is ready. Not for concurrent use.
type Encoder struct {
	cols    columns
	nums    []int64  // numbers of the column at hand that are present
	absent  []int64  // rows of it that are not
	tokens  []string // its distinct tokens
	colSize int
}

// ColumnBytes is the size of the rows of the last batch on the wire: groups,
// times and columns without header, padding and signature.
func (e *Encoder) ColumnBytes() int { return e.colSize }

// AppendBatch appends the payload of a batch to dst. What it appends goes to
// [AppendSigned] as it is.
//
// With size above 0 the payload is padded so that the signed message has
// exactly [PaddedSize] of size bytes, which is size for all but three numbers:
// the padding's length follows from size less the signature and its envelope,
// so it is exact before anything is signed. A batch that needs more is a
// [TooLargeError]; a cover batch without groups is made the same way. With
// size 0 nothing is padded.
//
// A batch that breaks the rules told at [Batch] is an error and dst is
// returned as it was. Whether its values are announced is not asked here but
// by [Announcement.Check].
func (e *Encoder) AppendBatch(dst []byte, b *Batch, size int) ([]byte, error) {
	e.colSize = 0
	if size < 0 || size > MaxMessage {
		return dst, faultf(ErrLimit, "a message size of %d, allowed are 0 to %d", size, MaxMessage)
	}
	if err := b.check(); err != nil {
		return dst, in(err, "batch")
	}
	start := len(dst)
	out := e.appendBatch(dst, b, size > 0)
	if size == 0 {
		if need := SignedSize(len(out) - start); need > MaxMessage {
			return dst, &TooLargeError{Need: need, Size: MaxMessage}
		}
		return out, nil
	}
	need := len(out) - start + 2
	want := payloadFor(PaddedSize(size))
	if need > want {
		return dst, &TooLargeError{Need: SignedSize(need), Size: size}
	}
	return appendPadding(out, want-(len(out)-start)), nil
}

func (e *Encoder) appendBatch(dst []byte, b *Batch, padded bool) []byte {
	pairs := 4
	for _, there := range [...]bool{b.Clock.Untrusted, len(b.Groups) > 0, len(b.Losses) > 0, padded} {
		if there {
			pairs++
		}
	}
	dst = appendHead(dst, majorMap, uint64(pairs))
	dst = appendUint(appendUint(dst, 0), Version)
	dst = appendBytes(appendUint(dst, keyAnnouncement), b.Announcement[:])
	dst = appendUint(appendUint(dst, keyDeleteBy), uint64(b.DeleteBy))
	dst = appendUint(appendUint(dst, keySeq), b.Seq)
	if b.Clock.Untrusted {
		dst = appendClock(appendUint(dst, keyClock), &b.Clock)
	}
	if len(b.Groups) > 0 {
		dst = appendUint(dst, keyGroups)
		start := len(dst)
		dst = appendArray(dst, len(b.Groups))
		for i := range b.Groups {
			dst = e.appendGroup(dst, &b.Groups[i])
		}
		e.colSize = len(dst) - start
	}
	if len(b.Losses) > 0 {
		dst = appendArray(appendUint(dst, keyLosses), len(b.Losses))
		for _, l := range b.Losses {
			dst = appendUint(appendArray(dst, 2), uint64(l.Reason))
			dst = appendUint(dst, l.Count)
		}
	}
	return dst
}

func appendClock(dst []byte, c *Clock) []byte {
	parts := 2
	if c.Anchored {
		parts = 3
	}
	dst = appendBytes(appendArray(dst, parts), c.Boot[:])
	dst = appendInt(dst, c.Base)
	if c.Anchored {
		dst = appendInt(appendArray(dst, 2), c.Wall)
		dst = appendInt(dst, c.Error)
	}
	return dst
}

func (e *Encoder) appendGroup(dst []byte, g *Rows) []byte {
	dst = appendUint(appendArray(dst, 5), uint64(g.Group))
	dst = appendUint(dst, uint64(len(g.Time)))
	dst = e.cols.append(dst, g.Time, nil)
	if g.Coverage == nil {
		dst = append(dst, itemNull)
	} else {
		dst = e.cols.append(dst, g.Coverage, nil)
	}
	dst = appendArray(dst, len(g.Columns))
	for i := range g.Columns {
		dst = e.appendColumn(dst, &g.Columns[i], len(g.Time))
	}
	return dst
}

// appendColumn writes null, a column of numbers, or distinct tokens and the
// column of their indexes.
func (e *Encoder) appendColumn(dst []byte, c *Column, n int) []byte {
	e.absent, e.nums = e.absent[:0], e.nums[:0]
	for row := range n {
		if !c.Has(row) {
			e.absent = append(e.absent, int64(row))
		}
	}
	if len(e.absent) == n {
		return append(dst, itemNull)
	}
	if c.Tokens != nil {
		dst = e.appendTokens(dst, c, n)
	} else {
		for row, v := range c.Nums {
			if c.Has(row) {
				e.nums = append(e.nums, v)
			}
		}
	}
	return e.cols.append(dst, e.nums, e.absent)
}

// appendTokens writes the distinct tokens and leaves their indexes in e.nums.
func (e *Encoder) appendTokens(dst []byte, c *Column, n int) []byte {
	for row := range n {
		if c.Has(row) {
			e.tokens = append(e.tokens, c.Tokens[row])
		}
	}
	slices.Sort(e.tokens)
	distinct := slices.Compact(e.tokens)
	dst = appendArray(appendArray(dst, 2), len(distinct))
	for _, t := range distinct {
		dst = append(appendHead(dst, majorBytes, uint64(len(t))), t...)
	}
	for row := range n {
		if c.Has(row) {
			i, _ := slices.BinarySearchFunc(distinct, c.Tokens[row], strings.Compare)
			e.nums = append(e.nums, int64(i))
		}
	}
	clear(e.tokens[:cap(e.tokens)])
	e.tokens = e.tokens[:0]
	return dst
}

// check says whether the batch can be written and read again as it is.
func (b *Batch) check() error {
	if b.Seq == 0 || b.Seq > MaxValue {
		return faultf(ErrValue, "sequence numbers are 1 to %d", int64(MaxValue))
	}
	if err := b.Clock.check(); err != nil {
		return in(err, "clock")
	}
	last := -1
	for i, l := range b.Losses {
		if int(l.Reason) <= last || l.Reason >= lossReasons || l.Count == 0 || l.Count > MaxValue {
			return inN(faultf(ErrValue, "reasons ascend and counts are 1 to %d", int64(MaxValue)), "loss", i)
		}
		last = int(l.Reason)
	}
	var sum totals
	last = -1
	for i := range b.Groups {
		g := &b.Groups[i]
		if g.Group <= last || g.Group >= MaxColumns {
			return inN(faultf(ErrValue, "group indexes ascend below %d", MaxColumns), "group", i)
		}
		last = g.Group
		if err := sum.addRows(len(g.Time)); err != nil {
			return inN(err, "group", i)
		}
		if err := sum.addColumns(len(g.Time), len(g.Columns)); err != nil {
			return inN(err, "group", i)
		}
		if err := g.check(); err != nil {
			return inN(err, "group", i)
		}
	}
	return nil
}

func (c *Clock) check() error {
	if !c.Untrusted {
		if *c != (Clock{}) {
			return faultf(ErrValue, "a trusted clock names no boot")
		}
		return nil
	}
	if !c.Anchored && (c.Wall != 0 || c.Error != 0) {
		return faultf(ErrValue, "a wall time without Anchored")
	}
	for _, v := range [...]int64{c.Base, c.Wall, c.Error} {
		if v < 0 || v > MaxValue {
			return faultf(ErrLimit, "ticks are 0 to %d", int64(MaxValue))
		}
	}
	return nil
}

// totals keeps a batch within its limits, group by group.
type totals struct{ rows, columns, cells int }

func (t *totals) addRows(n int) error {
	if n < 1 {
		return faultf(ErrValue, "a group has at least one row; leave it out")
	}
	if t.rows += n; t.rows > MaxRows {
		return faultf(ErrLimit, "more than %d rows", MaxRows)
	}
	return nil
}

func (t *totals) addColumns(rows, n int) error {
	if t.columns += n; t.columns > MaxColumns {
		return faultf(ErrLimit, "more than %d columns", MaxColumns)
	}
	if t.cells += rows * n; t.cells > MaxCells {
		return faultf(ErrLimit, "more than %d values", MaxCells)
	}
	return nil
}

func (g *Rows) check() error {
	n := len(g.Time)
	for row, t := range g.Time {
		if t < 0 || t > MaxValue {
			return inN(faultf(ErrLimit, "ticks are 0 to %d", int64(MaxValue)), "time, row", row)
		}
	}
	if g.Coverage != nil && len(g.Coverage) != n {
		return faultf(ErrValue, "%d coverages for %d rows", len(g.Coverage), n)
	}
	for row, q := range g.Coverage {
		if q < 0 || q > 4 {
			return inN(faultf(ErrValue, "coverage is 0 to 4 quarters"), "coverage, row", row)
		}
	}
	for i := range g.Columns {
		if err := g.Columns[i].check(n); err != nil {
			return inN(err, "column", i)
		}
	}
	return g.everyRow()
}

// everyRow refuses rows that say nothing.
func (g *Rows) everyRow() error {
	for i := range g.Columns {
		if c := &g.Columns[i]; c.Set == nil && (c.Nums != nil || c.Tokens != nil) {
			return nil
		}
	}
	for row := range g.Time {
		has := false
		for i := range g.Columns {
			has = has || g.Columns[i].Has(row)
		}
		if !has {
			return inN(faultf(ErrValue, "no column has a value here; leave the row out"), "row", row)
		}
	}
	return nil
}

func (c *Column) check(n int) error {
	if c.Nums != nil && c.Tokens != nil {
		return faultf(ErrValue, "both numbers and tokens")
	}
	if c.Nums != nil && len(c.Nums) != n || c.Tokens != nil && len(c.Tokens) != n || c.Set != nil && len(c.Set) != n {
		return faultf(ErrValue, "not as long as the %d rows", n)
	}
	for row, v := range c.Nums {
		if c.Has(row) && (v > MaxValue || v < -MaxValue) {
			return inN(faultf(ErrLimit, "numbers reach to %d", int64(MaxValue)), "row", row)
		}
	}
	for row, t := range c.Tokens {
		if c.Has(row) && (len(t) == 0 || len(t) > MaxToken) {
			return inN(faultf(ErrLimit, "tokens have 1 to %d bytes", MaxToken), "row", row)
		}
	}
	return nil
}
