//go:build linux && (amd64 || arm64)

package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// weather is how the network is.
type weather string

// The weathers.
const (
	fair      weather = "fair"
	down      weather = "down"      // no connection can be made
	silent    weather = "silent"    // connections are made, and nothing comes back
	slow      weather = "slow"      // every answer takes its time
	lossy     weather = "lossy"     // answers get lost, requests too
	cutting   weather = "cutting"   // connections end in the middle of a request
	doubling  weather = "doubling"  // what was sent arrives twice
	portal    weather = "portal"    // somebody else answers 200 with a page
	refusing  weather = "refusing"  // answers with every status there is
	forgetful weather = "forgetful" // the recipient says that it knows nothing
	garbled   weather = "garbled"   // what comes back is not HTTP
	lying     weather = "lying"     // what is accepted is answered with an acceptance of something else
)

func weathers() []weather {
	return []weather{down, silent, slow, lossy, cutting, doubling, portal, refusing, forgetful, garbled, lying}
}

// network is in memory: what the object dials is served by the recipient's handler, through the weather.
type network struct {
	l      *life
	accept chan net.Conn
	closed chan struct{}
	far    http.Handler

	mu      sync.Mutex
	weather weather
	random  *rand.Rand
	open    map[*pipe]bool
}

func newNetwork(l *life, far http.Handler) *network {
	return &network{l: l, accept: make(chan net.Conn), closed: make(chan struct{}), far: far, weather: fair, random: rand.New(rand.NewPCG(1, 1)), open: map[*pipe]bool{}}
}

// set changes the weather. Where nothing gets through any more, what is on its way ends.
func (n *network) set(w weather, random *rand.Rand) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weather, n.random = w, rand.New(rand.NewPCG(random.Uint64(), random.Uint64())) // of its own: requests draw from it beside the life
	if w == down {
		n.hangUp()
	}
}

// hangUp ends all connections. n.mu is held.
func (n *network) hangUp() {
	for p := range n.open {
		_ = p.Conn.Close()
	}
	clear(n.open)
}

// now is the weather and a number below max, for whoever asks.
func (n *network) now(max int) (weather, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.weather, n.random.IntN(max)
}

// pipe is the object's end of a connection. When the object's power is cut nothing of it is heard or told any more.
type pipe struct {
	net.Conn
	dead *atomic.Bool
	left int // bytes until it is cut; 0: it is not
	slow time.Duration
}

var errCut = errors.New("the connection was cut")

func (p *pipe) Write(b []byte) (int, error) {
	time.Sleep(p.slow) // on its way: what closes the connection meanwhile keeps it from arriving
	if p.dead.Load() {
		return 0, errCut
	}
	if p.left > 0 {
		if p.left -= len(b); p.left <= 0 {
			part := b[:max(len(b)+p.left-1, 0)]
			n, _ := p.Conn.Write(part)
			_ = p.Conn.Close()
			return n, errCut
		}
	}
	return p.Conn.Write(b)
}

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.dead.Load() {
		return 0, errCut
	}
	return n, err
}

// dial is the object's dialer.
func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w, draw := n.now(2000)
	if w == down || n.l.disk.dead.Load() {
		return nil, errors.New("no way to the recipient")
	}
	here, there := net.Pipe()
	p := &pipe{Conn: here, dead: &n.l.disk.dead}
	switch w {
	case cutting:
		p.left = 1 + draw
	case slow:
		p.slow = time.Duration(draw) * 12 * time.Millisecond
	}
	n.l.dialled()
	n.mu.Lock()
	if len(n.open) > 100 { // the oldest are over long since
		clear(n.open)
	}
	n.open[p] = true
	n.mu.Unlock()
	select {
	case n.accept <- there:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accept:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *network) Close() error { close(n.closed); return nil }

// Addr implements net.Listener.
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// serve serves until the network is closed, and ends when every connection has.
func (n *network) serve() (stop func()) {
	server := &http.Server{Handler: http.StripPrefix("/v1", n), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	server.SetKeepAlivesEnabled(false) // every request its own connection: whether one is used again is a race in net/http
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(n) })
	return func() { _ = server.Close(); served.Wait() }
}

// ServeHTTP is the far end: the recipient, as the weather lets it be heard.
func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || n.l.disk.dead.Load() {
		n.l.lost(len(body))
		panic(http.ErrAbortHandler)
	}
	how, draw := n.now(1000)
	sure := how == fair || how == slow || how == doubling
	base := n.l.heard(r.URL.Path, len(body), sure)
	switch {
	case how == silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case how == lossy && draw < 300:
		panic(http.ErrAbortHandler) // the request is lost
	case how == portal:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>Welcome to our wireless network"+strings.Repeat(" ", draw)+"</html>")
		return
	case how == refusing:
		status := []int{301, 400, 401, 403, 404, 408, 413, 415, 422, 425, 429, 500, 502, 503, 504, 507, 599}[draw%17]
		if draw%3 == 0 {
			w.Header().Set("Retry-After", fmt.Sprint(draw))
		}
		w.WriteHeader(status)
		return
	case how == forgetful && draw < 500:
		w.WriteHeader(http.StatusPreconditionRequired)
		return
	case how == garbled:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = c.Write(bytes.Repeat([]byte{byte(draw)}, draw))
			_ = c.Close()
		}
		return
	}
	var answer answer
	for range map[bool]int{true: 2, false: 1}[how == doubling] {
		answer = newAnswer()
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		n.far.ServeHTTP(&answer, again)
	}
	if n.l.disk.dead.Load() || how == lossy && draw < 600 {
		panic(http.ErrAbortHandler) // the answer is lost
	}
	if how == lying && answer.body.Len() > 4 {
		b := answer.body.Bytes()
		b[draw%len(b)] ^= 1 << (draw % 8)
	}
	for k, v := range answer.header {
		w.Header()[k] = v
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body.Bytes())
	if sure {
		n.l.answered(r.URL.Path, len(body), base)
	}
}

// answer holds an answer back.
type answer struct {
	header http.Header
	status int
	body   *bytes.Buffer
}

func newAnswer() answer { return answer{http.Header{}, http.StatusOK, &bytes.Buffer{}} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
