package uplink

import (
	"errors"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
)

// overhead is what a request costs on the link beside its body, in bytes: its share of TLS and TCP, headers, the answer.
const overhead = 1200

// waitError says that a route may not be used now: its bytes of the day are used up, or no window is open. It is no failure.
type waitError struct {
	why   string
	until time.Time
}

func (e *waitError) Error() string { return e.why }

// waits tells whether an error says that a route may not be used now.
func waits(err error) bool {
	var w *waitError
	return errors.As(err, &w)
}

// usage counts the bytes of the day. Guarded by Uplink.mu.
type usage struct {
	day  int64
	used int64
}

// recall adds up what the ledger says was sent to the recipients with a budget today: a restart gives no new one.
func (u *Uplink) recall() error {
	budgets := false
	for _, l := range u.Limits {
		budgets = budgets || l.PerDay > 0
	}
	if !budgets {
		return nil
	}
	today := u.now().DayNumber()
	return u.Ledger.Sent(func(s ledger.Sent) error {
		if r := u.routes[s.Recipient]; r != nil && s.SentAt.DayNumber() == today {
			r.usage.day = today
			r.usage.used += int64(s.WireBytes) + overhead
		}
		return nil
	})
}

// spent counts what has left, or may have.
func (u *Uplink) spent(r *route, bytes int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.today(r)
	r.usage.used += int64(bytes) + overhead
}

// today begins to count anew with a new day. u.mu is held.
func (u *Uplink) today(r *route) {
	if day := u.now().DayNumber(); day != r.usage.day {
		r.usage = usage{day: day}
	}
}

// left is how many bytes of the day a route has; u.mu is held.
func (u *Uplink) left(r *route) int64 {
	u.today(r)
	return u.Limits[r.recipient].PerDay - r.usage.used
}

// allowed tells whether a route may be used now. Windows are for the schedule, a budget is for all; a clock that nobody vouches
// for keeps no window shut.
func (u *Uplink) allowed(r *route, most cutMode) error {
	limits := u.Limits[r.recipient]
	now := u.Clock.Now()
	trusted := true
	if u.Time != nil {
		_, trusted = u.Time.Trusted()
	}
	if most == cutDue && trusted {
		if at := limits.Open(now); at.After(now) {
			return &waitError{"no window of the route is open; deletion requests go all the same", at}
		}
	}
	return u.affords(r, 0)
}

// affords tells whether a message of so many bytes may leave today.
func (u *Uplink) affords(r *route, bytes int) error {
	if u.Limits[r.recipient].PerDay == 0 {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left(r) >= int64(bytes)+overhead {
		return nil
	}
	tomorrow := timeOf(sensors.Micros(u.now().DayNumber()+1) * sensors.Day)
	return &waitError{"the byte budget of the route is used up for today; deletion requests go all the same", tomorrow}
}

// affordable is the first of some uploads, as many as may leave today.
func (u *Uplink) affordable(r *route, waiting []store.Outgoing) ([]store.Outgoing, error) {
	if u.Limits[r.recipient].PerDay == 0 {
		return waiting, nil
	}
	u.mu.Lock()
	left, n := u.left(r), 0
	u.mu.Unlock()
	for n < len(waiting) {
		if left -= int64(waiting[n].Size()) + overhead; left < 0 {
			break
		}
		n++
	}
	if n == 0 {
		return nil, u.affords(r, waiting[0].Size())
	}
	return waiting[:n], nil
}
