package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"math"
	"sort"
	"strconv"

	"github.com/candor-edge/candor/sensors"
)

// Windows is what a plan remembers between readings: open windows, the bucket each source is in, and how often what
// was withheld and why. It lives in RAM only, since a partial sum on a disk would be raw data again. Not safe for
// concurrent use; one pipeline owns it. When the plan changes, what belongs to a grant that is gone is forgotten.
type Windows struct {
	keys     KeyMaker
	plan     *Plan
	sources  map[string]*sourceState
	skip     map[skipKey]uint64
	closed   map[closedKey]sensors.Micros
	cells    []Cell
	withheld map[withheldKey]uint64
	paused   bool
	born     sensors.Micros // the first moment that the memory heard of; 0: none yet
}

type skipKey struct {
	grant  GrantID
	source string
}

type closedKey struct {
	skipKey
	window sensors.Micros
}

type withheldKey struct {
	field, purpose string
	reason         Reason
}

// Withheld is one line of what did not leave.
type Withheld struct {
	Field   string `json:"field"`
	Purpose string `json:"purpose,omitempty"` // "" when no purpose asks for the field
	Reason  Reason `json:"reason"`
	Count   uint64 `json:"count"` // readings since the agent started
}

// sourceState is what is remembered of one source.
type sourceState struct {
	rules    []*ruleState
	unwanted uint64 // readings, for the fields that no purpose names
	fields   []string
}

// ruleState is what is remembered of one source under one purpose.
type ruleState struct {
	rules   *sourceRules
	blocked map[Reason]uint64   // whole readings that did not count
	lost    []map[Reason]uint64 // per rule: single values that did not leave
	heard   uint64              // readings that counted, for the fields of which nothing leaves
	on      [][]bool            // per group and rule: where a threshold with hysteresis stands
	since   sensors.Micros      // event time of the first reading that counted
	last    sensors.Micros      // event time of the newest one
	taken   sensors.Micros      // moment of capture of the newest one
	turn    sensors.Micros      // the end of the tick that the newest one was captured in
	before  passed              // how things stood when that tick began
	replay  bool                // the newest one is of a recording
	started bool
	resumed bool // a pause ended, and nothing was read since
	ended   bool
	tick    int64  // the bucket the source is in
	skip    uint64 // readings of a recording up to this one were cleared before, see SkipTo
	open    []openWindow
	epoch   uint64
	hmacs   map[sensors.Class]hash.Hash
}

// openWindow is a window that is not closed yet; parallel to sourceRules.groups.
type openWindow struct {
	open  bool
	start sensors.Micros
	done  sensors.Micros // every window that starts before this is closed: at most one row a window
	epoch uint64
	day   int64
	acc   []accumulator
	// before is where the windows stood when the tick of the newest reading began: those that start earlier were closed by then.
	before sensors.Micros
}

// NewWindows makes an empty memory. keys gives the pseudonym keys and must not be nil where a policy uses pseudonyms.
func NewWindows(keys KeyMaker) *Windows {
	return &Windows{keys: keys, skip: map[skipKey]uint64{}, closed: map[closedKey]sensors.Micros{}, withheld: map[withheldKey]uint64{}, sources: map[string]*sourceState{}}
}

// SkipTo says that for this grant the recording behind a source was used up to this position: readings whose Position
// is not above it are not cleared for it again.
func (w *Windows) SkipTo(grant GrantID, source string, position uint64) {
	w.skip[skipKey{grant, source}] = position
	w.setSkips(source)
}

// setSkips puts where to begin beside the rules of a source, where it costs nothing to look at.
func (w *Windows) setSkips(source string) {
	if s := w.sources[source]; s != nil {
		for _, st := range s.rules {
			st.skip = w.skip[skipKey{st.rules.purpose.Grant.ID, source}]
		}
	}
}

// ClosedBefore says that for this grant the windows of this length over a source that begin before a moment were told
// already, before a restart: whatever comes of them is late, so that no window is ever told in pieces.
func (w *Windows) ClosedBefore(grant GrantID, source string, window, moment sensors.Micros) {
	w.closed[closedKey{skipKey{grant, source}, window}] = moment
}

