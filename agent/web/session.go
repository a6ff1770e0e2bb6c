package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"
)

// How long a session lives, and how many there are. The idle time counts from the last thing a person did, not from what
// the page asks by itself: a screen that nobody sits at closes.
const (
	idleLife    = 15 * time.Minute
	longestLife = 12 * time.Hour
	maxSessions = 4
)

// secret is 256 random bits as text that fits an address and a cookie.
func secret(rand io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("no secret could be made: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// session is one opened page. Only digests of its secrets are kept.
type session struct {
	cookie, token [sha256.Size]byte
	began, seen   time.Time
	ended         chan struct{} // closed at its end
}

// sessions are the pages that are open.
type sessions struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	open []*session
}

// begin opens a session and returns its two secrets: one for the cookie and one that the page keeps. The one that was idle
// longest ends when there are too many.
func (s *sessions) begin() (cookie, token string, err error) {
	if cookie, err = secret(s.rand); err == nil {
		token, err = secret(s.rand)
	}
	if err != nil {
		return "", "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	for len(s.open) >= maxSessions {
		oldest := 0
		for i := range s.open {
			if s.open[i].seen.Before(s.open[oldest].seen) {
				oldest = i
			}
		}
		s.remove(oldest)
	}
	now := s.now()
	s.open = append(s.open, &session{cookie: sha256.Sum256([]byte(cookie)), token: sha256.Sum256([]byte(token)),
		began: now, seen: now, ended: make(chan struct{})})
	return cookie, token, nil
}

// find is the session of a cookie and, where withToken, of the token with it; nil when there is none or it has ended. acted says
// that a person did something: the idle time counts from now.
func (s *sessions) find(cookie, token string, withToken, acted bool) *session {
	c, t := sha256.Sum256([]byte(cookie)), sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	for _, x := range s.open {
		same := subtle.ConstantTimeCompare(c[:], x.cookie[:])
		if withToken {
			same &= subtle.ConstantTimeCompare(t[:], x.token[:])
		}
		if same == 1 {
			if acted {
				x.seen = s.now()
			}
			return x
		}
	}
	return nil
}

// alive says whether a session has not ended.
func (s *sessions) alive(x *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	select {
	case <-x.ended:
		return false
	default:
		return true
	}
}

// end ends one session.
func (s *sessions) end(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.open {
		if s.open[i] == x {
			s.remove(i)
			return
		}
	}
}

// endAll ends every session and says how many there were.
func (s *sessions) endAll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	n := len(s.open)
	for len(s.open) > 0 {
		s.remove(0)
	}
	return n
}

// sweep ends what is over. s.mu is held.
func (s *sessions) sweep() {
	now := s.now()
	for i := 0; i < len(s.open); {
		x := s.open[i]
		if now.Sub(x.seen) >= idleLife || now.Sub(x.began) >= longestLife {
			s.remove(i)
			continue
		}
		i++
	}
}

func (s *sessions) remove(i int) {
	close(s.open[i].ended)
	s.open = append(s.open[:i], s.open[i+1:]...)
}
