package agent

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/sensors/kernel"
	"github.com/candor-edge/candor/sensors/simulated"
)

// hardware is what the drivers of one agent share: a queue for each bus, and one supervisor, so that the parts of a bus
// are read in turn. It touches nothing until a source runs or somebody scans.
type hardware struct {
	buses *bus.Buses
	open  chip.Opener              // whole buses and branches of muxes
	names func() ([]string, error) // of the buses that the machine has
	sys   fs.FS                    // what is under /sys
	line  chip.LineOpener
	drive func(bus.LineOptions) (output, error)

	mu         sync.Mutex
	supervisor *sensors.Supervisor
}

func newHardware(adapter func() (bus.Adapter, error)) *hardware {
	buses := bus.NewBuses(bus.Options{Open: adapter})
	names := func() ([]string, error) { return bus.Names("/dev") }
	return &hardware{buses: buses, open: chip.Muxed(buses.Open), names: names, sys: os.DirFS("/sys"),
		line:  func(o bus.LineOptions) (chip.Line, error) { return bus.OpenLine(o) },
		drive: func(o bus.LineOptions) (output, error) { return bus.OpenOutput(o) }}
}

// Drivers is the table of everything a [[sensor]] can name, for looking at; its sources share nothing.
func Drivers() []sensors.Driver { return newHardware(nil).drivers() }

// drivers is the table of everything a [[sensor]] can name.
func (h *hardware) drivers() []sensors.Driver {
	settings := func(c sensors.Config) map[string]string { return c.Settings }
	return slices.Concat(simulated.Drivers(),
		chip.Drivers(chip.Options{Bus: h.open, Line: h.line, Supervise: h.supervise, Settings: settings}),
		kernel.Drivers(kernel.Options{FS: h.sys, Supervise: h.supervise}))
}

// supervise adds a part to those that are read in turn.
func (h *hardware) supervise(part sensors.Supervised, env sensors.Env) (sensors.Source, error) {
	if env.Clock == nil {
		return nil, errors.New("a supervised part needs a clock")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.supervisor == nil {
		h.supervisor = sensors.NewSupervisor(sensors.SuperviseOptions{Clock: env.Clock})
	}
	return h.supervisor.Add(part), nil
}

func (h *hardware) close() error { return h.buses.Close() }
