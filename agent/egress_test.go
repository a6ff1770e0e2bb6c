package agent_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// tapped are connections of which everything is kept that the agent gives to the network.
type tapped struct {
	mu    sync.Mutex
	conns []*tappedConn
}

type tappedConn struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

// Write keeps what is written before the network has it: a connection that is cut at that moment may have taken it.
func (c *tappedConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.sent.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (l *tapped) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // as the transport does with a connection that it knows
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, &tappedConn{Conn: conn})
	return l.conns[len(l.conns)-1], nil
}

// bytes are those of the bodies of all requests that were begun.
func (l *tapped) bytes(t *testing.T) (sum int64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.mu.Lock()
		in := bufio.NewReader(bytes.NewReader(c.sent.Bytes()))
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				break // the end, or a head that was cut
			}
			sum += r.ContentLength
			_, _ = io.Copy(io.Discard, r.Body)
		}
		c.mu.Unlock()
	}
	return sum
}

// Whatever the recipient does, what was given to the network and what the ledger says left are the same number of bytes, deletion
// requests included, and no more arrives. Less may arrive: one upload that is refused has the others on their way cut off.
func TestBytesOnTheWireAreBytesInTheLedger(t *testing.T) {
	out := t.TempDir()
	handler, stop := newReceiver(t, out)
	defer stop()
	var mu sync.Mutex
	captured, requests, refused := map[string]int{}, 0, 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut off
		}
		mu.Lock()
		requests++
		n := requests
		captured[r.URL.Path] += len(body)
		if n%5 == 1 || n%5 == 3 {
			refused++
		}
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch n % 5 {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			cutAnswer(w, r, handler)
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 3000)
	wire := &tapped{}
	open := func() *agent.Agent { return o.openWith(agent.Options{Dial: wire.dial}) }
	a := open()
	grant(t, a, "air", "trends")
	if err := a.Once(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	a = open()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	a = open()
	if err := a.Once(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	a = open()
	defer func() { _ = a.Close() }()
	total := uint64(0)
	for _, x := range a.Book().Totals() {
		total += x.WireBytes
		if x.Open != 0 {
			t.Errorf("%s: %d batches count as not accepted at last", x.Purpose, x.Open)
		}
	}
	arrived := 0
	mu.Lock()
	defer mu.Unlock()
	for _, n := range captured {
		arrived += n
	}
	given := wire.bytes(t)
	if uint64(given) != total || int64(arrived) > given || arrived == 0 || refused < 3 || len(captured) < 3 {
		t.Errorf("%d bytes were given to the network, the ledger says %d left, %d arrived on %d paths; %d of %d requests were refused or cut", given, total, arrived, len(captured), refused, requests)
	}
}
