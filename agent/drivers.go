package agent

import (
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/simulated"
)

// Drivers is the table of everything a [[sensor]] can name.
func Drivers() []sensors.Driver {
	return slices.Concat(simulated.Drivers())
}
