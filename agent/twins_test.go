package agent_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// This file generates what the non-interference test runs: a policy, a history of a home, and a twin of it that differs,
// by a lot, only where the policy and the person's answers hide. What is hidden is decided here by arithmetic of its
// own, not by the code under test.

// storyLength is how much time one story covers. Instants in it are offsets from its start, and prime to each other's
// loops, so that no two goroutines of the agent ever wake together and a run depends on its seed alone.
const storyLength = 7 * time.Hour

// twinField is a field of the home: how its values look when nobody hides anything.
type twinField struct {
	name   string
	kind   string
	lo, hi int64 // numbers
	scale  int64
	token  bool
}

// home is the three sources and their fields, in the order of their readings.
func home() map[string][]twinField {
	return map[string][]twinField{
		"room": {{"temperature", "temperature", -20_000, 45_000, 1000, false}, {"co2", "co2", 300_00, 5000_00, 100, false},
			{"occupancy", "occupancy", 0, 1, 1, false}, {"badge", "badge", 0, 0, 1, true}},
		"door": {{"open", "contact", 0, 1, 1, false}, {"people", "people", 0, 400, 1, false}},
		"bike": {{"lat", "latitude", -59_0000000, 59_0000000, 1_0000000, false}, {"lon", "longitude", -179_0000000, 179_0000000, 1_0000000, false}}, // off the poles, where cells are wider
	}
}

func sourceNames() []string { return []string{"room", "door", "bike"} }

// twinRule is one rule of a generated policy.
type twinRule struct {
	source string
	index  int // of the field
	action string
	step   int64 // round, in scaled units; threshold: from here up it is on
	lo, hi int64 // clamp; threshold: off again below lo
	edges  []int64
	cover  int // windows: the least coverage
	level  int // grid
}

// gridSides are the sides of the cells by level, in ten-millionths of a degree.
func gridSides() []int64 {
	return []int64{0, 10_0000000, 5_0000000, 1_0000000, 5000000, 1000000, 500000, 100000, 50000, 25000}
}

func (r twinRule) windowed() bool {
	return strings.Contains(" mean min max sum count ", " "+r.action+" ")
}

// form is what the rule lets out of one number: the oracle.
func (r twinRule) form(v int64) int64 {
	switch r.action {
	case "round", "grid":
		q := v / r.step
		if v%r.step < 0 {
			q--
		}
		return q
	case "clamp":
		return min(max(v, r.lo), r.hi)
	case "bucket":
		n := int64(0)
		for _, e := range r.edges {
			if v >= e {
				n++
			}
		}
		return n
	case "threshold": // in which of three zones: all that follows depends on that only
		switch {
		case v >= r.step:
			return 1
		case v < r.lo:
			return -1
		}
		return 0
	}
	return v
}

// twinPurpose is one purpose of a generated policy.
type twinPurpose struct {
	id   string
	tick time.Duration
	room bool
	up   time.Duration
	rule []twinRule
	then []twinRule // once the policy was edited
}

// rules are those that may apply to a reading: of the policy and, when there is one, of its edited form. Which of them is in force
// after an edit is the meet's to say, so both are taken as letting through.
func (p twinPurpose) rules() []twinRule { return append(slices.Clone(p.rule), p.then...) }

// remembers tells whether what a reading shows depends on the readings before it.
func (p twinPurpose) remembers() bool {
	return slices.ContainsFunc(p.rules(), func(r twinRule) bool { return r.action == "threshold" })
}

// moment is one thing that happens in a story.
type moment struct {
	at      time.Duration
	what    string // grant, withdraw, reload, edit (the policy), pause, resume, cut (the network), heal, restart, look, ask; of the clock: jump, stop, reboot, set
	purpose string
	by      time.Duration // how far the wall clock jumps, or is off after a reboot
}

// reading is one look at a source.
type reading struct {
	at     time.Duration
	source string
	values []sensors.Value
	hidden bool // differs from its twin
}

// story is a policy, what happens, and what is sensed.
type story struct {
	broken   bool // the policy file is not readable
	purposes []twinPurpose
	charter  string // "" for none
	serial   string // an attribute that no rule names
	mine     bool   // the person keeps a history
	moments  []moment
	readings []reading
	clock    bool // the wall clock moves
	moved    bool // the twin's rows come in another order
	shifted  bool // the twin's readings come at other moments
}

