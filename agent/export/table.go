package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// Guarded is a text that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it. It is for
// texts only; a number stays as it is, its sign too.
func Guarded(text string) string {
	first := strings.TrimLeft(text, " \u00a0")
	if first != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(first)[0]) {
		return "'" + text
	}
	return text
}

// tableForm writes all values of an export as one CSV table (RFC 4180, UTF-8), a value a line.
type tableForm struct {
	w        *csv.Writer
	receipts bool
	some     bool
}

// Table is a [Form] that writes one CSV table to w, which the caller flushes: a value a line, with its unit and how it was
// sampled. With receipts the table is of the receipts instead, and values are left out.
func Table(w *bufio.Writer, receipts bool) Form {
	t := &tableForm{w: csv.NewWriter(w), receipts: receipts}
	t.w.UseCRLF = true
	return t
}

// Point implements Form.
func (t *tableForm) Point(s *control.ExportSeries, p *control.ExportPoint) error {
	if t.receipts {
		return nil
	}
	if err := t.head(); err != nil {
		return err
	}
	return t.w.Write([]string{Time(p.At), Guarded(s.Name), Cell(s, p), Guarded(s.Unit), s.Type, s.Class, Guarded(s.Sampling)})
}

// Cell is one value as a cell of a CSV table.
func Cell(s *control.ExportSeries, p *control.ExportPoint) string {
	switch s.Type {
	case "boolean":
		return strconv.FormatBool(p.Num != 0)
	case "text":
		return Guarded(p.Text)
	}
	return Decimal(p.Num, s.Scale)
}

func (t *tableForm) head() error {
	if t.some {
		return nil
	}
	t.some = true
	if t.receipts {
		return t.w.Write(ReceiptColumns())
	}
	return t.w.Write([]string{"time", "field", "value", "unit", "type", "class", "sampling"})
}

// End implements Form.
func (t *tableForm) End(m *Metadata) error {
	if err := t.head(); err != nil {
		return err
	}
	if t.receipts {
		for i := range m.Receipts {
			if err := t.w.Write(ReceiptCells(&m.Receipts[i])); err != nil {
				return err
			}
		}
	}
	t.w.Flush()
	if err := t.w.Error(); err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

// ReceiptColumns are the heads of a table of receipts.
func ReceiptColumns() []string {
	return []string{"id", "entry", "grant", "purpose", "title", "recipient", "given", "until", "ended", "ending", "role", "on_behalf",
		"language", "notice_sha256", "access", "basis", "retention_days", "fields", "commitment"}
}

// ReceiptCells are one receipt in the order of [ReceiptColumns].
func ReceiptCells(r *control.ExportReceipt) []string {
	iso := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return Time(t.UnixMicro())
	}
	return []string{Guarded(r.ID), strconv.FormatUint(r.Entry, 10), strconv.FormatUint(uint64(r.Grant), 10), Guarded(r.Purpose), Guarded(r.Title), Guarded(r.Recipient),
		iso(r.Given), iso(r.Until), iso(r.Ended), r.Ending, r.Role, Guarded(r.OnBehalf), r.Language, r.Notice, r.Access, r.Basis, strconv.Itoa(r.RetentionDays),
		Guarded(strings.Join(r.Fields, "; ")), r.Commitment}
}

// factsForm writes the metadata alone.
type factsForm struct{ w *bufio.Writer }

// Facts is a [Form] that leaves the values out and writes the metadata as JSON to w, which the caller flushes: what a CSV
// table has no room for.
func Facts(w *bufio.Writer) Form { return factsForm{w} }

// Point implements Form.
func (factsForm) Point(*control.ExportSeries, *control.ExportPoint) error { return nil }

// End implements Form.
func (f factsForm) End(m *Metadata) error {
	told, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		_, err = f.w.Write(append(told, '\n'))
	}
	if err != nil {
		return fmt.Errorf("can't write the export's metadata: %w", err)
	}
	return nil
}
