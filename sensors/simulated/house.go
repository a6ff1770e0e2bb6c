package simulated

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// usualEvery is the time between readings where none is configured.
const usualEvery = 10 * sensors.Second

// house is a source that reads one room. It implements sensors.Source and Ending.
//
// It reads at its start and each time that every is over, and besides at the moments at which a door or a badge does
// something, as such parts do. With no start and at a pace of 1x the times are those of the clock; else the house has a
// time of its own, and the clock only says how fast it goes by.
type house struct {
	name   string
	rooms  []room
	room   *room // one of them
	fields []sensors.Field
	seed   int64
	every  sensors.Micros
	length sensors.Micros // 0 has no end
	start  sensors.Micros
	clock  sensors.Clock // nil when start is set
	live   bool          // the times are the clock's
	pace   *pacer

	days   [2]*seen // the latest ones that were needed, by whether their number is odd
	values []sensors.Value
}

var (
	_ sensors.Ending  = (*house)(nil)
	_ sensors.Beating = (*house)(nil)
)

// openHouse opens the room that c names.
func openHouse(c sensors.Config, env sensors.Env) (sensors.Source, error) {
	var faults []error
	fault := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	fault(sensors.CheckName(c.Name, sensors.MaxSourceName))
	h := &house{name: c.Name, seed: c.Seed, every: usualEvery,
		length: sensors.Micros(time.Duration(c.For).Microseconds())}
	h.rooms = rooms()
	names := make([]string, len(h.rooms))
	for i, r := range h.rooms {
		names[i] = r.name
	}
	at := slices.Index(names, c.Room)
	if at < 0 {
		fault(fmt.Errorf("room: no room is called %q; %s", c.Room, tinyconf.Hint(c.Room, names)))
		at = 0
	}
	h.room = &h.rooms[at]
	fault(h.makeFields())
	fault(sensors.SetClasses(h.fields, c.Classes))
	if c.Every != 0 {
		h.every = sensors.Micros(time.Duration(c.Every).Microseconds())
	}
	if h.every < sensors.Millisecond || h.every > sensors.Day {
		fault(errors.New("every: it must be 1ms to 24h"))
	}
	if h.length < 0 {
		fault(errors.New("for: it can't be negative"))
	}
	fault(h.setTime(c, env))
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	return h, nil
}

func (h *house) makeFields() error {
	for _, g := range h.room.gauges {
		kind, ok := sensors.KindNamed(g.kind)
		if !ok {
			return fmt.Errorf("room: %s: no kind is called %q", g.quantity, g.kind)
		}
		h.fields = append(h.fields, sensors.NewField(h.name, g.quantity, kind))
	}
	h.values = make([]sensors.Value, len(h.fields))
	return nil
}

// setTime reads pace and start.
func (h *house) setTime(c sensors.Config, env sensors.Env) error {
	pace, err := newPacer(c.Pace, env.Clock)
	if err != nil {
		return err
	}
	h.pace = pace
	if c.Start == "" {
		if env.Clock == nil {
			return errors.New("start: there is no clock, so the time of the first reading has to be given")
		}
		h.clock, h.live = env.Clock, pace.speed == normal
		return nil
	}
	start, err := time.Parse(time.RFC3339, c.Start)
	if err != nil {
		return fmt.Errorf("start: %q is no time; write it like 2026-03-02T06:00:00Z", c.Start)
	}
	h.start = sensors.Micros(start.UnixMicro())
	return nil
}

// Name implements [sensors.Source].
func (h *house) Name() string { return h.name }

// Fields implements [sensors.Source].
func (h *house) Fields() []sensors.Field { return slices.Clone(h.fields) }

// Ends implements [sensors.Ending].
func (h *house) Ends() bool { return h.length > 0 }

// Beat implements [sensors.Beating]. Every look is emitted; a house that does not wait has no schedule.
func (h *house) Beat(func()) time.Duration {
	if h.pace.speed == 0 {
		return 0
	}
	return h.pace.span(h.every)
}

// Run implements [sensors.Source].
func (h *house) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	t := h.start
	if h.clock != nil {
		t = h.now()
	}
	var gone sensors.Micros // how much of the length is behind t
	for ; h.length == 0 || gone < h.length; gone += h.every {
		next := t + h.every
		for _, moment := range append([]sensors.Micros{t}, h.events(t, next)...) {
			if h.length > 0 && gone+moment-t >= h.length {
				break
			}
			at, err := h.send(ctx, moment, emit)
			if err != nil {
				return err
			}
			if at != moment { // the clock was set
				next = at + h.every
				break
			}
		}
		t = next
	}
	return nil
}

func (h *house) now() sensors.Micros { return sensors.Micros(h.clock.Now().UnixMicro()) }

// send emits the reading of time t when it is due and returns its time, which is t, unless the times are the clock's
// and the clock was set: then it emits the one of now in its place.
func (h *house) send(ctx context.Context, t sensors.Micros, emit func(sensors.Reading) error) (sensors.Micros, error) {
	if err := ctx.Err(); err != nil {
		return t, err
	}
	if h.live && h.pace.started {
		if _, jumped := h.pace.early(t); jumped {
			t = h.now()
			h.pace.anchor(t, 0)
		}
	}
	if err := h.pace.wait(ctx, t); err != nil {
		return t, err
	}
	for i, g := range h.room.gauges {
		h.values[i] = h.fields[i].Kind.Check(g.read(h, t))
	}
	return t, emit(sensors.Reading{Source: h.name, Time: t, Values: h.values})
}

// events returns the moments after t and before next at which a part of this room reports by itself, sorted.
func (h *house) events(t, next sensors.Micros) []sensors.Micros {
	var moments []sensors.Micros
	add := func(at sensors.Micros) {
		if t < at && at < next {
			moments = append(moments, at)
		}
	}
	for _, g := range h.room.gauges {
		if g.kind != "contact" && g.kind != "badge" {
			continue
		}
		for number := t.DayNumber(); number <= next.DayNumber(); number++ {
			d := h.dayNumber(number)
			if g.kind == "badge" {
				for _, b := range d.badges {
					add(b.at)
				}
				continue
			}
			for _, s := range d.doors {
				add(s.from)
				add(s.to)
			}
		}
	}
	sort.Slice(moments, func(i, j int) bool { return moments[i] < moments[j] })
	return slices.Compact(moments)
}

// seen is a day as one room sees it.
type seen struct {
	*day
	here []stay // the people in the room
	home []stay // the people in the house, a stay for each time somebody comes home
}

// day returns the day of t.
func (h *house) day(t sensors.Micros) *seen { return h.dayNumber(t.DayNumber()) }

func (h *house) dayNumber(number int64) *seen {
	slot := &h.days[number&1]
	if *slot != nil && (*slot).number == number {
		return *slot
	}
	d := &seen{day: makeDay(h.seed, number)}
	for _, s := range d.people {
		if s.where == outside {
			continue
		}
		if h.room.in(s.where) {
			d.here = append(d.here, s)
		}
		if n := len(d.home); n > 0 && d.home[n-1].to == s.from {
			d.home[n-1].to = s.to
		} else {
			d.home = append(d.home, s)
		}
	}
	*slot = d
	return d
}
