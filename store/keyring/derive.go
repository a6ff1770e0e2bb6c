package keyring

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// label comes first in every derivation, so that another program with the same secret would not meet ours.
const label = "candor1"

// PseudonymKey is the HMAC key of 32 bytes for the tokens of one class, for one grant and epoch. It implements
// [consent.KeyMaker]. The same arguments give the same key for as long as the grant lives; then the error is
// [ErrGone]. The caller may keep the result, and should not for longer than it needs.
func (r *Ring) PseudonymKey(id consent.GrantID, epoch uint64, class sensors.Class) ([]byte, error) {
	return r.derive(id, func(purpose string) info {
		return newInfo(5).text("pseudonym").text(purpose).uint(epoch).text(string(class))
	})
}

// StreamKey is the signing key of the stream with that name. The error is [ErrGone] when the grant is.
func (r *Ring) StreamKey(id consent.GrantID, name [16]byte) (ed25519.PrivateKey, error) {
	seed, err := r.derive(id, func(string) info { return newInfo(3).text("stream").bytes(name[:]) })
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return ed25519.NewKeyFromSeed(seed), nil
}

// EraseCapability is the number whose knowledge allows the stream's deletion at the recipient; what is announced is
// its SHA-256. The error is [ErrGone] when the grant is.
func (r *Ring) EraseCapability(id consent.GrantID, name [16]byte) ([32]byte, error) {
	return r.derive32(id, "erase", name)
}

// Blind is what blinds the receipt's digest in the stream's announcement, so that the announcements of two streams
// have nothing in common. The error is [ErrGone] when the grant is.
func (r *Ring) Blind(id consent.GrantID, name [16]byte) ([32]byte, error) {
	return r.derive32(id, "blind", name)
}

// Mark is eight bytes that tell the secret of a grant from any other and help to find none: a yes that is written down with it is not taken
// for another one that got its number, as when older copies of keys and ledger meet. The error is [ErrGone] when the grant is.
func (r *Ring) Mark(id consent.GrantID) ([]byte, error) {
	b, err := r.derive(id, func(purpose string) info { return newInfo(3).text("mark").text(purpose) })
	if err != nil {
		return nil, err
	}
	mark := append([]byte(nil), b[:8]...)
	clear(b)
	return mark, nil
}

func (r *Ring) derive32(id consent.GrantID, use string, name [16]byte) (out [32]byte, err error) {
	b, err := r.derive(id, func(string) info { return newInfo(3).text(use).bytes(name[:]) })
	copy(out[:], b)
	clear(b)
	return out, err
}

// derive is HKDF-Expand with SHA-256 (RFC 5869 §2.3) from the grant secret, which is uniformly random, so that the
// extract step has nothing to do.
func (r *Ring) derive(id consent.GrantID, about func(purpose string) info) ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	g := r.content.grants[id]
	if g == nil {
		return nil, fmt.Errorf("keyring: grant %d: %w", id, ErrGone)
	}
	out, err := hkdf.Expand(sha256.New, g.secret.bytes(), string(about(g.purpose)), keySize)
	if err != nil {
		return nil, fmt.Errorf("keyring: derive for grant %d: %w", id, err)
	}
	return out, nil
}

// info builds the context of a derivation: a CBOR array in deterministic form (RFC 8949 §4.2.1), in which no two
// different lists of parts have the same bytes, as plain concatenation would.
type info []byte

// newInfo begins an array of that many items (at most 23), the label being the first of them.
func newInfo(items int) info {
	return info{0x80 | byte(items)}.text(label)
}

func (b info) text(s string) info  { return append(b.head(3, uint64(len(s))), s...) }
func (b info) bytes(p []byte) info { return append(b.head(2, uint64(len(p))), p...) }
func (b info) uint(n uint64) info  { return b.head(0, n) }

// head appends an item's major type and argument in the shortest form.
func (b info) head(major byte, n uint64) info {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= 0xff:
		return append(b, major|24, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= 0xffffffff:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}
