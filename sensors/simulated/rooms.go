package simulated

import (
	"slices"

	"github.com/candor-edge/candor/sensors"
)

// room is one part of the house that a source can read.
type room struct {
	name   string
	place  place // outside for those that are no place to be in
	gauges []gauge

	warmth int64 // how warm it is kept, thousandths of a degree
	window int64 // thousandths of a lux by the brightest sky
	lamp   int64 // thousandths of a lux
	breath int64 // hundredths of a ppm that one person there adds in the end
	airing sensors.Micros
	steam  int64 // hundredths of a percent that one person there adds in the end
	heat   int64 // thousandths of a degree that one person there adds in the end
	lively int64 // in how many of 100 looks somebody awake there moves
}

// gauge is one quantity of a room.
type gauge struct {
	quantity string
	kind     string
	read     func(h *house, t sensors.Micros) sensors.Value
}

// rooms is the whole house.
func rooms() []room {
	air := []gauge{
		{"temperature", "temperature", (*house).temperature},
		{"humidity", "humidity", (*house).humidity},
		{"light", "illuminance", (*house).light},
		{"co2", "co2", (*house).co2},
		{"motion", "motion", (*house).motion},
		{"occupancy", "occupancy", (*house).occupancy},
	}
	open := gauge{"open", "contact", (*house).open}
	return []room{
		{name: "livingroom", place: livingroom, gauges: air, warmth: 19_800, window: 620_000, lamp: 190_000,
			breath: 230_00, airing: 28 * sensors.Minute, steam: 90, heat: 330, lively: 55},
		{name: "kitchen", place: kitchen, gauges: air, warmth: 19_300, window: 480_000, lamp: 310_000,
			breath: 310_00, airing: 20 * sensors.Minute, steam: 3_10, heat: 700, lively: 80},
		{name: "bedroom", place: bedroom, gauges: air, warmth: 17_900, window: 390_000, lamp: 120_000,
			breath: 260_00, airing: 55 * sensors.Minute, steam: 1_20, heat: 300, lively: 45},
		{name: "bathroom", place: bathroom, gauges: air, warmth: 20_700, window: 150_000, lamp: 280_000,
			breath: 420_00, airing: 16 * sensors.Minute, steam: 24_00, heat: 1_600, lively: 85},
		{name: "hall", place: hall, gauges: air, warmth: 18_100, window: 90_000, lamp: 140_000,
			breath: 380_00, airing: 9 * sensors.Minute, steam: 70, heat: 200, lively: 95},
		{name: "entrance", gauges: []gauge{open, {"badge", "badge", (*house).badge}}},
		{name: "door", gauges: []gauge{open}},
		{name: "badge", gauges: []gauge{{"id", "badge", (*house).badge}}},
		{name: "meter", gauges: []gauge{{"power", "power", (*house).power}}},
	}
}

// in says whether a person at that place is in the room. Nobody is ever in a room without a place.
func (r *room) in(where place) bool {
	return where != outside && (where == r.place || where == bed && r.place == bedroom)
}

// count returns how many people are in the room, and how many of them are awake.
func (h *house) count(r *room, t sensors.Micros) (people, awake int64) {
	for _, s := range h.day(t).people {
		if s.from <= t && t < s.to && r.in(s.where) {
			people++
			if s.where != bed {
				awake++
			}
		}
	}
	return people, awake
}

// traces adds up what is left of people's stays: each adds gain in the end while it lasts, and half of that is gone
// after half.
func traces(t sensors.Micros, gain int64, half sensors.Micros, stays ...[]stay) int64 {
	var sum int64
	for _, part := range stays {
		for _, s := range part {
			if s.from < t {
				sum += fade(t-s.to, half) - fade(t-s.from, half)
			}
		}
	}
	return sum * gain / one
}

// here is traces for the people in the room, today and yesterday; what they did before has faded.
func (h *house) here(t sensors.Micros, gain int64, half sensors.Micros) int64 {
	return traces(t, gain, half, h.day(t-sensors.Day).here, h.day(t).here)
}

// jitter is what the sensor itself is unsure of, the same for the same look.
func (h *house) jitter(t sensors.Micros, salt, size int64) int64 {
	return below(2*size+1, h.seed, saltSensor, int64(h.room.place), salt, int64(t)) - size
}

// steps floors n to the resolution of a part.
func steps(n, step int64) sensors.Value {
	return sensors.Number(int64(sensors.Micros(n).Floor(sensors.Micros(step))))
}

