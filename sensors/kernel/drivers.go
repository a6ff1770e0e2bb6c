package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// Options are what the driver takes of the world outside.
type Options struct {
	// FS is what is under /sys; by default that of the machine.
	FS fs.FS
	// Supervise makes a source of a part. By default each part is supervised by itself.
	Supervise func(sensors.Supervised, sensors.Env) (sensors.Source, error)
}

// A conversion of a 1-Wire thermometer takes 750 ms, and the kernel tries again.
const (
	w1Deadline   = 5 * time.Second
	fileDeadline = 2 * time.Second
)

// Every is the time between two readings where the configuration says nothing.
const Every = 30 * time.Second

// Drivers returns the row of this package for the driver table. The key file names the device ("iio:bme280"), columns
// the fields and their kinds, for a device that may be missing at the start or of which only some are wanted.
func Drivers(o Options) []sensors.Driver {
	if o.FS == nil {
		o.FS = os.DirFS("/sys")
	}
	if o.Supervise == nil {
		o.Supervise = superviseAlone
	}
	return []sensors.Driver{{
		Name:  Driver,
		Doc:   "a sensor with a driver in the Linux kernel: file = \"iio:bme280\", \"hwmon:cpu_thermal\" or \"w1:28-0123456789ab\"",
		Needs: []string{"file"},
		Uses:  append([]string{"every", "columns", "classes"}, sensors.LimitKeys()...),
		Open:  o.open,
	}}
}

func superviseAlone(s sensors.Supervised, env sensors.Env) (sensors.Source, error) {
	return sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{s}, Clock: env.Clock})[0], nil
}

func (o Options) open(c sensors.Config, env sensors.Env) (sensors.Source, error) {
	fail := func(err error) (sensors.Source, error) { return nil, fmt.Errorf("sensor %q: %w", c.Name, err) }
	ref, err := ParseReference(c.File)
	if err != nil {
		return fail(fmt.Errorf("file: %w", err))
	}
	channels, err := o.channels(ref, c.Columns)
	if err != nil {
		return fail(err)
	}
	var fields []sensors.Field
	for _, ch := range channels {
		fields = append(fields, sensors.NewField(c.Name, ch.Quantity, ch.Kind))
	}
	if err := sensors.SetClasses(fields, c.Classes); err != nil {
		return fail(err)
	}
	s := sensors.Supervised{Name: c.Name, Driver: Driver, Fields: fields, Part: NewPart(o.FS, ref, channels),
		Every: time.Duration(c.Every), Deadline: fileDeadline}
	if s.Every == 0 {
		s.Every = Every
	}
	if ref.Subsystem == OneWire {
		s.Deadline = w1Deadline
	}
	if err := s.Limit(c); err != nil {
		return fail(err)
	}
	return o.Supervise(s, env)
}

// channels are those that the configuration names, or all that the device has.
func (o Options) channels(ref Reference, columns map[string]string) ([]Channel, error) {
	if len(columns) > 0 {
		return declared(columns)
	}
	if ref.Subsystem == OneWire {
		return w1Channels(""), nil
	}
	d, err := find(o.FS, ref)
	if err != nil {
		if errors.Is(err, errNone) {
			err = fmt.Errorf("%w\nto start without it, name its fields: columns = { temperature = \"temperature\" }", err)
		}
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	if len(d.Channels) == 0 {
		return nil, fmt.Errorf("%s: it has %s", ref, list(nil))
	}
	return d.Channels, nil
}

// declared makes channels of quantity = kind, in the order of their names.
func declared(columns map[string]string) ([]Channel, error) {
	var out []Channel
	for _, quantity := range slices.Sorted(maps.Keys(columns)) {
		k, ok := sensors.KindNamed(columns[quantity])
		if !ok || k.Type != sensors.Numeric {
			return nil, fmt.Errorf("columns: %s: no numeric kind is called %q; %s", quantity, columns[quantity], tinyconf.Hint(columns[quantity], kindNames()))
		}
		if err := sensors.CheckName(quantity, sensors.MaxFieldName-sensors.MaxSourceName-1); err != nil {
			return nil, fmt.Errorf("columns: %w", err)
		}
		out = append(out, Channel{Quantity: quantity, Kind: k})
	}
	return out, nil
}

func kindNames() []string {
	var names []string
	for _, k := range sensors.Kinds() {
		if k.Type == sensors.Numeric {
			names = append(names, k.Name)
		}
	}
	return names
}
