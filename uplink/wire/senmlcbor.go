package wire

import "strings"

// Labels of SenML in CBOR, RFC 8428 section 6.
const (
	senBaseVersion = -1
	senBaseName    = -2
	senBaseTime    = -3
	senBaseUnit    = -4
	senName        = 0
	senUnit        = 1
	senValue       = 2
	senString      = 3
	senBool        = 4
	senTime        = 6
)

// tagDecimal marks [exponent, mantissa], RFC 8949 section 3.4.4.
const tagDecimal = 4

const (
	itemFalse = 0xf4
	itemTrue  = 0xf5
)

// AppendSenMLCBOR appends a batch as a SenML pack in CBOR to dst, under the
// conditions of [AppendSenMLJSON]. Numbers are integers or decimal fractions.
func AppendSenMLCBOR(dst []byte, a *Announcement, b *Batch) ([]byte, error) {
	header, err := bare(b)
	if err != nil {
		return dst, err
	}
	n := 0
	if err := a.cells(b, func(*cell) { n++ }); err != nil {
		return dst, err
	}
	base := func(out []byte) []byte { return appendText(appendInt(out, senBaseName), a.Stream.String()+"/") }
	out := appendArray(dst, max(n, 1))
	if n == 0 {
		out = base(appendHead(out, majorMap, 2))
		return appendBytes(appendText(out, labelHeader), header), nil
	}
	err = a.cells(b, func(c *cell) {
		pairs := 3
		for _, there := range [...]bool{c.hasUnit(), c.coverage >= 0, c.newRow, c.first, c.first} {
			if there {
				pairs++
			}
		}
		out = c.appendCBOR(appendHead(out, majorMap, uint64(pairs)))
		if c.first {
			out = base(out)
		}
		if c.newRow {
			out = append(appendText(out, labelRow), itemTrue)
		}
		if c.first {
			out = appendBytes(appendText(out, labelHeader), header)
		}
		if c.coverage >= 0 {
			out = appendFraction(appendText(out, labelCoverage), c.coverage*25, 2)
		}
	})
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (c *cell) hasUnit() bool { return c.spec.Type == Number && c.spec.Unit != "" }

// appendCBOR writes the pairs with numbers for labels.
func (c *cell) appendCBOR(dst []byte) []byte {
	dst = appendText(appendUint(dst, senName), c.spec.Name)
	switch c.spec.Type {
	case Number:
		if c.hasUnit() {
			dst = appendText(appendUint(dst, senUnit), c.spec.Unit)
		}
		dst = appendFraction(appendUint(dst, senValue), c.num, c.spec.Scale)
	case Boolean:
		dst = append(appendUint(dst, senBool), itemFalse+byte(c.num))
	default:
		dst = appendText(appendUint(dst, senString), c.text())
	}
	return appendFraction(appendUint(dst, senTime), c.micros, microsecond)
}

// appendFraction writes n/10^scale as an integer where it is one.
func appendFraction(dst []byte, n int64, scale int) []byte {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if scale > 0 {
		dst = appendInt(appendArray(appendHead(dst, majorTag, tagDecimal), 2), int64(-scale))
	}
	return appendInt(dst, n)
}

// ParseSenMLCBOR reads a pack that AppendSenMLCBOR wrote, as strictly as
// [ParseSenMLJSON], and in deterministic CBOR only. Floats are refused: they
// are not exact.
func ParseSenMLCBOR(a *Announcement, data []byte) (*Batch, error) {
	if len(data) > MaxSenML {
		return nil, faultf(ErrLimit, "a pack of more than %d bytes", MaxSenML)
	}
	u, err := newUnpacker(a)
	if err != nil {
		return nil, err
	}
	r := &reader{data: data}
	n, err := r.array(1, MaxCells)
	if err != nil {
		return nil, in(err, "SenML")
	}
	var base baseFields
	for i := range n {
		if err := u.readCBOR(r, &base); err != nil {
			return nil, in(inN(err, "record", i), "SenML")
		}
	}
	if r.left() > 0 {
		return nil, in(r.fail(ErrTrailing, "something follows the pack"), "SenML")
	}
	return u.finish()
}

func (u *unpacker) readCBOR(r *reader, base *baseFields) error {
	pairs, err := r.want(majorMap, "a map")
	if err != nil {
		return err
	}
	rec, own := new(record), ""
	unit, timed := (*string)(nil), false
	last := ""
	for ; pairs > 0; pairs-- {
		at := r.pos
		if err := r.skip(0); err != nil {
			return err
		}
		key := string(r.data[at:r.pos])
		if key <= last {
			return r.fail(ErrForm, "labels are not in order")
		}
		last = key
		label := reader{data: r.data[:r.pos], pos: at}
		switch {
		case key == "\x00":
			own, err = r.text(MaxMessage)
		case key == "\x01":
			var s string
			s, err = r.text(MaxUnit)
			unit = &s
		case label.data[at]>>5 == majorText:
			err = u.textLabel(r, rec, &label)
		default:
			timed = timed || key == "\x06"
			err = rec.cborField(r, &label, base)
		}
		if err != nil {
			return err
		}
	}
	rec.name, rec.baseTime, rec.unit = base.name+own, base.time, base.unit
	if unit != nil {
		rec.unit = *unit
	}
	return u.addOrSkip(rec, own == "" && !timed)
}

func (u *unpacker) textLabel(r *reader, rec *record, key *reader) error {
	label, err := key.text(MaxMessage)
	if err != nil {
		return err
	}
	switch label {
	case labelHeader:
		payload, err := r.bytes(MaxMessage)
		if err != nil {
			return err
		}
		return in(u.header(payload), labelHeader)
	case labelCoverage:
		d, err := r.fraction()
		rec.coverage = &d
		return err
	case labelRow:
		v, err := r.truth()
		rec.row = v
		return err
	}
	if strings.HasSuffix(label, "_") {
		return r.fail(ErrUnknownKey, "a label that must be understood")
	}
	return r.skip(0)
}

func (rec *record) cborField(r, label *reader, base *baseFields) error {
	n, err := label.int(MaxValue)
	if err != nil {
		return err
	}
	switch n {
	case senBaseName:
		base.name, err = r.text(MaxMessage)
	case senBaseUnit:
		base.unit, err = r.text(MaxUnit)
	case senBaseTime:
		base.time, err = r.fraction()
	case senTime:
		rec.time, err = r.fraction()
	case senValue:
		if err = rec.take(numberValue); err == nil {
			rec.number, err = r.fraction()
		}
	case senBool:
		if err = rec.take(boolValue); err == nil {
			rec.truth, err = r.truth()
		}
	case senString:
		if err = rec.take(textValue); err == nil {
			rec.text, err = r.text(MaxMessage)
		}
	case senBaseVersion:
		var v uint64
		if v, err = r.uint(1 << 16); err == nil && v != 10 {
			err = r.fail(ErrVersion, "SenML of another version than 10")
		}
	default:
		err = r.fail(ErrValue, "label %d has no place in a batch", n)
	}
	return err
}

func (r *reader) truth() (bool, error) {
	if r.left() == 0 {
		return false, r.fail(ErrTruncated, "true or false is missing")
	}
	b := r.data[r.pos]
	if b != itemTrue && b != itemFalse {
		return false, r.fail(ErrType, "expected true or false")
	}
	r.pos++
	return b == itemTrue, nil
}

// fraction reads an integer or a decimal fraction.
func (r *reader) fraction() (d decimal, err error) {
	if r.left() > 0 && r.data[r.pos] == majorTag<<5|tagDecimal {
		r.pos++
		if _, err = r.array(2, 2); err != nil {
			return d, err
		}
		e, err := r.int(maxExponent)
		if err != nil {
			return d, err
		}
		d.e = int(e)
	}
	d.m, err = r.int(MaxValue)
	return d, err
}
