package uplink

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/wire"
)

// MaxCut is how many rows are looked at in one cut. A batch holds whole time buckets; only a bucket with more rows
// than this is split, and then it is sorted in runs of this many.
const MaxCut = consent.MaxBucketRows

// maxBatchRows is how many rows a batch of a purpose without a room holds at the most.
const maxBatchRows = 1000

// cutter makes batches of the rows of one stream. It is used for one cut.
type cutter struct {
	encoder      *wire.Encoder
	signer       wire.Signer
	announcement *wire.Announcement
	digest       [16]byte
	deleteBy     func(day int64) uint32
	complete     func(group int) int64                                                    // rows of a group before this tick get no more company
	rooms        func(next uint64) int64                                                  // how many uploads are due, given the number of the first; nil: as many as rows need
	cover        bool                                                                     // fill them up with empty ones
	seal         func(kind wire.Kind, signed []byte) (out []byte, sealed bool, err error) // nil: nothing is sealed
	unsealed     error                                                                    // why an upload could not be sealed
	copies       bool                                                                     // keep what was signed, for the person's own copy
	signed       [][]byte                                                                 // upload by upload, as before any sealing
	losses       []wire.Loss
	time         *timeline.Keeper // nil: every clock is trusted
	stream       [16]byte
	misfit       error // why a row was left where it is; nil when none was
	numbers      numbers
	payload      []byte // of the batch before, to be written over
}

// numbers lends the columns of one batch after the other from the same memory.
type numbers struct {
	all  []int64
	lent int
}

// back says that nothing of what was lent is used any more.
func (s *numbers) back() { s.lent = 0 }

// lend gives n zeros, which are the caller's until back.
func (s *numbers) lend(n int) []int64 {
	if len(s.all)-s.lent < n {
		s.all, s.lent = make([]int64, max(8*n, 2*len(s.all))), 0 // a time, a coverage and some columns
	}
	out := s.all[s.lent : s.lent+n : s.lent+n]
	s.lent += n
	clear(out)
	return out
}

// encode implements store.Encode: it sorts, splits and signs, and gives back what has to wait. A row that no upload can
// carry waits too, so that it holds nobody up; misfit says why.
func (c *cutter) encode(lot store.Lot) (uploads []store.Upload, carry []store.Row, err error) {
	due := int64(-1)
	if c.rooms != nil {
		if due = c.rooms(lot.Seq); due <= 0 {
			return nil, lot.Rows, nil
		}
	}
	more := len(lot.Rows) >= MaxCut
	ready, carry := c.split(lot.Rows)
	c.losses = wireLosses(lot.Losses)
	ready, stretches := c.stretches(ready)
	for due < 0 || len(uploads) < int(due) {
		if len(ready) == 0 && (!c.cover || more) && (len(c.losses) == 0 || len(uploads) > 0) {
			break
		}
		upload, used, err := c.batch(lot.Seq+uint64(len(uploads)), ready[:wholeBuckets(ready[:stretches.first(len(ready))], c.limit())])
		switch {
		case c.unsealed != nil:
			return nil, nil, c.unsealed
		case err == nil:
			uploads = append(uploads, upload)
			ready = ready[used:]
			stretches.use(used)
			c.losses = nil
		case len(ready) > 0:
			c.misfit = err
			carry = append(carry, ready[0])
			ready = ready[1:]
			stretches.use(1)
		default:
			return nil, nil, err
		}
	}
	return uploads, append(carry, ready...), nil
}

// limit is how many rows a batch holds at the most.
func (c *cutter) limit() int {
	if c.announcement.Rows > 0 {
		return int(c.announcement.Rows)
	}
	return maxBatchRows
}

// wholeBuckets is how many of the sorted rows go into one batch: as many whole time buckets as there is room for, or a
// part of one when it alone is larger.
func wholeBuckets(rows []store.Row, limit int) int {
	if len(rows) <= limit {
		return len(rows)
	}
	for n := limit; n > 0; n-- {
		if rows[n].Time != rows[n-1].Time || rows[n].Group != rows[n-1].Group {
			return n
		}
	}
	return limit
}

