package receive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// MaxAnnouncement is the longest announcement taken, in bytes. Real ones have
// hundreds; each is kept in memory.
const MaxAnnouncement = 64 << 10

// graceDays is by how much delete-by may lie beyond the announced retention:
// a day because days are whole, and one because two clocks round midnight.
const graceDays = 2

// Verifier decides whether a message may be kept. It refuses with a
// [*Refusal] that names place and reason, and keeps nothing itself. Its
// methods may be called at the same time.
type Verifier struct {
	Streams Seen
	Now     func() time.Time
}

// Announcement verifies the form, signature and content of an announcement.
func (v *Verifier) Announcement(signed []byte) (*Announced, error) {
	if len(signed) > MaxAnnouncement {
		return nil, refuse(CodeTooLarge, "an announcement has at most 65536 bytes")
	}
	a, digest, err := wire.OpenAnnouncement(signed)
	if err != nil {
		return nil, fromWire(err)
	}
	for i := range a.Groups {
		if err := contactFree(&a.Groups[i]); err != nil {
			return nil, err
		}
	}
	return &Announced{Signed: signed, Announcement: a, Digest: digest}, nil
}

// Batch verifies a batch: its announcement is known and not withdrawn, the
// signature is by the announced key, and everything in it is as announced.
func (v *Verifier) Batch(ctx context.Context, signed []byte) (*Delivery, error) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return nil, fromWire(err)
	}
	name, ok := announcementOf(payload)
	if !ok {
		// The decoder says what is wrong with it.
		b, err := wire.DecodeBatch(payload)
		if err != nil {
			return nil, fromWire(err)
		}
		name = b.Announcement
	}
	stream, err := v.Streams.ByAnnouncement(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case stream.Withdrawn:
		return nil, ErrWithdrawn
	}
	a := stream.Announcement
	// Verified before it is decoded: a stranger must not make us unpack a
	// million values from a few bytes.
	if _, err := wire.OpenSigned(wire.KindBatch, a.Key, signed); err != nil {
		return nil, fromWire(err)
	}
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		return nil, fromWire(err)
	}
	if err := v.checkBatch(a, b, len(signed)); err != nil {
		return nil, err
	}
	return &Delivery{Signed: signed, Digest: signedDigest(signed), Announcement: a, Batch: b}, nil
}

// announcementOf reads the announcement's digest off a batch, which stands
// under the second key of the map, right after the version.
func announcementOf(payload []byte) (digest [16]byte, ok bool) {
	const head = "\x00\x01\x01\x50" // 0: 1, 1: 16 bytes
	if len(payload) < 1+len(head)+len(digest) || string(payload[1:1+len(head)]) != head {
		return digest, false
	}
	copy(digest[:], payload[1+len(head):])
	return digest, true
}

// signedDigest names a signed message: the first 16 bytes of its SHA-256.
func signedDigest(signed []byte) [16]byte {
	sum := sha256.Sum256(signed)
	return [16]byte(sum[:16])
}

func (v *Verifier) checkBatch(a *wire.Announcement, b *wire.Batch, size int) error {
	if err := a.Check(b); err != nil {
		return fromWire(err)
	}
	if a.Size > 0 && size != wire.PaddedSize(int(a.Size)) {
		return refuse(CodeSize, "an upload of this stream has always the announced length, and this one has not")
	}
	last, err := checkTimes(a, b)
	if err != nil {
		return err
	}
	if err := contactFreeTokens(a, b); err != nil {
		return err
	}
	// Counted from today or the newest row, whichever is later: an object
	// whose clock is ahead keeps its rows no longer than it says itself.
	day := max(v.Now().Unix()/86400, last/(86400*1_000_000))
	latest := day + int64(a.RetentionDays) + graceDays
	if timeless(b) {
		// An object that relies on no clock may count years ahead, after one
		// that was. It can't know better and must not be held up for it.
		b.DeleteBy = uint32(min(int64(b.DeleteBy), latest))
	}
	if b.DeleteBy > maxDay || b.Rows() > 0 && int64(b.DeleteBy) > latest {
		return refuse(CodeRetention, "delete-by lies beyond the announced retention")
	}
	return nil
}

