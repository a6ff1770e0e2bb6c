package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// httpCarrier posts to paths below a URL.
type httpCarrier struct {
	base   *url.URL
	token  *bearer
	client *http.Client
	tls    *trust
}

// openHTTP makes the carrier of https and, to this machine, http. It follows no redirect and asks no proxy: an upload is
// sent where the configuration says, nowhere else.
func openHTTP(r *Route, base *url.URL, env Env, t *bearer) (*httpCarrier, error) {
	c := &httpCarrier{base: base, token: t}
	transport := &http.Transport{
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: r.Timeout.Std(),
		TLSHandshakeTimeout:   15 * time.Second,
		DisableCompression:    true,
		DialContext:           abrupt(env.dialer()),
		Protocols:             new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true) // one recipient, a few requests at a time: HTTP/2 would cost half a megabyte of binary
	if base.Scheme == "http" {
		transport.DialContext = onlyHere(transport.DialContext)
	} else {
		var err error
		if c.tls, err = newTrust(r, env, base.Hostname()); err != nil {
			return nil, err
		}
		transport.TLSClientConfig = c.tls.config()
	}
	c.client = &http.Client{Transport: transport, Timeout: r.Timeout.Std(), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return c, nil
}

// dialer is the way to the network.
func (e *Env) dialer() Dialer {
	if e.Dial != nil {
		return e.Dial
	}
	return (&net.Dialer{Timeout: 15 * time.Second}).DialContext
}

// abrupt makes a dialer whose connections end at once when they are closed. The kernel would else go on delivering what it was
// given to a receiver that reads slowly, long after a withdrawal has cut the request off. A request that was answered has
// nothing left to lose by it.
func abrupt(dial Dialer) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			err = tcp.SetLinger(0)
		}
		if err != nil && conn != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, err
	}
}

func (c *httpCarrier) close() { c.client.CloseIdleConnections() }

// exchange implements carrier.
func (c *httpCarrier) exchange(ctx context.Context, m message) (answer, error) {
	left := false // the transport writes from another goroutine, but tells of it before it tells of an answer or error
	var mu sync.Mutex
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() {
		mu.Lock()
		defer mu.Unlock()
		left = true
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+m.path, bytes.NewReader(m.body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", m.media())
	request.Header.Set("User-Agent", "candor") // no version: it would tell objects apart
	token := c.token.now()
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := c.client.Do(request)
	if err != nil {
		mu.Lock()
		defer mu.Unlock()
		return answer{}, plain(c.base.Host, err, left)
	}
	defer func() { _ = got.Body.Close() }()
	body, readErr := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if got.StatusCode == http.StatusUnauthorized {
		c.token.refused(token)
	}
	return answer{status: got.StatusCode, media: got.Header.Get("Content-Type"), retryAfter: waitOf(got.Header),
		body: body, cut: readErr != nil || len(body) > maxAnswer}, nil
}

// waitOf is what an answer asks to be waited. A date is taken by the recipient's own clock, which the answer tells: this
// object's may be wrong.
func waitOf(h http.Header) string {
	after := h.Get("Retry-After")
	at, err := http.ParseTime(after)
	there, none := http.ParseTime(h.Get("Date"))
	if err != nil || none != nil {
		return after
	}
	return strconv.FormatInt(int64(max(at.Sub(there), 0)/time.Second), 10)
}
