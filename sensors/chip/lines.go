package chip

import (
	"strconv"
	"time"

	"github.com/candor-edge/candor/sensors/bus"
)

// What can be on a GPIO line. None has a datasheet to be held to; how each is wired stands in its row. A line is active
// when it is high, or low where the setting active_low is 1; with a switch to ground and a pull-up, low is closed.

// tally turns what a line does into values. Its methods are called by one goroutine at a time.
type tally interface {
	// level takes in where the line is, and says whether that is news.
	level(active bool) (news bool)
	// edge takes in a change of the line, and says whether it is news.
	edge(e bus.Edge) (news bool)
	// value is what to emit. A tally that counts starts anew.
	value() int64
}

const (
	shortBounce = 5 * time.Millisecond  // IEC 62053-31, 4.1: a pulse of a meter lasts 30 ms at least
	longBounce  = 20 * time.Millisecond // ours: contacts of metal
)

func lineSettings(activeLow string, bounce time.Duration, more ...Setting) []Setting {
	return append(more,
		Setting{Name: "active_low", Default: activeLow, Doc: "1 when the line is low while it is so", Min: 0, Max: 1},
		Setting{Name: "debounce_ms", Default: strconv.FormatInt(bounce.Milliseconds(), 10), Doc: "shorter changes are not believed", Min: 0, Max: 1000},
	)
}

func lineRow(name, doc, field, kind string) Row {
	most := int64(1)
	if q := quantity(field, kind, 0, 1); q.Kind.Max > 1 {
		most = q.Kind.Max
	}
	return Row{
		Name: name, Doc: doc, On: GPIO, Quantities: []Quantity{quantity(field, kind, 0, most)}, Evidence: FromModel,
		Identity: "none: a line", ZeroIsReal: true, follow: func(settings) tally { return &state{} },
	}
}

// contactRow is a reed switch or a door contact to ground with a pull-up: open is high.
func contactRow() Row {
	r := lineRow("contact", "a door or window contact: open or shut (switch to ground)", "open", "contact")
	r.pull, r.Settings = bus.PullUp, lineSettings("0", longBounce)
	return r
}

// motionRow is a passive infrared sensor with a digital output, which drives the line.
func motionRow() Row {
	r := lineRow("motion", "a motion sensor with a digital output (high while it sees something)", "motion", "motion")
	r.Settings = lineSettings("0", 0)
	r.Caveat = "most sensors see things that are not there for the first minute after power on"
	return r
}

// buttonRow is a button to ground with a pull-up: pressed is low.
func buttonRow() Row {
	r := lineRow("button", "a button: pressed or not (button to ground)", "pressed", "switch")
	r.pull, r.Settings = bus.PullUp, lineSettings("1", longBounce)
	return r
}

// countRow is a line of which only the pulses matter.
func countRow(name, doc, field, kind string, bounce time.Duration, more []Setting, follow func(settings) tally) Row {
	r := lineRow(name, doc, field, kind)
	r.pull, r.Settings, r.Every, r.follow = bus.PullUp, lineSettings("1", bounce, more...), time.Minute, follow
	return r
}

// energyRow is the S0 output of a meter (IEC 62053-31), an open collector.
func energyRow() Row {
	per := Setting{Name: "pulses_per_kwh", Default: "1000", Doc: "printed on the meter", Min: 1, Max: 1_000_000}
	const milliWattHours = 1_000_000 // ours: the field's unit is a thousandth of a watt hour; so many are a kilowatt hour
	return countRow("energy", "pulses of an electricity meter: energy since the last reading", "energy", "energy", shortBounce,
		[]Setting{per}, func(s settings) tally { return &pulses{unit: milliWattHours, per: s[per.Name]} })
}

// waterRow is the reed contact of a water or gas meter.
func waterRow() Row {
	each := Setting{Name: "millilitres_per_pulse", Default: "1000", Doc: "printed on the meter, or on its contact", Min: 1, Max: 10_000_000}
	return countRow("water", "pulses of a water or gas meter: volume since the last reading", "volume", "volume", longBounce,
		[]Setting{each}, func(s settings) tally { return &pulses{unit: s[each.Name], per: 1} })
}

// pulsesRow counts pulses, whatever they mean.
func pulsesRow() Row {
	return countRow("pulses", "pulses on a line: how many since the last reading", "count", "count", shortBounce,
		nil, func(settings) tally { return &pulses{unit: 1, per: 1} })
}

// state follows a line that says yes or no.
type state struct{ known, active bool }

func (t *state) level(active bool) bool {
	news := !t.known || active != t.active
	t.known, t.active = true, active
	return news
}

// edge is news even when the line is where it was: changes went by unseen.
func (t *state) edge(e bus.Edge) bool { return t.level(e.Rising) || e.Missed > 0 }

func (t *state) value() int64 {
	if t.active {
		return 1
	}
	return 0
}

// pulses counts the edges to active. What is less than the last digit of the field is kept for the next reading.
type pulses struct {
	unit, per int64 // a pulse is unit/per of the field's last digit
	active    bool  // where the line was last
	count     uint64
	rest      int64 // in 1/per of the last digit
}

func (t *pulses) level(active bool) bool {
	t.active = active
	return false
}

// edge counts the edge and those that went by unseen: they went up and down in turn from where the line was.
func (t *pulses) edge(e bus.Edge) bool {
	unseen := uint64(e.Missed)
	if !t.active {
		unseen++
	}
	t.count += unseen / 2
	if e.Rising {
		t.count++
	}
	t.active = e.Rising
	return false
}

func (t *pulses) value() int64 {
	const most = 1 << 30 // ours: between two readings; no line is that fast, and the product below fits
	total := int64(min(t.count, most))*t.unit + t.rest
	t.count, t.rest = 0, total%t.per
	return total / t.per
}
