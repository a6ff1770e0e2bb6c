package consent

import (
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// The order of disclosure: a rule tells no more than another when what it lets out can be worked out from what the other
// lets out, whatever the values are (privacy-requirements §2.2). It is a partial order, and what it can't decide counts as
// more: a mean over a day can't be worked out from rounded means over hours, so it is neither. It speaks of readings in
// the order they were taken.

// quiet tells whether the rule lets nothing out.
func (r *Rule) quiet() bool {
	return r.Action == "drop" || r.Action == "local" || r.Action == unanswered
}

// tellsNoMore tells whether r tells no more than agreed, whose stamps are multiples of tick. agreed lets something out.
func (r *Rule) tellsNoMore(agreed *Rule, tick tinyconf.Duration) bool {
	switch {
	case r.quiet():
		return true
	case agreed.quiet(), r.least() < agreed.least(), r.Coverage < agreed.Coverage:
		return false
	}
	a, b := r.kind(), agreed.kind()
	switch {
	case a == b && r.Window == agreed.Window:
		return r.coarserForm(agreed)
	case r.Window == 0 || agreed.Window == r.Window:
		return false
	case b == "value" && agreed.Window == 0:
		return r.Window%tick == 0 && r.fromReadings(agreed)
	case b == "pseudonym" && a == "count":
		return r.Window%tick == 0
	}
	return a == b && r.Window%agreed.Window == 0 && agreed.Window%tick == 0 && r.fromWindows(agreed)
}

// least is how many values a window needs before it says anything. A count says zero as well.
func (r *Rule) least() int {
	if r.Action == "count" {
		return r.Least
	}
	return max(r.Least, 1)
}

// kind is what is computed, the parameters aside.
func (r *Rule) kind() string {
	switch r.Action {
	case "keep":
		if len(r.Labels) > 0 {
			return "label"
		}
		return "value"
	case "round", "clamp", "bucket":
		return "value"
	case "threshold":
		if r.Hysteresis == nil || r.Hysteresis.Sign() == 0 {
			return "value" // it is a bucket of one edge
		}
	}
	return r.Action
}

// edges are the edges of a bucket, also where it is called a threshold.
func (r *Rule) edges() []tinyconf.Decimal {
	if r.Action == "threshold" {
		return []tinyconf.Decimal{*r.Threshold}
	}
	return r.Edges
}

// coarserForm compares two rules that compute the same over the same window.
func (r *Rule) coarserForm(b *Rule) bool {
	switch r.kind() {
	case "pseudonym", "count":
		return true
	case "label":
		return !slices.ContainsFunc(r.Labels, func(l string) bool { return !slices.Contains(b.Labels, l) })
	case "grid":
		return r.Level <= b.Level
	case "threshold": // where it stands depends on all readings before, so no other threshold gives it
		return compare(r.Threshold, b.Threshold) == 0 && compare(r.Hysteresis, b.Hysteresis) == 0
	}
	if edges := r.edges(); len(edges) > 0 {
		return b.givesEdges(edges)
	}
	if len(b.edges()) > 0 {
		return false
	}
	if b.Min != nil && (r.Min == nil || compare(r.Min, b.Min) < 0 || compare(r.Max, b.Max) > 0) {
		return false
	}
	return b.Round == nil || r.Round != nil && divides(b.Round, r.Round)
}

// givesEdges tells whether from what b lets out one can tell on which side of each edge the value was.
func (r *Rule) givesEdges(edges []tinyconf.Decimal) bool {
	for i := range edges {
		e := &edges[i]
		if own := r.edges(); len(own) > 0 {
			if !slices.Contains(own, *e) {
				return false
			}
			continue
		}
		if r.Min != nil && (compare(e, r.Min) <= 0 || compare(e, r.Max) > 0) || r.Round != nil && !divides(r.Round, e) {
			return false
		}
	}
	return true
}

// fromReadings tells whether a window's value can be worked out from single readings in the form b, all of which leave
// with a stamp that says which window they are of.
func (r *Rule) fromReadings(b *Rule) bool {
	exact := b.Round == nil && b.Min == nil && len(b.edges()) == 0
	switch r.Action {
	case "count":
		return true
	case "min", "max":
		return b.Min == nil && len(b.edges()) == 0 && (b.Round == nil || r.Round != nil && divides(b.Round, r.Round))
	}
	return exact
}

// fromWindows tells whether a longer window's value can be worked out from those of shorter ones that tile it.
func (r *Rule) fromWindows(b *Rule) bool {
	if b.Least > 1 || b.Coverage > 0 {
		return false // a window that says nothing is missing in the longer one
	}
	switch r.Action {
	case "count":
		return true
	case "sum":
		return b.Round == nil
	case "min", "max":
		return b.Round == nil || r.Round != nil && divides(b.Round, r.Round)
	}
	return false // means of unequal counts don't add up
}

// scaled gives two decimals as integers of one scale; ok is false when they don't fit, and then nothing is promised.
func scaled(a, b *tinyconf.Decimal) (x, y int64, ok bool) {
	_, ea := a.Parts()
	_, eb := b.Parts()
	scale := max(0, -ea, -eb)
	x, errA := a.Scaled(scale)
	y, errB := b.Scaled(scale)
	return x, y, errA == nil && errB == nil
}

// compare is -1, 0 or 1; numbers too far apart to be compared exactly go by their sign and size.
func compare(a, b *tinyconf.Decimal) int {
	x, y, ok := scaled(a, b)
	switch {
	case !ok && a.Sign() != b.Sign():
		x, y = int64(a.Sign()), int64(b.Sign())
	case !ok:
		x, y = magnitude(a)*int64(a.Sign()), magnitude(b)*int64(b.Sign())
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// magnitude is the place of the first digit, from 1 up.
func magnitude(d *tinyconf.Decimal) int64 {
	m, e := d.Parts()
	n := int64(e) + 64
	for ; m != 0; m /= 10 {
		n++
	}
	return n
}

// divides tells whether b is a whole multiple of a.
func divides(a, b *tinyconf.Decimal) bool {
	x, y, ok := scaled(a, b)
	return ok && x != 0 && y%x == 0
}

// coarser is the coarser of two lengths of time that nest, the one with fewer of them in a day; ok is false when neither is
// a multiple of the other (a week and a month).
func coarser[D sensors.Micros | tinyconf.Duration](a, b D) (D, bool) {
	switch {
	case a%b == 0:
		return a, true
	case b%a == 0:
		return b, true
	}
	return 0, false
}
