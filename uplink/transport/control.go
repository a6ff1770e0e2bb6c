package transport

import (
	"fmt"

	"github.com/candor-edge/candor/uplink/wire"
)

// Control is a message that carries no row: an announcement, a deletion request, a freshness question or a test. The zero
// value can't be sent.
type Control struct {
	kind   wire.Kind
	stream wire.StreamID
	body   []byte
}

// NewControl wraps the signed bytes of a control message. It refuses a kind that is none of these and bytes that do
// not decode as that kind, so that no row can be sent as one. The bytes are kept and must not be changed afterwards.
func NewControl(kind wire.Kind, signed []byte) (Control, error) {
	c := Control{kind: kind, body: signed}
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return Control{}, fmt.Errorf("no %v: %w", kind, err)
	}
	switch kind {
	case wire.KindAnnouncement:
		a, err := wire.DecodeAnnouncement(payload)
		if err != nil {
			return Control{}, fmt.Errorf("no announcement: %w", err)
		}
		c.stream = a.Stream
	case wire.KindDeletion:
		d, err := wire.DecodeDeletion(payload)
		if err != nil {
			return Control{}, fmt.Errorf("no deletion request: %w", err)
		}
		c.stream = d.Stream
	case wire.KindFreshness:
		f, err := wire.DecodeFreshness(payload)
		if err != nil {
			return Control{}, fmt.Errorf("no freshness question: %w", err)
		}
		c.stream = f.Stream
	case wire.KindTest:
		if _, err := wire.DecodeTest(payload); err != nil || len(signed) != wire.TestSize {
			return Control{}, fmt.Errorf("no test message of %d bytes", wire.TestSize)
		}
	default:
		return Control{}, fmt.Errorf("a %v is no control message", kind)
	}
	return c, nil
}

// Kind is what the message is.
func (c Control) Kind() wire.Kind { return c.kind }

// Size is its length in bytes, as sent.
func (c Control) Size() int { return len(c.body) }

// path is where the message goes, below the route's URL.
func (c Control) path() string {
	switch c.kind {
	case wire.KindAnnouncement:
		return "/announcements"
	case wire.KindDeletion:
		return "/deletions"
	case wire.KindFreshness:
		return "/freshness"
	case wire.KindTest:
		return "/tests"
	}
	return ""
}
