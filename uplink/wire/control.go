package wire

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
)

// The control messages: what an object may send besides announcements and
// batches, and the answers. Each is a payload to be signed as its own [Kind].

// Capability is the secret that proves the right to erase a stream: whoever
// shows it was there when the stream opened. It never prints itself.
type Capability [32]byte

const hidden = "[hidden]"

// Digest is what the announcement carries as Erase: SHA-256.
func (c Capability) Digest() [32]byte { return sha256.Sum256(c[:]) }

// Format hides the capability from every verb.
func (Capability) Format(s fmt.State, _ rune) { fmt.Fprint(s, hidden) }

// MarshalJSON hides the capability.
func (Capability) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue hides the capability.
func (Capability) LogValue() slog.Value { return slog.StringValue(hidden) }

// Deletion asks for everything of a stream to be erased. It is signed by the
// stream's key as [KindDeletion] when the stream opens, and sent once due.
type Deletion struct {
	Stream     StreamID
	Epoch      uint64 // at most MaxValue
	Capability Capability
}

// DeletionAnswer says what was erased. It is signed by the recipient's key as
// [KindDeletionAnswer].
type DeletionAnswer struct {
	Stream StreamID
	Epoch  uint64   // at most MaxValue
	Day    uint32   // day number since 1970-01-01
	Stores []string // where it was erased, 1 to MaxStores names of 1 to MaxName bytes
	// Counts says how many things each of Stores held, at most MaxValue; nil
	// when the recipient does not tell.
	Counts []uint64
}

// Freshness asks whether a stream is still the newest the recipient knows. It
// is signed by the stream's key as [KindFreshness].
type Freshness struct {
	Stream StreamID
	Epoch  uint64   // at most MaxValue
	Nonce  [16]byte // random, so that no old answer fits
}

// FreshnessAnswer is the answer, signed by the recipient's key as
// [KindFreshnessAnswer] or told over an authenticated connection.
type FreshnessAnswer struct {
	Stream    StreamID
	Epoch     uint64   // at most MaxValue
	Nonce     [16]byte // of the question
	Last      uint64   // last sequence number accepted, 0 for none
	Withdrawn bool     // the stream was closed by a deletion request
}

// Test shows that a route works. It says nothing about the object: the key it
// is signed with as [KindTest] is made for it and thrown away.
type Test struct {
	Nonce [16]byte // random
	Key   [32]byte // Ed25519 public key, so that the signature can be tried too
}

// TestSize is the length of every signed test message, in bytes.
const TestSize = 256

// Keys of the control messages, after keyStream and keyEpoch.
const (
	keyCapability = 3
	keyNonce      = 3
	keyLast       = 4
	keyWithdrawn  = 5
	keyDay        = 3
	keyStores     = 4
	keyCounts     = 5
	keyTestNonce  = 1
	keyTestKey    = 2
)

// appendStream starts a control message of so many pairs.
func appendStream(dst []byte, pairs uint64, s StreamID, epoch uint64) ([]byte, error) {
	if epoch > MaxValue {
		return dst, faultf(ErrLimit, "an epoch reaches to %d", int64(MaxValue))
	}
	dst = appendHead(dst, majorMap, pairs)
	dst = appendUint(appendUint(dst, 0), Version)
	dst = appendBytes(appendUint(dst, keyStream), s[:])
	return appendUint(appendUint(dst, keyEpoch), epoch), nil
}

// AppendDeletion appends the payload of a deletion request to dst.
func AppendDeletion(dst []byte, d *Deletion) ([]byte, error) {
	out, err := appendStream(dst, 4, d.Stream, d.Epoch)
	if err != nil {
		return dst, in(err, "deletion")
	}
	return appendBytes(appendUint(out, keyCapability), d.Capability[:]), nil
}

// DecodeDeletion reads the payload of a deletion request.
func DecodeDeletion(payload []byte) (*Deletion, error) {
	d := new(Deletion)
	err := readMessage(payload, keySet(0, keyStream, keyEpoch, keyCapability), 0, func(r *reader, key uint) error {
		if key == keyCapability {
			return r.fixed(d.Capability[:])
		}
		return r.stream(key, &d.Stream, &d.Epoch)
	})
	if err != nil {
		return nil, in(err, "deletion")
	}
	return d, nil
}

// AppendDeletionAnswer appends the payload of a deletion answer to dst.
func AppendDeletionAnswer(dst []byte, d *DeletionAnswer) ([]byte, error) {
	pairs := uint64(5)
	if d.Counts != nil {
		pairs++
	}
	out, err := appendStream(dst, pairs, d.Stream, d.Epoch)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return dst, in(err, "deletion answer")
	}
	out = appendUint(appendUint(out, keyDay), uint64(d.Day))
	out = appendArray(appendUint(out, keyStores), len(d.Stores))
	for _, s := range d.Stores {
		out = appendText(out, s)
	}
	if d.Counts == nil {
		return out, nil
	}
	out = appendArray(appendUint(out, keyCounts), len(d.Counts))
	for _, n := range d.Counts {
		out = appendUint(out, n)
	}
	return out, nil
}

