package bus

import (
	"sort"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// health keeps what is known of a bus and its addresses. It has no lock and no clock of its own.
type health struct {
	after     int // failures in a row until quarantine; 0 is never
	first     time.Duration
	longest   time.Duration
	stuck     int // timeouts in a row until the bus counts as stuck; 0 is never
	addresses map[uint16]*record
	timeouts  int // in a row, at all addresses
	since     time.Time
}

// record is what is known of one address.
type record struct {
	transfers uint64
	faults    map[sensors.FaultKind]uint64
	inARow    int
	last      time.Time
	kind      sensors.FaultKind
	wait      time.Duration // the present quarantine's length; 0 when there is none
	until     time.Time
}

func newHealth(o Options) *health {
	return &health{after: o.QuarantineAfter, first: o.QuarantineFirst, longest: o.QuarantineLongest, stuck: o.StuckAfter,
		addresses: map[uint16]*record{}}
}

func (h *health) at(addr uint16) *record {
	r := h.addresses[addr]
	if r == nil {
		r = &record{faults: map[sensors.FaultKind]uint64{}}
		h.addresses[addr] = r
	}
	return r
}

// quarantined says whether addr may not be tried now, and of what kind its last failure was. When the time is over
// one transfer is let through, and the next has to wait for its outcome as long again.
func (h *health) quarantined(addr uint16, now time.Time) (sensors.FaultKind, bool) {
	r := h.addresses[addr]
	if r == nil || r.wait == 0 {
		return 0, false
	}
	if now.Before(r.until) {
		return r.kind, true
	}
	r.until = now.Add(r.wait)
	return 0, false
}

// good takes in a transfer that worked. An answer proves that the bus moves.
func (h *health) good(addr uint16) {
	r := h.at(addr)
	r.transfers++
	r.inARow, r.wait, r.until = 0, 0, time.Time{}
	h.moves()
}

// bad takes in a transfer that failed, and says whether the bus is stuck.
func (h *health) bad(addr uint16, kind sensors.FaultKind, now time.Time) (stuck bool) {
	r := h.at(addr)
	r.transfers++
	r.faults[kind]++
	r.inARow++
	r.last, r.kind = now, kind
	if kind == sensors.Timeout || kind == sensors.Arbitration {
		h.timeouts++
		if h.stuck > 0 && h.timeouts >= h.stuck && h.since.IsZero() {
			h.since = now
		}
	} else if kind == sensors.NoAnswer {
		h.moves() // a part that does not acknowledge leaves the lines free
	}
	if h.after > 0 && r.inARow >= h.after {
		r.wait = min(max(2*r.wait, h.first), h.longest)
		r.until = now.Add(r.wait)
	}
	return !h.since.IsZero()
}

// moves notes that the bus is not stuck. What was put in quarantine because it was stuck gets another chance.
func (h *health) moves() {
	h.timeouts = 0
	if h.since.IsZero() {
		return
	}
	h.since = time.Time{}
	for _, r := range h.addresses {
		if r.kind == sensors.Timeout || r.kind == sensors.Arbitration {
			r.inARow, r.wait, r.until = 0, 0, time.Time{}
		}
	}
}

// counters returns a copy of all records in the order of addresses.
func (h *health) counters(now time.Time) []Counter {
	list := make([]Counter, 0, len(h.addresses))
	for addr, r := range h.addresses {
		c := Counter{Address: addr, Transfers: r.transfers, InARow: r.inARow, LastFault: r.last, LastKind: r.kind,
			Faults: make(map[sensors.FaultKind]uint64, len(r.faults))}
		for kind, n := range r.faults {
			c.Faults[kind] = n
		}
		if r.wait > 0 && now.Before(r.until) {
			c.Quarantined = r.until
		}
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Address < list[j].Address })
	return list
}

// pause is a wait between attempts that doubles with each.
type pause struct {
	first, longest time.Duration
	wait           time.Duration
	next           time.Time
}

// over says whether the next attempt may be made, and if so counts it.
func (p *pause) over(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.wait = min(max(2*p.wait, p.first), p.longest)
	p.next = now.Add(p.wait)
	return true
}

// reset makes the next attempt possible at once.
func (p *pause) reset() { p.wait, p.next = 0, time.Time{} }
