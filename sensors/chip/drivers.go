package chip

import (
	"fmt"
	"slices"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Options are what the drivers take of the world outside.
type Options struct {
	Bus  Opener     // opens I2C buses; Muxed gives it branches. Required
	Line LineOpener // opens GPIO lines. Required
	// Supervise makes a source of a part. By default each part is supervised by itself; an agent that gives all parts
	// of a bus to one sensors.Supervise gets them read in turn.
	Supervise func(sensors.Supervised, sensors.Env) (sensors.Source, error)
	// Settings gives the settings of a [[sensor]] table. By default there are none, and the rows' defaults hold.
	Settings func(sensors.Config) map[string]string
}

// Drivers returns the rows of this package for the driver table: a driver for each part that measures something.
// Opening a source touches no hardware.
func Drivers(o Options) []sensors.Driver {
	if o.Supervise == nil {
		o.Supervise = superviseAlone
	}
	uses := []string{"every", "classes"}
	if o.Settings == nil {
		o.Settings = func(sensors.Config) map[string]string { return nil }
	} else {
		uses = append(uses, "settings")
	}
	var drivers []sensors.Driver
	for _, row := range Parts() {
		d := sensors.Driver{Name: row.Name, Doc: row.Doc, Uses: uses}
		switch row.On {
		case I2C:
			d.Needs, d.Uses = []string{"bus"}, append(append(slices.Clone(uses), "address"), sensors.LimitKeys()...)
			d.Open = func(c sensors.Config, env sensors.Env) (sensors.Source, error) { return o.openPart(row, c, env) }
		case GPIO:
			d.Needs = []string{"line"}
			d.Open = func(c sensors.Config, env sensors.Env) (sensors.Source, error) { return o.openLine(row, c, env) }
		default:
			continue
		}
		drivers = append(drivers, d)
	}
	return drivers
}

func superviseAlone(s sensors.Supervised, env sensors.Env) (sensors.Source, error) {
	return sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{s}, Clock: env.Clock})[0], nil
}

// prepare gives the fields with their classes, and the interval.
func (o Options) prepare(row Row, c sensors.Config) ([]sensors.Field, time.Duration, error) {
	fields, err := row.Fields(c.Name, o.Settings(c))
	if err != nil {
		return nil, 0, err
	}
	every := time.Duration(c.Every)
	if every == 0 {
		every = row.Every
	}
	if every < row.Fastest {
		return nil, 0, fmt.Errorf("every: %v is too often; a %s has something new every %v", every, row.Name, row.Fastest)
	}
	return fields, every, sensors.SetClasses(fields, c.Classes)
}

func (o Options) openPart(row Row, c sensors.Config, env sensors.Env) (sensors.Source, error) {
	fields, every, err := o.prepare(row, c)
	if err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	address, err := row.checkAddress(uint16(c.Address))
	if err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	p, err := row.Part(PartOptions{Open: o.Bus, Bus: c.Bus, Address: address, Clock: env.Clock, Settings: o.Settings(c)})
	if err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	s := sensors.Supervised{
		Name: c.Name, Driver: row.Name, Bus: c.Bus, Address: address, Fields: fields, Part: p, Every: every, Deadline: row.deadline(),
	}
	if row.ZeroIsReal {
		s.Zero = sensors.ZeroFine
	}
	if err := s.Limit(c); err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	return o.Supervise(s, env)
}

func (o Options) openLine(row Row, c sensors.Config, env sensors.Env) (sensors.Source, error) {
	fields, every, err := o.prepare(row, c)
	if err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	s, err := row.Source(FollowOptions{Open: o.Line, Source: c.Name, Line: c.Line, Fields: fields, Every: every,
		Clock: env.Clock, Settings: o.Settings(c)})
	if err != nil {
		return nil, fmt.Errorf("sensor %q: %w", c.Name, err)
	}
	return s, nil
}
