package main

import (
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// purpose is what a yes lets out, in the form and on the schedule of the
// reference policy's purposes.
type purpose struct {
	id        string
	window    time.Duration // of a row
	upload    time.Duration
	size      uint32 // of an upload; 0: as long as it is
	rows      uint32 // that have room in one
	retention uint32 // days
	access    wire.Ground
	agreed    float64 // share of people who say yes, chosen for this load and not measured
	fields    []wire.FieldSpec
}

func number(name, unit string, scale int, step, least, most int64) wire.FieldSpec {
	return wire.FieldSpec{Name: name, Unit: unit, Scale: scale, Step: step, Min: least, Max: most}
}

// purposes are those every object offers.
func purposes() []purpose {
	return []purpose{
		{"service", 15 * time.Minute, 15 * time.Minute, 0, 0, 30, wire.GroundStrictlyNecessary, 0.9,
			[]wire.FieldSpec{number("hall.temperature", "Cel", 1, 1, -400, 850)}},
		{"trends", time.Hour, 6 * time.Hour, 512, 60, 395, wire.GroundConsent, 0.6,
			[]wire.FieldSpec{number("hall.temperature", "Cel", 1, 5, -400, 850), number("hall.humidity", "%RH", 0, 5, 0, 100), number("meter.power", "W", 0, 10, 0, 20000)}},
		{"relation", 6 * time.Hour, 6 * time.Hour, 256, 10, 90, wire.GroundConsent, 0.5,
			[]wire.FieldSpec{number("hall.humidity", "%RH", 0, 5, 0, 100), number("hall.co2", "ppm", 0, 100, 0, 10000)}},
		{"improve", 24 * time.Hour, 24 * time.Hour, 256, 10, 180, wire.GroundConsent, 0.4,
			[]wire.FieldSpec{number("door.open", "", 0, 1, 0, 1000), {Name: "object.mode", Type: wire.Label, Labels: []string{"day", "night", "away"}}}},
	}
}
