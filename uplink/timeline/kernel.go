package timeline

import (
	"crypto/sha256"
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
}

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
		Wall:  time.Now,
		Since: func() time.Duration { return base + time.Since(started) },
		Synced: func() bool {
			state, err := unix.Adjtimex(&unix.Timex{})
			return err == nil && state != timeError
		},
	}
	// The kernel draws this name at random for each boot, and keeps it in memory only.
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		text = []byte(started.String() + base.String())
	}
	sum := sha256.Sum256([]byte("candor 1 boot " + strings.TrimSpace(string(text))))
	copy(k.Boot[:], sum[:])
	return k
}

func micros(t time.Time) sensors.Micros     { return sensors.Micros(t.UnixMicro()) }
func length(d time.Duration) sensors.Micros { return sensors.Micros(d.Microseconds()) }

// size is how large a difference is.
func size(m sensors.Micros) sensors.Micros { return max(m, -m) }
