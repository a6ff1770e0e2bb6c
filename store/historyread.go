package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strconv"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// HistoryQuery says what of a history is wanted. The zero value is all of it, oldest first.
type HistoryQuery struct {
	From, To sensors.Micros // event time, From included, To not; a zero To is no end
	Fields   []string       // of which a row must have one; nil: all
	Newest   bool           // newest day and reading first
}

// HistoryRow is one reading as it was kept. Cells has one cell a field of Source, in its order, and is valid only during the
// call that handed the row out. It has no text form.
type HistoryRow struct {
	Source *HistorySource
	Time   sensors.Micros
	Cells  []consent.Cell
}

// Format implements fmt.Formatter: the row is not shown.
func (HistoryRow) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[history row]")) }

// LogValue implements slog.LogValuer: the row is not shown.
func (HistoryRow) LogValue() slog.Value { return slog.StringValue("[history row]") }

// HistoryCount is what a reading of the history found.
type HistoryCount struct {
	Rows    uint64 // handed to visit
	Damaged uint64 // that could not be read any more, of any period
	KeyGone uint64 // whose key was destroyed meanwhile
}

// Read hands the readings a query asks for to visit, in the order they were taken in (or the reverse). Only one chunk, at
// most 1,024 rows, is in memory at a time, and no lock is held while visit runs. What waits in memory is committed first,
// as far as the disk takes it. An error of visit or ctx ends it.
func (h *History) Read(ctx context.Context, q HistoryQuery, visit func(HistoryRow) error) (HistoryCount, error) {
	var n HistoryCount
	_ = h.s.Flush() // what it could not do is told in Status
	for _, id := range h.streams(q.Newest) {
		sources, err := h.fieldsOf(id)
		refs := h.chunks(id)
		if err != nil {
			for _, r := range refs {
				n.Damaged += uint64(r.rows)
			}
			continue
		}
		if q.Newest {
			slices.Reverse(refs)
		}
		for _, ref := range refs {
			if err := ctx.Err(); err != nil {
				return n, err
			}
			if err := h.readChunk(ref, sources, &q, &n, visit); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (h *History) readChunk(ref chunkRef, sources []HistorySource, q *HistoryQuery, n *HistoryCount, visit func(HistoryRow) error) error {
	h.s.io.Lock()
	if h.s.isClosed() {
		h.s.io.Unlock()
		return ErrClosed
	}
	got := h.s.read([]chunkRef{ref})
	h.s.io.Unlock()
	defer got.reset()
	n.Damaged += got.damaged
	n.KeyGone += got.keyless
	if q.Newest {
		slices.Reverse(got.rows)
	}
	for i := range got.rows {
		r := &got.rows[i]
		if r.Group >= len(sources) || len(r.Cells) != len(sources[r.Group].Fields) {
			n.Damaged++
			continue
		}
		at, src := sensors.Micros(r.Time), &sources[r.Group]
		if at < q.From || q.To != 0 && at >= q.To || !src.hasAny(q.Fields) {
			continue
		}
		n.Rows++
		if err := visit(HistoryRow{src, at, r.Cells}); err != nil {
			return err
		}
	}
	return nil
}

func (s *HistorySource) hasAny(fields []string) bool {
	return fields == nil || slices.ContainsFunc(s.Fields, func(f HistoryField) bool { return slices.Contains(fields, f.Name) })
}

// streams lists what is alive, by day.
func (h *History) streams(newest bool) []uint32 {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.awaitLocked(never)
	var out []uint32
	day := map[uint32]uint64{}
	for id := range h.s.index {
		st := h.s.state.streams[id]
		if st == nil || h.s.dropped[st.grant] || int64(st.epoch) < h.over[st.grant] {
			continue
		}
		out, day[id] = append(out, id), st.epoch
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return day[a] < day[b] || day[a] == day[b] && a < b
	})
	if newest {
		slices.Reverse(out)
	}
	return out
}

func (h *History) chunks(stream uint32) []chunkRef {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if x := h.s.index[stream]; x != nil {
		return slices.Clone(x.chunks)
	}
	return nil
}

// fieldsOf reads what the rows of a stream mean.
func (h *History) fieldsOf(stream uint32) (out []HistorySource, err error) {
	head, err := h.head(stream)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(head, &out); err != nil {
		return nil, fmt.Errorf("store: history: its fields can't be read: %w", err)
	}
	return out, nil
}

// head reads what lies at the head of a stream. It waits for nothing.
func (h *History) head(stream uint32) ([]byte, error) {
	h.s.mu.Lock()
	outs := h.s.outgoing(stream)
	h.s.mu.Unlock()
	for _, o := range outs {
		loaded, err := h.s.loadKnown(o)
		if err != nil {
			return nil, err
		}
		if f := loaded.Fields(); len(f) == 1 && f[0] == asideFields {
			return loaded.Body(), nil
		}
	}
	return nil, errDamaged
}

// Copy is the readable copy of one batch, made when it was cut. That it is here does not say that it left: the ledger does.
type Copy struct {
	Stream       string // name of the stream, lower-case hex
	Seq          uint64
	Recipient    string
	Purpose      string
	Signed       []byte // the batch as it was signed, before it was sealed to anybody
	Announcement []byte // of its stream, signed; says what the columns are
}

// Format implements fmt.Formatter: stream and number are shown, nothing else.
func (c Copy) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "[copy of %s %d]", c.Stream, c.Seq) }

