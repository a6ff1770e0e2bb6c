package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxAnswer  = 64 << 20 // bytes of an answer that a client reads
	dialTime   = 2 * time.Second
	answerTime = time.Minute
)

// Client is the way in for everything outside the agent. Make one with [Dial] or [Local]. It is safe for concurrent use.
// Its methods return an [*Error] for what the agent itself refused.
type Client struct {
	http   *http.Client
	remote bool
}

// Dial returns a client of the daemon at the socket path. It connects once to see that somebody is there: [ErrNoDaemon]
// when nobody is, [ErrNotAllowed] when the socket is not for this user.
func Dial(path string) (*Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, dialError(path, err)
	}
	_ = conn.Close()
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dial(ctx, path)
			if err != nil {
				return nil, dialError(path, err)
			}
			return conn, nil
		},
		MaxIdleConns:       1,
		IdleConnTimeout:    idleTime / 2, // before the server does
		DisableCompression: true,
	}
	return &Client{http: &http.Client{Transport: t, Timeout: answerTime, CheckRedirect: stay}, remote: true}, nil
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func dialError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ECONNREFUSED):
		return &Error{Code: ErrNoDaemon, Text: "no daemon answers at " + path, Hint: "candor run", Cause: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: ErrNotAllowed, Text: "the control socket " + path + " is not for this user",
			Hint: "run this as the owner of the state directory, or as root", Cause: err}
	}
	return fmt.Errorf("can't connect to the control socket %s: %w", path, err)
}

// Local returns a client of a handler in the same process, without a socket, that speaks as role: for when no daemon runs and
// the caller has opened the agent itself.
func Local(h http.Handler, role Role) *Client {
	return &Client{http: &http.Client{Transport: inProcess{h, role}, CheckRedirect: stay}}
}

// Remote tells whether the client speaks to a daemon.
func (c *Client) Remote() bool { return c.remote }

// Close ends idle connections. The client may still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks for the state of the object.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
	return s, err
}

// Consent asks for every purpose in full, in a language ("" is the object's own).
func (c *Client) Consent(ctx context.Context, language string) (Consent, error) {
	var a Consent
	err := c.do(ctx, http.MethodGet, withQuery("/v1/consent", "language", language), nil, &a)
	return a, err
}

// Preview asks for the next upload of one purpose, or of all with "".
func (c *Client) Preview(ctx context.Context, purpose string) ([]Preview, error) {
	var p []Preview
	err := c.do(ctx, http.MethodGet, withQuery("/v1/preview", "purpose", purpose), nil, &p)
	return p, err
}

// Sent asks for what left, oldest first.
func (c *Client) Sent(ctx context.Context) ([]Sent, error) {
	var s []Sent
	err := c.do(ctx, http.MethodGet, "/v1/sent", nil, &s)
	return s, err
}

// Grant says yes to a purpose.
func (c *Client) Grant(ctx context.Context, purpose string, d Decision) (Decided, error) {
	return c.decide(ctx, purpose, "grant", d)
}

// Withdraw takes a yes back.
func (c *Client) Withdraw(ctx context.Context, purpose string, d Decision) (Decided, error) {
	return c.decide(ctx, purpose, "withdraw", d)
}

// Refuse says no to a purpose.
func (c *Client) Refuse(ctx context.Context, purpose string, d Decision) (Decided, error) {
	return c.decide(ctx, purpose, "refuse", d)
}

// Services asks which services there are, in a language ("" is the object's own).
func (c *Client) Services(ctx context.Context, language string) (Services, error) {
	var a Services
	err := c.do(ctx, http.MethodGet, withQuery("/v1/service", "language", language), nil, &a)
	return a, err
}

// SwitchService answers every purpose of a service.
func (c *Client) SwitchService(ctx context.Context, name string, on bool, d Decision) (Switched, error) {
	var a Switched
	verb := "/off"
	if on {
		verb = "/on"
	}
	if name == "" || name == "." || name == ".." { // no path could carry it
		return a, Errorf(ErrNotFound, "candor consent service", "no service is called %q", name)
	}
	err := c.do(ctx, http.MethodPost, "/v1/service/"+url.PathEscape(name)+verb, d, &a)
	return a, err
}