// timeless tells whether a batch says of no moment when it was, so that its
// delete-by is a guess. Such rows were taken today at the latest.
func timeless(b *wire.Batch) bool { return b.Clock.Untrusted && !b.Clock.Anchored }

// checkTimes refuses times that no calendar has and returns the newest, in
// microseconds since 1970, 0 when none is known.
func checkTimes(a *wire.Announcement, b *wire.Batch) (last int64, err error) {
	most := int64(maxMicros) / a.Tick
	if b.Clock.Error > most {
		return 0, refuse(CodeTime, "the clock is off by more than any calendar has")
	}
	for i := range b.Groups {
		for _, t := range b.Groups[i].Time {
			tick, _, ok := b.Clock.WallTick(t)
			if t > most || ok && tick > most {
				return 0, refuse(CodeTime, "a row lies beyond the year 9999")
			}
			if ok {
				last = max(last, tick*a.Tick)
			}
		}
	}
	return last, nil
}

// Deletion verifies a deletion request. For a stream that is not known it
// verifies the form alone.
func (v *Verifier) Deletion(ctx context.Context, signed []byte) (m *Withdrawal, epoch uint64, err error) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return nil, 0, fromWire(err)
	}
	d, err := wire.DecodeDeletion(payload)
	if err != nil {
		return nil, 0, fromWire(err)
	}
	stream, err := v.Streams.ByID(ctx, d.Stream)
	if err == nil {
		err = VerifyDeletion(stream.Announcement, signed)
	} else if IsCode(err, CodeUnknown) {
		err = nil
	}
	if err != nil {
		return nil, 0, err
	}
	return &Withdrawal{Signed: signed, Stream: d.Stream}, d.Epoch, nil
}

// VerifyDeletion verifies a deletion request against the stream's
// announcement: its signature, stream, epoch and erase capability. Sinks call
// it for requests that came before the announcement.
func VerifyDeletion(a *wire.Announcement, signed []byte) error {
	payload, err := wire.OpenSigned(wire.KindDeletion, a.Key, signed)
	if err != nil {
		return fromWire(err)
	}
	d, err := wire.DecodeDeletion(payload)
	if err != nil {
		return fromWire(err)
	}
	if d.Stream != a.Stream || d.Epoch != a.Epoch {
		return refuse(CodeSignature, "the request is for another stream or epoch")
	}
	if got := d.Capability.Digest(); !bytes.Equal(got[:], a.Erase[:]) {
		return refuse(CodeErase, "this is not the erase capability of the stream")
	}
	return nil
}

// Freshness verifies a question and returns it with what is known.
func (v *Verifier) Freshness(ctx context.Context, signed []byte) (*wire.Freshness, Stream, error) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return nil, Stream{}, fromWire(err)
	}
	q, err := wire.DecodeFreshness(payload)
	if err != nil {
		return nil, Stream{}, fromWire(err)
	}
	stream, err := v.Streams.ByID(ctx, q.Stream)
	if err != nil {
		return nil, Stream{}, err
	}
	if _, err := wire.OpenSigned(wire.KindFreshness, stream.Announcement.Key, signed); err != nil {
		return nil, Stream{}, fromWire(err)
	}
	if q.Epoch != stream.Announcement.Epoch {
		return nil, Stream{}, refuse(CodeSignature, "the question is for another epoch")
	}
	return q, stream, nil
}

// Test verifies the form of a test message. Its key is not known to anybody,
// so there is nothing else to verify.
func (v *Verifier) Test(signed []byte) error {
	if len(signed) != wire.TestSize {
		return refuse(CodeSize, "a test message has 256 bytes")
	}
	payload, err := wire.SignedPayload(signed)
	if err == nil {
		_, err = wire.DecodeTest(payload)
	}
	if err != nil {
		return fromWire(err)
	}
	return nil
}

// fromWire turns an error of package wire into an answer. Those texts name
// places and reasons only, so they may go out.
func fromWire(err error) error {
	code := CodeMalformed
	switch {
	case errors.Is(err, wire.ErrSignature):
		code = CodeSignature
	case errors.Is(err, wire.ErrSeal):
		code = CodeSeal
	case errors.Is(err, wire.ErrAlphabet):
		code = CodeAlphabet
	}
	return refuse(code, err.Error())
}
