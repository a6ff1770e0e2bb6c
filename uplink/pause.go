package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
)

const (
	firstWait = time.Second
	maxWait   = 15 * time.Minute
	restWait  = time.Minute // how often a loop with nothing to do looks whether the plan has changed
	leastWait = time.Millisecond
)

// hold is a stream with trouble of its own: it is left alone for a while, and the others go on.
type hold struct {
	until    time.Time
	failures int
	refused  bool // by the recipient
	reason   string
}

// hold notes what came of a stream; nil ends its trouble.
func (u *Uplink) hold(r *route, s *ledger.Stream, err error) {
	if err == nil {
		u.mu.Lock()
		delete(r.holds, s.Number)
		u.mu.Unlock()
		return
	}
	var refusal *transport.Refusal
	now, refused := u.Clock.Now(), errors.As(err, &refusal)
	u.mu.Lock()
	h := hold{failures: r.holds[s.Number].failures + 1, refused: refused, reason: err.Error()}
	wait := u.backoff(h.failures)
	h.until = now.Add(wait)
	r.holds[s.Number] = h
	u.mu.Unlock()
	u.Log.Warn("nothing of a stream gets through; it is kept and tried again", "purpose", s.Purpose, "recipient", s.Recipient,
		"error", err, "failures", h.failures, "wait", wait.Round(time.Millisecond))
}

// held tells whether a stream is to be left alone now.
func (u *Uplink) held(r *route, stream uint32) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	h, ok := r.holds[stream]
	left := h.until.Sub(u.Clock.Now())
	return ok && left > 0 && left <= maxWait // more than that: the clock was set back
}

// backoff is how long to wait after so many failures: a random time below a bound that doubles (full jitter), so that a fleet
// does not come back at once. u.mu is held.
func (u *Uplink) backoff(failures int) time.Duration {
	bound := min(firstWait<<min(failures-1, 20), maxWait)
	return max(time.Duration(u.Jitter(int64(bound))), leastWait)
}

// pause says how long a recipient's loop rests: after a failure of the way for as long as backoff says, or what the
// recipient asked for if that is longer; else until there is something to do.
func (u *Uplink) pause(r *route, err error) time.Duration {
	now := u.Clock.Now()
	if err == nil || errors.Is(err, context.Canceled) {
		u.mu.Lock()
		if r.state == "waiting" {
			r.state, r.reason, r.nextTry = "idle", "", time.Time{}
		}
		u.mu.Unlock()
		return u.rest(r, now)
	}
	var wait *waitError
	if errors.As(err, &wait) {
		u.mu.Lock()
		r.state, r.reason, r.nextTry = "waiting", wait.why, wait.until
		u.mu.Unlock()
		return min(max(wait.until.Sub(now), leastWait), restWait)
	}
	var refusal *transport.Refusal
	refused := errors.As(err, &refusal)
	u.mu.Lock()
	if r.failures++; r.failures == 1 {
		r.failing = now
	}
	failures, rest := r.failures, u.backoff(r.failures)
	switch {
	case refused:
		r.state = "refused"
		rest = max(rest, refusal.RetryAfter)
	case wayClosed(err):
		r.state = "unreachable"
	}
	r.reason, r.nextTry = err.Error(), now.Add(rest)
	u.mu.Unlock()
	u.Log.Warn("nothing gets through to a recipient; it is kept and tried again", "recipient", r.recipient, "error", err, "failures", failures, "wait", rest.Round(time.Millisecond))
	return rest
}

// rest is how long there is nothing to do, but at most a minute: the plan or the clock may change. A purpose whose stream
// opens with its first row is looked at as often as it uploads, so that the row does not wait for longer.
func (u *Uplink) rest(r *route, now time.Time) time.Duration {
	unopened := u.unopened(r)
	u.mu.Lock()
	defer u.mu.Unlock()
	wait := restWait
	if u.halted { // what is due is due later
		return wait
	}
	for _, at := range r.slots {
		wait = min(wait, timeOf(at).Sub(now))
	}
	for _, h := range r.holds {
		wait = min(wait, h.until.Sub(now))
	}
	if unopened > 0 {
		wait = min(wait, time.Duration(unopened)*time.Microsecond)
	}
	return max(wait, leastWait)
}

// unopened is the shortest upload interval among the granted purposes of a recipient that have no open stream; 0 without any.
func (u *Uplink) unopened(r *route) (shortest sensors.Micros) {
	open := map[consent.GrantID]bool{}
	u.Ledger.StreamsThat(func(s *ledger.Stream) bool {
		if !s.Closed {
			open[s.Grant] = true
		}
		return false
	})
	for _, p := range u.Gate.Plan().Purposes() {
		if p.State == consent.Given && p.Recipient.ID == r.recipient && !open[p.Grant.ID] && (shortest == 0 || p.Upload < shortest) {
			shortest = p.Upload
		}
	}
	return shortest
}

// RouteStatus is the state of the way to one recipient.
type RouteStatus struct {
	Recipient string
	URL       string
	State     string // idle, sending, waiting (for a window or the next day's bytes), unreachable, refused (something, or everything)
	Circuit   string // closed: it is used; open: it is left alone until NextTry; half-open: one try decides
	Reason    string // of that, or of trouble with a stream; "" without any
	Failures  int
	Failing   time.Time // since when it fails; zero when it does not
	NextTry   time.Time
	LastAck   time.Time
}

// circuit says whether the way is used.
func (r *route) circuit(now time.Time) string {
	switch {
	case r.failures == 0 && r.state != "waiting":
		return "closed"
	case r.busy > 0 || !r.nextTry.After(now):
		return "half-open"
	}
	return "open"
}

// Routes lists the state of every way, in no order.
func (u *Uplink) Routes() []RouteStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]RouteStatus, 0, len(u.routes))
	for _, r := range u.routes {
		s := RouteStatus{r.recipient, r.line.URL(), r.state, r.circuit(u.Clock.Now()), r.reason, r.failures, time.Time{}, r.nextTry, r.lastAck}
		if r.failures > 0 {
			s.Failing = r.failing
		}
		for _, h := range r.holds {
			if s.Reason == "" {
				s.Reason = h.reason
			}
			if h.refused && s.State == "idle" {
				s.State, s.Reason = "refused", h.reason
			}
		}
		if r.busy > 0 && s.State == "idle" {
			s.State = "sending"
		}
		out = append(out, s)
	}
	return out
}

// NextSlot is when a stream sends next by its schedule; false when it has none. Where a window has to open first or the
// way is left alone, it may be later.
func (u *Uplink) NextSlot(stream uint32) (time.Time, bool) {
	u.mu.Lock()
	for _, r := range u.routes {
		if at, ok := r.slots[stream]; ok {
			u.mu.Unlock()
			return timeOf(at), true
		}
	}
	u.mu.Unlock()
	s, ok := u.Ledger.Stream(stream)
	if !ok || s.Closed {
		return time.Time{}, false
	}
	p := u.Gate.Plan().Granted(s.Grant)
	if p == nil || p.Upload <= 0 {
		return time.Time{}, false
	}
	return timeOf(slotAfter(u.now(), p.Upload, s.Name)), true
}

func timeOf(m sensors.Micros) time.Time { return time.UnixMicro(int64(m)) }
