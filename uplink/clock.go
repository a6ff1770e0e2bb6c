package uplink

import (
	"cmp"
	"slices"
	"sort"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/wire"
)

// stretches says how many of some rows come from one clock: the first so many, then the next. Without any, all do.
type stretches []int

// first is how many rows, of so many, the next batch may hold.
func (s stretches) first(all int) int {
	if len(s) == 0 {
		return all
	}
	return min(s[0], all)
}

// use says that the first n rows are gone.
func (s *stretches) use(n int) {
	if len(*s) == 0 {
		return
	}
	if (*s)[0] -= n; (*s)[0] <= 0 {
		*s = (*s)[1:]
	}
}

// stretches sorts rows so that those of one clock are together: a batch says of all its rows what their times count from.
func (c *cutter) stretches(rows []store.Row) ([]store.Row, stretches) {
	var spans []timeline.Span
	if c.time != nil {
		spans = c.time.Spans()
	}
	if len(spans) == 0 {
		sort.Sort(rowOrder(rows))
		return rows, nil
	}
	tick := sensors.Micros(c.announcement.Tick)
	of := func(r *store.Row) int {
		at := sensors.Micros(r.Time) * tick
		return 1 + slices.IndexFunc(spans, func(s timeline.Span) bool { return at+tick > s.Start && at <= s.End })
	}
	counts, used := make([]int, len(spans)+1), 0
	for i := range rows {
		n := of(&rows[i])
		if counts[n]++; counts[n] == 1 {
			used++
		}
	}
	if used <= 1 { // nearly always
		sort.Sort(rowOrder(rows))
		return rows, stretches{len(rows)}
	}
	sort.Slice(rows, func(i, j int) bool {
		return cmp.Or(cmp.Compare(of(&rows[i]), of(&rows[j])), compareRows(rows[i], rows[j])) < 0
	})
	return rows, slices.DeleteFunc(counts, func(n int) bool { return n == 0 })
}

// clock says in a batch what it knows of the time of its rows, which are of one clock. Times then count from the last
// edge of all windows before the boot, so that windows stay on their edges. A batch without rows has no time to tell.
func (c *cutter) clock(b *wire.Batch) {
	if c.time == nil || len(b.Groups) == 0 {
		return
	}
	tick, newest := sensors.Micros(c.announcement.Tick), int64(0)
	for i := range b.Groups {
		newest = max(newest, slices.Max(b.Groups[i].Time))
	}
	span, ok := c.span(newest)
	if !ok {
		return
	}
	edge := edgeOf(c.announcement)
	origin := int64(span.Start.Floor(edge) / tick)
	b.Clock = wire.Clock{Untrusted: true, Boot: span.Name(c.stream), Base: newest - origin}
	for i := range b.Groups {
		for j := range b.Groups[i].Time {
			if b.Groups[i].Time[j] -= origin; b.Groups[i].Time[j] < 0 {
				b.Groups[i].Time[j] = 0
			}
		}
	}
	wall := (sensors.Micros(newest)*tick + span.Shift).Floor(tick)
	if b.Clock.Anchored = (span.Resolved || span.Guess) && wall >= 0; b.Clock.Anchored {
		b.Clock.Wall, b.Clock.Error = int64(wall/tick), 1+int64(span.Error()/tick)
	}
}

// span finds the span of a tick. The bucket in which a span began is stamped with its beginning, which lies before.
func (c *cutter) span(tick int64) (timeline.Span, bool) {
	at, length := sensors.Micros(tick), sensors.Micros(c.announcement.Tick)
	if s, ok := c.time.Place(at * length); ok {
		return s, true
	}
	return c.time.Place(at*length + length - 1)
}

// wallDay is the oldest day on which one of these rows was taken, by the wall clock as far as that is known, and not too
// early then; 0 without rows. They are of one clock.
func (c *cutter) wallDay(rows []store.Row) int64 {
	day := oldestDay(rows)
	if c.time == nil || len(rows) == 0 {
		return day
	}
	if s, ok := c.span(rows[len(rows)-1].Time); ok && s.Resolved {
		day = (sensors.Micros(day+1)*sensors.Day - 1 + s.Shift).DayNumber()
	}
	return day
}

// edgeOf is the least common multiple of the tick and all windows, or the tick where that is longer than a span can be.
func edgeOf(a *wire.Announcement) sensors.Micros {
	edge := a.Tick
	for i := range a.Groups {
		if w := a.Groups[i].Window; w > 0 {
			x, y := edge, w
			for y > 0 {
				x, y = y, x%y
			}
			if edge = edge / x * w; edge > int64(3650*sensors.Day) {
				return sensors.Micros(a.Tick) // no such windows are offered by any policy; then times are not on edges
			}
		}
	}
	return sensors.Micros(edge)
}
