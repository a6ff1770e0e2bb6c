package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// exportPoints is how many values one piece of an export has at the most.
const exportPoints = 512

// exporter hands a person's data over, a piece at a time.
type exporter struct {
	a      *Agent
	q      control.ExportQuery
	emit   func(control.ExportPiece) error
	series map[control.ExportSeries]int
	every  []sensors.Micros // of each series; 0: nothing is promised
	last   []int64          // newest value of each series
	points []control.ExportPoint
}

// Export implements control.Historian. It sends nothing and writes nothing but what waited in memory.
func (a *Agent) Export(ctx context.Context, q control.ExportQuery, emit func(control.ExportPiece) error) error {
	e := &exporter{a: a, q: q, emit: emit, series: map[control.ExportSeries]int{}}
	parts := map[string][]func(context.Context) error{
		"raw": {e.raw}, "sent": {e.sent}, "receipts": {e.receipts}, "all": {e.raw, e.sent, e.receipts},
	}
	for _, part := range parts[q.What] {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return e.flush()
}

// Exported implements control.Historian.
func (a *Agent) Exported(q control.ExportQuery, channel string) {
	text := "her data was taken: " + q.What
	switch day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }; {
	case !q.From.IsZero() && !q.To.IsZero():
		text += fmt.Sprintf(", from %s to %s", day(q.From), day(q.To))
	case !q.From.IsZero():
		text += ", from " + day(q.From)
	case !q.To.IsZero():
		text += ", until " + day(q.To)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Role: string(control.Person), Channel: channel, Text: text})
}

// in tells whether a time is in the period that is wanted.
func (e *exporter) in(at int64) bool {
	return (e.q.From.IsZero() || at >= e.q.From.UnixMicro()) && (e.q.To.IsZero() || at < e.q.To.UnixMicro())
}

func (e *exporter) flush() error {
	if len(e.points) == 0 {
		return nil
	}
	err := e.emit(control.ExportPiece{Points: e.points})
	e.points = e.points[:0]
	return err
}

// index is the number of a series, which is told first when it is new.
func (e *exporter) index(s control.ExportSeries, every sensors.Micros) (int, error) {
	if i, ok := e.series[s]; ok {
		return i, nil
	}
	if err := e.flush(); err != nil {
		return 0, err
	}
	i := len(e.series)
	e.series[s] = i
	e.every, e.last = append(e.every, every), append(e.last, 0)
	return i, e.emit(control.ExportPiece{Series: &s})
}

// add hands over one value, and the gap before it where its sampling promised more.
func (e *exporter) add(p control.ExportPoint) error {
	every, last := e.every[p.Series], e.last[p.Series]
	if every > 0 && last != 0 && p.At-last > 3*int64(every) {
		if err := e.flush(); err != nil {
			return err
		}
		gap := control.ExportGap{Series: p.Series, From: last, To: p.At, Reason: "no value was kept: the object or the sensor did not run, the value was not plausible, or what waited in memory was lost by a power cut"}
		if err := e.emit(control.ExportPiece{Gap: &gap}); err != nil {
			return err
		}
	}
	e.last[p.Series] = p.At
	if e.points = append(e.points, p); len(e.points) < exportPoints {
		return nil
	}
	return e.flush()
}

func (e *exporter) note(format string, args ...any) error {
	if err := e.flush(); err != nil {
		return err
	}
	return e.emit(control.ExportPiece{Note: fmt.Sprintf(format, args...)})
}

// raw is the history, as measured.
func (e *exporter) raw(ctx context.Context) error {
	h := e.a.mine.history.Load()
	if h == nil {
		return e.note("There is no history: readings are kept from the moment mine is granted.")
	}
	q := store.HistoryQuery{}
	if !e.q.From.IsZero() {
		q.From = sensors.Micros(e.q.From.UnixMicro())
	}
	if !e.q.To.IsZero() {
		q.To = sensors.Micros(e.q.To.UnixMicro())
	}
	n, err := h.Read(ctx, q, e.row)
	if err == nil && n.Damaged > 0 {
		err = e.note("%d readings could not be read any more.", n.Damaged)
	}
	return err
}

