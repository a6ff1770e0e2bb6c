//go:build linux && (amd64 || arm64)

package simulation

import (
	"fmt"
	"slices"
	"time"
)

// This file is what decides whether an object keeps its word. It knows what was true at each look of the sensor and what the
// person and the maker said when, and works out by arithmetic of its own what may leave. Nothing of the code under test is asked.

const (
	flush   = time.Hour        // as the configuration says: at most this much is lost by a power cut
	grace   = time.Second      // a withdrawal has effect within this
	every   = 15 * time.Minute // of the sensor
	expires = 300 * 24 * time.Hour
)

// truth is what was true at one look of the sensor: the number of the look shows in the light, so that a row says which look it
// is of whatever its clock says.
type truth struct {
	at        time.Duration // since the object's life began
	temp, co2 int64         // milli-degrees, hundredths of a part per million
	badge     string
	okTemp    bool
	okCO2     bool
	okBadge   bool
	unknown   bool      // of a part that had not yet said who it is
	tie       bool      // in the very moment in which a pause began: it may count, and it may not
	clock     time.Time // what an honest clock says
	arrived   uint8     // for which purposes, a bit each
}

// light is the illuminance of look number n, counted from 0; look is the way back.
func light(n int) int64              { return 1000 + 7*int64(n) }
func look0(v int64) (n int, ok bool) { return int((v - 1000) / 7), v >= 1000 && (v-1000)%7 == 0 }

// yes is one yes of the person to one purpose.
type yes struct {
	purpose  string
	id       uint32
	from, to time.Duration // to is 0 while it holds
	step     int64         // the step of co2 that it was given to
	loose    bool          // a whole card of before the withdrawal came back, and no recipient could tell
	streams  int
	replaced bool // by another yes to the same purpose: it is deleted with that
	lapsed   bool // by itself: nothing is deleted for that
}

func (y *yes) covers(at time.Duration) bool { return y.from <= at && (y.to == 0 || at < y.to) }

// span is a stretch of the object's life.
type span struct{ from, to time.Duration }

func within(spans []span, at time.Duration) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= at && (s.to == 0 || at < s.to) })
}

// model is what is true. Guarded by life.mu.
type model struct {
	truths   []truth
	yeses    []*yes
	pauses   []span
	erased   []erasure
	steps    []stepAt // of co2, as the policy in force asks it; newest last
	returned bool     // an older copy came back
	resuming bool     // the power went while a pause was ended: what the object says after its start counts
	broken   bool     // there is no policy that the object could have read since it started
	// excused are moments of which readings may be lost, since no promise holds for them; windows likewise for what only lies in memory.
	excused, windows []span
	reformed         []span // of air: what waited when other rules came into force is dropped
	lax              bool   // what was sent may be sent again: the memory of it was damaged or older
	odd              bool   // the wall clock lies or lay: what is said of times is not held against it
	mayLapse         bool
	erasedThere      bool // she had the recipients delete streams of a yes that goes on
}

type stepAt struct {
	at   time.Duration
	step int64
}

// purposes that the policy has, but for who, which nobody is ever asked for.
func purposeNames() []string { return []string{"air", "trends", "card"} }

// open is the yes in force; nil without one.
func (m *model) open(purpose string) *yes {
	for _, y := range m.yeses {
		if y.purpose == purpose && y.to == 0 {
			return y
		}
	}
	return nil
}

// at is the yes that covered a moment; a yes that replaced another in the same call is the one after it.
func (m *model) at(purpose string, at time.Duration) *yes {
	for i := len(m.yeses) - 1; i >= 0; i-- {
		if y := m.yeses[i]; y.purpose == purpose && y.covers(at) {
			return y
		}
	}
	return nil
}

// deletes tells whether the recipients have to delete what came under a yes: it was taken back, or one that replaced it was.
func (m *model) deletes(y *yes) bool {
	i := slices.Index(m.yeses, y)
	return slices.ContainsFunc(m.yeses[i:], func(x *yes) bool { return x.purpose == y.purpose && x.to != 0 && !x.replaced && !x.lapsed })
}

// lapse ends what has lapsed by now. By a clock that lies or lied it may have done so sooner or later: see [model.mayBeOver].
func (m *model) lapse(now time.Duration) {
	for _, y := range m.yeses {
		if y.to == 0 && !m.odd && now >= y.from+expires {
			y.to, y.lapsed = y.from+expires, true
		}
	}
}

// lapses tells whether a yes to a purpose lapses in these moments: what the object says of it may be of before or of after.
func (m *model) lapses(purpose string, now time.Duration) bool {
	return slices.ContainsFunc(m.yeses, func(y *yes) bool { return y.purpose == purpose && y.lapsed && now <= y.to+grace })
}

func (m *model) end(y *yes, now time.Duration) {
	if y != nil && y.to == 0 {
		y.to = now
	}
}

