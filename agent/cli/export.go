package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

type exportOptions struct {
	what, format, from, to, out string
}

func newExport(g *global) *cobra.Command {
	o := &exportOptions{}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "hand over your data: readings, what was sent, receipts",
		Long: `Hands over what this object keeps for you, at the quality it was measured with:
the readings (raw) and the readable copies of what was sent (sent), both kept from
the moment mine is granted, and the receipts of every yes (receipts). Nothing of
it goes over a network, and nobody is told.

json and cbor are one SenML pack (RFC 8428) each, whose last record tells under
"candor" the units, sampling, time zone and gaps. csv is a directory with one file
a field (RFC 4180, UTF-8, times in UTC) and the same facts in metadata.json.
A text that a spreadsheet would run begins with an apostrophe in csv.`,
		Example: `  candor export --what all --format json --out history.json
  candor export --what raw --format csv --from 2026-01-05 --out history
  candor export --what sent --format cbor --out sent.cbor`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := o.query(cmd)
			if err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error { return o.run(cmd.Context(), g, s, q) })
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.what, "what", "all", "`WHAT`: raw, sent, receipts or all")
	cmd.Flags().StringVar(&o.format, "format", "json", "`FORMAT`: json, csv or cbor")
	cmd.Flags().StringVar(&o.from, "from", "", "from this `TIME` on: 2026-01-05 or 2026-01-05T06:00:00Z (UTC)")
	cmd.Flags().StringVar(&o.to, "to", "", "up to this `TIME`, itself not included")
	cmd.Flags().StringVar(&o.out, "out", "-", "`FILE` for json and cbor, - for standard output; directory for csv")
	return cmd
}

func (o *exportOptions) query(cmd *cobra.Command) (control.ExportQuery, error) {
	q := control.ExportQuery{What: o.what}
	switch o.what {
	case "raw", "sent", "receipts", "all":
	default:
		return q, usagef(cmd, "--what is raw, sent, receipts or all, not %q", o.what)
	}
	switch {
	case o.format != "json" && o.format != "csv" && o.format != "cbor":
		return q, usagef(cmd, "--format is json, csv or cbor, not %q", o.format)
	case o.out == "":
		return q, usagef(cmd, "--out is empty")
	case o.format == "csv" && o.out == "-":
		return q, usagef(cmd, "csv is one file a field; name a directory with --out")
	}
	for _, t := range []struct {
		flag, text string
		into       *time.Time
	}{{"--from", o.from, &q.From}, {"--to", o.to, &q.To}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, t.text)
		}
		if err != nil {
			return q, usagef(cmd, "%s is a time as 2026-01-05 or 2026-01-05T06:00:00Z, not %q", t.flag, t.text)
		}
		*t.into = at
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, usagef(cmd, "--from is not before --to")
	}
	return q, nil
}

// form is what writes an export in one format. Points come with the series they belong to.
type form interface {
	point(s *control.ExportSeries, p *control.ExportPoint) error
	end(m *metadata) error
}

func (o *exportOptions) run(ctx context.Context, g *global, s *session, q control.ExportQuery) error {
	if o.format == "csv" {
		w, err := newCSVForm(o.out)
		if err != nil {
			return err
		}
		return collect(ctx, g, s, q, w)
	}
	if o.out == "-" {
		return o.write(ctx, g, s, q, data(g.out))
	}
	// Written beside and renamed, so that a file of that name is whole.
	tmp := o.out + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	if err := o.write(ctx, g, s, q, f); err != nil {
		_ = f.Close()
		_ = os.Remove(tmp)
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	if err := os.Rename(tmp, o.out); err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

func (o *exportOptions) write(ctx context.Context, g *global, s *session, q control.ExportQuery, to io.Writer) error {
	w := bufio.NewWriter(to)
	var f form = &jsonForm{w: w}
	if o.format == "cbor" {
		f = &cborForm{w: w}
	}
	if err := collect(ctx, g, s, q, f); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

// collect asks for an export and hands it to a form.
func collect(ctx context.Context, g *global, s *session, q control.ExportQuery, f form) error {
	m := newMetadata(&q)
	values := 0
	bar := newProgress(g, "values exported")
	defer bar.end()
	err := s.Export(ctx, q, func(p control.ExportPiece) error {
		m.add(&p)
		for i := range p.Points {
			at := p.Points[i].Series
			if at < 0 || at >= len(m.Fields) {
				return fmt.Errorf("the answer names a field that it did not tell")
			}
			if err := f.point(&m.series[at], &p.Points[i]); err != nil {
				return err
			}
			m.counted(at, &p.Points[i])
		}
		values += len(p.Points)
		bar.count(values)
		return nil
	})
	if err != nil {
		return err
	}
	return f.end(m)
}

// metadata is what an export tells beside the values.
type metadata struct {
	What     string                  `json:"what"`
	From     string                  `json:"from,omitempty"`
	To       string                  `json:"to,omitempty"`
	TimeZone string                  `json:"time_zone"`
	Fields   []fieldMetadata         `json:"fields"`
	Gaps     []gapMetadata           `json:"gaps"`
	Receipts []control.ExportReceipt `json:"receipts,omitempty"`
	Notes    []string                `json:"notes,omitempty"`

	series []control.ExportSeries
	early  bool
}

// absoluteTime is where SenML times stop meaning "relative to now", microseconds (RFC 8428 section 4.5.3).
const absoluteTime = 1 << 28 * 1_000_000

type fieldMetadata struct {
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

type gapMetadata struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

func newMetadata(q *control.ExportQuery) *metadata {
	m := &metadata{What: q.What, TimeZone: "UTC", Fields: []fieldMetadata{}, Gaps: []gapMetadata{}}
	if !q.From.IsZero() {
		m.From = q.From.UTC().Format(time.RFC3339Nano)
	}
	if !q.To.IsZero() {
		m.To = q.To.UTC().Format(time.RFC3339Nano)
	}
	return m
}

func (m *metadata) add(p *control.ExportPiece) {
	switch {
	case p.Series != nil:
		f := fieldMetadata{Name: p.Series.Name, Unit: p.Series.Unit, Type: p.Series.Type, Class: p.Series.Class, Sampling: p.Series.Sampling}
		if p.Series.Type == "number" {
			f.Resolution = decimalText(1, p.Series.Scale)
		}
		m.series, m.Fields = append(m.series, *p.Series), append(m.Fields, f)
	case p.Gap != nil && p.Gap.Series >= 0 && p.Gap.Series < len(m.Fields):
		m.Gaps = append(m.Gaps, gapMetadata{m.Fields[p.Gap.Series].Name, isoMicros(p.Gap.From), isoMicros(p.Gap.To), p.Gap.Reason})
	case p.Receipt != nil:
		m.Receipts = append(m.Receipts, *p.Receipt)
	case p.Note != "":
		m.Notes = append(m.Notes, p.Note)
	}
}

func (m *metadata) counted(at int, p *control.ExportPoint) {
	if p.At < absoluteTime && !m.early {
		m.early = true
		m.Notes = append(m.Notes, "Some times are before July 1978. They are since 1970 here, as all others; a reader of SenML may take them as relative to now.")
	}
	f := &m.Fields[at]
	f.Last = isoMicros(p.At)
	if f.Values == 0 {
		f.First = f.Last
	}
	f.Values++
}

// isoMicros is a time in ISO 8601, UTC.
func isoMicros(t int64) string {
	return time.UnixMicro(t).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// privateDir makes a directory for values that only the person should read.
func privateDir(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err == nil {
		err = os.MkdirAll(abs, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("can't make the directory for the export: %w", err)
	}
	return abs, nil
}
