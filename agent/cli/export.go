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
	"github.com/candor-edge/candor/agent/export"
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
	f := export.JSON(w)
	if o.format == "cbor" {
		f = export.CBOR(w)
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
func collect(ctx context.Context, g *global, s *session, q control.ExportQuery, f export.Form) error {
	bar := newProgress(g, "values exported")
	defer bar.end()
	return export.Collect(ctx, q, s.Export, f, bar.count)
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