func decimal(v, scale int64) string { return fmt.Sprintf("%.6f", float64(v)/float64(scale)) }

// policy is the text of the policy, as it is at first or after the edit.
func (s *story) policy(edited bool) string {
	if s.broken {
		return "version = \"none\"\n[[purpose"
	}
	var b strings.Builder
	b.WriteString(header)
	for _, p := range s.purposes {
		rest := fmt.Sprintf("time = %q\nupload = %q\n", p.tick, p.up)
		if p.room {
			rest += "room = { rows = 200, bytes = 2048 }\n"
		}
		rules := p.rule
		if edited {
			rules = p.then
		}
		for _, r := range rules {
			f := home()[r.source][r.index]
			args := fmt.Sprintf("action = %q", r.action)
			switch {
			case r.windowed():
				args += "\nwindow = \"1h\""
				if r.cover > 0 {
					args += fmt.Sprintf("\nleast_coverage = %d", r.cover)
				}
			case r.action == "threshold":
				args += "\nthreshold = " + decimal(r.step, f.scale)
				if r.lo < r.step {
					args += "\nhysteresis = " + decimal(r.step-r.lo, f.scale)
				}
			case r.action == "grid":
				args += fmt.Sprintf("\nlevel = %d", r.level)
			case r.action == "round":
				args += "\nround = " + decimal(r.step, f.scale)
			case r.action == "clamp":
				args += "\nmin = " + decimal(r.lo, f.scale) + "\nmax = " + decimal(r.hi, f.scale)
			case r.action == "bucket":
				args += "\nedges = ["
				for _, e := range r.edges {
					args += decimal(e, f.scale) + ","
				}
				args += "]"
			}
			rest += rule(r.source+"."+f.name, args)
		}
		b.WriteString(purpose(p.id, rest))
	}
	return b.String()
}

func drawRule(t *rapid.T, source string, index int) twinRule {
	f := home()[source][index]
	r := twinRule{source: source, index: index}
	switch {
	case f.token:
		r.action = rapid.SampledFrom([]string{"pseudonym", "count", "drop", "local"}).Draw(t, "action")
		return r
	case f.hi == 1:
		r.action = rapid.SampledFrom([]string{"keep", "drop", "local", "mean", "max", "sum", "count"}).Draw(t, "action")
		r.drawCoverage(t)
		return r
	}
	r.action = rapid.SampledFrom([]string{"keep", "drop", "local", "round", "clamp", "bucket", "threshold", "mean", "min", "max", "sum", "count"}).Draw(t, "action")
	span := f.hi - f.lo
	r.drawCoverage(t)
	switch r.action {
	case "threshold":
		r.step = f.lo + span/rapid.Int64Range(2, 4).Draw(t, "threshold")
		r.lo = r.step - rapid.SampledFrom([]int64{0, span / 8}).Draw(t, "hysteresis")
	case "round":
		r.step = span / rapid.Int64Range(2, 9).Draw(t, "steps")
	case "clamp":
		r.lo, r.hi = f.lo+span/4, f.lo+span/2
	case "bucket":
		r.edges = []int64{f.lo + span/5, f.lo + span/2}
	}
	return r
}

func (r *twinRule) drawCoverage(t *rapid.T) {
	if r.windowed() {
		r.cover = rapid.SampledFrom([]int{0, 0, 2, 4}).Draw(t, "least coverage")
	}
}

