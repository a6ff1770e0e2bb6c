package simulated

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
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

// setClasses gives fields the classes that the configuration declares. The error joins all faults.
func setClasses(fields []sensors.Field, declared map[string]string) error {
	var faults []error
	quantities := make([]string, len(fields))
	for i, f := range fields {
		quantities[i] = f.Quantity()
	}
	known := make([]string, 0, len(sensors.Classes()))
	for _, c := range sensors.Classes() {
		known = append(known, string(c))
	}
	for _, quantity := range slices.Sorted(maps.Keys(declared)) {
		class := declared[quantity]
		at := slices.Index(quantities, quantity)
		if at < 0 {
			faults = append(faults, fmt.Errorf("classes: no field is called %q; %s",
				quantity, tinyconf.Hint(quantity, quantities)))
			continue
		}
		if !slices.Contains(known, class) {
			faults = append(faults, fmt.Errorf("classes: %s: no class is called %q; %s",
				quantity, class, tinyconf.Hint(class, known)))
			continue
		}
		fields[at].Class = sensors.Class(class)
	}
	return errors.Join(faults...)
}
