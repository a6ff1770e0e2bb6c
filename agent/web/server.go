package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// Limits of the page's socket. Loopback callers can't be told apart, so nobody can have more than the whole.
const (
	maxConns   = 32
	maxStreams = 8
	maxHeader  = 16 << 10
	maxBody    = 4 << 10
	maxTickets = 8

	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = time.Minute
	idleTime   = 30 * time.Second
	drainTime  = time.Second
)

// Options are what a page takes from outside. Backend, Listen and Rand are needed.
type Options struct {
	Listen   string          // address and port; of the loopback interface, see [CheckListen]
	Backend  control.Backend // answers in the role of the person
	Language string          // of the object: fr or en
	Rand     io.Reader       // cryptographic: codes and sessions
	Now      func() time.Time
	Log      *slog.Logger // nil: silent
	// Paired is called when a code has opened the page, before the session counts; an error keeps it closed. nil for nobody.
	Paired func(context.Context) error
	// Visitor is asked whether the account behind a connection of this machine, from client to own, may open the page after the button
	// was held. nil: the object has no button.
	Visitor func(client, own netip.AddrPort) error
	// Entered is Paired for a page that the button opened.
	Entered func(context.Context) error
	// Guessed is called when a code was voided by wrong tries. nil for nobody.
	Guessed func()
}

// Server is the page. Its methods may be called by any number of goroutines; Run once at a time.
type Server struct {
	o        Options
	pairing  pairing
	pressing pressing
	sessions sessions
	tickets  tickets
	api      http.Handler
	streams  atomic.Int32

	mu   sync.Mutex
	url  string        // "" while nobody listens
	wake chan struct{} // closed and made anew whenever something changed
}

// New makes a page; nothing is listened on before [Server.Run].
func New(o Options) (*Server, error) {
	if o.Backend == nil || o.Rand == nil {
		return nil, errors.New("web: a page needs a backend and randomness")
	}
	if err := CheckListen(o.Listen); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, api: control.NewHandler(o.Backend), wake: make(chan struct{})}
	s.pairing = pairing{now: o.Now, rand: o.Rand}
	s.pressing.now = o.Now
	s.sessions = sessions{now: o.Now, rand: o.Rand}
	s.tickets = tickets{now: o.Now, rand: o.Rand, open: map[string]ticket{}}
	return s, nil
}

// CheckListen says what is wrong with an address to listen on: it is one of the loopback interface, as a number or as
// localhost, with a port. Port 0 is any that is free.
func CheckListen(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%q is no address with a port, as 127.0.0.1:8088", listen)
	}
	if host == "localhost" {
		return nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.IsLoopback() {
		return fmt.Errorf("%q is not of the loopback interface, and the page is served on no other; use 127.0.0.1 and, from elsewhere, ssh -L", listen)
	}
	return nil
}

// Run serves the page until ctx is done, and returns nil then. Every session and the open code end with it.
func (s *Server) Run(ctx context.Context) error {
	raw, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.o.Listen)
	if err != nil {
		return fmt.Errorf("the page can't be served on %s: %w", s.o.Listen, err)
	}
	if addr, ok := raw.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() { // what a hosts file makes of localhost
		_ = raw.Close()
		return fmt.Errorf("the page is not served: %s is not of the loopback interface", raw.Addr())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := s.http(ctx)
	s.listening("http://" + raw.Addr().String() + "/")
	defer func() {
		s.listening("")
		s.pairing.void()
		s.pressing.void()
		s.sessions.endAll()
	}()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(&few{Listener: raw, room: make(chan struct{}, maxConns)}) }()
	select {
	case err := <-ended:
		_ = srv.Close()
		return fmt.Errorf("the page on %s has failed: %w", s.o.Listen, err)
	case <-ctx.Done():
	}
	s.sessions.endAll() // ends the streams
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer stop()
	if srv.Shutdown(drain) != nil {
		_ = srv.Close()
	}
	<-ended
	return nil
}

func (s *Server) http(ctx context.Context) *http.Server {
	return &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
}

func (s *Server) listening(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

// URL is where the page is; "" while it is not served.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Pair makes a code that opens the page once, and voids the one before it.
func (s *Server) Pair() (code string, until time.Time, err error) { return s.pairing.open() }

// Unpair ends every session and the code that is open, and says how many sessions there were.
func (s *Server) Unpair() int {
	s.pairing.void()
	s.pressing.void()
	return s.sessions.endAll()
}

// Wake tells the pages that are open that something may have changed. It returns at once and may be called from within locks.
func (s *Server) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *Server) woken() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wake
}

// few accepts a bounded number of connections; those over it are closed without a word.
type few struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener.
func (l *few) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &fewConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = c.Close()
		}
	}
}

// fewConn gives its place back when it is closed.
type fewConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *fewConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
