package agent

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/timeline"
)

// openTime begins to count the object's time. A clock that was handed in is trusted and needs no counting. The ledger is
// open: what is known of the clocks lies in it.
func (a *Agent) openTime() {
	if a.opts.Kernel == nil {
		return
	}
	var err error
	a.time, err = timeline.Open(timeline.Options{Kernel: *a.opts.Kernel, Load: a.book.Clock, Save: a.book.SetClock, Rand: a.opts.Rand, Log: a.opts.Log})
	if err != nil {
		a.opts.Log.Warn("what was known of the clock is lost; its time counts from now", "error", err)
	}
	if err := a.time.Save(false); err != nil {
		a.opts.Log.Warn("what is known of the clock can't be kept", "error", err)
	}
}

// clock is the object's count of time. Sources have the machine's own, which is monotonic for them.
func (a *Agent) clock() sensors.Clock {
	if a.time != nil {
		return a.time
	}
	return a.opts.Clock
}

// clockTrusted tells whether the clock may end things.
func (a *Agent) clockTrusted() bool {
	if a.time == nil {
		return true
	}
	_, ok := a.time.Trusted()
	return ok
}

// term is from when and until when a yes counts, on the clock as it is known now: a yes that was given before the clock
// was set moves with what is learnt of that moment.
func (a *Agent) term(r *ledger.Answer) (from, until sensors.Micros) {
	if a.time == nil {
		return r.Given, r.Until
	}
	from = a.time.Wall(r.Given)
	if until = r.Until; until != 0 {
		until += from - r.Given
	}
	return from, until
}

// expired is the day, on the object's count, before which all is past its time when all before the given day of the wall's is.
func (a *Agent) expired(before int64) int64 {
	if a.time == nil {
		return before
	}
	return a.time.Expired(before)
}
