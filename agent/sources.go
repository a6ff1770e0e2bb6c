package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
)

// running is one source and how it is.
type running struct {
	source    sensors.Source
	config    sensors.Config
	every     sensors.Micros // see intervalOf; kept, since the plan is made anew each minute
	simulated bool
	seen      seen
	beat      *beat

	mu    sync.Mutex
	state string // waiting, running, ended, failed
	err   error
}

// openSources opens every configured sensor. One that can't be opened is an error when strict; else it is a failed
// sensor in the status, and the others, and a withdrawal, go on.
func (a *Agent) openSources(strict bool) error {
	env := sensors.HostEnv(a.opts.Clock, a.cfg.dir)
	if a.hardware == nil {
		a.hardware = newHardware(a.opts.Adapter)
	}
	table := append(a.hardware.drivers(), a.opts.Drivers...)
	for _, c := range a.cfg.Sensors {
		d, err := sensors.DriverNamed(table, c.Driver)
		if err != nil {
			return fmt.Errorf("sensor %s: %w", c.Name, err)
		}
		s, err := d.Open(c, env)
		if err != nil && strict {
			return err
		}
		if err != nil {
			a.opts.Log.Error("a sensor can't be opened; the others go on", "sensor", c.Name, "error", err)
			s = brokenSource{c.Name, err}
		}
		a.sources = append(a.sources, &running{source: s, config: c, every: sensors.Micros(intervalOf(&c).Microseconds()), simulated: d.Simulated, state: "waiting"})
	}
	for _, s := range a.opts.Sources {
		a.sources = append(a.sources, &running{source: s, config: sensors.Config{Name: s.Name(), Driver: "handed in"}, state: "waiting"})
	}
	attributes, err := a.openAttributes()
	if err != nil {
		return err
	}
	for _, r := range a.sources {
		r.beat = a.flow.watch(r.source)
	}
	a.sources = append(a.sources, attributes...)
	return nil
}

// brokenSource stands for a sensor that could not be opened. It has no fields and fails when it is run.
type brokenSource struct {
	name string
	err  error
}

// Name implements sensors.Source.
func (s brokenSource) Name() string { return s.name }

// Fields implements sensors.Source.
func (s brokenSource) Fields() []sensors.Field { return nil }

// Ends implements sensors.Ending.
func (s brokenSource) Ends() bool { return true }

// Run implements sensors.Source.
func (s brokenSource) Run(context.Context, func(sensors.Reading) error) error { return s.err }

// runSource runs one source to its end.
func (a *Agent) runSource(ctx context.Context, r *running) {
	if _, fixed := r.source.(*attributes); fixed {
		return
	}
	a.pipe.recall(r.source.Name())
	if s, ok := r.source.(sensors.Resuming); ok {
		s.Resume(a.pipe.resume(r.source.Name(), s.Recording()))
	}
	r.set("running", nil)
	err := r.source.Run(ctx, func(reading sensors.Reading) error {
		r.seen.take(&reading, a.opts.Clock.Now())
		return r.beat.carry(func() error { return a.pipe.take(reading) })
	})
	r.beat.end()
	if ctx.Err() != nil {
		r.set("waiting", nil)
		return
	}
	if err != nil {
		r.set("failed", err)
		a.opts.Log.Error("a sensor has failed; the others go on", "sensor", r.source.Name(), "error", err)
		return
	}
	if err := a.pipe.ended(r.source.Name()); err != nil {
		a.opts.Log.Error("the last window of a sensor could not be stored", "sensor", r.source.Name(), "error", err)
	}
	r.set("ended", nil)
}

func (r *running) set(state string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.err = state, err
}

// status tells how the source is, without any value.
func (r *running) status() control.SensorStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := control.SensorStatus{Name: r.source.Name(), Driver: r.config.Driver, Simulated: r.simulated, State: r.state}
	if r.err != nil {
		s.Error = r.err.Error()
	}
	for _, f := range r.source.Fields() {
		s.Fields = append(s.Fields, f.Name)
	}
	if w, ok := r.source.(sensors.Watched); ok && r.state == "running" {
		seen := w.Status()
		s.State = seen.State.String()
		if seen.Last != nil && s.Error == "" {
			s.Error = seen.Last.Error()
		}
	}
	if c, ok := r.source.(sensors.Counting); ok {
		s.Faults = slices.Clone(c.Faults())
	}
	return s
}
