package control

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
)

// CheckLoopback says what is wrong with an address to listen on: it is a number of this machine alone, as 127.0.0.1:9477 or
// [::1]:9477. A name is refused, since whoever answers for names would say who may connect.
func CheckLoopback(address string) error {
	at, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no address with a port, as 127.0.0.1:9477", address)
	case !at.Addr().IsLoopback() || at.Addr().Zone() != "":
		return fmt.Errorf("%s can be reached from elsewhere; only 127.0.0.1 and [::1] can be listened on", at.Addr())
	case at.Port() == 0:
		return fmt.Errorf("%q has no port", address)
	}
	return nil
}

// ServeMetrics serves GET /metrics, and nothing else, on a loopback address until ctx is done. Nobody can tell there who asks, so
// everyone sees what a technician may. An address that does not pass [CheckLoopback] is an error.
func ServeMetrics(ctx context.Context, address string, b Backend, log *slog.Logger) error {
	if err := CheckLoopback(address); err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("can't listen for metrics: %w", err)
	}
	return (&Server{Path: address, Handler: metricsOnly(NewHandler(b)), Log: log}).until(ctx, &few{Listener: ln})
}

// maxCollectors is how many connections there may be over loopback: whoever opens more is closed without a word, so that nobody
// takes the agent's files away.
const maxCollectors = 8

// few is a listener with a bounded number of connections.
type few struct {
	net.Listener
	open atomic.Int32
}

// Accept implements net.Listener.
func (l *few) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= maxCollectors {
			return &oneOfFew{Conn: c, of: l}, nil
		}
		l.open.Add(-1)
		_ = c.Close()
	}
}

// oneOfFew makes room when it is closed.
type oneOfFew struct {
	net.Conn
	of   *few
	once sync.Once
}

// Close implements net.Conn.
func (c *oneOfFew) Close() error {
	c.once.Do(func() { c.of.open.Add(-1) })
	return c.Conn.Close()
}

// metricsOnly lets one path through, as a technician, and no name that a page of somebody else may have pointed here.
func metricsOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		at, err := netip.ParseAddr(host)
		if r.URL.Path != "/metrics" || host != "localhost" && (err != nil || !at.IsLoopback()) {
			writeError(w, Errorf(ErrNotFound, "", "there is nothing at this path"))
			return
		}
		h.ServeHTTP(w, r.WithContext(WithRole(r.Context(), Technician)))
	})
}
