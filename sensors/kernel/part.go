package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/candor-edge/candor/sensors"
)

// Driver is the name of this package's driver.
const Driver = "kernel"

// part is one device of the kernel. Its fields are fixed; where their files are is found by Identify.
type part struct {
	fsys     fs.FS
	ref      Reference
	fields   []Channel // name and kind only
	channels []Channel // in the order of fields; nil before Identify
}

var _ sensors.Part = (*part)(nil)

// NewPart makes the part of a reference with these channels, of which only Quantity and Kind count. Nothing is read.
func NewPart(fsys fs.FS, r Reference, fields []Channel) sensors.Part {
	return &part{fsys: fsys, ref: r, fields: slices.Clone(fields)}
}

// Identify implements [sensors.Part]: it finds the device, under whatever number it has now, and its channels.
func (p *part) Identify(ctx context.Context) error {
	const what = "looking for the device"
	p.channels = nil
	if err := ctx.Err(); err != nil {
		return p.fault(what, kindOf(err), err)
	}
	d, err := find(p.fsys, p.ref)
	switch {
	case errors.Is(err, errNone):
		return p.fault(what, sensors.Gone, err)
	case err != nil:
		return p.fault(what, kindOf(err), err)
	}
	channels := make([]Channel, 0, len(p.fields))
	for _, f := range p.fields {
		at := slices.IndexFunc(d.Channels, func(c Channel) bool { return c.Quantity == f.Quantity })
		if at < 0 {
			return p.fault(what, sensors.WrongPart, fmt.Errorf("it has no %s; it has %s", f.Quantity, list(d.Channels)))
		}
		if d.Channels[at].Kind != f.Kind {
			return p.fault(what, sensors.WrongPart, fmt.Errorf("its %s is of kind %s, not %s", f.Quantity, d.Channels[at].Kind.Name, f.Kind.Name))
		}
		channels = append(channels, d.Channels[at])
	}
	p.channels = channels
	return nil
}

func list(channels []Channel) string {
	var names []string
	for _, c := range channels {
		names = append(names, c.Quantity)
	}
	if len(names) == 0 {
		return "nothing that is a sensor"
	}
	return strings.Join(names, ", ")
}

// Sense implements [sensors.Part]. A file that can't be read makes its field a fault while others can; when none can,
// that is an error.
func (p *part) Sense(ctx context.Context, values []sensors.Value) error {
	if len(values) != len(p.fields) {
		return fmt.Errorf("%s: Sense was given room for %d values and has %d", p.ref, len(values), len(p.fields))
	}
	clear(values)
	if p.channels == nil {
		if err := p.Identify(ctx); err != nil {
			return err
		}
	}
	good := false
	var first error
	for i, c := range p.channels {
		if err := ctx.Err(); err != nil {
			clear(values)
			return p.fault("reading", kindOf(err), err)
		}
		v, file, err := p.measure(c)
		if err != nil {
			if first == nil {
				first = p.fault("reading "+path.Base(file), kindOf(err), err)
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
				p.channels = nil // it is gone, or has another number now
				clear(values)
				return first
			}
			v = sensors.Value{Quality: sensors.Fault}
		}
		good = good || err == nil
		values[i] = v
	}
	if !good && first != nil {
		clear(values)
		return first
	}
	return nil
}

func (p *part) measure(c Channel) (sensors.Value, string, error) {
	if p.ref.Subsystem == OneWire {
		v, err := w1Measure(p.fsys, c.value)
		return v, c.value, err
	}
	return c.measure(p.fsys)
}

func (p *part) fault(what string, kind sensors.FaultKind, cause error) error {
	return &sensors.FaultError{Driver: Driver, Bus: p.ref.String(), Operation: what, Kind: kind, Cause: cause}
}

// kindOf is the kind of a failed read: a part's driver in the kernel hands up what the bus said.
func kindOf(err error) sensors.FaultKind {
	for _, row := range []struct {
		cause error
		kind  sensors.FaultKind
	}{
		{context.DeadlineExceeded, sensors.Timeout}, {context.Canceled, sensors.Timeout},
		{syscall.ETIMEDOUT, sensors.Timeout}, {syscall.ETIME, sensors.Timeout},
		{syscall.ENXIO, sensors.NoAnswer}, {syscall.EREMOTEIO, sensors.NoAnswer},
		{syscall.EIO, sensors.NoAnswer}, // what w1 and most chip drivers give when the part says nothing
		{syscall.EBUSY, sensors.Busy}, {syscall.EAGAIN, sensors.Busy}, {syscall.ENODATA, sensors.Busy},
		{syscall.EBADMSG, sensors.Corrupt}, {errW1Sum, sensors.Corrupt},
		{errW1Form, sensors.Implausible}, {errW1Dead, sensors.Implausible}, {errW1On, sensors.Implausible},
		{errNumber, sensors.Implausible}, {errLong, sensors.Implausible},
		{syscall.ENODEV, sensors.Gone}, {fs.ErrNotExist, sensors.Gone}, {fs.ErrPermission, sensors.Permission},
	} {
		if errors.Is(err, row.cause) {
			return row.kind
		}
	}
	return sensors.Other
}