func (e *exporter) row(r store.HistoryRow) error {
	sampling := "as the source speaks"
	if r.Source.Every > 0 {
		sampling = "every " + consent.Span(r.Source.Every, "en")
	}
	for i, f := range r.Source.Fields {
		if !r.Cells[i].Set {
			continue
		}
		kind := map[sensors.Type]string{sensors.Numeric: "number", sensors.Boolean: "boolean", sensors.Text: "text"}[f.Type]
		s, err := e.index(control.ExportSeries{Name: f.Name, Unit: f.Unit, Scale: f.Scale, Type: kind, Class: string(f.Class), Sampling: sampling}, r.Source.Every)
		if err != nil {
			return err
		}
		if err := e.add(control.ExportPoint{Series: s, At: int64(r.Time), Num: r.Cells[i].Num, Text: r.Cells[i].Token}); err != nil {
			return err
		}
	}
	return nil
}

// sent is what left, as the recipient got it.
func (e *exporter) sent(ctx context.Context) error {
	h := e.a.mine.history.Load()
	if h == nil {
		return e.note("There is no readable copy of what was sent: copies are kept from the moment mine is granted.")
	}
	type batch struct {
		stream string
		seq    uint64
	}
	left := map[batch]bool{}
	err := e.a.book.Sent(func(s ledger.Sent) error {
		if s.Control == "" && e.in(int64(s.SentAt)) {
			left[batch{fmt.Sprintf("%x", s.StreamName[:]), s.Seq}] = true
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	unread := 0
	err = h.Copies(ctx, "", func(c store.Copy) error {
		if !left[batch{c.Stream, c.Seq}] {
			return nil
		}
		an, b, err := openCopy(c.Signed, c.Announcement)
		if err != nil {
			unread++
			return nil
		}
		delete(left, batch{c.Stream, c.Seq})
		return e.batch(&c, an, b)
	})
	if err == nil && unread > 0 {
		err = e.note("%d copies of batches could not be read any more.", unread)
	}
	if err == nil && len(left) > unread {
		err = e.note("%d batches of this period left before mine was granted, or longer ago than it keeps; the ledger has a line for each.", len(left)-unread)
	}
	return err
}

func (e *exporter) batch(c *store.Copy, an *wire.Announcement, b *wire.Batch) error {
	for g := range b.Groups {
		rows := &b.Groups[g]
		for i, t := range rows.Time {
			tick, _, ok := b.Clock.WallTick(t)
			if !ok {
				continue
			}
			for f := range rows.Columns {
				col, spec := &rows.Columns[f], &an.Groups[rows.Group].Fields[f]
				if !col.Has(i) {
					continue
				}
				p := control.ExportPoint{At: tick * an.Tick}
				kind := spec.Type.String()
				switch spec.Type {
				case wire.Pseudonym:
					p.Text, kind = fmt.Sprintf("%x", col.Tokens[i]), "text"
				case wire.Label:
					p.Text, kind = col.Tokens[i], "text"
				default:
					p.Num = col.Nums[i]
				}
				form := "in steps of " + consent.Span(sensors.Micros(an.Tick), "en")
				var err error
				if p.Series, err = e.index(control.ExportSeries{Name: c.Recipient + "/" + c.Purpose + "/" + spec.Name, Unit: spec.Unit, Scale: spec.Scale, Type: kind, Sampling: form, Sent: true}, 0); err != nil {
					return err
				}
				if err := e.add(p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// receipts are the consent events, in full.
func (e *exporter) receipts(ctx context.Context) error {
	if err := e.flush(); err != nil {
		return err
	}
	for _, r := range e.a.book.Answers() {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := r.ReceiptID
		out := control.ExportReceipt{ID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), Entry: r.Entry, Grant: uint32(r.ID), Purpose: r.Purpose, Title: r.Title,
			Recipient: r.Receiver.Name, Given: timeOf(r.Given), Role: r.Role, OnBehalf: r.OnBehalf, Language: r.Language, Notice: fmt.Sprintf("%x", r.Notice[:]), Access: r.Access, Basis: r.Basis,
			RetentionDays: r.RetentionDays, Fields: r.Fields, Commitment: fmt.Sprintf("%x", r.Receipt[:])}
		out.Until, out.Ended = optional(r.Until), optional(r.Withdrawn)
		if r.Withdrawn != 0 {
			out.Ending = r.Ending.String()
		}
		if err := e.emit(control.ExportPiece{Receipt: &out}); err != nil {
			return err
		}
	}
	return nil
}

func optional(m sensors.Micros) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return timeOf(m)
}