// adopt makes the memory fit the plan. What belongs to a grant and rules that go on is kept.
func (w *Windows) adopt(p *Plan) {
	if w.plan == p {
		return
	}
	kept := map[string]*ruleState{}
	for name, s := range w.sources {
		for _, r := range s.rules {
			if r.rules.purpose.State == Given {
				kept[stateName(name, r.rules.purpose)] = r
			}
		}
		w.fold(s)
	}
	w.plan = p
	w.sources = make(map[string]*sourceState, len(p.sources))
	for name, known := range p.sources {
		s := &sourceState{fields: known.unwanted}
		for _, rules := range known.rules {
			st, ok := kept[stateName(name, rules.purpose)]
			if !ok || rules.purpose.State != Given {
				st = newRuleState(rules)
				w.remember(st)
			}
			st.rules = rules
			s.rules = append(s.rules, st)
		}
		w.sources[name] = s
		w.setSkips(name)
	}
}

func stateName(source string, p *Purpose) string {
	return source + "\x00" + p.ID + "\x00" + string(p.Digest[:]) + "\x00" + strconv.FormatUint(uint64(p.Grant.ID), 10)
}

func newRuleState(rules *sourceRules) *ruleState {
	st := &ruleState{rules: rules, blocked: map[Reason]uint64{}, hmacs: map[sensors.Class]hash.Hash{}}
	st.lost = make([]map[Reason]uint64, len(rules.named))
	for i := range st.lost {
		st.lost[i] = map[Reason]uint64{}
	}
	st.open = make([]openWindow, len(rules.groups))
	st.on = make([][]bool, len(rules.groups))
	for i := range st.open {
		st.open[i].done = math.MinInt64
		st.on[i] = make([]bool, len(rules.groups[i].rules))
		st.open[i].acc = make([]accumulator, len(rules.groups[i].rules))
	}
	return st
}

// remember takes over what was closed before a restart.
func (w *Windows) remember(st *ruleState) {
	for i := range st.open {
		key := closedKey{skipKey{st.rules.purpose.Grant.ID, st.rules.source}, st.rules.groups[i].window}
		if done, ok := w.closed[key]; ok {
			st.open[i].done = done
		}
	}
}

// fold moves a source's counters into the total, so that they survive a change of plan.
func (w *Windows) fold(s *sourceState) {
	for _, f := range s.fields {
		if s.unwanted > 0 {
			w.withheld[withheldKey{f, "", NoRule}] += s.unwanted
		}
	}
	s.unwanted = 0
	for _, r := range s.rules {
		for reason, n := range r.blocked {
			for _, f := range r.rules.named {
				w.withheld[withheldKey{f, r.rules.purpose.ID, reason}] += n
			}
		}
		clear(r.blocked)
		if r.heard > 0 {
			for _, q := range r.rules.silent {
				w.withheld[withheldKey{q.field, r.rules.purpose.ID, q.reason}] += r.heard
			}
			r.heard = 0
		}
		for i, m := range r.lost {
			for reason, n := range m {
				w.withheld[withheldKey{r.rules.named[i], r.rules.purpose.ID, reason}] += n
			}
			clear(m)
		}
	}
}

// Withheld lists what did not leave and why since the memory was made, by field, purpose and reason. Local only:
// counts of what was withheld are never sent.
func (w *Windows) Withheld() []Withheld {
	for _, s := range w.sources {
		w.fold(s)
	}
	out := make([]Withheld, 0, len(w.withheld))
	for k, n := range w.withheld {
		out = append(out, Withheld{k.field, k.purpose, k.reason, n})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Field != b.Field {
			return a.Field < b.Field
		}
		if a.Purpose != b.Purpose {
			return a.Purpose < b.Purpose
		}
		return a.Reason < b.Reason
	})
	return out
}

// Refused counts a value that was not kept for a purpose which is not in the plan, as [MineID].
func (w *Windows) Refused(field, purpose string, why Reason) {
	w.withheld[withheldKey{field, purpose, why}]++
}

// pseudonymHash returns the keyed hash for a class in the current epoch, made once an epoch.
func (w *Windows) pseudonymHash(st *ruleState, epoch uint64, class sensors.Class) (hash.Hash, bool) {
	if st.epoch != epoch {
		clear(st.hmacs)
		st.epoch = epoch
	}
	if h, ok := st.hmacs[class]; ok {
		return h, true
	}
	if w.keys == nil {
		return nil, false
	}
	key, err := w.keys.PseudonymKey(st.rules.purpose.Grant.ID, epoch, class)
	if err != nil || len(key) < 16 {
		return nil, false
	}
	h := hmac.New(sha256.New, key)
	clear(key)
	st.hmacs[class] = h
	return h, true
}
