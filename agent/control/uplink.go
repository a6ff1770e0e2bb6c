package control

import (
	"context"
	"net/http"
	"time"

	"github.com/candor-edge/candor/uplink/transport"
)

// Prober tries the ways to the recipients. Nothing that is measured takes part in it, so a technician may ask.
type Prober interface {
	// TestUplink sends each recipient, or one, a message of a fixed size without reading or identifier, and says what came
	// of it. A recipient that no purpose of the policy names is not tested: nothing leaves to somebody whom nobody needs.
	// One that is not known is an [ErrNotFound].
	TestUplink(ctx context.Context, recipient string) ([]UplinkTest, error)

	// RetryParked offers the uploads that a recipient refused to it once more.
	RetryParked(ctx context.Context) (Retried, error)
}

// UplinkTest is what came of a test message.
type UplinkTest struct {
	Recipient string        `json:"recipient"`
	URL       string        `json:"url"` // without user, query or token
	OK        bool          `json:"ok"`
	Bytes     int           `json:"bytes"` // of the message, the same for everyone
	Took      time.Duration `json:"took_ns"`
	Error     string        `json:"error,omitempty"`
	Hint      string        `json:"hint,omitempty"` // what would help
	// Steps is how far the way goes, in order: files, dns, tcp, tls, auth, round trip. The last one is the first that failed.
	Steps []transport.Step `json:"steps"`
}

// Retried answers a retry. How many uploads it is about is in the status, for those who may see it.
type Retried struct {
	Notice string `json:"notice"`
}

// TestUplink tries the ways to the recipients, or to one.
func (c *Client) TestUplink(ctx context.Context, recipient string) ([]UplinkTest, error) {
	var list []UplinkTest
	err := c.do(ctx, http.MethodPost, withQuery("/v1/uplink/test", "recipient", recipient), nil, &list)
	return list, err
}

// RetryParked has the uploads that were refused offered once more.
func (c *Client) RetryParked(ctx context.Context) (Retried, error) {
	var a Retried
	err := c.do(ctx, http.MethodPost, "/v1/uplink/retry", nil, &a)
	return a, err
}

func (s *server) testUplink(r *http.Request) (any, error) {
	if err := noQuery(r, "recipient"); err != nil {
		return nil, err
	}
	recipient := r.URL.Query().Get("recipient")
	if len(recipient) > maxPurpose {
		return nil, Errorf(ErrNotFound, "candor status", "no recipient has so long a name")
	}
	tests, err := s.backend.TestUplink(r.Context(), recipient)
	return list(tests), err
}

func (s *server) retryParked(r *http.Request) (any, error) {
	if err := noQuery(r); err != nil {
		return nil, err
	}
	return s.backend.RetryParked(r.Context())
}
