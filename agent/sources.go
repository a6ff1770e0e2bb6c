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
	simulated bool

	mu    sync.Mutex
	state string // waiting, running, ended, failed
	err   error
}

// openSources opens every configured sensor. A sensor that can't be opened is an error of the configuration.
func (a *Agent) openSources() error {
	env := sensors.HostEnv(a.opts.Clock, a.cfg.dir)
	for _, c := range a.cfg.Sensors {
		d, err := sensors.DriverNamed(Drivers(), c.Driver)
		if err != nil {
			return fmt.Errorf("sensor %s: %w", c.Name, err)
		}
		s, err := d.Open(c, env)
		if err != nil {
			return err
		}
		a.sources = append(a.sources, &running{source: s, config: c, simulated: d.Simulated, state: "waiting"})
	}
	attributes, err := a.openAttributes()
	if err != nil {
		return err
	}
	a.sources = append(a.sources, attributes...)
	return nil
}

// runSource runs one source to its end.
func (a *Agent) runSource(ctx context.Context, r *running) {
	if _, fixed := r.source.(*attributes); fixed {
		return
	}
	if s, ok := r.source.(sensors.Resuming); ok {
		s.Resume(a.pipe.resume(r.source.Name(), s.Recording()))
	}
	r.set("running", nil)
	err := r.source.Run(ctx, a.pipe.take)
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
	if c, ok := r.source.(sensors.Counting); ok {
		s.Faults = slices.Clone(c.Faults())
	}
	return s
}
