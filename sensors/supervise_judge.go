package sensors

import "slices"

// stuckAfter is how many readings in a row may bring the same number from a kind that always jitters.
const stuckAfter = 1000

// jitters lists the kinds whose last digit never stands still on a part that works.
func jitters(kind string) bool {
	return slices.Contains([]string{"pressure", "acceleration", "angular-velocity", "sound-level"}, kind)
}

// neverZero lists the kinds that are not exactly zero in any place where a part works.
func neverZero(kind string) bool {
	return slices.Contains([]string{"pressure", "humidity", "co2"}, kind)
}

// judge gives values their quality by what was before. It belongs to one goroutine.
type judge struct {
	fields   []Field
	zeroDead bool
	past     []past
}

// past is what is known of one field.
type past struct {
	stuck   int   // readings in a row until stale; 0 is never
	jump    int64 // greatest step; 0 is any
	last    int64 // raw, of the last reading that had one
	same    int   // how often in a row
	believe int64 // the last value believed
	known   bool  // believe is set
	doubt   int64 // a value that jumped
	doubted bool  // doubt is set
}

func newJudge(c Supervised) judge {
	j := judge{fields: c.Fields, past: make([]past, len(c.Fields)), zeroDead: c.Zero == ZeroDead}
	for i, f := range c.Fields {
		j.zeroDead = j.zeroDead || c.Zero == ZeroByKind && neverZero(f.Kind.Name)
		if f.Kind.Type != Numeric {
			continue
		}
		j.past[i].jump = c.Jumps[f.Quantity()]
		switch {
		case c.StuckAfter > 0:
			j.past[i].stuck = c.StuckAfter
		case c.StuckAfter == 0 && jitters(f.Kind.Name):
			j.past[i].stuck = stuckAfter
		}
	}
	return j
}

// check sets the quality of values, and calls count with what it found and the field's place.
func (j *judge) check(values []Value, count func(what string, field int)) {
	if j.zeroDead && allZero(values) {
		for i := range values {
			if values[i].Quality != Absent {
				values[i] = Value{Quality: Fault}
				count(deadZero, i)
			}
		}
		return
	}
	for i := range values {
		before := values[i].Quality
		v := j.fields[i].Kind.Check(values[i])
		if v.Quality == Fault {
			v = Value{Quality: Fault}
		}
		switch {
		case v.Quality == OutOfRange:
			count(outOfRange, i)
		case v.Quality == Fault:
			count(badValue, i)
		}
		if before == OK && j.fields[i].Kind.Type == Numeric && v.Quality != Fault {
			v = j.past[i].check(v, func(what string) { count(what, i) })
		}
		values[i] = v
	}
}

// allZero says whether something was measured and all of it is zero.
func allZero(values []Value) bool {
	measured := false
	for _, v := range values {
		if v.Quality == Absent {
			continue
		}
		if v.Num != 0 || v.Token != "" || v.Quality != OK {
			return false
		}
		measured = true
	}
	return measured
}

// check looks for a stuck value and a jump.
func (p *past) check(v Value, count func(what string)) Value {
	if p.same > 0 && v.Num == p.last {
		p.same++
	} else {
		p.last, p.same = v.Num, 1
	}
	if v.Quality != OK {
		return v
	}
	if p.stuck > 0 && p.same > p.stuck {
		v.Quality = Stale
		count(staleValue)
		return v
	}
	if p.jump > 0 && p.known && far(v.Num, p.believe, p.jump) {
		if !p.doubted || far(v.Num, p.doubt, p.jump) {
			p.doubt, p.doubted = v.Num, true
			count(jumped)
			return Value{Quality: Fault}
		}
	}
	p.believe, p.known, p.doubted = v.Num, true, false
	return v
}

// far says whether a and b are more than step apart, whatever they are.
func far(a, b, step int64) bool {
	if a < b {
		a, b = b, a
	}
	return uint64(a)-uint64(b) > uint64(step)
}

// forget drops what is known of the values before: the part was away.
func (j *judge) forget() {
	for i := range j.past {
		p := &j.past[i]
		*p = past{stuck: p.stuck, jump: p.jump}
	}
}

// gate decides which readings are worth emitting. It belongs to one goroutine.
type gate struct {
	last   []Value // as emitted
	at     int64   // when, in nanoseconds
	opened bool
}

// worth says whether a reading taken at now, in nanoseconds, is to be emitted.
func (g *gate) worth(c *Supervised, values []Value, now int64) bool {
	if !g.opened {
		return true
	}
	since := now - g.at
	if since >= 0 && since < int64(c.MinInterval) {
		return false
	}
	return len(c.Change) == 0 || c.AtLeast > 0 && since >= int64(c.AtLeast) || g.moved(c, values)
}

// passed notes that a reading was emitted.
func (g *gate) passed(values []Value, now int64) {
	g.last = append(g.last[:0], values...)
	g.at, g.opened = now, true
}

// moved says whether a field changed by as much as is worth a reading.
func (g *gate) moved(c *Supervised, values []Value) bool {
	for i, v := range values {
		was := g.last[i]
		if v.Quality != was.Quality || v.Token != was.Token {
			return true
		}
		least := max(c.Change[c.Fields[i].Quantity()], 1)
		if far(v.Num, was.Num, least-1) {
			return true
		}
	}
	return false
}