func (d *DeletionAnswer) check() error {
	if len(d.Stores) == 0 || len(d.Stores) > MaxStores {
		return faultf(ErrLimit, "1 to %d stores are named", MaxStores)
	}
	for i, s := range d.Stores {
		if err := checkText(s, 1, MaxName); err != nil {
			return inN(err, "store", i)
		}
	}
	if d.Counts != nil && len(d.Counts) != len(d.Stores) {
		return faultf(ErrValue, "%d counts for %d stores", len(d.Counts), len(d.Stores))
	}
	for i, n := range d.Counts {
		if n > MaxValue {
			return inN(faultf(ErrLimit, "counts reach to %d", int64(MaxValue)), "count", i)
		}
	}
	return nil
}

// DecodeDeletionAnswer reads the payload of a deletion answer.
func DecodeDeletionAnswer(payload []byte) (*DeletionAnswer, error) {
	d := new(DeletionAnswer)
	err := readMessage(payload, keySet(0, keyStream, keyEpoch, keyDay, keyStores), keySet(keyCounts), func(r *reader, key uint) (err error) {
		switch key {
		case keyDay:
			d.Day, err = r.uint32()
			return err
		case keyStores:
			n, err := r.array(1, MaxStores)
			for i := 0; i < n && err == nil; i++ {
				var s string
				s, err = r.text(MaxName)
				d.Stores = append(d.Stores, s)
			}
			return err
		case keyCounts:
			n, err := r.array(1, MaxStores)
			for i := 0; i < n && err == nil; i++ {
				var count uint64
				count, err = r.uint(MaxValue)
				d.Counts = append(d.Counts, count)
			}
			return err
		}
		return r.stream(key, &d.Stream, &d.Epoch)
	})
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return nil, in(err, "deletion answer")
	}
	return d, nil
}

// AppendFreshness appends the payload of a freshness question to dst.
func AppendFreshness(dst []byte, f *Freshness) ([]byte, error) {
	out, err := appendStream(dst, 4, f.Stream, f.Epoch)
	if err != nil {
		return dst, in(err, "freshness")
	}
	return appendBytes(appendUint(out, keyNonce), f.Nonce[:]), nil
}

// DecodeFreshness reads the payload of a freshness question.
func DecodeFreshness(payload []byte) (*Freshness, error) {
	f := new(Freshness)
	err := readMessage(payload, keySet(0, keyStream, keyEpoch, keyNonce), 0, func(r *reader, key uint) error {
		if key == keyNonce {
			return r.fixed(f.Nonce[:])
		}
		return r.stream(key, &f.Stream, &f.Epoch)
	})
	if err != nil {
		return nil, in(err, "freshness")
	}
	return f, nil
}

// AppendFreshnessAnswer appends the payload of a freshness answer to dst.
func AppendFreshnessAnswer(dst []byte, f *FreshnessAnswer) ([]byte, error) {
	out, err := appendStream(dst, 6, f.Stream, f.Epoch)
	if err == nil && f.Last > MaxValue {
		err = faultf(ErrLimit, "sequence numbers reach to %d", int64(MaxValue))
	}
	if err != nil {
		return dst, in(err, "freshness answer")
	}
	out = appendBytes(appendUint(out, keyNonce), f.Nonce[:])
	out = appendUint(appendUint(out, keyLast), f.Last)
	withdrawn := uint64(0)
	if f.Withdrawn {
		withdrawn = 1
	}
	return appendUint(appendUint(out, keyWithdrawn), withdrawn), nil
}

// DecodeFreshnessAnswer reads the payload of a freshness answer.
func DecodeFreshnessAnswer(payload []byte) (*FreshnessAnswer, error) {
	f := new(FreshnessAnswer)
	want := keySet(0, keyStream, keyEpoch, keyNonce, keyLast, keyWithdrawn)
	err := readMessage(payload, want, 0, func(r *reader, key uint) (err error) {
		switch key {
		case keyNonce:
			return r.fixed(f.Nonce[:])
		case keyLast:
			f.Last, err = r.uint(MaxValue)
			return err
		case keyWithdrawn:
			v, err := r.uint(1)
			f.Withdrawn = v == 1
			return err
		}
		return r.stream(key, &f.Stream, &f.Epoch)
	})
	if err != nil {
		return nil, in(err, "freshness answer")
	}
	return f, nil
}

// stream reads the two keys most control messages share.
func (r *reader) stream(key uint, s *StreamID, epoch *uint64) (err error) {
	if key == keyStream {
		return r.fixed(s[:])
	}
	*epoch, err = r.uint(MaxValue)
	return err
}

// AppendTest appends the payload of a test message to dst, padded so that the
// signed message has [TestSize] bytes.
func AppendTest(dst []byte, t *Test) []byte {
	start := len(dst)
	dst = appendHead(dst, majorMap, 4)
	dst = appendUint(appendUint(dst, 0), Version)
	dst = appendBytes(appendUint(dst, keyTestNonce), t.Nonce[:])
	dst = appendBytes(appendUint(dst, keyTestKey), t.Key[:])
	return appendPadding(dst, payloadFor(TestSize)-(len(dst)-start))
}

// DecodeTest reads the payload of a test message.
func DecodeTest(payload []byte) (*Test, error) {
	t := new(Test)
	err := readMessage(payload, keySet(0, keyTestNonce, keyTestKey, keyPadding), 0, func(r *reader, key uint) error {
		switch key {
		case keyTestNonce:
			return r.fixed(t.Nonce[:])
		case keyTestKey:
			return r.fixed(t.Key[:])
		}
		return r.padding()
	})
	if err != nil {
		return nil, in(err, "test")
	}
	return t, nil
}
