package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// csvForm writes one CSV file a field (RFC 4180, UTF-8), and metadata.json beside them.
type csvForm struct {
	dir   string
	files map[string]*csvFile
	taken map[string]bool
}

type csvFile struct {
	name string
	f    *os.File
	w    *csv.Writer
}

const (
	metadataFile = "metadata.json"
	receiptsFile = "receipts.csv"
)

func newCSVForm(dir string) (*csvForm, error) {
	abs, err := privateDir(dir)
	if err != nil {
		return nil, err
	}
	left, err := os.ReadDir(abs)
	if err == nil && len(left) > 0 {
		return nil, &failure{fmt.Errorf("%s is not empty, and an export must not be mixed with what is there", dir), exitFailed, "name a new directory with --out"}
	}
	return &csvForm{dir: abs, files: map[string]*csvFile{}, taken: map[string]bool{}}, nil
}

// guarded is a text that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it. It is for
// texts only; a number stays as it is, its sign too.
func guarded(text string) string {
	first := strings.TrimLeft(text, " \u00a0")
	if first != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(first)[0]) {
		return "'" + text
	}
	return text
}

// fileName is a name for the file of a field, of letters, digits, dots and hyphens, and of no other field.
func (c *csvForm) fileName(s *control.ExportSeries) string {
	kind := "raw-"
	if s.Sent {
		kind = "sent-"
	}
	base := kind + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, s.Name)
	name := base + ".csv"
	for i := 2; c.taken[name]; i++ {
		name = base + "-" + strconv.Itoa(i) + ".csv"
	}
	c.taken[name] = true
	return name
}

// key tells series apart: a field whose unit or sampling was changed goes on in a file of its own.
func (c *csvForm) key(s *control.ExportSeries) string {
	return strings.Join([]string{s.Name, s.Unit, strconv.Itoa(s.Scale), s.Type, s.Class, s.Sampling, strconv.FormatBool(s.Sent)}, "\x00")
}

func (c *csvForm) open(s *control.ExportSeries) (*csvFile, error) {
	key := c.key(s)
	if f := c.files[key]; f != nil {
		return f, nil
	}
	name := c.fileName(s)
	f, err := c.create(name, "time", "value")
	if err == nil {
		c.files[key] = f
	}
	return f, err
}

func (c *csvForm) create(name string, head ...string) (*csvFile, error) {
	f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("can't write the export: %w", err)
	}
	w := csv.NewWriter(f)
	w.UseCRLF = true
	return &csvFile{name, f, w}, w.Write(head)
}

func (f *csvFile) close() error {
	f.w.Flush()
	return errors.Join(f.w.Error(), f.f.Close())
}

func (c *csvForm) point(s *control.ExportSeries, p *control.ExportPoint) error {
	f, err := c.open(s)
	if err != nil {
		return err
	}
	value := ""
	switch s.Type {
	case "boolean":
		value = strconv.FormatBool(p.Num != 0)
	case "text":
		value = guarded(p.Text)
	default:
		value = decimalText(p.Num, s.Scale)
	}
	return f.w.Write([]string{isoMicros(p.At), value})
}

func (c *csvForm) end(m *metadata) error {
	var errs []error
	for i := range m.series {
		if f := c.files[c.key(&m.series[i])]; f != nil {
			m.Fields[i].File = f.name
		}
	}
	for _, f := range c.files {
		errs = append(errs, f.close())
	}
	if len(m.Receipts) > 0 {
		errs = append(errs, c.receipts(m.Receipts))
	}
	told, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, metadataFile), append(told, '\n'), 0o600)
	}
	if err = errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

func (c *csvForm) receipts(list []control.ExportReceipt) error {
	f, err := c.create(receiptsFile, "id", "entry", "grant", "purpose", "title", "recipient", "given", "until", "ended", "ending", "role", "on_behalf",
		"language", "notice_sha256", "access", "basis", "retention_days", "fields", "commitment")
	if err != nil {
		return err
	}
	iso := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return isoMicros(t.UnixMicro())
	}
	for i := range list {
		r := &list[i]
		line := []string{guarded(r.ID), strconv.FormatUint(r.Entry, 10), strconv.FormatUint(uint64(r.Grant), 10), guarded(r.Purpose), guarded(r.Title), guarded(r.Recipient),
			iso(r.Given), iso(r.Until), iso(r.Ended), r.Ending, r.Role, guarded(r.OnBehalf), r.Language, r.Notice, r.Access, r.Basis, strconv.Itoa(r.RetentionDays),
			guarded(strings.Join(r.Fields, "; ")), r.Commitment}
		if err := f.w.Write(line); err != nil {
			return errors.Join(err, f.close())
		}
	}
	return f.close()
}