// LogValue implements slog.LogValuer.
func (c Copy) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// KeepCopies stores copies under the grant and UTC day of m, with whatever else waits, in one transaction. It does nothing
// without a yes. An error says that they wait in memory.
func (h *History) KeepCopies(m *consent.Mine, today int64, copies []Copy) error {
	if m == nil || m.State != consent.Given || len(copies) == 0 {
		return nil
	}
	h.purposeOf(m)
	for i := range copies {
		if err := h.keepCopy(m, today, &copies[i]); err != nil {
			return err
		}
	}
	return h.s.Flush()
}

func (h *History) keepCopy(m *consent.Mine, today int64, c *Copy) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, err := h.stream(m.Grant.ID, today, m.Digest)
	if err != nil {
		return err
	}
	if key := (announced{id, c.Stream}); !h.told[key] {
		head := Upload{Bytes: c.Announcement, Fields: []string{asideAnnouncement, c.Stream}}
		if err := h.s.putBeside(&aside{id, m.Grant.ID, int32(today), head}); err != nil {
			return err
		}
		h.told[key] = true
	}
	u := Upload{Bytes: c.Signed, Fields: []string{asideCopy, c.Stream, strconv.FormatUint(c.Seq, 10), c.Recipient, c.Purpose}}
	return h.s.putBeside(&aside{id, m.Grant.ID, int32(today), u})
}

// Copies hands over the copies, oldest first, one at a time. With a stream's name only those of that stream.
func (h *History) Copies(ctx context.Context, stream string, visit func(Copy) error) error {
	_ = h.s.Flush()
	for _, id := range h.streams(false) {
		papers := map[string][]byte{}
		for _, o := range h.s.Outgoing(id) {
			if err := ctx.Err(); err != nil {
				return err
			}
			o, err := h.s.Load(o)
			if err != nil {
				continue // counted by Load
			}
			c, ok := copyOf(o, papers)
			if !ok || stream != "" && c.Stream != stream {
				continue
			}
			if err := visit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyOf reads one record; announcements go to papers.
func copyOf(o Outgoing, papers map[string][]byte) (Copy, bool) {
	f := o.Fields()
	switch {
	case len(f) == 2 && f[0] == asideAnnouncement:
		papers[f[1]] = o.Body()
	case len(f) == 5 && f[0] == asideCopy:
		if seq, err := strconv.ParseUint(f[2], 10, 64); err == nil {
			return Copy{Stream: f[1], Seq: seq, Recipient: f[3], Purpose: f[4], Signed: o.Body(), Announcement: papers[f[1]]}, true
		}
	}
	return Copy{}, false
}
