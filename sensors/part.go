package sensors

import "context"

// Part is one chip, line or kernel file that can be read now. Its methods are called by one goroutine at a time.
//
// Errors are or wrap a [FaultError] where what went wrong is known; any other error counts as [Other]. They name the
// part and never hold what it measured.
type Part interface {
	// Identify asks the part whether it is what the configuration says (identity register, CRC, a plausible answer). It is called before the first Sense and
	// after the part was away.
	Identify(ctx context.Context) error
	// Sense takes one measurement and fills values, one per field; a field that could not be measured stays Absent. It returns within ctx's deadline where the bus lets it.
	Sense(ctx context.Context, values []Value) error
}
