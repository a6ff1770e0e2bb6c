package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// What is stored as CBOR is one of eleven maps with small numbers as keys, in deterministic form. A general package would
// do it by reflection and bring 280 KB into the device binary; here each type names its fields once, in the order of
// their keys, and that one list both writes and reads, so that the two can't drift apart. The struct tags say the same to
// a general package, which is how the tests compare. Only one encoding of a value is ever taken.

// mapping is a type that is stored as a map.
type mapping interface {
	fields(p *pass)
}

const (
	maxList  = 4096 // elements of a list
	maxDepth = 8    // of maps in maps; there are never more than 3
)

const (
	majorUint  = 0 << 5
	majorNint  = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5

	itemTrue = 0xf5
)

var (
	errNotCanonical = errors.New("not in deterministic form")
	errCut          = errors.New("it is cut off")
	errTooLong      = errors.New("it is too long")
	errUTF8         = errors.New("a text is not UTF-8")
	errRange        = errors.New("a number is out of its range")
)

// encode fails for what decode would not take back: text that is not UTF-8, lists that are too long. It only reads v.
func encode(v mapping) ([]byte, error) {
	p := pass{b: make([]byte, 0, 256)}
	p.mapping(v)
	if p.err != nil {
		return nil, fmt.Errorf("encode: %w", p.err)
	}
	return p.b, nil
}

// decode fills v, which has to be empty, and accepts only what encode would have written. Nothing of v points into b. It
// needs memory for what b really holds, whatever lengths b claims.
func decode(b []byte, v mapping) error {
	p := pass{reading: true, b: b}
	p.mapping(v)
	if p.err == nil && p.at < len(b) {
		p.err = errNotCanonical
	}
	if p.err != nil {
		return fmt.Errorf("decode: byte %d: %w", p.at, p.err)
	}
	return nil
}

// pass is one way through the fields of a value: writing them to b, or reading them from it.
type pass struct {
	reading bool
	b       []byte
	at      int   // reading: what is taken
	pairs   int   // of the present map: written, or left to be read
	depth   int   // of the present map
	err     error // the first; nothing is done after it
}

func (p *pass) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// mapping writes or reads a whole map.
func (p *pass) mapping(v mapping) {
	if p.err != nil {
		return
	}
	if p.depth++; p.depth > maxDepth {
		p.fail(errNotCanonical)
		return
	}
	outer, start := p.pairs, len(p.b)
	if p.reading {
		p.pairs = int(min(p.want(majorMap), 64))
		v.fields(p)
		if p.pairs > 0 { // a key that there isn't, or again, or out of its order
			p.fail(errNotCanonical)
		}
	} else {
		p.pairs = 0
		p.b = append(p.b, 0, 0) // room for the longest head: no map has 256 fields
		v.fields(p)
		if p.pairs < 24 {
			p.b = append(p.b[:start+1], p.b[start+2:]...)
			p.b[start] = majorMap | byte(p.pairs)
		} else {
			p.b[start], p.b[start+1] = majorMap|24, byte(p.pairs)
		}
	}
	p.depth--
	p.pairs = outer
}

// key writes the key of a field that is there. Reading, it takes the key if it is the next one and says whether it was;
// required says that it has to be there.
func (p *pass) key(key uint64, there, required bool) bool {
	if p.err != nil {
		return false
	}
	if !p.reading {
		if !there {
			return false
		}
		p.pairs++
		p.b = appendLength(p.b, majorUint, key)
		return true
	}
	before := p.at
	if p.pairs > 0 {
		if n := p.want(majorUint); p.err == nil && n == key {
			p.pairs--
			return true
		}
	}
	p.at = before
	if required {
		p.fail(fmt.Errorf("field %d is missing: %w", key, errNotCanonical))
	}
	return false
}

// head takes the head of an item, in its shortest form only.
func (p *pass) head() (major byte, n uint64) {
	if p.err != nil {
		return 0, 0
	}
	b := p.b[p.at:]
	if len(b) == 0 {
		p.fail(errCut)
		return 0, 0
	}
	major, n = b[0]&0xe0, uint64(b[0]&0x1f)
	size := 0
	if n > 27 {
		p.fail(errNotCanonical) // reserved, or of indefinite length
		return 0, 0
	} else if n >= 24 {
		size = 1 << (n - 24)
	}
	if len(b) < 1+size {
		p.fail(errCut)
		return 0, 0
	}
	if size > 0 {
		n = 0
		for _, c := range b[1 : 1+size] {
			n = n<<8 | uint64(c)
		}
		if lengthSize(n) != 1+size {
			p.fail(errNotCanonical)
			return 0, 0
		}
	}
	p.at += 1 + size
	return major, n
}

// want takes the head of an item of that major type; 0 after an error.
func (p *pass) want(major byte) uint64 {
	got, n := p.head()
	if p.err == nil && got != major {
		p.fail(errNotCanonical)
	}
	if p.err != nil {
		return 0
	}
	return n
}

// span takes a string of that major type. The result points into b.
func (p *pass) span(major byte) []byte {
	n := p.want(major)
	if p.err != nil {
		return nil
	}
	if n > uint64(len(p.b)-p.at) {
		p.fail(errCut)
		return nil
	}
	s := p.b[p.at : p.at+int(n)]
	p.at += int(n)
	return s
}

// list writes the head of a list of n elements, or reads it; it returns how many elements follow.
func (p *pass) list(n int) int {
	if p.err != nil {
		return 0
	}
	if p.reading {
		n = int(min(p.want(majorArray), maxList+1))
	}
	if n > maxList {
		p.fail(errTooLong)
		return 0
	}
	if !p.reading {
		p.b = appendLength(p.b, majorArray, uint64(n))
	}
	return n
}

// word is a text without a key.
func (p *pass) word(v *string) {
	if p.err != nil {
		return
	}
	if p.reading {
		*v = string(p.span(majorText))
	} else {
		p.b = appendHead(p.b, majorText>>5, len(*v), *v)
	}
	if !utf8.ValidString(*v) {
		p.fail(errUTF8)
	}
}

func lengthSize(n uint64) int {
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

// appendLength appends the head of an item with that number or length.
func appendLength(dst []byte, major byte, n uint64) []byte {
	switch lengthSize(n) {
	case 1:
		return append(dst, major|byte(n))
	case 2:
		return append(dst, major|24, byte(n))
	case 3:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}
