package cli

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// sparingGC is how much the heap of a daemon may grow before it is collected, in percent of what lives. It lives for years beside other programs and
// has little to do: less than Go's 100 is a megabyte less of memory, for some more work when much is read.
const sparingGC = 60

// spareMemory has this process take less memory, unless whoever started it says how much (GOGC).
func spareMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(sparingGC)
	}
}

// shieldMemory has a crash of this process leave no core, and keeps other processes of the same account from reading its memory:
// it holds keys, and values that were not cleared yet. A process that is not dumpable (prctl(2), PR_SET_DUMPABLE) leaves none, whether
// core_pattern names a file or a program; the limit, which a program there would ignore, is set beside it where a sandbox lets us.
// Root can still read the memory. The systemd unit also keeps it from being swapped (MemorySwapMax=0).
func shieldMemory() error {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // the unit has set it, and forbids the call
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("a crash could leave the memory of this process in a core: %w", err)
	}
	return nil
}