func yes(is bool) sensors.Value {
	if is {
		return sensors.Number(1)
	}
	return sensors.Number(0)
}

func (h *house) temperature(t sensors.Micros) sensors.Value {
	n := h.room.warmth + h.here(t, h.room.heat, 45*sensors.Minute)
	n += sine(phase(t, sensors.Day)-150_000) * 450 / full // the heating rests at night
	n += max(0, outdoor(h.seed, t-5*sensors.Hour)-17_000) * 6 / 10
	return steps(n+h.jitter(t, 1, 15), 10)
}

func (h *house) humidity(t sensors.Micros) sensors.Value {
	n := 47_00 + drift(h.seed, saltDamp, t, 20*sensors.Hour, 8_00) + outdoor(h.seed, t-5*sensors.Hour)/30
	n += h.here(t, h.room.steam, 25*sensors.Minute)
	return steps(min(max(n+h.jitter(t, 2, 20), 10_00), 99_00), 5)
}

func (h *house) co2(t sensors.Micros) sensors.Value {
	n := 424_00 + drift(h.seed, saltAir, t, 7*sensors.Hour, 12_00)
	n += h.here(t, h.room.breath, h.room.airing)
	n += traces(t, 32_00, 70*sensors.Minute, h.day(t-sensors.Day).home, h.day(t).home) // the doors inside are not tight
	return steps(n+h.jitter(t, 3, 6_00), 1_00)
}

// sky is how much of the day comes in through the window, in thousandths of a lux.
func (h *house) sky(r *room, t sensors.Micros) int64 { return daylight(h.seed, t) * r.window / full }

// lit says whether the lamp of the room is on: somebody is awake in it, and the sky is not enough.
func (h *house) lit(r *room, t sensors.Micros) bool {
	_, awake := h.count(r, t)
	return awake > 0 && h.sky(r, t) < 110_000
}

func (h *house) light(t sensors.Micros) sensors.Value {
	n := h.sky(h.room, t)
	if h.lit(h.room, t) {
		n += h.room.lamp
	}
	return steps(n+n*h.jitter(t, 4, 100)/full, 100)
}

func (h *house) motion(t sensors.Micros) sensors.Value {
	chance := int64(0)
	switch people, awake := h.count(h.room, t); {
	case awake > 0:
		chance = h.room.lively
	case people > 0:
		chance = 2 // turns over
	}
	look := int64(t.Floor(10 * sensors.Second)) // what the part holds for a while
	return yes(below(100, h.seed, saltMotion, int64(h.room.place), look) < chance)
}

func (h *house) occupancy(t sensors.Micros) sensors.Value {
	people, _ := h.count(h.room, t)
	return yes(people > 0)
}

// open is whether the door stands open.
func (h *house) open(t sensors.Micros) sensors.Value {
	return yes(slices.ContainsFunc(h.day(t).doors, func(s stay) bool { return s.from <= t && t < s.to }))
}

// badge is the badge held to the reader at this very moment; mostly there is none.
func (h *house) badge(t sensors.Micros) sensors.Value {
	for _, b := range h.day(t).badges {
		if b.at == t {
			return sensors.Token(b.badge)
		}
	}
	return sensors.Value{}
}

// power is what the whole house draws.
func (h *house) power(t sensors.Micros) sensors.Value {
	n := int64(74_000)
	minute := int64((t - t.Floor(sensors.Day)) / sensors.Minute)
	shift := sensors.Micros(below(45, h.seed, saltFridge)) * sensors.Minute
	if (t+shift)-(t+shift).Floor(45*sensors.Minute) < 14*sensors.Minute {
		n += 82_000
	}
	if minute >= 130 && minute < 195+below(45, h.seed, saltFridge, t.DayNumber()) {
		n += 2_050_000 // hot water, while it is cheap
	}
	for i := range h.rooms {
		r := &h.rooms[i]
		_, awake := h.count(r, t)
		if h.lit(r, t) {
			n += 11_000
		}
		meal := minute >= 400 && minute < 470 || minute >= 700 && minute < 790 || minute >= 1100 && minute < 1200
		if awake > 0 && r.place == kitchen && meal && below(100, h.seed, saltCook, int64(t.Floor(2*sensors.Minute))) < 45 {
			n += 1_400_000
		}
		if awake > 0 && r.place == livingroom && minute > 1050 {
			n += 96_000
		}
	}
	return steps(n+n*h.jitter(t, 5, 60)/full, 100)
}
