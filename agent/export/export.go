package export

import (
	"context"
	"errors"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// Form writes an export in one format. Points come with the series they belong to. A Form is used for one export and by one
// goroutine.
type Form interface {
	Point(s *control.ExportSeries, p *control.ExportPoint) error
	End(m *Metadata) error
}

// Source hands over an export piece by piece, as [control.Client.Export] does.
type Source func(ctx context.Context, q control.ExportQuery, emit func(control.ExportPiece) error) error

// Collect asks for an export and hands it to a form. counted is told how many values there were so far; nil for nobody.
func Collect(ctx context.Context, q control.ExportQuery, from Source, f Form, counted func(values int)) error {
	m := newMetadata(&q)
	values := 0
	err := from(ctx, q, func(p control.ExportPiece) error {
		m.add(&p)
		for i := range p.Points {
			at := p.Points[i].Series
			if at < 0 || at >= len(m.Fields) {
				return errors.New("the answer names a field that it did not tell")
			}
			if err := f.Point(&m.series[at], &p.Points[i]); err != nil {
				return err
			}
			m.counted(at, &p.Points[i])
		}
		values += len(p.Points)
		if counted != nil {
			counted(values)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.End(m)
}

// Series is the i-th field of the export, with what tells it apart from others of its name.
func (m *Metadata) Series(i int) *control.ExportSeries { return &m.series[i] }

// Metadata is what an export tells beside the values. Times are ISO 8601 in UTC.
type Metadata struct {
	What     string                  `json:"what"`
	From     string                  `json:"from,omitempty"`
	To       string                  `json:"to,omitempty"`
	TimeZone string                  `json:"time_zone"`
	Fields   []FieldMetadata         `json:"fields"`
	Gaps     []GapMetadata           `json:"gaps"`
	Receipts []control.ExportReceipt `json:"receipts,omitempty"`
	Notes    []string                `json:"notes,omitempty"`

	series []control.ExportSeries
	early  bool
}

// absoluteTime is where SenML times stop meaning "relative to now", microseconds (RFC 8428 section 4.5.3).
const absoluteTime = 1 << 28 * 1_000_000

// FieldMetadata is what the values of one field mean and how many there are.
type FieldMetadata struct {
	Name       string `json:"name"`
	Unit       string `json:"unit,omitempty"`
	Type       string `json:"type"`
	Resolution string `json:"resolution,omitempty"` // the smallest difference its numbers can say
	Class      string `json:"class,omitempty"`
	Sampling   string `json:"sampling"`
	File       string `json:"file,omitempty"`
	Values     int    `json:"values"`
	First      string `json:"first,omitempty"`
	Last       string `json:"last,omitempty"`
}

// GapMetadata is a time in which a field has no value although its sampling promises some.
type GapMetadata struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

func newMetadata(q *control.ExportQuery) *Metadata {
	m := &Metadata{What: q.What, TimeZone: "UTC", Fields: []FieldMetadata{}, Gaps: []GapMetadata{}}
	if !q.From.IsZero() {
		m.From = q.From.UTC().Format(time.RFC3339Nano)
	}
	if !q.To.IsZero() {
		m.To = q.To.UTC().Format(time.RFC3339Nano)
	}
	return m
}

func (m *Metadata) add(p *control.ExportPiece) {
	switch {
	case p.Series != nil:
		f := FieldMetadata{Name: p.Series.Name, Unit: p.Series.Unit, Type: p.Series.Type, Class: p.Series.Class, Sampling: p.Series.Sampling}
		if p.Series.Type == "number" {
			f.Resolution = Decimal(1, p.Series.Scale)
		}
		m.series, m.Fields = append(m.series, *p.Series), append(m.Fields, f)
	case p.Gap != nil && p.Gap.Series >= 0 && p.Gap.Series < len(m.Fields):
		m.Gaps = append(m.Gaps, GapMetadata{m.Fields[p.Gap.Series].Name, Time(p.Gap.From), Time(p.Gap.To), p.Gap.Reason})
	case p.Receipt != nil:
		m.Receipts = append(m.Receipts, *p.Receipt)
	case p.Note != "":
		m.Notes = append(m.Notes, p.Note)
	}
}

func (m *Metadata) counted(at int, p *control.ExportPoint) {
	if p.At < absoluteTime && !m.early {
		m.early = true
		m.Notes = append(m.Notes, "Some times are before July 1978. They are since 1970 here, as all others; a reader of SenML may take them as relative to now.")
	}
	f := &m.Fields[at]
	f.Last = Time(p.At)
	if f.Values == 0 {
		f.First = f.Last
	}
	f.Values++
}

// Time is microseconds since 1970 in ISO 8601, UTC.
func Time(t int64) string {
	return time.UnixMicro(t).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}