// may says why something of a yes may not leave now; "" when it may.
func (m *model) may(y *yes, now time.Duration) string {
	switch {
	case y == nil:
		return "there was no yes"
	case y.loose:
		return ""
	case y.to != 0 && now > y.to+grace:
		return fmt.Sprintf("the yes of %v was over at %v", y.from, y.to)
	case m.broken:
		return "there is no policy that says so"
	}
	for _, p := range m.pauses {
		if now > p.from+grace && p.to == 0 && !m.resuming {
			return fmt.Sprintf("paused since %v", p.from)
		}
	}
	return ""
}

// stepsNow are the steps of co2 that rows under a yes may have now: the coarser of what was agreed and what is asked, and for a
// moment after a change what was asked before.
func (m *model) stepsNow(y *yes, now time.Duration) (out []int64) {
	for i, s := range m.steps {
		if i == len(m.steps)-1 || now <= m.steps[i+1].at+grace {
			out = append(out, max(s.step, y.step))
		}
	}
	return out
}

// counted says why a look may not have counted under a yes; "" when it may.
func (m *model) counted(n int, purpose string) (*yes, string) {
	t := &m.truths[n]
	y := m.at(purpose, t.at)
	switch {
	case y == nil:
		return nil, fmt.Sprintf("look %d at %v was under no yes", n, t.at)
	case t.unknown:
		return nil, fmt.Sprintf("look %d at %v was of a part that had not yet been identified", n, t.at)
	case within(m.pauses, t.at) && !t.tie:
		return nil, fmt.Sprintf("look %d at %v was in a pause", n, t.at)
	case m.wasErased(t.at):
		return nil, fmt.Sprintf("look %d at %v was erased", n, t.at)
	case !m.odd && t.at >= y.from+expires:
		return nil, fmt.Sprintf("look %d at %v was after the yes lapsed", n, t.at)
	}
	return y, ""
}

// erasure is a period of which the object was told, at a moment, to destroy what it kept.
type erasure struct {
	span
	at time.Duration
}

func (m *model) wasErased(at time.Duration) bool {
	return slices.ContainsFunc(m.erased, func(e erasure) bool { return within([]span{e.span}, at) })
}

// comesBack is that the state came back as it was copied. A whole card may not know of a pause, and with its keys it has what was erased
// since, whose keys the one it replaces had destroyed: nobody could tell.
func (m *model) comesBack(copied time.Duration, whole bool) {
	if m.resuming = whole; whole {
		m.erased = slices.DeleteFunc(m.erased, func(e erasure) bool { return e.at > copied })
	}
}

// row is one row as a recipient has it.
type row struct {
	at     time.Time // its time; zero when no clock was trusted
	values map[string]int64
	tokens map[string]string
}

// takes holds a row against what is true, and notes that it has arrived. It returns whose row it is, or what is wrong with it.
func (m *model) takes(purpose string, r *row, now time.Duration) (*yes, string) {
	if purpose == "trends" {
		return m.takesWindow(r, now)
	}
	n, ok := look0(r.values["hall.light"])
	if !ok || n >= len(m.truths) {
		return nil, fmt.Sprintf("a row of %s is of no look: %v", purpose, r.values)
	}
	y, why := m.counted(n, purpose)
	if why != "" {
		return nil, why
	}
	t := &m.truths[n]
	if why := m.twice(t, purpose); why != "" {
		return nil, fmt.Sprintf("look %d at %v: %s", n, t.at, why)
	}
	tick := map[string]time.Duration{"air": 15 * time.Minute, "card": time.Hour}[purpose]
	if !m.odd && !r.at.IsZero() && !r.at.Equal(t.clock.Truncate(tick)) {
		return nil, fmt.Sprintf("look %d at %v says %v", n, t.clock, r.at)
	}
	switch purpose {
	case "air":
		co2, has := r.values["hall.co2"]
		if has != t.okCO2 {
			return nil, fmt.Sprintf("look %d: co2 is there: %v, was measured: %v", n, has, t.okCO2)
		}
		steps := m.stepsNow(y, now)
		if has && !slices.ContainsFunc(steps, func(s int64) bool { return co2 == t.co2/s*s }) {
			return nil, fmt.Sprintf("look %d: co2 is %d of %d, the steps that may be are %d", n, co2, t.co2, steps)
		}
	case "card":
		token, has := r.tokens["hall.badge"]
		if has != t.okBadge || has && (len(token) != 16 || token == t.badge) {
			return nil, fmt.Sprintf("look %d: the badge is there: %v, was read: %v, %d bytes", n, has, t.okBadge, len(token))
		}
	}
	return y, ""
}

// twice notes that a look has arrived for a purpose, and says if it had before.
func (m *model) twice(t *truth, purpose string) string {
	bit := uint8(1) << slices.Index(purposeNames(), purpose)
	if t.arrived&bit != 0 && !m.lax {
		return "a row for " + purpose + " arrived twice"
	}
	t.arrived |= bit
	return ""
}

