package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

const (
	slotSize = 64 << 10
	fileSize = 2 * slotSize
	headSize = 64
	capacity = slotSize - headSize

	magic   = "CandorKR"
	version = 2

	lengthAt     = 12
	generationAt = 16
	sumAt        = 32

	fixedSize   = keySize + keySize + 8 + 8 + sha256.Size + 4 + 2
	grantSize   = 4 + 1 + keySize + 2 // and the purpose
	daySize     = 4 + keySize
	maxGrants   = 1<<16 - 1
	grantsSpare = 4 << 10 // day keys leave this much, so that a new yes finds room
)

// content is what a slot holds.
type content struct {
	seed    secret
	ledger  *dayKey        // seals what the ledger says
	paused  sensors.Micros // since when nothing may leave; 0: it may
	count   uint64
	head    [sha256.Size]byte
	highest consent.GrantID
	grants  map[consent.GrantID]*grant
}

type grant struct {
	purpose string
	secret  secret
	days    map[int32]*dayKey
}

// wipe destroys the grant's secrets in memory.
func (g *grant) wipe() {
	g.secret.wipe()
	for _, k := range g.days {
		k.wipe()
	}
}

// wipe destroys every secret in memory.
func (c *content) wipe() {
	c.seed.wipe()
	c.ledger.wipe()
	for _, g := range c.grants {
		g.wipe()
	}
}

// ids lists the grants, ascending.
func (c *content) ids() []consent.GrantID {
	var out []consent.GrantID
	for id := range c.grants {
		out = append(out, id)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// newContent is what a new file holds: random secrets of the object itself, and no grant.
func newContent(rand io.Reader) (*content, error) {
	seed, err := newSecret(rand)
	if err != nil {
		return nil, err
	}
	book, err := newSecret(rand)
	if err != nil {
		return nil, err
	}
	return &content{seed: seed, ledger: newDayKey(book, true), grants: make(map[consent.GrantID]*grant)}, nil
}

// size is the length of the content as encoded.
func (c *content) size() int {
	n := fixedSize
	for _, g := range c.grants {
		n += grantSize + len(g.purpose) + len(g.days)*daySize
	}
	return n
}

// appendContent appends the content's bytes to dst.
func (c *content) appendContent(dst []byte) []byte {
	dst = append(dst, c.seed.bytes()...)
	dst = append(dst, c.ledger.secret.bytes()...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.paused))
	dst = binary.BigEndian.AppendUint64(dst, c.count)
	dst = append(dst, c.head[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.highest))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(c.grants)))
	for _, id := range c.ids() {
		g := c.grants[id]
		dst = binary.BigEndian.AppendUint32(dst, uint32(id))
		dst = append(dst, byte(len(g.purpose)))
		dst = append(dst, g.purpose...)
		dst = append(dst, g.secret.bytes()...)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(g.days)))
		days := make([]int32, 0, len(g.days))
		for day := range g.days {
			days = append(days, day)
		}
		sort.Slice(days, func(i, j int) bool { return days[i] < days[j] })
		for _, day := range days {
			dst = binary.BigEndian.AppendUint32(dst, uint32(day))
			dst = append(dst, g.days[day].secret.bytes()...)
		}
	}
	return dst
}

// encodeSlot fills slot, which has slotSize bytes, completely.
func encodeSlot(slot []byte, generation uint64, c *content) error {
	n := c.size()
	if n > capacity {
		return ErrFull
	}
	clear(slot)
	copy(slot, magic)
	binary.BigEndian.PutUint32(slot[8:], version)
	binary.BigEndian.PutUint32(slot[lengthAt:], uint32(n))
	binary.BigEndian.PutUint64(slot[generationAt:], generation)
	c.appendContent(slot[headSize:headSize])
	sum := sha256.Sum256(slot)
	copy(slot[sumAt:], sum[:])
	return nil
}

// decodeSlot reads a whole slot. It changes slot's checksum bytes and puts them back.
func decodeSlot(slot []byte) (generation uint64, c *content, err error) {
	if len(slot) != slotSize || !bytes.HasPrefix(slot, []byte(magic)) {
		return 0, nil, errors.New("not a slot of a key file")
	}
	if v := binary.BigEndian.Uint32(slot[8:]); v != version {
		return 0, nil, fmt.Errorf("format version %d, this program reads version %d only", v, version)
	}
	var want [sha256.Size]byte
	copy(want[:], slot[sumAt:])
	clear(slot[sumAt : sumAt+sha256.Size])
	sum := sha256.Sum256(slot)
	copy(slot[sumAt:], want[:])
	if sum != want {
		return 0, nil, errors.New("wrong checksum")
	}
	n := binary.BigEndian.Uint32(slot[lengthAt:])
	if n > capacity {
		return 0, nil, errors.New("length out of range")
	}
	c, err = decodeContent(slot[headSize : headSize+int(n)])
	return binary.BigEndian.Uint64(slot[generationAt:]), c, err
}

// reader takes fields off the front of b; once something is missing it stays failed and gives zeros.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if r.failed || n > len(r.b) {
		r.failed = true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) secret() secret {
	s := emptySecret()
	copy(s.bytes(), r.take(keySize))
	return s
}

// decodeContent is strict: whatever it accepts, appendContent gives back byte for byte.
func decodeContent(b []byte) (*content, error) {
	r := &reader{b: b}
	c := &content{grants: make(map[consent.GrantID]*grant)}
	c.seed, c.ledger, c.paused, c.count = r.secret(), newDayKey(r.secret(), true), sensors.Micros(r.uint64()), r.uint64()
	copy(c.head[:], r.take(sha256.Size))
	c.highest = consent.GrantID(r.uint32())
	var last consent.GrantID
	for range r.uint16() {
		id := consent.GrantID(r.uint32())
		if !r.failed && (id <= last || id > c.highest) {
			return nil, errors.New("grants out of order")
		}
		g, err := decodeGrant(r)
		if err != nil {
			return nil, err
		}
		c.grants[id], last = g, id
	}
	if r.failed || len(r.b) > 0 {
		return nil, errors.New("length does not fit the content")
	}
	return c, nil
}

func decodeGrant(r *reader) (*grant, error) {
	g := &grant{days: make(map[int32]*dayKey)}
	length := int(r.take(1)[0])
	if length > MaxPurpose {
		return nil, errors.New("purpose too long")
	}
	g.purpose = string(r.take(length))
	g.secret = r.secret()
	last := int64(-1 << 40)
	for range r.uint16() {
		day := int32(r.uint32())
		key := r.secret()
		if r.failed {
			return nil, errors.New("cut short")
		}
		if int64(day) <= last {
			return nil, errors.New("days out of order")
		}
		g.days[day], last = newDayKey(key, true), int64(day)
	}
	return g, nil
}
