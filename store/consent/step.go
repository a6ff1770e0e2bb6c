package consent

import (
	"math"
	"sort"
)

// Every numeric action has one rounding rule: floor, in integers of the field's scale, counted from zero. So a coarser
// step is always a function of a finer one that divides it, for negative values too (PRV-19).

// floorTo is the greatest multiple of step that is not above v. step is at least 1. ok is false when the result does
// not fit an int64, and then the value is dropped.
func floorTo(v, step int64) (floored int64, ok bool) {
	r := v % step
	if r < 0 {
		r += step
	}
	if r > 0 && v < math.MinInt64+r {
		return 0, false
	}
	return v - r, true
}

// floorDiv is the floor of a / n for n > 0.
func floorDiv(a, n int64) int64 {
	q := a / n
	if a%n < 0 {
		q--
	}
	return q
}

// stepKind names one arithmetic step of a rule.
type stepKind uint8

const (
	stepFloor  stepKind = iota // greatest multiple of a not above the value
	stepClamp                  // into [a, b]
	stepBucket                 // index of the half-open interval among edges
)

// step is one arithmetic step. Steps are values and hold no state.
type step struct {
	kind  stepKind
	a, b  int64
	edges []int64 // ascending; the index of v is the number of edges that are <= v
}

// apply returns what the step makes of v; ok is false when there is no result, and then the value is dropped.
func (s *step) apply(v int64) (result int64, ok bool) {
	switch s.kind {
	case stepFloor:
		return floorTo(v, s.a)
	case stepClamp:
		return min(max(v, s.a), s.b), true
	case stepBucket:
		return int64(sort.Search(len(s.edges), func(i int) bool { return s.edges[i] > v })), true
	}
	return 0, false
}

// span is what is known of a number: it lies between lo and hi, both included, and is a multiple of unit.
type span struct{ lo, hi, unit int64 }

// through is the span of what the step makes of a number of span in. The receiver's alphabet check and the bound in
// bits a day rest on it.
func (s *step) through(in span) span {
	out := in
	switch s.kind {
	case stepBucket:
		lo, _ := s.apply(in.lo)
		hi, _ := s.apply(in.hi)
		return span{lo, hi, 1}
	case stepFloor:
		out.unit = s.a
	case stepClamp:
		// the bounds themselves need not lie on the grid, so after a clamp nothing is promised of it
		if s.a%in.unit != 0 || s.b%in.unit != 0 {
			out.unit = 1
		}
	}
	var ok bool
	if out.lo, ok = s.apply(in.lo); !ok {
		out.lo = math.MinInt64 + out.unit
	}
	out.hi, _ = s.apply(in.hi)
	return out
}

// aggregate names what a window makes of the values it saw.
type aggregate uint8

const (
	aggNone aggregate = iota
	aggMean
	aggMin
	aggMax
	aggSum
	aggCount
)

// accumulator is the part of an open window that belongs to one field. It is never on a disk.
type accumulator struct {
	n      int64
	sum    int64
	lo, hi int64
	broken bool // the sum left int64: the field of this window is dropped
}

func (a *accumulator) add(v int64) {
	if a.n == 0 {
		a.lo, a.hi = v, v
	}
	a.n++
	a.lo, a.hi = min(a.lo, v), max(a.hi, v)
	sum := a.sum + v
	if (v > 0 && sum < a.sum) || (v < 0 && sum > a.sum) {
		a.broken = true
	}
	a.sum = sum
}

// result is what the window says for this aggregate; ok is false when it says nothing. gain is a power of ten by which
// a mean is finer than its field (1 but for yes/no fields, whose mean is a share in thousandths).
func (a *accumulator) result(kind aggregate, gain int64) (v int64, ok bool) {
	if kind == aggCount {
		return a.n, true
	}
	if a.n == 0 || a.broken && (kind == aggMean || kind == aggSum) {
		return 0, false
	}
	switch kind {
	case aggMean:
		if a.sum > math.MaxInt64/gain || a.sum < math.MinInt64/gain {
			return 0, false
		}
		return floorDiv(a.sum*gain, a.n), true
	case aggMin:
		return a.lo, true
	case aggMax:
		return a.hi, true
	case aggSum:
		return a.sum, true
	}
	return 0, false
}
