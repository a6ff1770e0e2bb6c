package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

// microScale is the scale of times: microseconds.
const microScale = 6

// Decimal is n / 10^scale, exactly, in the shortest plain form.
func Decimal(n int64, scale int) string {
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

// JSON is a [Form] that writes one SenML pack to w (RFC 8428), which the caller flushes. The last record tells the metadata.
func JSON(w *bufio.Writer) Form { return &jsonForm{w: w} }

// CBOR is a [Form] that writes what [JSON] does in CBOR.
func CBOR(w *bufio.Writer) Form { return &cborForm{w: w} }

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

func (f *jsonForm) Point(s *control.ExportSeries, p *control.ExportPoint) error {
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
		b.WriteString(`,"v":` + Decimal(p.Num, s.Scale))
	}
	b.WriteString(`,"t":` + Decimal(p.At, microScale) + "}")
	return f.record(b.String())
}

func (f *jsonForm) End(m *Metadata) error {
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

// What begins and ends an array of unknown length (RFC 8949 section 3.2.2).
const (
	cborArray = 0x9f
	cborBreak = 0xff
)

// Labels of RFC 8428 section 6.
const (
	labelVersion = -1
	labelName    = 0
	labelUnit    = 1
	labelValue   = 2
	labelText    = 3
	labelBool    = 4
	labelTime    = 6
)

// record writes pairs of label and value, which are items already.
func (f *cborForm) record(pairs ...[]byte) error {
	b := appendHead(nil, cborMap, uint64(len(pairs)/2))
	for _, p := range pairs {
		b = append(b, p...)
	}
	var err error
	if !f.some {
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

// fraction is n / 10^scale as an integer where it is one, else as a decimal fraction (RFC 8949 section 3.4.4).
func fraction(n int64, scale int) []byte {
	const tagFraction = 4
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if scale == 0 {
		return cborInt(n)
	}
	out := appendHead(nil, cborTag, tagFraction)
	return append(append(appendHead(out, cborList, 2), cborInt(int64(-scale))...), cborInt(n)...)
}

func (f *cborForm) Point(s *control.ExportSeries, p *control.ExportPoint) error {
	pairs := [][]byte{cborInt(labelName), cborText(s.Name)}
	switch s.Type {
	case "boolean":
		pairs = append(pairs, cborInt(labelBool), cborItem(p.Num != 0))
	case "text":
		pairs = append(pairs, cborInt(labelText), cborText(p.Text))
	default:
		if s.Unit != "" {
			pairs = append(pairs, cborInt(labelUnit), cborText(s.Unit))
		}
		pairs = append(pairs, cborInt(labelValue), fraction(p.Num, s.Scale))
	}
	return f.record(append(pairs, cborInt(labelTime), fraction(p.At, microScale))...)
}

func (f *cborForm) End(m *Metadata) error {
	told, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("can't write the export's metadata: %w", err)
	}
	var plain any
	dec := json.NewDecoder(bytes.NewReader(told))
	dec.UseNumber()
	if err := dec.Decode(&plain); err != nil {
		return fmt.Errorf("can't write the export's metadata: %w", err)
	}
	if err := f.record(cborInt(labelVersion), cborInt(10), cborText("candor"), cborItem(plain)); err != nil {
		return err
	}
	return f.w.WriteByte(cborBreak)
}

// Major types of CBOR (RFC 8949 section 3.1).
const (
	cborUint, cborNegative, cborString, cborList, cborMap, cborTag, cborSimple = 0 << 5, 1 << 5, 3 << 5, 4 << 5, 5 << 5, 6 << 5, 7 << 5
)

// appendHead writes the head of an item in its shortest form.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= 0xff:
		return append(dst, major|24, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= 0xffffffff:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

func cborInt(n int64) []byte {
	if n < 0 {
		return appendHead(nil, cborNegative, uint64(-(n + 1)))
	}
	return appendHead(nil, cborUint, uint64(n))
}

func cborText(s string) []byte {
	s = strings.ToValidUTF8(s, "\ufffd")
	return append(appendHead(nil, cborString, uint64(len(s))), s...)
}

// cborItem is what JSON can say, as CBOR: maps with their keys in order, numbers as integers.
func cborItem(v any) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return []byte{cborSimple | 21}
		}
		return []byte{cborSimple | 20}
	case string:
		return cborText(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return cborInt(n)
		}
		return cborText(v.String())
	case []any:
		out := appendHead(nil, cborList, uint64(len(v)))
		for _, x := range v {
			out = append(out, cborItem(x)...)
		}
		return out
	case map[string]any:
		out := appendHead(nil, cborMap, uint64(len(v)))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(append(out, cborText(k)...), cborItem(v[k])...)
		}
		return out
	}
	return []byte{cborSimple | 22} // null
}
