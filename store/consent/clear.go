package consent

import (
	"github.com/candor-edge/candor/sensors"
)

// PseudonymLength is the length of a pseudonym in bytes: the first half of an HMAC-SHA-256.
const PseudonymLength = 16

// Clear appends to dst the rows that the plan lets through of this reading, and of windows that it closes, and returns
// the longer slice. Nothing but granted purposes yields rows, and only values of quality OK count. The reading is not
// kept. The rows' cells are valid until the next call with the same Windows.
//
// Readings of one source must come in the order they were taken in; one whose event time lies in a bucket or window
// that its source has passed is dropped and counted.
func (p *Plan) Clear(w *Windows, r *sensors.Reading, dst []Cleared) []Cleared {
	w.adopt(p)
	w.cells = w.cells[:0]
	s := w.sources[r.Source]
	if s == nil {
		w.withheld[withheldKey{r.Source, "", NoRule}]++
		return dst
	}
	s.unwanted++
	w.bear(r.Taken)
	for _, st := range s.rules {
		if reason := st.refuses(w, r); reason != "" {
			st.blocked[reason]++
			continue
		}
		if r.Position != 0 && r.Position <= st.skip {
			continue // this grant has had it, before a restart
		}
		dst = st.take(w, r, dst)
	}
	return dst
}

// maxTime is the last event time that counts, in the year 2255: like all numbers of the wire format it fits 53 bits.
const maxTime = sensors.Micros(1<<53 - 1)

// refuses says why the whole reading does not count under a purpose; "" when it does.
func (st *ruleState) refuses(w *Windows, r *sensors.Reading) Reason {
	p := st.rules.purpose
	switch {
	case p.State == Expired:
		return Lapsed
	case p.State != Given:
		return NoGrant
	case w.paused:
		return Paused
	case r.Taken < p.Grant.From:
		return BeforeYes
	case p.Grant.Until != 0 && r.Taken >= p.Grant.Until:
		return Lapsed
	case r.Time < 0 || r.Time > maxTime, r.Position == 0 && r.Time-max(p.Tick, sensors.Minute) > r.Taken:
		return Ahead // one stamp far ahead would make all that follow late
	}
	return ""
}

// take clears one reading under one purpose.
func (st *ruleState) take(w *Windows, r *sensors.Reading, dst []Cleared) []Cleared {
	p := st.rules.purpose
	epoch := uint64(max(r.Taken, 0) / p.Epoch)
	tick := int64(r.Time.Floor(p.Tick) / p.Tick)
	if st.started && r.Taken < st.taken-max(p.Tick, sensors.Minute) {
		st.setBack(r.Time)
	}
	if r.Taken >= st.turn {
		st.turnTo(r, tick)
	}
	first := !st.started
	if first {
		st.started, st.since, st.tick = true, r.Time, tick
	}
	if st.resumed {
		st.since, st.resumed = max(st.since, r.Time), false
	}
	late := tick < st.tick
	if !late {
		st.tick = tick
		st.last = max(st.last, r.Time)
		if first {
			st.last = r.Time
		}
	}
	st.taken, st.ended, st.replay = r.Taken, false, r.Position != 0
	st.heard++
	for i := range st.rules.groups {
		g := &st.rules.groups[i]
		if g.window == 0 {
			if late {
				st.loseAll(g, Late)
				continue
			}
			dst = st.single(w, i, r, epoch, tick, dst)
			continue
		}
		dst = st.windowed(w, g, &st.open[i], r, epoch, dst)
	}
	return dst
}

// setBack begins anew when the clock was set back: what it said before must not make everything late for ever.
func (st *ruleState) setBack(now sensors.Micros) {
	st.started, st.turn = false, 0
	for i := range st.open {
		st.open[i].open = false
		st.open[i].done = min(st.open[i].done, now)
		clear(st.open[i].acc)
	}
}

// single makes the row of one reading for a group without a window.
func (st *ruleState) single(w *Windows, gi int, r *sensors.Reading, epoch uint64, tick int64, dst []Cleared) []Cleared {
	g := &st.rules.groups[gi]
	start, any := len(w.cells), false
	for i := range g.rules {
		cell := st.cell(w, gi, i, r, epoch)
		any = any || cell.Set
		w.cells = append(w.cells, cell)
	}
	if !any {
		w.cells = w.cells[:start]
		return dst
	}
	return append(dst, Cleared{purpose: st.rules.purpose, epoch: epoch, group: g.index, time: tick, day: r.Taken.DayNumber(),
		coverage: -1, cells: w.cells[start:len(w.cells):len(w.cells)]})
}

// cell applies one rule to one reading.
func (st *ruleState) cell(w *Windows, gi, i int, r *sensors.Reading, epoch uint64) Cell {
	g := &st.rules.groups[gi]
	rule := &g.rules[i]
	if rule.input >= len(r.Values) {
		return Cell{}
	}
	v := &r.Values[rule.input]
	if v.Quality != sensors.OK {
		if v.Quality != sensors.Absent {
			st.lose(g, i, Invalid)
		}
		return Cell{}
	}
	if rule.token == tokenNone {
		n, ok := int64(0), false
		switch {
		case rule.axis != noAxis:
			n, ok = rule.cellOf(r.Values)
		case rule.on:
			n, ok = st.hold(gi, i, v.Num), true
		default:
			n, ok = rule.number(v.Num)
		}
		if !ok {
			st.lose(g, i, Failed)
			return Cell{}
		}
		return Cell{Num: n, Set: true}
	}
	return st.tokenCell(w, g, i, v.Token, epoch)
}

