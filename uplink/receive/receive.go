package receive

import (
	"context"

	"github.com/candor-edge/candor/uplink/wire"
)

// Stream is what is known of a stream. The announcement is shared and must
// not be changed.
type Stream struct {
	Announcement *wire.Announcement
	Last         uint64 // the highest sequence number accepted, 0 when none was
	Withdrawn    bool   // by a deletion request that verified
}

// Seen remembers what was seen of the streams that messages speak of. Both
// methods are called at the same time from many requests and answer from what
// is durable. What they don't know is a [*Refusal] with CodeUnknown; any other
// error becomes CodeStorage, since a store that can't be asked is no reason
// for an object to announce anew.
type Seen interface {
	// ByAnnouncement finds a stream by the digest batches carry.
	ByAnnouncement(ctx context.Context, digest [16]byte) (Stream, error)
	// ByID finds a stream by its name.
	ByID(ctx context.Context, id wire.StreamID) (Stream, error)
}

// Sink keeps what was verified. A method returns nil only when the thing is
// durable: the answer to the object follows and the object forgets its copy.
// The methods are called at the same time from many requests. What they are
// given belongs to the caller again when they return.
//
// They refuse with a [*Refusal]; any other error becomes CodeStorage, after
// which the object tries again.
type Sink interface {
	// Announce keeps a new stream. Known is true when the very same
	// announcement was kept before. CodeConflict: the stream has another
	// announcement; CodeWithdrawn: it was withdrawn.
	Announce(ctx context.Context, m *Announced) (known bool, err error)

	// Store keeps a batch of an announced stream, once: the same sequence
	// number with the same digest is nil and changes nothing. CodeConflict:
	// the same number with another digest; CodeWithdrawn: the stream was
	// withdrawn, perhaps since the batch was verified.
	Store(ctx context.Context, m *Delivery) error

	// Withdraw removes all rows and batches of a stream, remembers for good
	// that it is gone, and says what each store held of it: 1 to
	// wire.MaxStores of them, the same ones when the request comes again. A
	// stream that was never announced is remembered too: an announcement that
	// comes late must find the withdrawal, if it verifies then.
	Withdraw(ctx context.Context, m *Withdrawal) ([]Erased, error)
}

// Erased says how many things of a withdrawn stream a store held.
type Erased struct {
	Store string `json:"store"` // 1 to wire.MaxName bytes
	Count uint64 `json:"count"` // at most wire.MaxValue
}

// Forgetter is a sink that forgets rows whose day has come.
type Forgetter interface {
	// Forget removes the batches whose delete-by is today or earlier, days
	// since 1970-01-01, with their rows, and says how many batches. What it
	// removed stays accepted: sent again, it is acknowledged and not stored.
	Forget(ctx context.Context, today uint32) (batches int, err error)
}

// Exporter is a sink that gives a stream back to whoever has a right to it.
type Exporter interface {
	// Export hands the signed batches of a stream to each, in the order they
	// were stored, until it returns an error, and returns that. The bytes are
	// good until each returns. A stream without batches, unknown or withdrawn
	// has none to hand over, which is no error.
	Export(ctx context.Context, id wire.StreamID, each func(signed []byte) error) error
}

// Announced is a verified announcement.
type Announced struct {
	Signed       []byte // as it was sent, inside any seal
	Announcement *wire.Announcement
	Digest       [16]byte // of the payload, the name batches use
}

// Delivery is a verified batch.
type Delivery struct {
	Signed       []byte // as it was sent, inside any seal
	Digest       [16]byte
	Announcement *wire.Announcement
	Batch        *wire.Batch
}

// Withdrawal is a deletion request. It was verified when the stream is known;
// else nothing could verify it yet.
type Withdrawal struct {
	Signed []byte // as it was sent, inside any seal
	Stream wire.StreamID
}
