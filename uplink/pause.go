package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/uplink/transport"
)

const (
	firstWait = time.Second
	maxWait   = 15 * time.Minute
	restWait  = time.Minute // how often a loop with nothing to do looks whether the plan has changed
)

// pause says how long a recipient's loop rests: after a failure a random time below a doubling bound (full jitter,
// so that a fleet does not come back at once), or what the recipient asked for if that is longer; else until the next slot.
func (u *Uplink) pause(r *route, err error) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.Clock.Now()
	if err == nil || errors.Is(err, context.Canceled) {
		wait := restWait
		for _, at := range r.slots {
			wait = min(wait, max(timeOf(at).Sub(now), time.Millisecond))
		}
		return wait
	}
	r.failures++
	bound := min(firstWait<<min(r.failures-1, 20), maxWait)
	wait := bound/4 + time.Duration(u.Jitter(int64(bound-bound/4)))
	var refusal *transport.Refusal
	r.state = "unreachable"
	if errors.As(err, &refusal) {
		r.state = "refused"
		wait = max(wait, refusal.RetryAfter)
	}
	r.reason, r.nextTry = err.Error(), now.Add(wait)
	u.Log.Warn("nothing gets through to a recipient; it is kept and tried again", "recipient", r.recipient, "error", err, "failures", r.failures, "wait", wait.Round(time.Millisecond))
	return wait
}

// RouteStatus is the state of the way to one recipient.
type RouteStatus struct {
	Recipient string
	URL       string
	State     string // idle, sending, unreachable, refused
	Reason    string
	Failures  int
	NextTry   time.Time
	LastAck   time.Time
}

// Routes lists the state of every way, in no order.
func (u *Uplink) Routes() []RouteStatus {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]RouteStatus, 0, len(u.routes))
	for _, r := range u.routes {
		s := RouteStatus{r.recipient, r.line.URL(), r.state, r.reason, r.failures, r.nextTry, r.lastAck}
		if u.busy > 0 && s.State == "idle" {
			s.State = "sending"
		}
		out = append(out, s)
	}
	return out
}

// NextSlot is when a stream sends next by its schedule; false when that is not fixed yet.
func (u *Uplink) NextSlot(stream uint32) (time.Time, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.routes {
		if at, ok := r.slots[stream]; ok {
			return timeOf(at), true
		}
	}
	return time.Time{}, false
}

func timeOf(m sensors.Micros) time.Time { return time.UnixMicro(int64(m)) }
