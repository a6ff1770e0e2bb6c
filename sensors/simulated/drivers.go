package simulated

import (
	"github.com/candor-edge/candor/sensors"
)

// Drivers returns the rows of this package for the driver table.
func Drivers() []sensors.Driver {
	return []sensors.Driver{
		{
			Name:      "simulated",
			Doc:       "one room of a seeded house with four people in it",
			Needs:     []string{"room"},
			Uses:      []string{"every", "seed", "for", "start", "pace", "classes"},
			Simulated: true,
			Open:      openHouse,
		},
		{
			Name:      "replay",
			Doc:       "a recording in CSV, plain or gzip, played again",
			Needs:     []string{"file"},
			Uses:      []string{"pace", "columns", "classes"},
			Simulated: true,
			Open:      openReplay,
		},
	}
}
