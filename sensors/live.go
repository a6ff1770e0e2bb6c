package sensors

import (
	"sync"
)

// LiveSize is how many bytes a [Live] uses at the most, by default.
const LiveSize = 512 << 10

// Bytes that one value takes in a ring: the entry, and for a token the longest text.
const (
	liveNumber = 24
	liveToken  = 40 + MaxToken
)

// Live is what was measured in the last hours: the newest values of each field, in memory of a fixed size. It is never
// written anywhere and is gone with the process. It holds raw values, for the person living with the object alone. Safe for
// concurrent use.
type Live struct {
	mu      sync.Mutex
	sources map[string][]*liveRing
	rings   []*liveRing
}

// LiveSource names a source and its fields, in the order of its readings' values.
type LiveSource struct {
	Name   string
	Fields []Field
}

// LivePoint is one value at its event time.
type LivePoint struct {
	At    Micros
	Num   int64  // in the field's unit and scale
	Token string // of a token field
}

// LiveSeries is the values of one field, oldest first.
type LiveSeries struct {
	Field  Field
	Points []LivePoint
}

// liveRing is the newest values of one field. It grows to limit entries and then writes over the oldest.
type liveRing struct {
	field  Field
	limit  int
	at     []Micros
	nums   []int64
	tokens []string
	next   int // where the next value goes, once limit are there
}

// NewLive makes a memory of size bytes for the fields of these sources, shared among them evenly. It takes the memory as it
// fills up.
func NewLive(sources []LiveSource, size int) *Live {
	l := &Live{sources: map[string][]*liveRing{}}
	fields := 0
	for _, s := range sources {
		fields += len(s.Fields)
	}
	for _, s := range sources {
		for _, f := range s.Fields {
			each := liveNumber
			if f.Kind.Type == Text {
				each = liveToken
			}
			r := &liveRing{field: f, limit: max(size/fields/each, 1)}
			l.sources[s.Name], l.rings = append(l.sources[s.Name], r), append(l.rings, r)
		}
	}
	return l
}

// Add takes the values of a reading that are plausible. It copies them.
func (l *Live) Add(r *Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, ring := range l.sources[r.Source] {
		if i < len(r.Values) && r.Values[i].Quality == OK {
			ring.add(r.Time, &r.Values[i])
		}
	}
}

func (r *liveRing) add(at Micros, v *Value) {
	text := r.field.Kind.Type == Text
	if len(r.at) < r.limit {
		r.at = append(r.at, at)
		if text {
			r.tokens = append(r.tokens, v.Token)
		} else {
			r.nums = append(r.nums, v.Num)
		}
		return
	}
	r.at[r.next] = at
	if text {
		r.tokens[r.next] = v.Token
	} else {
		r.nums[r.next] = v.Num
	}
	if r.next++; r.next == r.limit {
		r.next = 0
	}
}

// Series copies the values of one field, or of all with "", from a time on. A field that nothing has is no series.
func (l *Live) Series(field string, since Micros) []LiveSeries {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []LiveSeries
	for _, r := range l.rings {
		if field == "" || r.field.Name == field {
			out = append(out, LiveSeries{r.field, r.points(since)})
		}
	}
	return out
}

func (r *liveRing) points(since Micros) []LivePoint {
	var out []LivePoint
	for i := range r.at {
		at := (r.next + i) % len(r.at)
		if r.at[at] < since {
			continue
		}
		p := LivePoint{At: r.at[at]}
		if r.tokens != nil {
			p.Token = r.tokens[at]
		} else {
			p.Num = r.nums[at]
		}
		out = append(out, p)
	}
	return out
}
