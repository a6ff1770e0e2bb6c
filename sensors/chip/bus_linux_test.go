package chip

import "github.com/candor-edge/candor/sensors/bus"

// What package bus has is what the parts take.
var (
	_ Line       = (*bus.Line)(nil)
	_ transactor = (*bus.Bus)(nil)
)
