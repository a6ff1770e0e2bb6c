package doctor

import (
	"cmp"
	"io/fs"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// board says what machine this is. The names are those of the device tree, or of the firmware of a PC.
func (w *walk) board() *Check {
	w.model = cmp.Or(w.text("proc/device-tree/model"), w.text("sys/firmware/devicetree/base/model"))
	kernel := "kernel " + cmp.Or(w.text("proc/sys/kernel/osrelease"), "unknown") + ", " + runtime.GOARCH + ", pages of " + strconv.Itoa(w.PageSize>>10) + " KiB"
	name := cmp.Or(w.model, w.text("sys/class/dmi/id/product_name"))
	if name == "" {
		return w.say("board-unknown", name, kernel)
	}
	return w.say("board", name, kernel)
}

// pi tells a Raspberry Pi.
func (w *walk) pi() bool { return strings.Contains(w.model, "Raspberry Pi") }

// The bits of get_throttled, by the maker's documentation of vcgencmd (raspberrypi.com/documentation/computers/os.html).
const (
	lowNow  = 1 << 0
	hotNow  = 1<<2 | 1<<3 // throttled, soft limit of temperature
	lowEver = 1 << 16
)

// throttled is what the firmware of a Raspberry Pi says of itself; false where it says nothing.
func (w *walk) throttled() (bits uint64, ok bool) {
	bits, err := strconv.ParseUint(strings.TrimPrefix(w.text("sys/devices/platform/soc/soc:firmware/get_throttled"), "0x"), 16, 32)
	return bits, err == nil
}

// power asks the firmware, which remembers, and the kernel's monitor, which knows of now only.
func (w *walk) power() *Check {
	bits, remembers := w.throttled()
	alarm := ""
	for _, n := range w.each("sys/class/hwmon", "hwmon", "name") {
		if w.text(n) == "rpi_volt" {
			alarm = w.text(path.Dir(n) + "/in0_lcrit_alarm")
		}
	}
	switch {
	case bits&lowNow != 0, alarm == "1":
		return w.say("under-voltage-now")
	case bits&lowEver != 0:
		return w.say("under-voltage-ever")
	case remembers:
		return w.say("power")
	case alarm == "0":
		return w.say("power-now")
	}
	return w.say("power-unknown")
}

// temperature tells no number: the board follows the room, and that tells who is at home. 85 degrees is where a Raspberry Pi
// slows down (the maker's documentation, frequency management); a zone's own critical point counts where it is higher.
func (w *walk) temperature() *Check {
	const limit, near = 85_000, 5_000 // thousandths of a degree, as in the files
	seen, hot, close := 0, false, false
	for _, n := range w.each("sys/class/thermal", "thermal_zone", "temp") {
		now, err := strconv.Atoi(w.text(n))
		if err != nil || now < -40_000 || now > 200_000 {
			continue
		}
		seen++
		most := max(limit, w.critical(path.Dir(n))-near)
		hot, close = hot || now >= most, close || now >= most-near
	}
	bits, _ := w.throttled()
	switch {
	case hot:
		return w.say("too-hot")
	case close || bits&hotNow != 0:
		return w.say("hot")
	case seen == 0:
		return w.say("temperature-unknown")
	}
	return w.say("temperature")
}

// critical is the temperature at which the kernel switches a zone's machine off; 0 when it does not say.
func (w *walk) critical(zone string) int {
	for _, n := range w.each(zone, "trip_point_", "") {
		if strings.HasSuffix(n, "_type") && w.text(n) == "critical" {
			c, _ := strconv.Atoi(w.text(strings.TrimSuffix(n, "type") + "temp"))
			return c
		}
	}
	return 0
}

// clock holds the time against the files of this machine: none of them was written tomorrow.
func (w *walk) clock() *Check {
	now := w.Now()
	for _, name := range []string{inRoot(w.Path), "etc/fake-hwclock.data", "etc/os-release", "usr/lib/os-release", "etc/machine-id"} {
		if info, err := fs.Stat(w.Root, name); err == nil && info.ModTime().Sub(now) > 24*time.Hour {
			return w.say("clock-wrong", now.UTC().Format("2006-01-02 15:04 UTC"), name, info.ModTime().UTC().Format(time.DateOnly))
		}
	}
	source := "no time service shows"
	for _, s := range []string{"run/systemd/timesync", "run/chrony", "run/ntpd.pid"} {
		if w.exists(s) {
			source = strings.TrimSuffix(path.Base(s), ".pid")
		}
	}
	if chip := w.text("sys/class/rtc/rtc0/name"); chip != "" {
		source += ", clock chip " + chip
	}
	if w.Synced() {
		return w.say("clock", source)
	}
	return w.say("clock-unsynced", source)
}
