package chip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// device is what a chip's file provides. identify leaves the chip ready to be read, whatever state it was in; sense
// puts what it measured on the sheet and leaves the rest.
type device interface {
	identify(ctx context.Context) error
	sense(ctx context.Context, s *sheet) error
}

// watchful is a device that can be asked between readings whether it is still the same, without disturbing it. again gives
// an error when it is another part, or was without power and has lost its settings.
type watchful interface {
	again(ctx context.Context) error
}

// unseen is how long a part may be left alone and be taken for the same: nobody takes one off and puts on another, with its
// power, in less. Ours: no datasheet says how fast hands are.
const unseen = 2 * time.Second

// PartOptions say where one chip is.
type PartOptions struct {
	Open     Opener            // required
	Bus      string            // the bus's name, given to Open
	Address  uint16            // 7 bits; 0 for the part's default
	Clock    sensors.Clock     // waits for conversions; required
	Settings map[string]string // by name, see Row.Settings; may be nil
}

// Part makes the part of this row. Nothing is opened or asked before Identify or Sense. The error is for the author
// of the configuration.
func (r Row) Part(o PartOptions) (sensors.Part, error) {
	if r.device == nil {
		return nil, fmt.Errorf("%s is not read over I2C", r.Name)
	}
	if o.Open == nil || o.Clock == nil {
		return nil, errors.New("chip: PartOptions needs Open and Clock")
	}
	s, err := r.settle(o.Settings)
	if err != nil {
		return nil, err
	}
	address, err := r.checkAddress(o.Address)
	if err != nil {
		return nil, err
	}
	p := &place{open: o.Open, name: o.Bus, address: address, driver: r.Name, clock: o.Clock}
	return &part{place: p, device: r.device(p, s), quantities: r.measures(s)}, nil
}

// part is a device with what is the same for all: values start absent and stay so on an error, a chip is identified
// anew after an error, because it may have lost its settings with its power, and nothing but faults is an error.
type part struct {
	place      *place
	device     device
	quantities []Quantity
	known      bool
	last       time.Time // when the part was last heard of, or should have been
}

// Identify implements [sensors.Part].
func (p *part) Identify(ctx context.Context) error {
	err := p.device.identify(ctx)
	p.known = err == nil
	p.last = p.place.clock.Now()
	return err
}

// doubt asks a part whether it is the same when another may have taken its place, after two seconds of which nobody knows
// anything, and forgets who it is when it does not say so. That a part which failed is identified anew after that time,
// also one that can't be asked in passing, is the supervisor's doing.
func (p *part) doubt(ctx context.Context) {
	gap := p.place.clock.Now().Sub(p.last)
	if !p.known || gap >= 0 && gap <= unseen {
		return
	}
	if d, ok := p.device.(watchful); ok && d.again(ctx) != nil {
		p.known = false
	}
}

// Sense implements [sensors.Part]. It identifies the chip first when the last use failed so that its settings may be lost,
// or when it may have been exchanged since.
func (p *part) Sense(ctx context.Context, values []sensors.Value) error {
	if len(values) != len(p.quantities) {
		return fmt.Errorf("%s: Sense was given room for %d values and has %d", p.place.driver, len(values), len(p.quantities))
	}
	clear(values)
	p.doubt(ctx)
	if !p.known {
		if err := p.Identify(ctx); err != nil {
			return err
		}
	}
	s := &sheet{quantities: p.quantities, values: values}
	err := p.device.sense(ctx, s)
	if err == nil && s.onlyFaults() {
		err = p.place.fault("measuring", sensors.Implausible, "all that it says is outside what the part can measure")
	}
	p.last = p.place.clock.Now()
	if err != nil {
		p.known = keeps(err)
		clear(values)
	}
	return err
}

// keeps says whether a part that failed like this has surely not lost its settings.
func keeps(err error) bool {
	switch sensors.FaultOf(err) {
	case sensors.Corrupt, sensors.Arbitration, sensors.Busy:
		return true
	}
	return false
}

// sheet takes what a chip measured and holds it against what the part can measure.
type sheet struct {
	quantities []Quantity
	values     []sensors.Value
}

// number sets field i to n, in its kind's scale; out of the part's range it becomes a fault.
func (s *sheet) number(i int, n int64) {
	q := s.quantities[i]
	if n < q.Min || n > q.Max {
		s.fault(i)
		return
	}
	s.values[i] = q.Kind.Check(sensors.Number(n))
}

// token sets field i to text.
func (s *sheet) token(i int, text string) {
	s.values[i] = s.quantities[i].Kind.Check(sensors.Token(text))
}

// fault marks field i: the part answered with something that is no value.
func (s *sheet) fault(i int) { s.values[i] = sensors.Value{Quality: sensors.Fault} }

// onlyFaults says whether something was measured and all of it is a fault.
func (s *sheet) onlyFaults() bool {
	faults := 0
	for _, v := range s.values {
		if v.Quality == sensors.Fault {
			faults++
		} else if v.Quality != sensors.Absent {
			return false
		}
	}
	return faults > 0
}

// nearest divides and rounds to the nearest, halves away from zero. by is positive.
func nearest(n, by int64) int64 {
	if n < 0 {
		return -((-n + by/2) / by)
	}
	return (n + by/2) / by
}
