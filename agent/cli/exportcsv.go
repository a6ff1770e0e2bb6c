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

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/export"
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

func (c *csvForm) Point(s *control.ExportSeries, p *control.ExportPoint) error {
	f, err := c.open(s)
	if err != nil {
		return err
	}
	return f.w.Write([]string{export.Time(p.At), export.Cell(s, p)})
}

func (c *csvForm) End(m *export.Metadata) error {
	var errs []error
	for i := range m.Fields {
		if f := c.files[c.key(m.Series(i))]; f != nil {
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
	f, err := c.create(receiptsFile, export.ReceiptColumns()...)
	if err != nil {
		return err
	}
	for i := range list {
		if err := f.w.Write(export.ReceiptCells(&list[i])); err != nil {
			return errors.Join(err, f.close())
		}
	}
	return f.close()
}