func drawStory(t *rapid.T) *story {
	s := &story{broken: rapid.IntRange(0, 19).Draw(t, "broken") == 0, serial: "SN-0001-aaaa", mine: rapid.IntRange(0, 4).Draw(t, "mine") == 0,
		charter: rapid.SampledFrom([]string{"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "never = [\"presence\"]", "never_readable = [\"room.co2\"]", "max_bits_per_day = 2000", "max_retention = \"10d\""}).Draw(t, "charter")}
	edited := rapid.IntRange(0, 3).Draw(t, "edited") == 0
	for i := range rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 0}).Draw(t, "purposes") {
		p := twinPurpose{id: fmt.Sprintf("p%d", i), tick: rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Minute, time.Hour}).Draw(t, "tick"),
			up: rapid.SampledFrom([]time.Duration{time.Hour, 2 * time.Hour}).Draw(t, "upload"), room: rapid.Bool().Draw(t, "room")}
		if level := rapid.IntRange(0, 18).Draw(t, "level"); level >= 1 && level <= 9 {
			for index := range home()["bike"] { // both or none
				p.rule = append(p.rule, twinRule{source: "bike", index: index, action: "grid", level: level, step: gridSides()[level]})
			}
		}
		for _, source := range []string{"room", "door"} {
			for index := range home()[source] {
				if rapid.IntRange(0, 2).Draw(t, "rule?") > 0 {
					p.rule = append(p.rule, drawRule(t, source, index))
				}
			}
		}
		for _, r := range p.rule {
			if !edited {
				break
			}
			switch change := rapid.IntRange(0, 4).Draw(t, "edit"); {
			case r.action == "grid":
				p.then = append(p.then, r)
			case change == 0: // taken out
			case change == 1:
				p.then = append(p.then, drawRule(t, r.source, r.index))
			default:
				p.then = append(p.then, r)
			}
		}
		s.purposes = append(s.purposes, p)
		at := time.Duration(rapid.IntRange(1, 60).Draw(t, "grant"))*time.Minute + 11*time.Second
		s.moments = append(s.moments, moment{at: at, what: "grant", purpose: p.id})
		if rapid.IntRange(0, 2).Draw(t, "withdrawn?") == 0 {
			s.moments = append(s.moments, moment{at: at + time.Duration(rapid.IntRange(1, 200).Draw(t, "withdraw"))*time.Minute, what: "withdraw", purpose: p.id})
		}
	}
	for _, what := range []string{"cut", "heal", "restart", "reload"} {
		if rapid.Bool().Draw(t, what) {
			s.moments = append(s.moments, moment{at: time.Duration(rapid.IntRange(60, 400).Draw(t, what+" at"))*time.Minute + 17*time.Second, what: what})
		}
	}
	minute := func(lo, hi int, what string) time.Duration {
		return time.Duration(rapid.IntRange(lo, hi).Draw(t, what)) * time.Minute
	}
	if edited {
		s.moments = append(s.moments, moment{at: minute(60, 400, "edit at") + 19*time.Second, what: "edit"})
	}
	if rapid.IntRange(0, 3).Draw(t, "paused") == 0 {
		at := minute(30, 300, "pause at") + 13*time.Second
		s.moments = append(s.moments, moment{at: at, what: "pause"}, moment{at: at + minute(1, 100, "pause for"), what: "resume"})
	}
	if s.mine {
		s.moments = append(s.moments, moment{at: minute(1, 100, "mine at") + 14*time.Second, what: "grant", purpose: consent.MineID})
	}
	s.drawClock(t, minute)
	for k, source := range sourceNames() {
		for at := time.Duration(rapid.IntRange(1, 20).Draw(t, "first"))*time.Minute + time.Duration(23+k)*time.Second; at < storyLength; {
			r := reading{at: at, source: source}
			for _, f := range home()[source] {
				r.values = append(r.values, drawValue(t, f))
			}
			s.readings = append(s.readings, r)
			at += time.Duration(rapid.IntRange(2, 20).Draw(t, "pause")*(1+k/2)) * time.Minute
		}
	}
	return s
}

// drawClock has the wall clock jump, stand still, and be of no use after a start of the machine until something sets it.
// The odd parts of a second keep what then wakes away from what wakes anyway.
func (s *story) drawClock(t *rapid.T, minute func(lo, hi int, what string) time.Duration) {
	if s.clock = rapid.Bool().Draw(t, "clock"); !s.clock {
		return
	}
	const year = 365 * 24 * time.Hour
	for range rapid.IntRange(1, 3).Draw(t, "moves") {
		m := moment{at: minute(20, 400, "move at") + 29*time.Second, what: rapid.SampledFrom([]string{"jump", "jump", "stop", "reboot"}).Draw(t, "move")}
		m.by = rapid.SampledFrom([]time.Duration{3 * time.Second, 97 * time.Second, 2 * time.Hour, 31 * time.Hour, 10 * year, 57 * year}).Draw(t, "by")
		if m.by += 207 * time.Millisecond; rapid.Bool().Draw(t, "back") {
			m.by = -m.by
		}
		s.moments = append(s.moments, m)
		if rapid.IntRange(0, 2).Draw(t, "set?") > 0 {
			s.moments = append(s.moments, moment{at: m.at + minute(1, 150, "set after") + 2*time.Second, what: "set"})
		}
	}
}