// split parts the rows that can leave from those whose time bucket may still get company. It moves rows about in rows.
func (c *cutter) split(rows []store.Row) (ready, carry []store.Row) {
	before := map[int]int64{}
	for i := range rows {
		g := rows[i].Group
		if _, ok := before[g]; !ok {
			before[g] = c.complete(g)
		}
	}
	if len(rows) >= MaxCut { // there are more: the newest bucket of each group may go on in them
		newest := map[int]int64{}
		several := map[int]bool{}
		for i := range rows {
			r := &rows[i]
			if n, ok := newest[r.Group]; ok && n != r.Time {
				several[r.Group] = true
			}
			newest[r.Group] = max(newest[r.Group], r.Time)
		}
		for g := range several {
			before[g] = min(before[g], newest[g])
		}
	}
	ready = rows[:0]
	for i := range rows {
		if rows[i].Time < before[rows[i].Group] && c.fits(&rows[i]) {
			ready = append(ready, rows[i])
		} else {
			carry = append(carry, rows[i])
		}
	}
	return ready, carry
}

// fits tells whether a row has the announced shape.
func (c *cutter) fits(r *store.Row) bool {
	if r.Group >= 0 && r.Group < len(c.announcement.Groups) && len(r.Cells) == len(c.announcement.Groups[r.Group].Fields) {
		return true
	}
	c.misfit = errors.New("a row does not have the announced shape")
	return false
}

// compareRows orders rows by group and stamp, and inside one stamp by value, so that their order tells nothing.
func compareRows(a, b store.Row) int {
	if d := cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Coverage, b.Coverage)); d != 0 {
		return d
	}
	for i := range min(len(a.Cells), len(b.Cells)) {
		if d := compareCells(&a.Cells[i], &b.Cells[i]); d != 0 {
			return d
		}
	}
	return cmp.Or(cmp.Compare(len(a.Cells), len(b.Cells)), cmp.Compare(a.Day, b.Day))
}

// rowOrder sorts rows as compareRows says. A function of package slices would be in the binary once more for every type.
type rowOrder []store.Row

func (r rowOrder) Len() int           { return len(r) }
func (r rowOrder) Less(i, j int) bool { return compareRows(r[i], r[j]) < 0 }
func (r rowOrder) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }

func compareCells(a, b *consent.Cell) int {
	switch {
	case a.Set != b.Set:
		if a.Set {
			return 1
		}
		return -1
	case a.Num != b.Num:
		return cmp.Compare(a.Num, b.Num)
	}
	return strings.Compare(a.Token, b.Token)
}

// batch makes one signed batch of the first of these rows and says how many fitted. Where the announced size is too
// small for all of them it takes fewer. An error is about the first row; when there is none, about the stream.
func (c *cutter) batch(seq uint64, rows []store.Row) (store.Upload, int, error) {
	for n := len(rows); ; {
		c.numbers.back()
		b := wire.Batch{Announcement: c.digest, Seq: seq, Losses: c.losses, DeleteBy: c.deleteBy(c.wallDay(rows[:n])), Groups: c.numbers.columns(c.announcement, rows[:n])}
		c.clock(&b)
		payload, err := c.encoder.AppendBatch(c.payload[:0], &b, int(c.announcement.Size))
		c.payload = payload
		if err == nil {
			err = c.announcement.Check(&b) // a row beyond the announced alphabet must not leave, whoever made it
		}
		switch {
		case err == nil:
			signed := wire.AppendSigned(make([]byte, 0, wire.SignedSize(len(payload))), c.signer, wire.KindBatch, payload)
			if c.copies {
				c.signed = append(c.signed, signed)
			}
			up := store.Upload{Bytes: signed, Rows: n, ColumnBytes: c.encoder.ColumnBytes(), Fields: fieldNames(c.announcement, &b)}
			return c.wrap(up), n, nil
		case n > 1:
			n = wholeBuckets(rows[:n], fewer(n, err))
		case n == 1 && len(c.losses) > 0 && errors.Is(err, wire.ErrTooLarge):
			n = 0 // what is missing is told in a batch of its own
		default:
			return store.Upload{}, 0, err
		}
	}
}

