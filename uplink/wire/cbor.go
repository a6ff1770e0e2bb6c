package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// The reader and writer below are our own because the format accepts one
// encoding of each item and no general decoder can be told to refuse the
// others (it takes long integers and null for a struct). They know integers,
// strings, arrays, maps, null and, to skip, everything else.

// Major types of CBOR, RFC 8949 section 3.1.
const (
	majorUint = iota
	majorNint
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

const itemNull = 0xf6

// headLen is the length of the head of an item with argument n.
func headLen(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n <= 0xff:
		return 2
	case n <= 0xffff:
		return 3
	case n <= 0xffffffff:
		return 5
	}
	return 9
}

func appendHead(dst []byte, major byte, n uint64) []byte {
	m := major << 5
	switch headLen(n) {
	case 1:
		return append(dst, m|byte(n))
	case 2:
		return append(dst, m|24, byte(n))
	case 3:
		return binary.BigEndian.AppendUint16(append(dst, m|25), uint16(n))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, m|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, m|27), n)
}

func appendUint(dst []byte, n uint64) []byte { return appendHead(dst, majorUint, n) }

func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, majorNint, uint64(-(v + 1)))
	}
	return appendHead(dst, majorUint, uint64(v))
}

func appendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

func appendArray(dst []byte, n int) []byte { return appendHead(dst, majorArray, uint64(n)) }

// reader walks one CBOR item. It never copies and never reserves memory.
type reader struct {
	data []byte
	pos  int
}

func (r *reader) left() int { return len(r.data) - r.pos }

// fail makes an error at the present place; see fault.go on inlining.
//
//go:noinline
func (r *reader) fail(f Fault, format string, args ...any) error {
	return &Error{Fault: f, Byte: r.pos, Detail: fmt.Sprintf(format, args...)}
}

// head reads the head of an item and refuses any but its shortest form.
func (r *reader) head() (major byte, arg uint64, err error) {
	if r.left() < 1 {
		return 0, 0, r.fail(ErrTruncated, "an item should begin here")
	}
	b := r.data[r.pos]
	major, info := b>>5, b&31
	if info < 24 {
		r.pos++
		return major, uint64(info), nil
	}
	if info > 27 {
		return 0, 0, r.fail(ErrForm, "indefinite or reserved length")
	}
	n := 1 << (info - 24)
	if r.left() < 1+n {
		return 0, 0, r.fail(ErrTruncated, "the head of an item is cut")
	}
	for _, c := range r.data[r.pos+1 : r.pos+1+n] {
		arg = arg<<8 | uint64(c)
	}
	if major != majorSimple && headLen(arg) != 1+n {
		return 0, 0, r.fail(ErrForm, "a length or number is not in its shortest form")
	}
	r.pos += 1 + n
	return major, arg, nil
}

// want reads a head of one major type.
func (r *reader) want(major byte, name string) (uint64, error) {
	if r.left() > 0 && r.data[r.pos]>>5 != major {
		return 0, r.fail(ErrType, "expected %s", name)
	}
	_, n, err := r.head()
	return n, err
}

// uint reads an unsigned integer of at most limit.
func (r *reader) uint(limit uint64) (uint64, error) {
	at := r.pos
	n, err := r.want(majorUint, "an unsigned integer")
	if err == nil && n > limit {
		r.pos = at
		return 0, r.fail(ErrLimit, "number above %d", limit)
	}
	return n, err
}

// int reads an integer whose size is at most limit.
func (r *reader) int(limit int64) (int64, error) {
	at := r.pos
	major, n, err := r.head()
	if err != nil {
		return 0, err
	}
	if major > majorNint {
		r.pos = at
		return 0, r.fail(ErrType, "expected an integer")
	}
	if n > uint64(limit) || major == majorNint && n+1 > uint64(limit) {
		r.pos = at
		return 0, r.fail(ErrLimit, "integer beyond %d", limit)
	}
	if major == majorNint {
		return -int64(n) - 1, nil
	}
	return int64(n), nil
}