// bent tells whether the clock had moved by then, or moves within that hour: from there on the agent's buckets and windows are
// not the story's.
func (s *story) bent(at time.Duration) bool {
	return slices.ContainsFunc(s.moments, func(m moment) bool {
		return slices.Contains([]string{"jump", "stop", "reboot"}, m.what) && at >= m.at.Truncate(time.Hour)
	})
}

func drawValue(t *rapid.T, f twinField) sensors.Value {
	if rapid.IntRange(0, 14).Draw(t, "quality") == 0 {
		return sensors.Value{Quality: rapid.SampledFrom([]sensors.Quality{sensors.Absent, sensors.Fault, sensors.OutOfRange}).Draw(t, "bad")}
	}
	if f.token {
		return sensors.Token(rapid.SampledFrom([]string{"anna", "bert", "carl"}).Draw(t, "token"))
	}
	return sensors.Number(rapid.Int64Range(f.lo, f.hi).Draw(t, "value"))
}

// heard are the purposes that may hear a reading: those answered yes before it and not taken back, whatever the agent makes
// of the yes. So what is hidden here is hidden for certain.
func (s *story) heard(at time.Duration) []twinPurpose {
	var out []twinPurpose
	if s.broken {
		return nil
	}
	for _, m := range s.moments { // a pause and its end, in this order
		if m.what == "pause" && m.at <= at && !slices.ContainsFunc(s.moments, func(e moment) bool { return e.what == "resume" && e.at <= at }) {
			return nil
		}
	}
	for _, p := range s.purposes {
		open := false
		for _, m := range s.moments {
			if m.purpose == p.id && m.at <= at {
				open = m.what == "grant" && !open || open && m.what != "withdraw"
			}
		}
		if open {
			out = append(out, p)
		}
	}
	return out
}

// lets are the rules through which something of one value of a reading could leave.
func (s *story) lets(r *reading, index int) []twinRule {
	var out []twinRule
	for _, p := range s.heard(r.at) {
		for _, rule := range p.rules() {
			if rule.source == r.source && rule.index == index && rule.action != "drop" && rule.action != "local" {
				out = append(out, rule)
			}
		}
	}
	return out
}

// twin draws a history that differs only in what is hidden.
func (s *story) twin(t *rapid.T) *story {
	out := &story{broken: s.broken, purposes: s.purposes, moments: s.moments, charter: s.charter, mine: s.mine, clock: s.clock, serial: "SN-9876-zyxw"}
	for _, r := range s.readings {
		r.values = append([]sensors.Value(nil), r.values...)
		out.readings = append(out.readings, r)
	}
	for i := range out.readings {
		r := &out.readings[i]
		for index, f := range home()[r.source] {
			if v := &r.values[index]; v.Quality == sensors.OK && s.alter(t, r, index, f, v) {
				r.hidden = true
			}
		}
	}
	s.balance(t, out)
	s.shuffle(t, out)
	if !s.clock && rapid.Bool().Draw(t, "shift") {
		s.shift(t, out)
	}
	return out
}

// shift moves readings inside the tick of everybody who hears them. Their order among themselves and with what else happens stays,
// so that randomness can be a matter of who asks for the how manieth time.
func (s *story) shift(t *rapid.T, out *story) {
	fixed := []time.Duration{0, storyLength}
	for _, m := range s.moments {
		fixed = append(fixed, m.at)
	}
	order := make([]*reading, len(out.readings))
	for i := range out.readings {
		order[i] = &out.readings[i]
	}
	slices.SortStableFunc(order, func(a, b *reading) int { return cmp.Compare(a.at, b.at) })
	for i, r := range order {
		from, to := time.Duration(0), storyLength
		for _, at := range fixed {
			if at <= r.at {
				from = max(from, at)
			} else {
				to = min(to, at)
			}
		}
		if i > 0 {
			from = max(from, order[i-1].at)
		}
		if i+1 < len(order) {
			to = min(to, order[i+1].at)
		}
		for _, p := range s.heard(r.at) {
			from = max(from, r.at.Truncate(p.tick))
			to = min(to, r.at.Truncate(p.tick)+p.tick)
		}
		// Not on a whole second, where other things of the agent wake.
		first, last := from.Truncate(time.Second)+2*time.Second, to.Truncate(time.Second)-2*time.Second
		if first >= last {
			continue
		}
		r.at = first + time.Duration(rapid.Int64Range(0, int64((last-first)/time.Second)).Draw(t, "later"))*time.Second + 313*time.Millisecond
		r.hidden, out.shifted = true, true
	}
}