// wrap seals an upload to the recipient where the route says so. What could not be sealed has no bytes and is not kept:
// encode gives the error back.
func (c *cutter) wrap(up store.Upload) store.Upload {
	if c.seal == nil {
		return up
	}
	out, sealed, err := c.seal(wire.KindBatch, up.Bytes)
	if err != nil {
		c.unsealed = err
		return store.Upload{}
	}
	if sealed {
		sum := sha256.Sum256(up.Bytes)
		up.Inner = [16]byte(sum[:16])
	}
	up.Bytes, up.Sealed = out, sealed
	return up
}

// fewer is how many of n rows to try next.
func fewer(n int, err error) int {
	var large *wire.TooLargeError
	if errors.As(err, &large) && large.Need > 0 {
		return max(1, min(n-1, n*large.Size/large.Need))
	}
	return max(1, n/2)
}

// fieldNames lists the fields that have a value in the batch.
func fieldNames(a *wire.Announcement, b *wire.Batch) []string {
	var out []string
	for _, g := range b.Groups {
		for i := range g.Columns {
			if c := &g.Columns[i]; c.Nums != nil || c.Tokens != nil {
				out = append(out, a.Groups[g.Group].Fields[i].Name)
			}
		}
	}
	return out
}

func oldestDay(rows []store.Row) int64 {
	if len(rows) == 0 {
		return 0
	}
	day := rows[0].Day
	for i := range rows {
		day = min(day, rows[i].Day)
	}
	return day
}

// columns turns sorted rows into the groups of a batch.
func columns(a *wire.Announcement, rows []store.Row) []wire.Rows {
	return new(numbers).columns(a, rows)
}

// columns is columns with lent memory.
func (s *numbers) columns(a *wire.Announcement, rows []store.Row) []wire.Rows {
	var groups []wire.Rows
	for len(rows) > 0 {
		g := rows[0].Group
		n := 1
		for n < len(rows) && rows[n].Group == g {
			n++
		}
		groups = append(groups, s.group(&a.Groups[g], g, rows[:n]))
		rows = rows[n:]
	}
	return groups
}

func (s *numbers) group(spec *wire.Group, index int, rows []store.Row) wire.Rows {
	out := wire.Rows{Group: index, Time: s.lend(len(rows)), Columns: make([]wire.Column, len(spec.Fields))}
	if spec.Window > 0 {
		out.Coverage = s.lend(len(rows))
	}
	for i := range rows {
		out.Time[i] = rows[i].Time
		if out.Coverage != nil {
			out.Coverage[i] = int64(rows[i].Coverage)
		}
	}
	for f := range spec.Fields {
		out.Columns[f] = s.column(spec.Fields[f].Type, f, rows)
	}
	return out
}

func (s *numbers) column(t wire.Type, field int, rows []store.Row) (c wire.Column) {
	token := t == wire.Pseudonym || t == wire.Label
	set := 0
	for i := range rows {
		if rows[i].Cells[field].Set {
			set++
		}
	}
	if set == 0 {
		return c
	}
	if set < len(rows) {
		c.Set = make([]bool, len(rows))
	}
	if token {
		c.Tokens = make([]string, len(rows))
	} else {
		c.Nums = s.lend(len(rows))
	}
	for i := range rows {
		cell := &rows[i].Cells[field]
		if c.Set != nil {
			c.Set[i] = cell.Set
		}
		if !cell.Set {
			continue
		}
		if token {
			c.Tokens[i] = cell.Token
		} else {
			c.Nums[i] = cell.Num
		}
	}
	return c
}
