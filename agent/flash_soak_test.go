//go:build soak

package agent_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// TestSoakFlashOnADevice counts the sectors that a block device of its own is given in a day, with the journal of ext4 and
// all: ten sensors at ten seconds, default settings, keys on the same card.
func TestSoakFlashOnADevice(t *testing.T) {
	device, mount := blockDevice(t)
	syscall.Sync()
	before := sectors(t, device)
	rows, written := runDays(t, t.TempDir(), filepath.Join(mount, "state"), 24*time.Hour)
	syscall.Sync()
	day := sectors(t, device) - before
	t.Logf("a day: %d rows arrived; the device was given %.1f MB, the buffer counts %.1f MB", rows, float64(day)/1e6, float64(written)/1e6)
	if rows < 86400/10*10*3/4 {
		t.Errorf("only %d rows arrived", rows)
	}
	if day > control.FlashBudget {
		t.Errorf("the device was given %d bytes in a day, the budget is %d", day, control.FlashBudget)
	}
}