// alter gives a value that shows the same through every rule, far away if there is one.
func (s *story) alter(t *rapid.T, r *reading, index int, f twinField, v *sensors.Value) bool {
	rules := s.lets(r, index)
	free := true
	for _, rule := range rules {
		free = free && rule.action == "count"
	}
	if f.token {
		if free {
			v.Token = rapid.StringMatching(`[a-z]{1,40}`).Draw(t, "hidden token")
		}
		return free
	}
	for _, rule := range rules {
		if rule.windowed() && rule.action != "count" || rule.action == "keep" {
			return false
		}
	}
	lo, hi := f.lo, f.hi
	for _, rule := range rules {
		if rule.action == "grid" { // so small a cell is not met by chance
			south := rule.form(v.Num) * rule.step
			lo, hi = max(lo, south), min(hi, south+rule.step-1)
		}
	}
	for range 12 {
		n := rapid.Int64Range(lo, hi).Draw(t, "hidden value")
		same := n != v.Num
		for _, rule := range rules {
			same = same && (rule.action == "count" || rule.form(n) == rule.form(v.Num))
		}
		if same {
			v.Num = n
			return true
		}
	}
	return false
}

// balance moves an amount from one reading of a window to another where only their mean or sum leaves.
func (s *story) balance(t *rapid.T, out *story) {
	for i := range out.readings {
		a := &out.readings[i]
		for j := i + 1; j < len(out.readings); j++ {
			b := &out.readings[j]
			if b.source != a.source {
				break
			}
			if a.at.Truncate(time.Hour) != b.at.Truncate(time.Hour) || fmt.Sprint(s.heard(a.at)) != fmt.Sprint(s.heard(b.at)) || s.restarted(a.at, b.at) {
				continue
			}
			for index, f := range home()[a.source] {
				va, vb := &a.values[index], &b.values[index]
				rules := s.lets(a, index)
				ok := len(rules) > 0 && !f.token && va.Quality == sensors.OK && vb.Quality == sensors.OK
				for _, rule := range rules {
					ok = ok && (rule.action == "mean" || rule.action == "sum" || rule.action == "count")
				}
				most := min(f.hi-va.Num, vb.Num-f.lo)
				if !ok || most <= 0 {
					continue
				}
				d := rapid.Int64Range(0, most).Draw(t, "moved")
				va.Num, vb.Num = va.Num+d, vb.Num-d
				a.hidden, b.hidden = a.hidden || d != 0, b.hidden || d != 0
			}
			break
		}
	}
}

// restarted tells whether the agent began anew between two instants, or its rules or a pause did, so that what it had in memory
// may be gone, or whether the clock had moved.
func (s *story) restarted(a, b time.Duration) bool {
	if s.bent(b) {
		return true
	}
	for _, m := range s.moments {
		if slices.Contains([]string{"restart", "reload", "edit", "pause", "resume"}, m.what) && m.at >= a && m.at <= b {
			return true
		}
	}
	return false
}

// shuffle exchanges two readings that lie in one bucket of everybody who hears them.
func (s *story) shuffle(t *rapid.T, out *story) {
	for i := 0; i+1 < len(out.readings); i++ {
		a, b := &out.readings[i], &out.readings[i+1]
		heard := s.heard(a.at)
		if a.source != b.source || fmt.Sprint(heard) != fmt.Sprint(s.heard(b.at)) || s.restarted(a.at, b.at) {
			continue
		}
		same := len(heard) > 0
		for index := range a.values { // a stream's name is drawn with its first row: which reading has one stays as it is
			same = same && a.values[index].Quality == b.values[index].Quality
		}
		for _, p := range heard {
			same = same && a.at.Truncate(p.tick) == b.at.Truncate(p.tick) && !p.remembers()
		}
		if same && rapid.Bool().Draw(t, "exchange") {
			a.values, b.values = b.values, a.values
			a.hidden, b.hidden, out.moved = true, true, true
			i++
		}
	}
}
