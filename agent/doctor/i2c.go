package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors/chip"
)

// buses are the I2C buses of the configuration, without the branches of muxes.
func (w *walk) buses() (out []string) {
	for _, s := range w.Config.Sensors {
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Bus, "/dev/"), "/")
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// parameters are the lines of config.txt that switch on what a bus or the 1-wire line needs (the maker's overlays/README).
func parameter(need string) string {
	switch need {
	case "i2c-0":
		return "dtparam=i2c_vc=on"
	case "i2c-1":
		return "dtparam=i2c_arm=on"
	case "w1":
		return "dtoverlay=w1-gpio"
	}
	return "dtoverlay=" + strings.Replace(need, "-", "", 1)
}

// i2c says whether the buses are there, and if not which line is missing in which file.
func (w *walk) i2c() Check {
	needs := w.buses()
	there := func(need string) bool { return w.exists("dev/" + need) }
	for _, s := range w.Config.Sensors {
		if strings.HasPrefix(s.File, "w1:") && !slices.Contains(needs, "w1") {
			needs = append(needs, "w1")
		}
	}
	if len(needs) == 0 {
		return found(Skipped, "i2c-none", "no sensor is on an I2C bus")
	}
	for _, need := range needs {
		switch {
		case need == "w1" && w.exists("sys/bus/w1/devices"), need != "w1" && there(need):
		case need != "w1" && w.exists("sys/bus/i2c/devices/"+need):
			return found(Broken, "i2c-module", fmt.Sprintf("the kernel has %s, and /dev/%s is not there: the module i2c-dev is not loaded", need, need)).
				because("load it, now and at every start", "echo i2c-dev | sudo tee -a /etc/modules; sudo modprobe i2c-dev", true)
		case !w.pi():
			return found(Broken, "i2c-missing", fmt.Sprintf("this machine has no %s (/dev/%s)", need, need)).
				because("switch the bus on in the firmware or device tree, or name another: candor sensor scan", "sudo modprobe i2c-dev", true)
		default:
			return w.missingLine(need)
		}
	}
	return found(OK, "i2c", strings.Join(needs, ", ")+" there")
}

// missingLine looks into the boot configuration that counts. Since Bookworm that is the one in /boot/firmware, and what stands in
// the old place is not read.
func (w *walk) missingLine(need string) Check {
	line, file, stray := parameter(need), "/boot/firmware/config.txt", ""
	if !w.exists(inRoot(file)) {
		file = "/boot/config.txt"
	} else if w.sets("boot/config.txt", line) == "yes" {
		stray = "; it stands in /boot/config.txt, which this system does not read"
	}
	switch set := w.sets(inRoot(file), line); set {
	case "yes":
		return found(Broken, "i2c-reboot", fmt.Sprintf("%s has %s, and %s is not there: not rebooted since, or the kernel could not start it", file, line, need)).
			because("reboot", "sudo reboot", true)
	case "":
		set = "is not there"
		fallthrough
	default:
		do := fmt.Sprintf("add the line %s to %s, then reboot", line, file)
		return found(Broken, "i2c-line-missing", fmt.Sprintf("%s is off: in %s the line %s %s%s", need, file, line, set, stray)).
			because(do, `printf '[all]\n`+line+`\n'|sudo tee -a `+file, true)
	}
}

// sets says whether a config.txt has a line in force: "yes", "" for not there, else how it stands there.
func (w *walk) sets(file, line string) (how string) {
	want, value, _ := strings.Cut(strings.TrimSuffix(line, "=on"), "=")
	section := "all"
	for l := range strings.Lines(w.text(file)) {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "[") {
			section = strings.Trim(l, "[]")
			continue
		}
		bare := strings.TrimSpace(strings.TrimLeft(l, "#"))
		key, rest, _ := strings.Cut(bare, "=")
		given := strings.Split(strings.ReplaceAll(rest, "i2c=", "i2c_arm="), ",")
		switch i := slices.IndexFunc(given, func(g string) bool {
			return g == value || g == value+"=on" || g == value+"=1" || g == value+"=yes" || g == value+"=off"
		}); {
		case key != want || i < 0:
		case bare != l:
			how = "is commented out"
		case strings.HasSuffix(given[i], "=off"):
			how = "says off"
		case section != "all" && !w.section(section):
			how = "stands under [" + section + "], which is not this board"
		default:
			return "yes"
		}
	}
	return how
}

// section tells whether a conditional section of config.txt is about this board (the maker's documentation, conditional filters).
func (w *walk) section(name string) bool {
	model := strings.ToLower(w.model)
	short := strings.NewReplacer("raspberry pi ", "", " model ", "", "compute module ", "cm", " ", "").Replace(model)
	switch {
	case strings.HasPrefix(name, "pi0"):
		return strings.Contains(model, "zero")
	case strings.HasPrefix(name, "pi"):
		return strings.HasPrefix(short, strings.TrimSuffix(strings.TrimPrefix(name, "pi"), "+"))
	case strings.HasPrefix(name, "cm"):
		return strings.HasPrefix(short, name)
	}
	return false
}

// nodes are the device nodes that the configuration needs.
func (w *walk) nodes() (out []string) {
	out = w.buses()
	for _, s := range w.Config.Sensors {
		if row, err := chip.Named(s.Driver); err == nil && row.On == chip.GPIO {
			return append(out, "gpiochip")
		}
	}
	if w.Config.Signals.Sending != "" || w.Config.Signals.Pause != "" {
		out = append(out, "gpiochip")
	}
	return out
}