// span reads the body of a string of n bytes.
func (r *reader) span(at int, n, limit uint64) ([]byte, error) {
	if n > limit {
		r.pos = at
		return nil, r.fail(ErrLimit, "string longer than %d bytes", limit)
	}
	if n > uint64(r.left()) {
		return nil, r.fail(ErrTruncated, "a string is cut")
	}
	b := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// bytes reads a byte string; the result points into the input.
func (r *reader) bytes(limit int) ([]byte, error) {
	at := r.pos
	n, err := r.want(majorBytes, "a byte string")
	if err != nil {
		return nil, err
	}
	return r.span(at, n, uint64(limit))
}

// fixed reads a byte string of exactly len(dst) bytes.
func (r *reader) fixed(dst []byte) error {
	at := r.pos
	b, err := r.bytes(len(dst))
	if err != nil {
		return err
	}
	if len(b) != len(dst) {
		r.pos = at
		return r.fail(ErrValue, "expected %d bytes", len(dst))
	}
	copy(dst, b)
	return nil
}

// text reads a text string of at most limit bytes of valid UTF-8.
func (r *reader) text(limit int) (string, error) {
	at := r.pos
	n, err := r.want(majorText, "a text string")
	if err != nil {
		return "", err
	}
	b, err := r.span(at, n, uint64(limit))
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		r.pos = at
		return "", r.fail(ErrForm, "text is not UTF-8")
	}
	return string(b), nil
}

// array reads the head of an array with lo to hi elements. Every element has
// at least a byte, so a count beyond the input is refused here.
func (r *reader) array(lo, hi int) (int, error) {
	at := r.pos
	n, err := r.want(majorArray, "an array")
	if err != nil {
		return 0, err
	}
	if n > uint64(hi) {
		r.pos = at
		return 0, r.fail(ErrLimit, "array of more than %d elements", hi)
	}
	if n < uint64(lo) {
		r.pos = at
		return 0, r.fail(ErrValue, "array of fewer than %d elements", lo)
	}
	if n > uint64(r.left()) {
		return 0, r.fail(ErrTruncated, "an array is cut")
	}
	return int(n), nil
}

// null reports whether the next item is null, and if so passes it.
func (r *reader) null() bool {
	if r.left() > 0 && r.data[r.pos] == itemNull {
		r.pos++
		return true
	}
	return false
}

// skip passes one item of any type.
func (r *reader) skip(depth int) error {
	if depth > maxDepth {
		return r.fail(ErrLimit, "nested deeper than %d", maxDepth)
	}
	at := r.pos
	major, n, err := r.head()
	if err != nil {
		return err
	}
	switch major {
	case majorBytes, majorText:
		b, err := r.span(at, n, MaxMessage)
		if err == nil && major == majorText && !utf8.Valid(b) {
			return r.fail(ErrForm, "text is not UTF-8")
		}
		return err
	case majorArray:
		for ; n > 0 && err == nil; n-- {
			err = r.skip(depth + 1)
		}
		return err
	case majorMap:
		return r.skipMap(n, depth)
	case majorTag:
		return r.skip(depth + 1)
	case majorSimple:
		if r.data[at]&31 == 24 && n < 32 {
			r.pos = at
			return r.fail(ErrForm, "simple value not in its shortest form")
		}
	}
	return nil
}

func (r *reader) skipMap(n uint64, depth int) error {
	var last []byte
	for ; n > 0; n-- {
		at := r.pos
		if err := r.skip(depth + 1); err != nil {
			return err
		}
		key := r.data[at:r.pos]
		if last != nil && bytes.Compare(last, key) >= 0 {
			r.pos = at
			return r.fail(ErrForm, "map keys are not in order")
		}
		last = key
		if err := r.skip(depth + 1); err != nil {
			return err
		}
	}
	return nil
}
