package doctor

import (
	"errors"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/sensors/kernel"
)

// look asks once how the sensors do.
func (w *walk) look() []control.Look {
	if w.looked {
		return w.looks
	}
	w.looked = true
	looks, err := w.Looks(w.ctx)
	if err != nil {
		looks = []control.Look{{Name: "sensors", State: "failed", Error: err.Error()}}
	}
	for i := range looks {
		if !looks[i].Simulated {
			w.looks = append(w.looks, looks[i])
		}
	}
	return w.looks
}

// onLine tells whether a sensor is a GPIO line, which has a check of its own.
func onLine(driver string) bool {
	row, err := chip.Named(driver)
	return err == nil && row.On == chip.GPIO
}

// busAt is the bus of a configured sensor, "" when it has none.
func (w *walk) busAt(name string) string {
	for i := range w.Config.Sensors {
		if s := &w.Config.Sensors[i]; s.Name == name {
			return busOf(s.Bus)
		}
	}
	return ""
}

// levels looks whether a wire of a bus is held low while nobody speaks.
func (w *walk) levels() *Check {
	why := ""
	buses := w.buses()
	for _, b := range buses {
		l, err := w.Levels(b)
		switch {
		case err != nil:
			why = err.Error()
		case !l.SDA:
			return w.say("sda-low", b)
		case !l.SCL:
			return w.say("scl-low", b)
		}
	}
	switch {
	case len(buses) == 0:
		return w.say("levels-none")
	case why != "":
		return w.say("levels-unknown", why)
	}
	return w.say("levels")
}

// chips holds what answers against the configuration.
func (w *walk) chips() *Check {
	var names []string
	stuck, onBus := map[string]int{}, map[string]int{}
	for i := range w.look() {
		l := &w.looks[i]
		onBus[w.busAt(l.Name)]++
		if l.Fault == sensors.Timeout.String() || l.Fault == sensors.Arbitration.String() {
			stuck[w.busAt(l.Name)]++
		}
	}
	for i := range w.looks {
		l := &w.looks[i]
		if bus := w.busAt(l.Name); bus != "" && stuck[bus] == onBus[bus] {
			return w.say("bus-stuck", bus, l.Error)
		}
		if onLine(l.Driver) {
			continue
		}
		if c := w.chip(l); c != nil {
			return c
		}
		names = append(names, l.Name+" ("+l.Driver+")")
	}
	if len(names) == 0 {
		return w.say("chips-none")
	}
	return w.say("chips", strings.Join(names, ", "))
}

// chip judges one sensor, nil when it is well. The error of a part holds no value it measured.
func (w *walk) chip(l *control.Look) *Check {
	evidence := "sensor " + l.Name + " (" + l.Driver + "): " + l.State
	if line := firstLine(l.Error); strings.HasPrefix(line, "sensor ") { // it names it
		evidence = line
	} else if line != "" {
		evidence = "sensor " + l.Name + ": " + line
	}
	code := "chip-faulty"
	switch l.Fault {
	case sensors.Permission.String():
		return w.noRight(evidence, "i2c")
	case sensors.WrongPart.String():
		code = "chip-swapped"
	case sensors.NoAnswer.String():
		code = "chip-missing"
	case sensors.Gone.String():
		code = "chip-gone"
	case sensors.Busy.String():
		code = "chip-taken"
	case "":
		switch l.State {
		case "ok", "running", "ended", "waiting", sensors.Waiting.String():
			return nil
		}
	}
	if l.Driver == kernel.Driver && (code != "chip-faulty" || l.State == "failed") {
		code = "chip-kernel"
	}
	file, _ := w.bootFile()
	return w.say(code, evidence, l.Driver, l.Name, file)
}

// reads says whether what is read is there, in range and alive: classes, no values, and of what tells of people nothing.
func (w *walk) reads() *Check {
	var spread, bad []string
	for i := range w.look() {
		for _, f := range w.looks[i].Fields {
			switch {
			case f.InRange == "no":
				bad = append(bad, f.Name+" is out of its range")
			case f.Present == "no" && f.InRange != "not known yet":
				bad = append(bad, f.Name+" has no value")
			case f.Spread != "not told":
				spread = append(spread, f.Name+": "+f.Spread)
			}
		}
	}
	switch {
	case len(bad) > 0:
		return w.say("reads-out", strings.Join(bad, ", "))
	case len(spread) == 0:
		return w.say("reads-none")
	}
	return w.say("reads", strings.Join(spread, ", "))
}

// lineNames are the GPIO lines of the configuration.
func (w *walk) lineNames() (names []string) {
	for i := range w.Config.Sensors {
		if s := &w.Config.Sensors[i]; onLine(s.Driver) {
			names = append(names, s.Line)
		}
	}
	for _, name := range []string{w.Config.Signals.Sending, w.Config.Signals.Pause} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// lines says who has the GPIO lines of the configuration: with a daemon that has to be it, without one nobody.
func (w *walk) lines() *Check {
	names := w.lineNames()
	for _, name := range names {
		info, err := w.Line(name)
		switch {
		case errors.Is(err, sensors.Permission):
			return w.say("lines-unknown", err.Error())
		case err != nil:
			return w.say("line-missing", err.Error())
		case info.Used && (!w.Daemon || info.Consumer != "candor"):
			return w.say("line-taken", info.String())
		case w.Daemon && !info.Used:
			return w.say("line-free", info.String())
		}
	}
	if len(names) == 0 {
		return w.say("lines-none")
	}
	return w.say("lines", strings.Join(names, ", "))
}
