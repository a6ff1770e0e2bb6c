package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/candor-edge/candor/agent/control"
)

// microScale is the scale of times: microseconds.
const microScale = 6

// decimalText is n / 10^scale, exactly, in the shortest plain form.
func decimalText(n int64, scale int) string {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if scale == 0 {
		return sign + digits
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// jsonForm writes one SenML pack in JSON, a record a line. Its last record has no value and tells the metadata under our own
// label, which other readers ignore (RFC 8428 section 4.4).
type jsonForm struct {
	w    *bufio.Writer
	some bool
}

func (f *jsonForm) record(line string) error {
	before := ",\n"
	if !f.some {
		before, f.some = "[\n", true
	}
	_, err := f.w.WriteString(before + line)
	if err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

func (f *jsonForm) point(s *control.ExportSeries, p *control.ExportPoint) error {
	var b strings.Builder
	name, err := json.Marshal(s.Name)
	if err != nil {
		return err
	}
	b.WriteString(`{"n":` + string(name))
	switch s.Type {
	case "boolean":
		b.WriteString(`,"vb":` + strconv.FormatBool(p.Num != 0))
	case "text":
		text, err := json.Marshal(p.Text)
		if err != nil {
			return err
		}
		b.WriteString(`,"vs":` + string(text))
	default:
		if s.Unit != "" {
			unit, err := json.Marshal(s.Unit)
			if err != nil {
				return err
			}
			b.WriteString(`,"u":` + string(unit))
		}
		b.WriteString(`,"v":` + decimalText(p.Num, s.Scale))
	}
	b.WriteString(`,"t":` + decimalText(p.At, microScale) + "}")
	return f.record(b.String())
}

func (f *jsonForm) end(m *metadata) error {
	told, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("can't write the export's metadata: %w", err)
	}
	if err := f.record(`{"bver":10,"candor":` + string(told) + "}"); err != nil {
		return err
	}
	_, err = f.w.WriteString("\n]\n")
	return err
}

// cborForm writes the same pack in CBOR: an array without a length, since nobody knows how many records come.
type cborForm struct {
	w    *bufio.Writer
	some bool
}

// What begins and ends an array of unknown length (RFC 8949 section 3.2.2), and the tag of a decimal fraction (section 3.4.4).
const (
	cborArray   = 0x9f
	cborBreak   = 0xff
	tagFraction = 4
)

// cborRecord has the labels of RFC 8428 section 6.
type cborRecord struct {
	Version  int       `cbor:"-1,keyasint,omitempty"`
	Name     string    `cbor:"0,keyasint,omitempty"`
	Unit     string    `cbor:"1,keyasint,omitempty"`
	Value    any       `cbor:"2,keyasint,omitempty"`
	Text     *string   `cbor:"3,keyasint,omitempty"`
	Bool     *bool     `cbor:"4,keyasint,omitempty"`
	Time     any       `cbor:"6,keyasint,omitempty"`
	Metadata *metadata `cbor:"candor,omitempty"`
}

func (f *cborForm) record(r *cborRecord) error {
	b, err := cbor.Marshal(r)
	if err == nil && !f.some {
		f.some = true
		err = f.w.WriteByte(cborArray)
	}
	if err == nil {
		_, err = f.w.Write(b)
	}
	if err != nil {
		return fmt.Errorf("can't write the export: %w", err)
	}
	return nil
}

// fraction is n / 10^scale as an integer where it is one, else as a decimal fraction.
func fraction(n int64, scale int) any {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if scale == 0 {
		return n
	}
	return cbor.Tag{Number: tagFraction, Content: []int64{int64(-scale), n}}
}

func (f *cborForm) point(s *control.ExportSeries, p *control.ExportPoint) error {
	r := cborRecord{Name: s.Name, Time: fraction(p.At, microScale)}
	switch s.Type {
	case "boolean":
		yes := p.Num != 0
		r.Bool = &yes
	case "text":
		r.Text = &p.Text
	default:
		r.Unit, r.Value = s.Unit, fraction(p.Num, s.Scale)
	}
	return f.record(&r)
}

func (f *cborForm) end(m *metadata) error {
	if err := f.record(&cborRecord{Version: 10, Metadata: m}); err != nil {
		return err
	}
	return f.w.WriteByte(cborBreak)
}
