package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// AppendSenMLJSON appends a batch as a SenML pack in JSON to dst. The batch
// must pass [Announcement.Check]. Rows whose wall time is not known, or lies
// before July 1978, are an [ErrNoTime]: SenML reads small times as relative to
// now.
func AppendSenMLJSON(dst []byte, a *Announcement, b *Batch) ([]byte, error) {
	header, err := bare(b)
	if err != nil {
		return dst, err
	}
	base := fmt.Sprintf(`"bn":"%s/","%s":"%s"`, a.Stream, labelHeader, base64.RawURLEncoding.EncodeToString(header))
	out, empty := append(dst, '['), true
	err = a.cells(b, func(c *cell) {
		if c.first {
			out = append(append(append(out, '{'), base...), ',')
		} else {
			out = append(out, ",\n{"...)
		}
		empty = false
		out = append(c.appendJSON(out), '}')
	})
	if err != nil {
		return dst, err
	}
	if empty {
		out = append(append(append(out, '{'), base...), '}')
	}
	return append(out, ']', '\n'), nil
}

func (c *cell) appendJSON(dst []byte) []byte {
	dst = fmt.Appendf(dst, `"n":"%s"`, c.spec.Name)
	switch c.spec.Type {
	case Number:
		if c.spec.Unit != "" {
			dst = append(append(dst, `,"u":`...), quoted(c.spec.Unit)...)
		}
		dst = appendDecimal(append(dst, `,"v":`...), c.num, c.spec.Scale)
	case Boolean:
		dst = fmt.Appendf(dst, `,"vb":%t`, c.num == 1)
	default:
		dst = append(append(dst, `,"vs":`...), quoted(c.text())...)
	}
	dst = appendDecimal(append(dst, `,"t":`...), c.micros, microsecond)
	if c.coverage >= 0 {
		dst = appendDecimal(fmt.Appendf(dst, `,"%s":`, labelCoverage), c.coverage*25, 2)
	}
	if c.newRow {
		dst = fmt.Appendf(dst, `,"%s":true`, labelRow)
	}
	return dst
}

// quoted is a text as JSON writes it. A string always has such a form.
func quoted(s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return q
}

// ParseSenMLJSON reads a pack that AppendSenMLJSON wrote, given the same
// announcement, and returns the batch it was made from. It is strict: sums,
// update times, data and base values, labels ending in "_", numbers that the
// field's scale can't hold, and names that are not announced are errors.
func ParseSenMLJSON(a *Announcement, data []byte) (*Batch, error) {
	if len(data) > MaxSenML {
		return nil, faultf(ErrLimit, "a pack of more than %d bytes", MaxSenML)
	}
	u, err := newUnpacker(a)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := delim(d, '['); err != nil {
		return nil, in(err, "SenML")
	}
	var base baseFields
	for i := 0; d.More(); i++ {
		if err := readRecord(d, u, &base); err != nil {
			return nil, in(inN(err, "record", i), "SenML")
		}
	}
	if err := delim(d, ']'); err != nil {
		return nil, in(err, "SenML")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, in(faultf(ErrTrailing, "something follows the pack"), "SenML")
	}
	return u.finish()
}

// baseFields are those that hold until they are set again.
type baseFields struct {
	name, unit string
	time       decimal
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return jsonFault(err)
	}
	if t != want {
		return faultf(ErrForm, "expected %s", want)
	}
	return nil
}

// jsonFault gives a fault to an error of the JSON reader. Its text may quote
// the input, so only the kind is kept.
func jsonFault(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(ErrTruncated, "the pack ends within a record")
	}
	return faultf(ErrForm, "not JSON")
}

func readRecord(d *json.Decoder, u *unpacker, base *baseFields) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	r := new(record)
	seen := make(map[string]bool)
	own := ""
	unit := (*string)(nil)
	for d.More() {
		label, value, err := pair(d)
		if err != nil {
			return err
		}
		if seen[label] {
			return faultf(ErrForm, "a label is there twice")
		}
		seen[label] = true
		ok := true
		switch label {
		case "n":
			own, ok = value.(string)
		case "u":
			var s string
			s, ok = value.(string)
			unit = &s
		case labelHeader:
			ok, err = true, u.jsonHeader(value)
		default:
			ok, err = r.jsonField(label, value, base)
		}
		if err != nil {
			return err
		}
		if !ok {
			return faultf(ErrType, "a label has a value of another type than it takes")
		}
	}
	if err := delim(d, '}'); err != nil {
		return err
	}
	r.name, r.baseTime, r.unit = base.name+own, base.time, base.unit
	if unit != nil {
		r.unit = *unit
	}
	return u.addOrSkip(r, own == "" && !seen["t"])
}

// addOrSkip adds a record, or passes one that only sets base fields.
func (u *unpacker) addOrSkip(r *record, onlyBase bool) error {
	if r.kind == noValue {
		if onlyBase {
			return nil
		}
		return faultf(ErrMissingKey, "a record without a value")
	}
	return u.add(r)
}

func pair(d *json.Decoder) (label string, value json.Token, err error) {
	t, err := d.Token()
	if err != nil {
		return "", nil, jsonFault(err)
	}
	label, _ = t.(string)
	value, err = d.Token()
	if err != nil {
		return "", nil, jsonFault(err)
	}
	if _, nested := value.(json.Delim); nested || value == nil {
		return "", nil, faultf(ErrType, "a label holds a text, a number, true or false")
	}
	return label, value, nil
}

func (u *unpacker) jsonHeader(value json.Token) error {
	text, _ := value.(string)
	payload, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return faultf(ErrForm, "%q is not base64url", labelHeader)
	}
	return in(u.header(payload), labelHeader)
}

// jsonField takes any other label. ok is false when the value's type is wrong.
func (rec *record) jsonField(label string, value json.Token, base *baseFields) (ok bool, err error) {
	switch label {
	case "bn":
		base.name, ok = value.(string)
	case "bu":
		base.unit, ok = value.(string)
	case "bt":
		base.time, ok = number(value)
	case "t":
		rec.time, ok = number(value)
	case "v":
		rec.number, ok = number(value)
		return ok, rec.take(numberValue)
	case "vb":
		rec.truth, ok = value.(bool)
		return ok, rec.take(boolValue)
	case "vs":
		rec.text, ok = value.(string)
		return ok, rec.take(textValue)
	case labelCoverage:
		var d decimal
		d, ok = number(value)
		rec.coverage = &d
	case labelRow:
		rec.row, ok = value.(bool)
	case "bver":
		var d decimal
		d, ok = number(value)
		if v, _ := d.scaled(0); v != 10 {
			return ok, faultf(ErrVersion, "SenML of another version than 10")
		}
	case "s", "ut", "bs", "bv", "vd":
		return true, faultf(ErrValue, "%q has no place in a batch", label)
	default:
		if strings.HasSuffix(label, "_") {
			return true, faultf(ErrUnknownKey, "a label that must be understood")
		}
		ok = true
	}
	return ok, nil
}

// take notes the kind of value and refuses a second.
func (rec *record) take(k valueKind) error {
	if rec.kind != noValue {
		return faultf(ErrValue, "two values in one record")
	}
	rec.kind = k
	return nil
}

func number(value json.Token) (decimal, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return decimal{}, false
	}
	return parseDecimal(n.String())
}
