//go:build linux && (amd64 || arm64) && soak

package simulation

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestSoakSimulation lives YEARS device-years from SEED on, in JOBS processes, with HOURS at the most; a life is DAYS long.
func TestSoakSimulation(t *testing.T) {
	years, days, seed := number("YEARS", 20), number("DAYS", 365), number("SEED", 1)
	lives := (years*365 + days - 1) / days
	jobs := min(number("JOBS", runtime.NumCPU()), lives)
	limit := time.Duration(number("MINUTES", 240)) * time.Minute
	r := &report{all: newTally()}
	began := time.Now()
	var all sync.WaitGroup
	for j := range jobs {
		o := order{first: seed + lives*j/jobs, lives: lives*(j+1)/jobs - lives*j/jobs, days: days, perMonth: number("PER_MONTH", 20), patience: 5 * time.Minute}
		all.Go(func() {
			o.run(t, limit, func(x told) {
				r.take(t, x)
				t.Logf("seed %d: %d days, %d rows, heap %d", x.Seed, x.Tally.Days, x.Tally.Rows, x.Tally.Heap)
			})
		})
	}
	all.Wait()
	if r.skip != "" {
		t.Skipf("this machine's kernel tells nobody of calls, so no power can be cut in the middle of a write: %s", r.skip)
	}
	t.Logf("seeds %d to %d, %v\n%v", seed, seed+lives-1, time.Since(began).Round(time.Second), r)
}
