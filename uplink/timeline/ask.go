package timeline

import (
	"math"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Place finds the span that a moment of the object's count lies in; false when the clock was trusted then, or when the moment
// was never counted.
func (k *Keeper) Place(at sensors.Micros) (Span, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.place(at); s != nil {
		return *s, true
	}
	return Span{}, false
}

func (k *Keeper) place(at sensors.Micros) *Span {
	for i := len(k.spans) - 1; i >= 0; i-- {
		s := &k.spans[i]
		if s.holds(at) || k.open && i == len(k.spans)-1 && at > s.End && at-s.End < sensors.Minute {
			return s
		}
	}
	return nil
}

// Spans lists what is known of spans, in no order. The last one of an untrusted clock ends now.
func (k *Keeper) Spans() []Span {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now()
	return append([]Span(nil), k.spans...)
}

// Wall is what the wall clock would have said at a moment of the object's count, as far as that is known: else it is the
// moment itself.
func (k *Keeper) Wall(at sensors.Micros) sensors.Micros {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.place(at); s != nil {
		return at + s.Shift
	}
	return at
}

// Expired is the day before which everything is past its time, when a trusted clock says that all before the given day is. The
// days are of the object's count; while the clock is not trusted none is past.
func (k *Keeper) Expired(before int64) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now()
	if k.open {
		return math.MinInt32
	}
	for i := range k.spans {
		s := &k.spans[i]
		if s.latest.DayNumber() >= before { // of what was counted then something may still be wanted
			before = min(before, s.Start.DayNumber())
		}
	}
	return before
}

// Reading puts the time of a live reading, which its source took from the machine's wall clock, on the object's count. A
// recorded or simulated time, which is not that of now, is left as it is.
func (k *Keeper) Reading(at sensors.Micros) sensors.Micros {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	wall := micros(k.o.Kernel.Wall())
	if age := wall - at; size(age) < sensors.Minute && now != wall {
		return now - age
	}
	return at
}

// Save keeps what is known, when it is time: call it every minute, and with force at the end.
func (k *Keeper) Save(force bool) error {
	k.mu.Lock()
	now := k.now()
	if !k.dirty && !force && size(now-k.saved) < saveEvery {
		k.mu.Unlock()
		return nil
	}
	if !k.open {
		k.high = max(k.high, now)
	}
	b := encode(k.high, k.spans)
	k.mu.Unlock()
	if err := k.o.Save(b); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saved, k.dirty = now, false
	return nil
}

// After implements sensors.Clock: it waits on the machine's monotonic clock.
func (k *Keeper) After(d time.Duration) <-chan time.Time {
	if k.o.Kernel.Wait != nil {
		return k.o.Kernel.Wait(d)
	}
	return time.After(d)
}
