package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
)

// look asks once how the sensors do.
func (w *walk) look() []control.Look {
	if !w.looked {
		w.looked = true
		looks, err := w.Looks(w.ctx)
		if err != nil {
			looks = []control.Look{{Name: "sensors", State: "failed", Error: err.Error()}}
		}
		w.looks = slices.DeleteFunc(looks, func(l control.Look) bool { return l.Simulated })
	}
	return w.looks
}

// onLine tells whether a sensor is a GPIO line, which has a check of its own.
func onLine(driver string) bool {
	row, err := chip.Named(driver)
	return err == nil && row.On == chip.GPIO
}

// busOf is the bus of a configured sensor, "" when it has none.
func (w *walk) busOf(name string) string {
	for _, s := range w.Config.Sensors {
		if s.Name == name {
			bus, _, _ := strings.Cut(strings.TrimPrefix(s.Bus, "/dev/"), "/")
			return bus
		}
	}
	return ""
}

// levels looks whether a wire of a bus is held low while nobody speaks.
func (w *walk) levels() Check {
	buses := w.buses()
	if len(buses) == 0 {
		return found(Skipped, "levels-none", "no sensor is on an I2C bus")
	}
	why := ""
	for _, b := range buses {
		l, err := w.Levels(b)
		switch {
		case err != nil:
			why = err.Error()
		case !l.SDA:
			return w.stuck("sda-low", b, b+": SDA stays low: a part holds it, or it is shorted to ground")
		case !l.SCL:
			return w.stuck("scl-low", b, b+": SCL stays low: a part holds it, it is shorted to ground, or there is no pull-up")
		}
	}
	if why != "" {
		return found(Unknown, "levels-unknown", "unknown on this board: "+why)
	}
	return found(OK, "levels", "both wires are high between transfers")
}

func (w *walk) stuck(code, bus, evidence string) Check {
	return found(Broken, code, evidence).because("take the power from the parts of "+bus+", one after the other: the last one before it works is it", "", false)
}

// chips holds what answers against the configuration.
func (w *walk) chips() Check {
	var names []string
	stuck, onBus := map[string]int{}, map[string]int{}
	for _, l := range w.look() {
		if bus := w.busOf(l.Name); bus != "" {
			onBus[bus]++
			if l.Fault == sensors.Timeout.String() || l.Fault == sensors.Arbitration.String() {
				stuck[bus]++
			}
		}
	}
	for _, l := range w.look() {
		bus := w.busOf(l.Name)
		if bus != "" && stuck[bus] == onBus[bus] && stuck[bus] > 0 {
			return w.stuck("bus-stuck", bus, bus+" is stuck: no transfer ends. "+l.Error)
		}
		if onLine(l.Driver) {
			continue
		}
		if c, bad := w.chip(l); bad {
			return c
		}
		names = append(names, l.Name+" ("+l.Driver+")")
	}
	if len(names) == 0 {
		return found(Skipped, "chips-none", "no chip is configured; what is simulated is not looked at")
	}
	return found(OK, "chips", "as configured: "+strings.Join(names, ", "))
}

// chip judges one sensor. The error of a part holds no value it measured.
func (w *walk) chip(l control.Look) (Check, bool) {
	evidence := fmt.Sprintf("sensor %s (%s): %s", l.Name, l.Driver, l.State)
	if l.Error != "" {
		evidence = "sensor " + l.Name + ": " + l.Error
	}
	scan := "candor sensor scan"
	switch {
	case l.State == control.NotAllowed:
		return w.noRight(evidence, "i2c"), true
	case l.State == sensors.Wrong.String(), l.Fault == sensors.WrongPart.String():
		return found(Broken, "chip-swapped", evidence).because("put a "+l.Driver+" there again, or name in "+w.File+" what is there", scan, w.edit()), true
	case l.Fault == sensors.NoAnswer.String():
		return found(Broken, "chip-missing", evidence).because("look at its cable, power and address: who answers is listed by", scan, false), true
	case l.State == sensors.Missing.String(), l.Fault == sensors.Gone.String():
		return found(Broken, "chip-gone", evidence).because("look at cable and bus: who answers is listed by", scan, false), true
	case l.Fault == sensors.Busy.String():
		return found(Broken, "chip-taken", evidence).because("read it by the driver \"kernel\", or take its dtoverlay out of config.txt and reboot", "candor sensor scan", true), true
	case slices.Contains([]string{"ok", "running", "ended", "waiting", sensors.Waiting.String()}, l.State) && l.Fault == "":
		return Check{}, false
	}
	return found(Broken, "chip-faulty", evidence).because("look at its cable and power; where that is well, replace the part", "candor sensor read "+l.Name, false), true
}

// reads says whether what is read is there, in range and alive: classes, no values, and of what tells of people nothing.
func (w *walk) reads() Check {
	var spread, bad []string
	for _, l := range w.look() {
		for _, f := range l.Fields {
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
		return found(Warning, "reads-out", strings.Join(bad, ", ")).because("look where the part sits, and whether it is damaged; then read it again", "candor sensor read", false)
	case len(spread) == 0:
		return found(Skipped, "reads-none", "nothing is read whose spread may be told")
	}
	return found(OK, "reads", "spread of the last reads (none, small, normal, wide): "+strings.Join(spread, ", "))
}

// lines says who has the GPIO lines of the configuration: with a daemon that has to be it, without one nobody.
func (w *walk) lines() Check {
	var names []string
	for _, s := range w.Config.Sensors {
		if onLine(s.Driver) {
			names = append(names, s.Line)
		}
	}
	for _, name := range []string{w.Config.Signals.Sending, w.Config.Signals.Pause} {
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return found(Skipped, "lines-none", "no GPIO line is configured")
	}
	for _, name := range names {
		info, err := w.Line(name)
		switch {
		case err != nil && sensors.FaultOf(err) == sensors.Permission:
			return found(Unknown, "lines-unknown", "who has it may not be seen by you: "+err.Error())
		case err != nil:
			return found(Broken, "line-missing", err.Error()).because("name a line that is there in "+w.File, "", w.edit())
		case info.Used && (!w.Daemon || info.Consumer != "candor"):
			return found(Broken, "line-taken", info.String()).because("stop who has it, or take its dtoverlay out of config.txt", "", true)
		case w.Daemon && !info.Used:
			return found(Broken, "line-free", info.String()+": the daemon does not have it").because("start the daemon again", "sudo systemctl restart candor", true)
		}
	}
	return found(OK, "lines", strings.Join(names, ", ")+": nobody else has them")
}
