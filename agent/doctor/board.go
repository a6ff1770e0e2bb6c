package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// board says what machine this is. The names are those of the device tree, or of the firmware of a PC.
func (w *walk) board() Check {
	w.model = cmp.Or(w.text("proc/device-tree/model"), w.text("sys/firmware/devicetree/base/model"))
	kernel := fmt.Sprintf("kernel %s, %s, pages of %d KiB", cmp.Or(w.text("proc/sys/kernel/osrelease"), "unknown"), runtime.GOARCH, w.PageSize>>10)
	if name := cmp.Or(w.model, w.text("sys/class/dmi/id/product_name")); name != "" {
		return found(OK, "board", name+", "+kernel)
	}
	return found(Unknown, "board-unknown", "it does not tell its name; "+kernel)
}

func (w *walk) pi() bool { return strings.Contains(w.model, "Raspberry Pi") }

// The bits of get_throttled, by the maker's documentation of vcgencmd (raspberrypi.com/documentation/computers/os.html).
const (
	lowNow   = 1 << 0
	hotNow   = 1<<2 | 1<<3 // throttled, soft limit of temperature
	lowEver  = 1 << 16
	throttle = "sys/devices/platform/soc*/*firmware*/get_throttled"
)

// throttled is what the firmware of a Raspberry Pi says of itself; false where it says nothing.
func (w *walk) throttled() (bits uint64, ok bool) {
	text, _ := w.first(throttle)
	bits, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 32)
	return bits, err == nil
}

// power asks the firmware, which remembers, and the kernel's monitor, which knows of now only.
func (w *walk) power() Check {
	bits, remembers := w.throttled()
	alarm := ""
	names, _ := fs.Glob(w.Root, "sys/class/hwmon/hwmon*/name")
	for _, n := range names {
		if w.text(n) == "rpi_volt" {
			alarm = w.text(path.Join(path.Dir(n), "in0_lcrit_alarm"))
		}
	}
	supply := "use a supply that holds its voltage (5.1 V and 3 A; a Pi 5 takes 5 A) and a short, thick cable"
	switch {
	case remembers && bits&lowNow != 0, alarm == "1":
		return found(Broken, "under-voltage-now", "the board sees less than 4.63 V now: parts and card fail at random").because(supply, "", false)
	case remembers && bits&lowEver != 0:
		return found(Warning, "under-voltage-ever", "enough now, and less than 4.63 V at some time since the boot").because(supply, "", false)
	case remembers:
		return found(OK, "power", "never too low since the boot")
	case alarm == "0":
		return found(OK, "power-now", "enough now; whether it ever was too low is unknown on this board")
	}
	return found(Unknown, "power-unknown", "unknown on this board: nothing in /sys watches the supply")
}

// temperature tells no number: the board follows the room, and that tells who is at home. 85 degrees is where a Raspberry Pi
// slows down (the maker's documentation, frequency management); a zone's own critical point counts where it is higher.
func (w *walk) temperature() Check {
	const limit, near = 85_000, 5_000 // thousandths of a degree, as in the files
	names, _ := fs.Glob(w.Root, "sys/class/thermal/thermal_zone*/temp")
	seen, hot, close := 0, false, false
	for _, n := range names {
		now, err := strconv.Atoi(w.text(n))
		if err != nil || now < -40_000 || now > 200_000 {
			continue
		}
		seen++
		most := max(limit, w.critical(path.Dir(n))-near)
		hot, close = hot || now >= most, close || now >= most-near
	}
	bits, _ := w.throttled()
	air := "give it air: out of the sun, off the radiator, the lid open, a heat sink"
	switch {
	case hot:
		return found(Broken, "too-hot", "the board is as hot as it may get, and slows down or stops").because(air, "", false)
	case close || bits&hotNow != 0:
		return found(Warning, "hot", "the board is nearly too hot").because(air, "", false)
	case seen == 0:
		return found(Unknown, "temperature-unknown", "unknown on this board: /sys/class/thermal has no zone")
	}
	return found(OK, "temperature", "within what the board bears")
}

// critical is the temperature at which the kernel switches a zone's machine off; 0 when it does not say.
func (w *walk) critical(zone string) int {
	names, _ := fs.Glob(w.Root, zone+"/trip_point_*_type")
	for _, n := range names {
		if w.text(n) == "critical" {
			c, _ := strconv.Atoi(w.text(strings.TrimSuffix(n, "type") + "temp"))
			return c
		}
	}
	return 0
}

// clock holds the time against the files of this machine: none of them was written tomorrow.
func (w *walk) clock() Check {
	now := w.Now()
	set := "sudo timedatectl set-ntp true"
	for _, name := range []string{inRoot(w.File), "etc/fake-hwclock.data", "etc/os-release", "usr/lib/os-release", "etc/machine-id"} {
		if info, err := fs.Stat(w.Root, name); err == nil && info.ModTime().Sub(now) > 24*time.Hour {
			return found(Broken, "clock-wrong", fmt.Sprintf("it says %s, and /%s was written later, on %s", now.UTC().Format("2006-01-02 15:04 UTC"), name,
				info.ModTime().UTC().Format(time.DateOnly))).because("let it reach a time server, or set it by hand: sudo timedatectl set-time 'YYYY-MM-DD HH:MM'", set, true)
		}
	}
	source := "no time service shows"
	for _, s := range [][2]string{{"run/systemd/timesync", "systemd-timesyncd"}, {"run/chrony", "chrony"}, {"run/ntpd.pid", "ntpd"}} {
		if w.exists(s[0]) {
			source = s[1]
		}
	}
	if chip := w.text("sys/class/rtc/rtc0/name"); chip != "" {
		source += ", clock chip " + chip
	}
	if w.Synced() {
		return found(OK, "clock", "set and kept ("+source+")")
	}
	return found(Note, "clock-unsynced", "nothing vouches for it since the boot ("+source+"); it works all the same, and nothing lapses by it").
		because("let it reach a time server", set, true)
}
