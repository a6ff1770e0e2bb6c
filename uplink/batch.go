package uplink

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink/wire"
)

// MaxCut is how many rows are looked at in one cut. A batch holds whole time buckets; only a bucket with more rows
// than this is split, and then it is sorted in runs of this many.
const MaxCut = 8192

// maxBatchRows is how many rows a batch of a purpose without a room holds at the most.
const maxBatchRows = 1000

// cutter makes batches of the rows of one stream. It is used for one cut.
type cutter struct {
	encoder      *wire.Encoder
	signer       wire.Signer
	announcement *wire.Announcement
	digest       [16]byte
	deleteBy     func(day int64) uint32
	complete     func(group int) int64 // rows of a group before this tick get no more company
	losses       []wire.Loss
	all          bool // cut incomplete buckets too: nothing more will come
	cover        bool // make an empty batch when there is no row
}

// encode implements store.Encode: it sorts, splits and signs, and gives back what has to wait.
func (c *cutter) encode(lot store.Lot) (uploads []store.Upload, carry []store.Row, err error) {
	ready, carry := c.split(lot.Rows)
	c.losses = wireLosses(lot.Losses)
	slices.SortFunc(ready, compareRows)
	limit := maxBatchRows
	if c.announcement.Rows > 0 {
		limit = int(c.announcement.Rows)
	}
	for len(ready) > 0 || len(uploads) == 0 && (c.cover || len(c.losses) > 0) {
		upload, used, err := c.batch(lot.Seq+uint64(len(uploads)), ready[:wholeBuckets(ready, limit)])
		if err != nil {
			return nil, nil, err
		}
		uploads = append(uploads, upload)
		ready = ready[used:]
		c.losses = nil
	}
	return uploads, carry, nil
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

// split parts the rows that can leave from those whose time bucket may still get company.
func (c *cutter) split(rows []store.Row) (ready, carry []store.Row) {
	if c.all {
		return rows, nil
	}
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
	for i := range rows {
		if rows[i].Time < before[rows[i].Group] {
			ready = append(ready, rows[i])
		} else {
			carry = append(carry, rows[i])
		}
	}
	return ready, carry
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
	return 0
}

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
// small for all of them it takes fewer.
func (c *cutter) batch(seq uint64, rows []store.Row) (store.Upload, int, error) {
	for n := len(rows); ; n = n * 3 / 4 {
		b := wire.Batch{Announcement: c.digest, Seq: seq, Losses: c.losses, DeleteBy: c.deleteBy(oldestDay(rows[:n])), Groups: columns(c.announcement, rows[:n])}
		payload, err := c.encoder.AppendBatch(nil, &b, int(c.announcement.Size))
		if errors.Is(err, wire.ErrTooLarge) && n > 1 {
			continue
		}
		if err != nil {
			return store.Upload{}, 0, err
		}
		if err := c.announcement.Check(&b); err != nil {
			return store.Upload{}, 0, err // a row beyond the announced alphabet must not leave, whoever made it
		}
		signed := wire.AppendSigned(make([]byte, 0, wire.SignedSize(len(payload))), c.signer, wire.KindBatch, payload)
		return store.Upload{Bytes: signed, Rows: n, ColumnBytes: c.encoder.ColumnBytes(), Fields: fieldNames(c.announcement, &b)}, n, nil
	}
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
	var groups []wire.Rows
	for len(rows) > 0 {
		g := rows[0].Group
		n := 1
		for n < len(rows) && rows[n].Group == g {
			n++
		}
		groups = append(groups, group(&a.Groups[g], g, rows[:n]))
		rows = rows[n:]
	}
	return groups
}

func group(spec *wire.Group, index int, rows []store.Row) wire.Rows {
	out := wire.Rows{Group: index, Time: make([]int64, len(rows)), Columns: make([]wire.Column, len(spec.Fields))}
	if spec.Window > 0 {
		out.Coverage = make([]int64, len(rows))
	}
	for i := range rows {
		out.Time[i] = rows[i].Time
		if out.Coverage != nil {
			out.Coverage[i] = int64(rows[i].Coverage)
		}
	}
	for f := range spec.Fields {
		out.Columns[f] = column(spec.Fields[f].Type, f, rows)
	}
	return out
}

func column(t wire.Type, field int, rows []store.Row) (c wire.Column) {
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
		c.Nums = make([]int64, len(rows))
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
