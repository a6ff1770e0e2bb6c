package timeline

import (
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/sensors"
)

// Kernel is what is asked of the machine. All functions are quick, may be called from any goroutine, and are called with a
// lock held.
type Kernel struct {
	Wall   func() time.Time
	Since  func() time.Duration // since the machine booted; never goes back
	Synced func() bool          // whether something has set the wall clock
	Boot   [8]byte              // the same for each start within one boot of the machine, and for no other
	// Wait gives a moment after so long by the monotonic clock; nil is time.After. It may block nobody.
	Wait func(time.Duration) <-chan time.Time
}

// timesyncd is there once systemd-timesyncd has set the clock in this boot.
const timesyncd = "/run/systemd/timesync/synchronized"

// timeError is TIME_ERROR of adjtimex(2): the clock is not synchronised.
const timeError = 5

// System is the machine's own.
func System() Kernel {
	started := time.Now()
	var at unix.Timespec
	base := time.Duration(0)
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &at) == nil {
		base = time.Duration(at.Nano())
	}
	k := Kernel{
		Wall:   time.Now,
		Since:  func() time.Duration { return base + time.Since(started) },
		Synced: func() bool { return synced(unix.Adjtimex, timesyncd) },
	}
	// The kernel draws this name at random for each boot, and keeps it in memory only.
	name := bootName("/proc/sys/kernel/random/boot_id", os.Getenv("CANDOR_BOOT"))
	if name == "" {
		name = started.String() + base.String()
	}
	sum := sha256.Sum256([]byte("candor 1 boot " + name))
	copy(k.Boot[:], sum[:])
	return k
}

// synced asks the kernel, and where a sandbox keeps that call away, since the same one sets the clock, the file that systemd's own time
// service touches each time it has set it (systemd-timesyncd(8)).
func synced(adjtimex func(*unix.Timex) (int, error), file string) bool {
	state, err := adjtimex(&unix.Timex{})
	if errors.Is(err, unix.EPERM) {
		_, err = os.Stat(file)
		return err == nil
	}
	return err == nil && state != timeError
}

// bootName is the kernel's name of this boot; "" when it can't be had. A sandbox that hides the file hands the name in, as 32 hex
// digits (%b of systemd.unit(5)), so that it is the same inside and out.
func bootName(file, handed string) string {
	if text, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(text))
	}
	if len(handed) != 32 {
		return ""
	}
	return handed[:8] + "-" + handed[8:12] + "-" + handed[12:16] + "-" + handed[16:20] + "-" + handed[20:]
}

func micros(t time.Time) sensors.Micros     { return sensors.Micros(t.UnixMicro()) }
func length(d time.Duration) sensors.Micros { return sensors.Micros(d.Microseconds()) }

// size is how large a difference is.
func size(m sensors.Micros) sensors.Micros { return max(m, -m) }
