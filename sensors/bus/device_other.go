//go:build !linux

package bus

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/candor-edge/candor/sensors"
)

// errRemoteIO stands in for an errno that only Linux has.
const errRemoteIO = syscall.ENXIO

// Open fails: only Linux has the device nodes.
func (d Device) Open() (Adapter, error) {
	return nil, &sensors.FaultError{Bus: d.Name, Operation: "opening", Kind: sensors.Gone, Cause: errors.New("I2C needs Linux")}
}

func groupOf(fs.FileInfo) (gid string, known bool) { return "", false }

var errGPIO = &sensors.FaultError{Bus: "gpio", Kind: sensors.Gone, Cause: errors.New("GPIO lines need Linux")}

// Line is one GPIO input; there is none without Linux.
type Line struct{}

// Output is one GPIO output; there is none without Linux.
type Output struct{}

// Lines fails.
func Lines(string) ([]LineInfo, error) { return nil, errGPIO }

// FindLine fails.
func FindLine(string, string) (LineInfo, error) { return LineInfo{}, errGPIO }

// OpenLine fails.
func OpenLine(LineOptions) (*Line, error) { return nil, errGPIO }

// OpenOutput fails.
func OpenOutput(LineOptions) (*Output, error) { return nil, errGPIO }

// String returns "".
func (*Line) String() string { return "" }

// Read fails.
func (*Line) Read() (bool, error) { return false, errGPIO }

// Edges fails.
func (*Line) Edges(context.Context, func(Edge)) error { return errGPIO }

// Close does nothing.
func (*Line) Close() error { return nil }

// Set fails.
func (*Output) Set(bool) error { return errGPIO }

// Close does nothing.
func (*Output) Close() error { return nil }

// Idle fails.
func Idle(string) (sda, scl bool, err error) {
	return false, false, errors.New("the levels of a bus can be read on Linux only")
}