// hold is a threshold with hysteresis: on from the threshold up, off again only below it by more than the hysteresis.
func (st *ruleState) hold(gi, i int, v int64) int64 {
	rule, on := &st.rules.groups[gi].rules[i], &st.on[gi][i]
	switch {
	case v >= rule.steps[0].edges[0]:
		*on = true
	case v < rule.below:
		*on = false
	}
	if *on {
		return 1
	}
	return 0
}

func (st *ruleState) tokenCell(w *Windows, g *groupRules, i int, token string, epoch uint64) Cell {
	rule := &g.rules[i]
	if rule.form.Class != sensors.Identity && rule.form.Class != sensors.Contact && contactShaped(token) {
		st.lose(g, i, Contactish)
		return Cell{}
	}
	if rule.token == tokenLabel {
		if !rule.labels[token] {
			st.lose(g, i, Failed)
			return Cell{}
		}
		return Cell{Token: token, Set: true}
	}
	h, ok := w.pseudonymHash(st, epoch, rule.form.Class)
	if !ok {
		st.lose(g, i, Failed)
		return Cell{}
	}
	h.Reset()
	_, _ = h.Write([]byte(token))
	var sum [32]byte
	return Cell{Token: string(h.Sum(sum[:0])[:PseudonymLength]), Set: true}
}

// windowed adds the reading to the group's open window; a reading past its end closes it first.
func (st *ruleState) windowed(w *Windows, g *groupRules, o *openWindow, r *sensors.Reading, epoch uint64, dst []Cleared) []Cleared {
	start := r.Time.Floor(g.window)
	if o.open && start > o.start {
		dst = st.closeWindow(w, g, o, o.start+g.window, dst)
	}
	if start < o.done || o.open && start < o.start {
		st.loseAll(g, Late)
		return dst
	}
	if !o.open {
		o.open, o.start, o.epoch, o.day = true, start, epoch, r.Taken.DayNumber()
		clear(o.acc)
	}
	for i := range g.rules {
		rule := &g.rules[i]
		if rule.input >= len(r.Values) {
			continue
		}
		switch v := &r.Values[rule.input]; v.Quality {
		case sensors.OK:
			o.acc[i].add(v.Num)
		case sensors.Absent:
		default:
			st.lose(g, i, Invalid)
		}
	}
	return dst
}

// closeWindow makes the row of a window, watched until the given event time, and shuts it.
func (st *ruleState) closeWindow(w *Windows, g *groupRules, o *openWindow, until sensors.Micros, dst []Cleared) []Cleared {
	o.open, o.done = false, o.start+g.window
	p := st.rules.purpose
	coverage := st.coverage(g, o, until)
	start, any := len(w.cells), false
	for i := range g.rules {
		cell := Cell{}
		rule := &g.rules[i]
		enough := o.acc[i].n >= max(rule.least, 1) || rule.agg == aggCount && rule.least == 0 && st.sawAny(o)
		if enough && coverage >= rule.cover {
			if v, ok := o.acc[i].result(rule.agg, rule.gain); !ok {
				st.lose(g, i, Failed)
			} else if v, ok = rule.number(v); !ok {
				st.lose(g, i, Failed)
			} else {
				cell = Cell{Num: v, Set: true}
			}
		}
		any = any || cell.Set
		w.cells = append(w.cells, cell)
	}
	clear(o.acc)
	if !any {
		w.cells = w.cells[:start]
		return dst
	}
	return append(dst, Cleared{purpose: p, epoch: o.epoch, group: g.index, time: int64(o.start.Floor(p.Tick) / p.Tick), day: o.day,
		coverage: coverage, cells: w.cells[start:len(w.cells):len(w.cells)]})
}

// coverage is how many quarters of a window its source was watched, from the first whole tick on and to the last one: when a
// grant began or a source ended is told no finer than any other time.
func (st *ruleState) coverage(g *groupRules, o *openWindow, until sensors.Micros) int8 {
	tick := st.rules.purpose.Tick
	from := o.start
	if st.since > from {
		from = (st.since + tick - 1).Floor(tick)
	}
	if end := o.start + g.window; until < end {
		until = until.Floor(tick)
	}
	return int8(min(max(4*(until-from)/g.window, 0), 4))
}

// sawAny tells whether any field of the window has a value, so that a count of zero means something.
func (st *ruleState) sawAny(o *openWindow) bool {
	for i := range o.acc {
		if o.acc[i].n > 0 {
			return true
		}
	}
	return false
}

// CloseSource says that a source has ended for good: its open windows are closed over what was seen. It is not for
// orderly stops of the agent: a window that is cut in two by restarts would say more than the window that was agreed.
func (p *Plan) CloseSource(w *Windows, source string, dst []Cleared) []Cleared {
	w.adopt(p)
	w.cells = w.cells[:0]
	s := w.sources[source]
	if s == nil {
		return dst
	}
	for _, st := range s.rules {
		st.ended = true
		if st.rules.purpose.State != Given {
			continue
		}
		for i := range st.rules.groups {
			if st.open[i].open {
				dst = st.closeWindow(w, &st.rules.groups[i], &st.open[i], st.last, dst)
			}
		}
	}
	return dst
}

func (st *ruleState) lose(g *groupRules, i int, reason Reason) {
	st.lost[g.rules[i].named][reason]++
}

func (st *ruleState) loseAll(g *groupRules, reason Reason) {
	for i := range g.rules {
		st.lose(g, i, reason)
	}
}
