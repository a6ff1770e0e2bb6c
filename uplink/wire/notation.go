package wire

import (
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ItemLength is the length in bytes of the CBOR item that data begins with, whether it is of this format or not, and in
// whatever encoding: with it a CBOR sequence (RFC 8742) is cut into messages. It is [ErrTruncated] when data ends
// within the item, [ErrForm] when no item can go on like this, and [ErrLimit] when it is nested deeper than 16. It
// reserves no memory.
func ItemLength(data []byte) (int, error) {
	w := walker{reader: reader{data: data}}
	err := w.item(0)
	return w.pos, err
}

// notation is one CBOR item in diagnostic notation (RFC 8949 section 8), in whatever encoding it is. Text is in ASCII, as in
// JSON, so that a terminal does nothing with it.
func notation(data []byte) ([]byte, error) {
	w := walker{reader: reader{data: data}, show: true}
	if err := w.item(0); err != nil {
		return nil, err
	}
	if w.left() > 0 {
		return nil, w.fail(ErrTrailing, "%d bytes", w.left())
	}
	return w.out, nil
}

// walker passes over any well-formed CBOR, where reader stops at what this format does not know: whoever looks at a
// message that is not as it should be has to see what it is instead.
type walker struct {
	reader
	show bool
	out  []byte
}

// put adds to what is shown.
//
//go:noinline
func (w *walker) put(text string) {
	if w.show {
		w.out = append(w.out, text...)
	}
}

// itemBreak ends an item of indefinite length.
const itemBreak = 0xff

// loose reads a head in any form. indefinite is true for a length that is not told, and for a break.
func (w *walker) loose() (major, info byte, arg uint64, indefinite bool, err error) {
	if w.left() < 1 {
		return 0, 0, 0, false, w.fail(ErrTruncated, "an item should begin here")
	}
	major, info = w.data[w.pos]>>5, w.data[w.pos]&31
	size := 0
	switch {
	case info < 24:
		arg = uint64(info)
	case info < 28:
		size = 1 << (info - 24)
	case info == 31 && major >= majorBytes && major != majorTag:
		indefinite = true
	default:
		return 0, 0, 0, false, w.fail(ErrForm, "reserved length")
	}
	if w.left() < 1+size {
		return 0, 0, 0, false, w.fail(ErrTruncated, "the head of an item is cut")
	}
	for _, c := range w.data[w.pos+1 : w.pos+1+size] {
		arg = arg<<8 | uint64(c)
	}
	w.pos += 1 + size
	return major, info, arg, indefinite, nil
}

// item passes one item; depth counts what it lies in.
func (w *walker) item(depth int) error {
	at := w.pos
	major, info, n, indefinite, err := w.loose()
	if err != nil {
		return err
	}
	if depth >= 2*maxDepth && (major == majorArray || major == majorMap || major == majorTag) {
		w.pos = at
		return w.fail(ErrLimit, "nested deeper than %d", 2*maxDepth)
	}
	switch major {
	case majorUint:
		w.number("", n)
	case majorNint:
		w.number("-", n)
	case majorBytes, majorText:
		if indefinite {
			return w.chunks(major)
		}
		return w.words(major, n)
	case majorArray:
		return w.elements("[", "]", n, indefinite, func() error { return w.item(depth + 1) })
	case majorMap:
		return w.elements("{", "}", n, indefinite, func() error {
			if err := w.item(depth + 1); err != nil {
				return err
			}
			w.put(": ")
			return w.item(depth + 1)
		})
	case majorTag:
		w.number("", n)
		w.put("(")
		err = w.item(depth + 1)
		w.put(")")
	case majorSimple:
		if indefinite || info == 24 && n < 32 {
			w.pos = at
			return w.fail(ErrForm, "no item begins here")
		}
		w.simple(info, n)
	}
	return err
}

// number shows n, or -1-n, which needs one bit more than there are.
func (w *walker) number(sign string, n uint64) {
	switch {
	case !w.show:
	case sign == "":
		w.out = strconv.AppendUint(w.out, n, 10)
	case n == math.MaxUint64:
		w.put("-18446744073709551616")
	default:
		w.out = strconv.AppendUint(append(w.out, '-'), n+1, 10)
	}
}

// ends reports whether a break comes next, and if so passes it.
func (w *walker) ends() bool {
	if w.left() > 0 && w.data[w.pos] == itemBreak {
		w.pos++
		return true
	}
	return false
}

// elements passes n elements, or those up to a break. Each takes at least a byte, so a count beyond the input ends with it.
func (w *walker) elements(begin, end string, n uint64, indefinite bool, element func() error) error {
	w.put(begin)
	if indefinite {
		w.put("_ ")
	}
	for i := uint64(0); indefinite && !w.ends() || !indefinite && i < n; i++ {
		if i > 0 {
			w.put(", ")
		}
		if err := element(); err != nil {
			return err
		}
	}
	w.put(end)
	return nil
}

// chunks passes the parts of a string of indefinite length.
func (w *walker) chunks(major byte) error {
	if w.ends() {
		if major == majorBytes {
			w.put("''_")
		} else {
			w.put(`""_`)
		}
		return nil
	}
	return w.elements("(", ")", 0, true, func() error {
		at := w.pos
		part, _, n, indefinite, err := w.loose()
		if err == nil && (part != major || indefinite) {
			w.pos = at
			err = w.fail(ErrForm, "a part of a string is of another type")
		}
		if err != nil {
			return err
		}
		return w.words(major, n)
	})
}

// words passes the n bytes of a string.
func (w *walker) words(major byte, n uint64) error {
	at := w.pos
	b, err := w.span(at, n, math.MaxUint64)
	if err != nil || !w.show {
		return err
	}
	if major == majorBytes {
		w.put("h'")
		w.out = hex.AppendEncode(w.out, b)
		w.put("'")
		return nil
	}
	if !utf8.Valid(b) {
		w.pos = at
		return w.fail(ErrForm, "text is not UTF-8")
	}
	w.quote(string(b))
	return nil
}

// quote shows text as a JSON string in ASCII.
func (w *walker) quote(text string) {
	w.put(`"`)
	for _, r := range text {
		switch {
		case r == '\t':
			w.put(`\t`)
		case r == '\n':
			w.put(`\n`)
		case r == '\r':
			w.put(`\r`)
		case r == '\\' || r == '"':
			w.out = append(w.out, '\\', byte(r))
		case r >= ' ' && r <= '~':
			w.out = append(w.out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			w.unit(high)
			w.unit(low)
		default:
			w.unit(r)
		}
	}
	w.put(`"`)
}

func (w *walker) unit(r rune) {
	w.put(`\u`)
	w.out = hex.AppendEncode(w.out, []byte{byte(r >> 8), byte(r)})
}

// simple shows what has no content: simple values and floating-point numbers.
func (w *walker) simple(info byte, n uint64) {
	switch {
	case !w.show:
	case info == 25:
		w.float(half(uint16(n)))
	case info == 26:
		w.float(float64(math.Float32frombits(uint32(n))))
	case info == 27:
		w.float(math.Float64frombits(n))
	case n >= 20 && n < 24:
		w.put([...]string{"false", "true", "null", "undefined"}[n-20])
	default:
		w.put("simple(")
		w.number("", n)
		w.put(")")
	}
}

// half is a number of 16 bits as in RFC 8949 appendix D.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&0x3ff)
	f := math.Ldexp(fraction+1024, exponent-25)
	switch {
	case exponent == 0:
		f = math.Ldexp(fraction, -24)
	case exponent == 31 && fraction == 0:
		f = math.Inf(1)
	case exponent == 31:
		f = math.NaN()
	}
	if bits>>15 == 1 {
		f = math.Copysign(f, -1)
	}
	return f
}

// float shows a number as JSON does, always with a point.
func (w *walker) float(f float64) {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		w.put("NaN")
	case math.IsInf(f, 1):
		w.put("Infinity")
	case math.IsInf(f, -1):
		w.put("-Infinity")
	case size != 0 && (size < 1e-6 || size >= 1e21):
		w.exponential(strconv.AppendFloat(nil, f, 'e', -1, 64))
	default:
		before := len(w.out)
		w.out = strconv.AppendFloat(w.out, f, 'f', -1, 64)
		for _, c := range w.out[before:] {
			if c == '.' {
				return
			}
		}
		w.put(".0")
	}
}

// exponential shows digits such as 5e-09 as 5.0e-9.
func (w *walker) exponential(digits []byte) {
	point := false
	for i, c := range digits {
		if c == 'e' && !point {
			w.put(".0")
		}
		if n := len(digits); i == n-2 && c == '0' && digits[n-3] == '-' {
			continue
		}
		point = point || c == '.'
		w.out = append(w.out, c)
	}
}
