package sensors

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// FaultKind says in which way a part or its bus failed. It is an error itself, so that errors.Is(err, NoAnswer) asks
// an error of any depth for it. The zero value is Other.
type FaultKind uint8

// The kinds of fault.
const (
	Other       FaultKind = iota // something else; the cause says what
	NoAnswer                     // nobody acknowledged the address or a byte
	Timeout                      // it took too long: a line held low, a clock stretched, a deadline passed
	Arbitration                  // another master, or a disturbance, took the bus
	Permission                   // the process may not open or use the device node
	Gone                         // the bus, the node or the kernel's driver is not there
	Corrupt                      // the answer's checksum is wrong
	WrongPart                    // the part that answers is not the configured one
	Implausible                  // the answer can't be true: all ones, all zeros, impossible calibration
	Busy                         // somebody else uses it
	faultKinds                   // how many there are
)

var _ error = NoAnswer

// FaultKinds returns all kinds in the order of their numbers.
func FaultKinds() []FaultKind {
	all := make([]FaultKind, faultKinds)
	for i := range all {
		all[i] = FaultKind(i)
	}
	return all
}

// String returns the kind in words: "no answer".
func (k FaultKind) String() string {
	names := [faultKinds]string{"other fault", "no answer", "timeout", "arbitration lost", "permission denied", "gone",
		"corrupt answer", "wrong part", "implausible answer", "busy"}
	if k < faultKinds {
		return names[k]
	}
	return fmt.Sprintf("fault kind %d", uint8(k))
}

// Error is String, so that a kind can be the target of errors.Is.
func (k FaultKind) Error() string { return k.String() }

// FaultError is a failed use of a part or a bus. The bus fills Bus, Address, Operation, Kind and Cause; a driver may add
// Driver, and the supervisor wraps it once more with Source and Driver. What is not known is left empty.
type FaultError struct {
	Source    string // name of the source in the configuration
	Driver    string
	Bus       string // "i2c-1"
	Address   uint16 // 7 bits; 0 when there is none
	Operation string // what was tried: "write 1, read 8"
	Kind      FaultKind
	Cause     error // may be nil
}

// Error names all that is known, from the outside in: source, driver, bus, address in hex, operation, kind, cause. What
// a FaultError in the cause says too is left to it.
func (e *FaultError) Error() string {
	var inner FaultError
	var within *FaultError
	wraps := errors.As(e.Cause, &within)
	if wraps {
		inner = *within
	}
	var parts []string
	driver := e.Driver
	if driver == inner.Driver {
		driver = ""
	}
	switch {
	case e.Source != "" && driver != "":
		parts = append(parts, fmt.Sprintf("sensor %q (%s)", e.Source, driver))
	case e.Source != "":
		parts = append(parts, fmt.Sprintf("sensor %q", e.Source))
	case driver != "":
		parts = append(parts, driver)
	}
	if place := e.place(); place != "" && (e.Bus != inner.Bus || e.Address != inner.Address) {
		parts = append(parts, place)
	}
	if e.Operation != "" {
		parts = append(parts, e.Operation)
	}
	if !wraps || inner.Kind != e.Kind {
		parts = append(parts, e.Kind.String())
	}
	if e.Cause != nil && e.Cause != error(e.Kind) {
		parts = append(parts, e.Cause.Error())
	}
	return strings.Join(parts, ": ")
}

// place is bus and address, as far as they are known.
func (e *FaultError) place() string {
	switch {
	case e.Address == 0:
		return e.Bus
	case e.Bus == "":
		return fmt.Sprintf("0x%02x", e.Address)
	}
	return fmt.Sprintf("%s 0x%02x", e.Bus, e.Address)
}

// Unwrap returns the cause.
func (e *FaultError) Unwrap() error { return e.Cause }

// Is makes errors.Is true for the kind, besides the cause and what that wraps.
func (e *FaultError) Is(target error) bool {
	kind, ok := target.(FaultKind)
	return ok && kind == e.Kind
}

// FaultOf returns the kind of the outermost [FaultError] in err. An error without one is Timeout when a deadline
// passed, the FaultKind itself when there is a bare one, else Other. err must not be nil.
func FaultOf(err error) FaultKind {
	var fault *FaultError
	if errors.As(err, &fault) {
		return fault.Kind
	}
	var kind FaultKind
	if errors.As(err, &kind) {
		return kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Other
}
