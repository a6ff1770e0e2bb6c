package consent

import (
	"math"

	"github.com/candor-edge/candor/sensors"
)

// Forever is the tick before which everything is complete when a source has ended.
const Forever = int64(1<<63 - 1)

// passed is how a source stood under a purpose at the last boundary of a tick, by the moment of capture.
type passed struct {
	started bool           // it had said something by then
	tick    int64          // the bucket it was in; of the first reading after the boundary when it had said nothing
	taken   sensors.Micros // the newest moment of capture
}

// turnTo notes how things stand before the first reading of another tick of capture is taken.
func (st *ruleState) turnTo(r *sensors.Reading, tick int64) {
	st.turn = r.Taken.Floor(st.rules.purpose.Tick) + st.rules.purpose.Tick
	st.before = passed{st.started, st.tick, st.taken}
	if !st.started {
		st.before.tick = tick
	}
	for i := range st.open {
		o := &st.open[i]
		o.before = st.position(i)
		if o.before == math.MaxInt64 {
			o.before = r.Time.Floor(st.rules.groups[i].window)
		}
	}
}

// position is where the windows of a group stand: those that start earlier are closed. MaxInt64 when none was opened.
func (st *ruleState) position(group int) sensors.Micros {
	switch o := &st.open[group]; {
	case st.rules.groups[group].window == 0:
		return 0
	case o.open:
		return o.start
	case o.done > math.MinInt64:
		return o.done
	}
	return math.MaxInt64
}

// bear notes the first moment that the memory hears of.
func (w *Windows) bear(now sensors.Micros) {
	if w.born == 0 {
		w.born = now
	}
}

// CompleteBefore says which rows of a group will get no company any more: those stamped before the returned tick. It answers as of
// the last boundary of the purpose's time, so that what an upload holds does not tell when inside a tick a reading was captured or
// a window was closed. A source that has said nothing for a whole bucket, and for a minute, counts as past it. A recording is
// asked as of now: when it is read tells nothing of what is recorded.
//
// After a start nothing is known of what was captured before: until the next boundary, a window counts as closed when its end lies
// before the last one. Only a window that closed late and in the very tick of the start can then leave before that tick is over.
func (p *Plan) CompleteBefore(w *Windows, grant GrantID, group int, now sensors.Micros) int64 {
	w.adopt(p) // also where nothing was read since the start
	w.bear(now)
	for _, s := range w.sources {
		for _, r := range s.rules {
			q := r.rules.purpose
			if q.Grant.ID != grant || grant == 0 || group >= len(q.Groups) || q.Groups[group].Source != r.rules.source {
				continue
			}
			switch {
			case r.ended:
				return Forever
			case r.replay && (q.Groups[group].Window >= q.Tick || now-r.taken > q.Tick+sensors.Minute):
				return Forever
			case r.replay:
				return r.tick
			case q.Groups[group].Window >= q.Tick:
				return r.closedBefore(r.group(group), now, w.born)
			}
			return r.passedBefore(now, w.born)
		}
	}
	return Forever
}

// group finds a group of the purpose among those of the source.
func (st *ruleState) group(index int) int {
	for i := range st.rules.groups {
		if st.rules.groups[i].index == index {
			return i
		}
	}
	return 0
}

// passedBefore is the tick that the source had reached at the last boundary.
func (st *ruleState) passedBefore(now, born sensors.Micros) int64 {
	tick := st.rules.purpose.Tick
	boundary := now.Floor(tick)
	then := st.before
	if st.started && now >= st.turn {
		then = passed{true, st.tick, st.taken}
	}
	switch {
	case then.started && boundary-then.taken.Floor(tick) >= tick+max(tick, (sensors.Minute+tick-1).Floor(tick)):
		return then.tick + 1
	case then.started:
		return then.tick
	}
	out := Forever
	if st.started {
		out = then.tick
	}
	if born >= boundary {
		out = min(out, int64(boundary/tick))
	}
	return out
}

// closedBefore is the tick before which the windows of a group had been closed at the last boundary.
func (st *ruleState) closedBefore(group int, now, born sensors.Micros) int64 {
	tick, window := st.rules.purpose.Tick, st.rules.groups[group].window
	at := sensors.Micros(math.MaxInt64)
	switch {
	case st.started && now >= st.turn:
		at = st.position(group)
	case st.started:
		at = st.open[group].before
	}
	if boundary := now.Floor(tick); born >= boundary {
		at = min(at, boundary-window)
	}
	if at == math.MaxInt64 {
		return Forever
	}
	return int64(at.Floor(tick) / tick)
}
