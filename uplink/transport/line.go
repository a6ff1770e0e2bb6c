package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
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
	Dial    Dialer           // nil: the machine's own network
}

// Line is an open way to one recipient. Safe for concurrent use. It holds idle connections; Close ends them.
type Line struct {
	recipient string
	base      *url.URL
	token     string
	client    *http.Client
	now       func() time.Time
}

// maxAnswer bounds the body of an answer in bytes; more is cut and then proves nothing.
const maxAnswer = 16 << 10

// contentType of a signed message (RFC 9052 §2).
const contentType = `application/cose; cose-type="cose-sign1"`

// Open makes the line of a route. It reads the route's files and secrets and connects to nothing.
func Open(r Route, env Env) (*Line, error) {
	base, err := parseURL(r.URL)
	if err != nil {
		return nil, fmt.Errorf("route to %s: url: %w", r.Recipient, err)
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	l := &Line{recipient: r.Recipient, base: base, now: env.Now}
	if r.Auth.IsSet() {
		if l.token, err = r.Auth.ReadText(env.Secrets); err != nil {
			return nil, fmt.Errorf("route to %s: auth: %w", r.Recipient, err)
		}
	}
	transport := &http.Transport{
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: r.Timeout.Std(),
		TLSHandshakeTimeout:   15 * time.Second,
		DisableCompression:    true,
		DialContext:           env.Dial,
		Protocols:             new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true) // one recipient, a few requests at a time: HTTP/2 would cost half a megabyte of binary
	if transport.DialContext == nil {
		transport.DialContext = (&net.Dialer{Timeout: 15 * time.Second}).DialContext
	}
	if base.Scheme == "http" {
		transport.DialContext = onlyHere(transport.DialContext)
	} else {
		if transport.TLSClientConfig, err = r.tlsConfig(env.Secrets, env.Now); err != nil {
			return nil, err
		}
	}
	l.client = &http.Client{Transport: transport, Timeout: r.Timeout.Std(), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // an upload is sent where the configuration says, nowhere else
	}}
	return l, nil
}

// URL is where the line leads, without anything secret.
func (l *Line) URL() string { return l.base.String() }

// Close ends idle connections.
func (l *Line) Close() { l.client.CloseIdleConnections() }

// Send sends one upload of a stream and returns nil when the recipient has durably accepted it. Other errors are for [Judge]. It
// returns within the route's timeout, or at once when ctx ends.
func (l *Line) Send(ctx context.Context, stream wire.StreamID, o store.Outgoing) error {
	if len(o.Body()) == 0 {
		return errors.New("no upload")
	}
	return l.post(ctx, "/batches", o.Body(), stream.String(), o.Seq())
}

// Control sends a control message and returns nil when the recipient has durably taken it.
func (l *Line) Control(ctx context.Context, c Control) error {
	if c.path() == "" {
		return errors.New("no control message")
	}
	return l.post(ctx, c.path(), c.body, c.stream.String(), 0)
}

// proof is the body of an acceptance.
type proof struct {
	Accepted struct {
		Stream string `json:"stream"`
		Seq    uint64 `json:"seq"`
		Digest string `json:"digest"`
	} `json:"accepted"`
	Error struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (l *Line) post(ctx context.Context, path string, body []byte, stream string, seq uint64) error {
	left := false // the transport writes from another goroutine, but tells of it before it tells of an answer or error
	var mu sync.Mutex
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() {
		mu.Lock()
		defer mu.Unlock()
		left = true
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("recipient %s: %w", l.recipient, err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "candor") // no version: it would tell objects apart
	if l.token != "" {
		request.Header.Set("Authorization", "Bearer "+l.token)
	}
	answer, err := l.client.Do(request)
	if err != nil {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Errorf("recipient %s: %w", l.recipient, l.plain(err, left))
	}
	defer func() { _ = answer.Body.Close() }()
	if err := l.judge(ctx, answer, body, stream, seq); err != nil {
		return fmt.Errorf("recipient %s: %w", l.recipient, err)
	}
	return nil
}

// judge reads an answer; nil says that it proves that the recipient has the body.
func (l *Line) judge(ctx context.Context, answer *http.Response, body []byte, stream string, seq uint64) error {
	var p proof
	read, readErr := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	jsonErr := json.Unmarshal(read, &p)
	if answer.StatusCode != http.StatusAccepted && answer.StatusCode != http.StatusOK {
		return &Refusal{Status: answer.StatusCode, Code: cleanCode(p.Error.Code), RetryAfter: retryAfter(answer.Header.Get("Retry-After"), l.now())}
	}
	digest := sha256.Sum256(body)
	switch {
	case readErr == nil && jsonErr == nil && len(read) <= maxAnswer &&
		p.Accepted.Stream == stream && p.Accepted.Seq == seq && p.Accepted.Digest == hex.EncodeToString(digest[:16]):
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	}
	return ErrNoProof
}
