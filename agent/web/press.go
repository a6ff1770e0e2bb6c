package web

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// Who stands at the object and holds its button for five seconds may open the page once in the time that follows. Tries are as far
// apart as this.
const (
	pressLife  = 2 * time.Minute
	pressPause = time.Second
)

var errNotPressed = errors.New("the button was not held for five seconds in the last two minutes, or the page was opened since")

// pressing is the door that the button opens.
type pressing struct {
	now func() time.Time

	mu    sync.Mutex
	until time.Time // zero: it is shut
	next  time.Time
}

func (p *pressing) open() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = p.now().Add(pressLife)
	return p.until
}

func (p *pressing) void() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Time{}
}

// try is one request to come in. may is asked only while the door is open; with its nil the door shuts behind who asked.
func (p *pressing) try(may func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Before(p.next) {
		return errTooSoon
	}
	p.next = now.Add(pressPause)
	if p.until.IsZero() || !now.Before(p.until) {
		return errNotPressed
	}
	if err := may(); err != nil {
		return err
	}
	p.until = time.Time{}
	return nil
}

// Pressed opens the door for one page, and says until when. Who holds the button stands before the object.
func (s *Server) Pressed() time.Time {
	until := s.pressing.open()
	s.Wake()
	return until
}

// press opens a session for whoever asks first after the button was held, if the account that asks may.
func (s *Server) press(w http.ResponseWriter, r *http.Request) {
	if err := readJSON(r, &struct{}{}); err != nil {
		refuse(w, http.StatusBadRequest, control.ErrBadRequest, "the body is not {}")
		return
	}
	if s.o.Visitor == nil {
		refuse(w, http.StatusNotFound, control.ErrNotFound, "this object has no button")
		return
	}
	err := s.pressing.try(func() error {
		own, _ := r.Context().Value(http.LocalAddrContextKey).(interface{ AddrPort() netip.AddrPort })
		client, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || own == nil {
			return errors.New("it can't be told who asks")
		}
		return s.o.Visitor(client, own.AddrPort())
	})
	switch {
	case errors.Is(err, errTooSoon):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, control.ErrUnavailable, err.Error())
	case errors.Is(err, errNotPressed):
		refuse(w, http.StatusForbidden, control.ErrNotFound, err.Error())
	case err != nil:
		refuse(w, http.StatusForbidden, control.ErrNotAllowed, err.Error())
	default:
		s.begin(w, r, s.o.Entered)
	}
}