// takesWindow holds the row of an hour: its first and last look are known, so what lay between is too. Where a clock was set back and
// right again, an hour that was open comes again, and what lay between may have been of others.
func (m *model) takesWindow(r *row, _ time.Duration) (*yes, string) {
	first, okFirst := look0(r.values["hall.first"])
	last, okLast := look0(r.values["hall.last"])
	again := m.odd && last-first > 8
	if !okFirst || !okLast || first > last || last >= len(m.truths) || last-first > 8 && !again {
		return nil, fmt.Sprintf("a window of no looks: %v", r.values)
	}
	var of *yes
	sum, count, low, high := int64(0), int64(0), int64(1<<62), int64(-1<<62)
	for n := first; n <= last; n++ {
		y, why := m.counted(n, "trends")
		between := n != first && n != last
		if why != "" && !between {
			return nil, why
		}
		if why != "" {
			continue // one in between may have been in a pause
		}
		t := &m.truths[n]
		if t.okTemp {
			sum, count, low, high = sum+t.temp, count+1, min(low, t.temp), max(high, t.temp)
		}
		if again && between {
			continue
		}
		if of != nil && of != y {
			return nil, fmt.Sprintf("looks %d to %d are of two yeses", first, last)
		}
		of = y
		if why := m.twice(t, "trends"); why != "" {
			return nil, fmt.Sprintf("look %d at %v: %s", n, t.at, why)
		}
		if hour := t.clock.Truncate(time.Hour); !m.odd && !r.at.IsZero() && !r.at.Equal(hour) {
			return nil, fmt.Sprintf("look %d at %v is in the window of %v", n, t.clock, r.at)
		}
	}
	mean, has := r.values["hall.temperature"]
	switch {
	case has != (count > 0) && (has || !again):
		return nil, fmt.Sprintf("looks %d to %d: a mean is there: %v, %d were measured", first, last, has, count)
	case has && !m.odd && mean != floor(floor(sum, count), 500), has && m.odd && (mean < floor(low, 500) || mean > high):
		return nil, fmt.Sprintf("looks %d to %d: the mean is %d of %d values that sum up to %d", first, last, mean, count, sum)
	}
	return of, ""
}

// floor is n/d rounded down when d counts, and n rounded down to a multiple when d is a step.
func floor(n, d int64) int64 {
	if d == 500 {
		return n - ((n%d)+d)%d
	}
	q := n / d
	if n%d != 0 && n < 0 {
		q--
	}
	return q
}

// dropOpen excuses the window that is open now: it lies in memory until a look after its end closes it.
func (m *model) dropOpen(now time.Duration) {
	m.windows = append(m.windows, span{m.windowAt(now), now + 1}) // a look in the very moment is one of them
}

// windowAt is from when on looks may be in a window that was open at a moment.
func (m *model) windowAt(at time.Duration) time.Duration {
	for n := len(m.truths) - 1; n >= 0; n-- {
		if t := m.truths[n].at; t <= at {
			if _, why := m.counted(n, "trends"); why == "" {
				return t - time.Hour
			}
		}
	}
	return min(at, 0)
}

// mayBeOver tells whether a yes may have lapsed in the object's eyes: by a clock that lied, or because an older copy came back that knows an
// earlier yes to the purpose only.
func (m *model) mayBeOver(y *yes, at time.Duration) bool {
	for _, x := range m.yeses {
		if x == y && m.odd || m.returned && x.purpose == y.purpose && x.from <= y.from {
			if at >= x.from+expires-26*time.Hour {
				return true
			}
		}
	}
	return false
}

// missing lists looks that should have arrived before a moment and have not.
func (m *model) missing(before time.Duration) (out []string, due int) {
	excused := slices.Clone(m.excused)
	for _, p := range m.pauses { // what waits for longer than the retention of 30 days is let go of
		if p.to-p.from > 25*24*time.Hour {
			excused = append(excused, span{p.from - 48*time.Hour, p.to})
		}
	}
	for n := range m.truths {
		t := &m.truths[n]
		for i, purpose := range purposeNames() {
			y, why := m.counted(n, purpose)
			if why != "" || t.tie || y.to != 0 || t.at > before || m.mayBeOver(y, t.at) || within(excused, t.at) || purpose == "trends" && within(m.windows, t.at) || purpose == "air" && within(m.reformed, t.at) {
				continue
			}
			due++
			if t.arrived&(1<<i) == 0 {
				out = append(out, fmt.Sprintf("look %d at %v for %s", n, t.at, purpose))
			}
		}
	}
	return out, due
}

// oldestOwed is when the oldest reading was taken that is to arrive under a yes in force and has not yet.
func (m *model) oldestOwed(now time.Duration) (at time.Duration, some bool) {
	for n := range m.truths {
		t := &m.truths[n]
		for i, purpose := range purposeNames() {
			if y, why := m.counted(n, purpose); why == "" && !t.tie && y.to == 0 && t.at <= now && t.arrived&(1<<i) == 0 && !within(m.excused, t.at) {
				return t.at, true
			}
		}
	}
	return 0, false
}
