package receive

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/uplink/wire"
)

// Bounds of what a row can say: the last microsecond and day of year 9999,
// beyond which RFC 3339 has no form.
const (
	maxMicros = 253402300799999999
	maxDay    = 2932896
)

// rowWriter renders the rows of one batch as JSON lines. The constant parts
// are made once; a row appends and allocates nothing.
type rowWriter struct {
	a    *wire.Announcement
	b    *wire.Batch
	head []byte // up to the row number
	tail []byte // delete_by and plan
	keys [][][]byte

	tick  int64  // the tick rendered in stamp
	stamp []byte // time (and off), or boot and since_boot: rows often share it
	after []byte // what of the stamp stands at the end of the row
}

func newRowWriter(a *wire.Announcement, b *wire.Batch) *rowWriter {
	w := &rowWriter{a: a, b: b, tick: -1}
	w.head = append(w.head, `{"stream":"`...)
	w.head = hex.AppendEncode(w.head, a.Stream[:])
	w.head = append(w.head, `","epoch":`...)
	w.head = strconv.AppendUint(w.head, a.Epoch, 10)
	w.head = append(w.head, `,"seq":`...)
	w.head = strconv.AppendUint(w.head, b.Seq, 10)
	w.head = append(w.head, `,"row":`...)
	w.tail = append(w.tail, `},"delete_by":"`...)
	w.tail = time.Unix(int64(b.DeleteBy)*86400, 0).UTC().AppendFormat(w.tail, time.DateOnly)
	w.tail = append(w.tail, `","plan":"`...)
	w.tail = hex.AppendEncode(w.tail, a.Plan[:])
	w.tail = append(w.tail, '"')
	w.keys = make([][][]byte, len(b.Groups))
	for i := range b.Groups {
		for _, f := range a.Groups[b.Groups[i].Group].Fields {
			w.keys[i] = append(w.keys[i], append(appendString(nil, f.Name), ':'))
		}
	}
	return w
}

// each renders row after row into buf and hands it to emit whenever it is half
// full, so that a batch of any size needs little more than buf. emit returns
// the buffer to go on with.
func (w *rowWriter) each(buf []byte, emit func([]byte) ([]byte, error)) ([]byte, error) {
	row := 0
	for i := range w.b.Groups {
		g := &w.b.Groups[i]
		for r := range g.Time {
			buf = w.appendRow(buf, i, r, row)
			row++
			if len(buf) < cap(buf)/2 {
				continue
			}
			var err error
			if buf, err = emit(buf); err != nil {
				return buf, err
			}
		}
	}
	return emit(buf)
}

// appendRow appends one line: row r of group i, number row of the batch.
func (w *rowWriter) appendRow(dst []byte, i, r, row int) []byte {
	g := &w.b.Groups[i]
	spec := &w.a.Groups[g.Group]
	if g.Time[r] != w.tick {
		w.setTime(g.Time[r])
	}
	dst = strconv.AppendInt(append(dst, w.head...), int64(row), 10)
	dst = append(dst, w.stamp...)
	dst = append(dst, `,"values":{`...)
	first := true
	for c := range g.Columns {
		col := &g.Columns[c]
		if !col.Has(r) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, w.keys[i][c]...)
		dst = appendValue(dst, &spec.Fields[c], col, r)
	}
	dst = append(dst, w.tail...)
	if g.Coverage != nil {
		dst = appendDecimal(append(dst, `,"coverage":`...), g.Coverage[r]*25, 2)
	}
	return append(append(dst, w.after...), '}', '\n')
}

// setTime renders a tick. It can't fail: the verifier let no other pass.
func (w *rowWriter) setTime(t int64) {
	w.tick, w.stamp, w.after = t, w.stamp[:0], w.after[:0]
	tick, off, ok := w.b.Clock.WallTick(t)
	if !ok {
		w.after = append(w.after, `,"boot":"`...)
		w.after = hex.AppendEncode(w.after, w.b.Clock.Boot[:])
		w.after = append(w.after, `","since_boot":`...)
		w.after = appendDecimal(w.after, t*w.a.Tick, 6)
		return
	}
	w.stamp = append(w.stamp, `,"time":"`...)
	w.stamp = time.UnixMicro(tick*w.a.Tick).UTC().AppendFormat(w.stamp, "2006-01-02T15:04:05.999999Z")
	w.stamp = append(w.stamp, '"')
	if w.b.Clock.Untrusted {
		w.after = append(w.after, `,"off":`...)
		w.after = appendDecimal(w.after, off*w.a.Tick, 6)
	}
}

func appendValue(dst []byte, f *wire.FieldSpec, c *wire.Column, r int) []byte {
	switch f.Type {
	case wire.Number:
		return appendDecimal(dst, c.Nums[r], f.Scale)
	case wire.Boolean:
		return strconv.AppendInt(dst, c.Nums[r], 10)
	case wire.Pseudonym:
		dst = append(dst, '"')
		for _, b := range []byte(c.Tokens[r]) {
			dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
		}
		return append(dst, '"')
	}
	return appendString(dst, c.Tokens[r])
}

const hexDigits = "0123456789abcdef"

// appendDecimal appends n / 10^scale as a JSON number: exact, without an
// exponent, without trailing zeros.
func appendDecimal(dst []byte, n int64, scale int) []byte {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if n < 0 {
		dst = append(dst, '-')
	}
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], magnitude(n), 10)
	if scale == 0 {
		return append(dst, d...)
	}
	if whole := len(d) - scale; whole > 0 {
		dst = append(dst, d[:whole]...)
		dst = append(dst, '.')
		return append(dst, d[whole:]...)
	}
	dst = append(dst, '0', '.')
	for i := len(d); i < scale; i++ {
		dst = append(dst, '0')
	}
	return append(dst, d...)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// appendString appends s as a JSON string (RFC 8259 section 7). What is not
// UTF-8 becomes U+FFFD, as a JSON text must be UTF-8.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		case r == 0x2028 || r == 0x2029: // line ends to some readers of lines
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