// Pause has nothing leave from now on.
func (c *Client) Pause(ctx context.Context, d Decision) (Paused, error) {
	var p Paused
	err := c.do(ctx, http.MethodPost, "/v1/pause", d, &p)
	return p, err
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, d Decision) (Paused, error) {
	var p Paused
	err := c.do(ctx, http.MethodPost, "/v1/resume", d, &p)
	return p, err
}

func (c *Client) decide(ctx context.Context, purpose, verb string, d Decision) (Decided, error) {
	var a Decided
	if purpose == "" || purpose == "." || purpose == ".." { // no path could carry it
		return a, Errorf(ErrNotFound, "candor consent show", "no purpose is called %q", purpose)
	}
	err := c.do(ctx, http.MethodPost, "/v1/consent/"+url.PathEscape(purpose)+"/"+verb, d, &a)
	return a, err
}

// withQuery adds a parameter with its values; those that are "" are left out.
func withQuery(path, name string, values ...string) string {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	if len(values) == 0 {
		return path
	}
	return path + "?" + url.Values{name: values}.Encode()
}

// do sends one request and reads its answer into answer.
func (c *Client) do(ctx context.Context, method, path string, body, answer any) error {
	var send io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("can't write the request: %w", err)
		}
		send = bytes.NewReader(data)
	}
	// The host is never looked up: the transport knows one place only.
	r, err := http.NewRequestWithContext(ctx, method, "http://candor"+path, send)
	if err != nil {
		return fmt.Errorf("can't make the request: %w", err)
	}
	if send != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return transportError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return readAnswer(resp, answer)
}

// long asks for what may take longer than any answer should, and is ended by ctx only.
func (c *Client) long(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://candor"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("can't make the request: %w", err)
	}
	patient := *c.http
	patient.Timeout = 0
	resp, err := patient.Do(r)
	if err != nil {
		return nil, transportError(err)
	}
	return resp, nil
}

// lines asks for an answer that comes piece by piece, and hands over each piece but the last, which says that it is whole.
func (c *Client) lines(ctx context.Context, path string, each func(json.RawMessage) error) error {
	resp, err := c.long(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return readAnswer(resp, nil)
	}
	dec := json.NewDecoder(resp.Body)
	for {
		var piece json.RawMessage
		if err := dec.Decode(&piece); err != nil {
			return fmt.Errorf("the answer broke off: %w", err)
		}
		var last ending
		if err := json.Unmarshal(piece, &last); err == nil && last.End {
			if last.Error != nil {
				return last.Error.error()
			}
			return nil
		}
		if err := each(piece); err != nil {
			return err
		}
	}
}

// Buffer asks what is in the buffer.
func (c *Client) Buffer(ctx context.Context) (Buffer, error) {
	var b Buffer
	err := c.do(ctx, http.MethodGet, "/v1/buffer", nil, &b)
	return b, err
}

// VerifyBuffer has everything that is kept read and authenticated, and hands over what was found file by file.
func (c *Client) VerifyBuffer(ctx context.Context, emit func(BufferCheck) error) error {
	return pieces(ctx, c, "/v1/buffer/verify", emit)
}

// ExportBuffer hands over everything that has not left, decoded, piece by piece.
func (c *Client) ExportBuffer(ctx context.Context, emit func(Waiting) error) error {
	return pieces(ctx, c, "/v1/buffer/export", emit)
}

// pieces is lines with each piece decoded.
func pieces[T any](ctx context.Context, c *Client, path string, emit func(T) error) error {
	return c.lines(ctx, path, func(piece json.RawMessage) error {
		var v T
		if err := json.Unmarshal(piece, &v); err != nil {
			return fmt.Errorf("the answer can't be read; are daemon and command of the same version? %w", err)
		}
		return emit(v)
	})
}

// transportError takes off what http.Client puts before its errors, a method and an address that mean nothing here.
func transportError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("the daemon did not answer: %w", err)
}

func readAnswer(resp *http.Response, answer any) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if len(data) > maxAnswer {
		return fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if resp.StatusCode != http.StatusOK {
		var body errorBody
		if err := json.Unmarshal(data, &body); err != nil || body.Error.Code == "" {
			return fmt.Errorf("the answer is not one of candor: HTTP status %d", resp.StatusCode)
		}
		return body.Error.error()
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("the answer can't be read; are daemon and command of the same version? %w", err)
	}
	return nil
}
