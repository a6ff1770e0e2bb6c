package transport

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/wire"
)

// Dialer opens a connection; net.Dialer.DialContext outside tests.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Env is what a line may use of the world outside.
type Env struct {
	Secrets tinyconf.Env
	Now     func() time.Time // nil: time.Now
	Trusted func() bool      // whether Now is known to be right; nil: it is
	Dial    Dialer           // nil: the machine's own network
	Resolve Resolver         // for Walk only; nil: the machine's own
}

// Line is an open way to one recipient. Safe for concurrent use. It holds idle connections; Close ends them.
type Line struct {
	recipient string
	base      *url.URL
	seal      *wire.SealKey     // nil: what is signed travels as it is
	answerKey ed25519.PublicKey // nil: answers need no signature
	carrier   carrier
	now       func() time.Time
}

// carrier takes one message to the recipient and brings back one answer. An error is one of the network; its text holds
// nothing secret.
type carrier interface {
	exchange(ctx context.Context, m message) (answer, error)
	close()
}

// message is one request.
type message struct {
	path   string // below the route's URL: "/batches"
	sealed bool
	body   []byte
}

// media is how the body is wrapped.
func (m message) media() string {
	if m.sealed {
		return sealedType
	}
	return signedType
}

// answer is what came back. status is that of HTTP, whatever carried it.
type answer struct {
	status     int
	media      string
	retryAfter string
	body       []byte
	cut        bool // the body is not all of it
}

// maxAnswer bounds the body of an answer in bytes; more is cut and then proves nothing.
const maxAnswer = 16 << 10

// Media types of bodies, as PROTOCOL.md has them.
const (
	signedType = `application/cose; cose-type="cose-sign1"`
	sealedType = "application/vnd.candor.sealed"
)

// Open makes the line of a route. It reads the route's files and secrets and connects to nothing.
func Open(r Route, env Env) (*Line, error) {
	base, err := parseURL(r.URL)
	if err != nil {
		return nil, fmt.Errorf("route to %s: url: %w", r.Recipient, err)
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Trusted == nil {
		env.Trusted = func() bool { return true }
	}
	l := &Line{recipient: r.Recipient, base: base, now: env.Now}
	if r.Seal.IsSet() {
		text, err := r.Seal.ReadText(env.Secrets)
		if err == nil {
			l.seal, err = wire.ParseSealKey(text)
		}
		if err != nil {
			return nil, fmt.Errorf("route to %s: seal: %w", r.Recipient, err)
		}
	}
	if r.AnswerKey != "" {
		if l.answerKey, err = parseAnswerKey(r.AnswerKey); err != nil {
			return nil, fmt.Errorf("route to %s: answer_key: %w", r.Recipient, err)
		}
	}
	if l.carrier, err = openCarrier(&r, base, env); err != nil {
		return nil, err
	}
	return l, nil
}

// openCarrier makes what the URL's scheme asks for.
func openCarrier(r *Route, base *url.URL, env Env) (carrier, error) {
	t, err := newBearer(r, env)
	if err != nil {
		return nil, err
	}
	if brokerScheme(base.Scheme) {
		return openMQTT(r, base, env, t)
	}
	return openHTTP(r, base, env, t)
}

// URL is where the line leads, without anything secret.
func (l *Line) URL() string { return l.base.String() }

// Close ends idle connections.
func (l *Line) Close() { l.carrier.close() }

// Seal seals the signed bytes of a message to the recipient's key; sealed is false, and the bytes come back as they are,
// when the route has none.
func (l *Line) Seal(kind wire.Kind, signed []byte) (out []byte, sealed bool, err error) {
	if l.seal == nil {
		return signed, false, nil
	}
	out, err = wire.Seal(l.seal, wire.SealInfo(kind), nil, signed)
	return out, err == nil, err
}

// Send sends one upload of a stream and returns nil when the recipient has durably accepted it. Other errors are for [Judge]. It
// returns within the route's timeout, or at once when ctx ends. An upload that was cut before the route had a key is sealed
// on its way.
func (l *Line) Send(ctx context.Context, stream wire.StreamID, o store.Outgoing) error {
	m := message{path: "/batches", body: o.Body()}
	if len(m.body) == 0 {
		return errors.New("no upload")
	}
	digest, sealed := o.Sealed()
	if m.sealed = sealed; !sealed {
		digest = digestOf(m.body)
		var err error
		if m.body, m.sealed, err = l.Seal(wire.KindBatch, m.body); err != nil {
			return l.named(err)
		}
	}
	_, err := l.proven(ctx, m, stream, o.Seq(), digest)
	return err
}

// Control sends an announcement or a deletion request and returns nil when the recipient has durably taken it. proof is
// what the recipient signed about a deletion, nil when it signs nothing.
func (l *Line) Control(ctx context.Context, c Control) (proof []byte, err error) {
	if c.kind != wire.KindAnnouncement && c.kind != wire.KindDeletion {
		return nil, errors.New("no control message")
	}
	m, err := l.wrap(c)
	if err != nil {
		return nil, err
	}
	said, err := l.proven(ctx, m, c.stream, 0, digestOf(c.body))
	if err != nil || c.kind != wire.KindDeletion {
		return nil, err
	}
	return l.deletionProof(said, c.stream)
}

// wrap makes the request of a control message.
func (l *Line) wrap(c Control) (m message, err error) {
	m.path = c.path()
	if m.body, m.sealed, err = l.Seal(c.kind, c.body); err != nil {
		return m, l.named(err)
	}
	return m, nil
}

// proof is the body of an acceptance.
type proof struct {
	Accepted struct {
		Stream string `json:"stream"`
		Seq    uint64 `json:"seq"`
		Digest string `json:"digest"`
		Answer []byte `json:"answer"`
	} `json:"accepted"`
}

// proven sends a message and wants the proof that the recipient has it; answer is what it signed beside.
func (l *Line) proven(ctx context.Context, m message, stream wire.StreamID, seq uint64, digest [16]byte) (said []byte, err error) {
	a, err := l.exchange(ctx, m, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return nil, err
	}
	var p proof
	jsonErr := json.Unmarshal(a.body, &p)
	switch {
	case jsonErr == nil && !a.cut && p.Accepted.Stream == stream.String() && p.Accepted.Seq == seq && p.Accepted.Digest == hex.EncodeToString(digest[:]):
		return p.Accepted.Answer, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, l.named(context.Canceled)
	}
	return nil, l.named(ErrNoProof)
}

// exchange sends a message and returns the answer when its status is one of yes; others are a [*Refusal].
func (l *Line) exchange(ctx context.Context, m message, yes ...int) (answer, error) {
	a, err := l.carrier.exchange(ctx, m)
	if err != nil {
		return a, l.named(err)
	}
	if slices.Contains(yes, a.status) {
		return a, nil
	}
	var p struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(a.body, &p) // a refusal without a code is one all the same
	return a, l.named(&Refusal{Status: a.status, Code: cleanCode(p.Error.Code), RetryAfter: retryAfter(a.retryAfter, l.now())})
}

// named says whose error it is.
func (l *Line) named(err error) error { return fmt.Errorf("recipient %s: %w", l.recipient, err) }

// digestOf names signed bytes, as the recipient's answer does.
func digestOf(signed []byte) [16]byte {
	sum := sha256.Sum256(signed)
	return [16]byte(sum[:16])
}
