package doctor

import (
	"slices"
	"strings"
)

// buses are the I2C buses of the configuration, without the branches of muxes.
func (w *walk) buses() (out []string) {
	for _, s := range w.Config.Sensors {
		if name := busOf(s.Bus); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// busOf is the bus that a branch is on.
func busOf(branch string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(branch, "/dev/"), "/")
	return name
}

// parameter is the line of config.txt that switches on what a bus or the 1-wire line needs (the maker's overlays/README).
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
func (w *walk) i2c() *Check {
	needs := w.buses()
	for _, s := range w.Config.Sensors {
		if strings.HasPrefix(s.File, "w1:") && !slices.Contains(needs, "w1") {
			needs = append(needs, "w1")
		}
	}
	for _, need := range needs {
		there, known := "dev/"+need, "sys/bus/i2c/devices/"+need
		if need == "w1" {
			there, known = "sys/bus/w1/devices", "none"
		}
		switch {
		case w.exists(there):
		case w.exists(known):
			return w.say("i2c-module", need)
		case !w.pi():
			return w.say("i2c-missing", need)
		default:
			return w.missingLine(need)
		}
	}
	if len(needs) == 0 {
		return w.say("i2c-none")
	}
	return w.say("i2c", strings.Join(needs, ", "))
}

// bootFile is the boot configuration that counts. Since Bookworm that is the one in /boot/firmware, and what stands in the old
// place is not read.
func (w *walk) bootFile() (name string, moved bool) {
	if name = "/boot/firmware/config.txt"; w.exists(inRoot(name)) {
		return name, true
	}
	return "/boot/config.txt", false
}

// missingLine says how the boot configuration has the line that a bus needs.
func (w *walk) missingLine(need string) *Check {
	line, stray := parameter(need), ""
	file, moved := w.bootFile()
	if moved && w.sets("boot/config.txt", line) == "yes" {
		stray = "; it stands in /boot/config.txt, which this system does not read"
	}
	how := w.sets(inRoot(file), line)
	if how == "yes" {
		return w.say("i2c-reboot", need, file, line)
	}
	return w.say("i2c-line-missing", need, file, line, how+stray)
}

// sets says how a config.txt has a line: "yes" when it is in force.
func (w *walk) sets(file, line string) (how string) {
	want, value, _ := strings.Cut(strings.TrimSuffix(line, "=on"), "=")
	section := "all"
	how = "is not there"
	for _, f := range w.table(file, "\n") {
		l := f[0]
		if strings.HasPrefix(l, "[") {
			section = strings.Trim(l, "[]")
			continue
		}
		bare := strings.TrimSpace(strings.TrimLeft(l, "#"))
		key, rest, _ := strings.Cut(bare, "=")
		if key != want {
			continue
		}
		for _, given := range strings.Split(rest, ",") {
			name, to, _ := strings.Cut(given, "=")
			switch {
			case name != value && !(name == "i2c" && value == "i2c_arm"): // an older name of it
			case bare != l:
				how = "is commented out"
			case to == "off" || to == "0" || to == "no":
				how = "says off"
			case section != "all" && !w.section(section):
				how = "stands under [" + section + "], which is not this board"
			default:
				return "yes"
			}
		}
	}
	return how
}

// section tells whether a conditional section of config.txt is about this board (the maker's documentation, conditional filters).
func (w *walk) section(name string) bool {
	model := strings.ToLower(w.model)
	_, kind, _ := strings.Cut(model, "raspberry pi ")
	switch {
	case strings.HasPrefix(name, "pi0"):
		return strings.HasPrefix(kind, "zero")
	case strings.HasPrefix(name, "pi"):
		return strings.HasPrefix(kind, strings.TrimSuffix(name[2:], "+"))
	case strings.HasPrefix(name, "cm"):
		return strings.HasPrefix(kind, "compute module "+name[2:])
	}
	return false
}
