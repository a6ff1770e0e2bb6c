//go:build linux && (amd64 || arm64) && soak

package simulation

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestSoakSimulation lives YEARS device-years from SEED on, in JOBS processes, for MINUTES at the most; a life is DAYS long. After each
// life the totals so far are written to the file that TOTALS names, so that a run that is cut short counts too.
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
				if file := os.Getenv("TOTALS"); file != "" {
					if err := r.save(file, fmt.Sprintf("seeds %d to %d, %v so far", seed, seed+lives-1, time.Since(began).Round(time.Second))); err != nil {
						t.Error(err)
					}
				}
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

// save writes the totals so far.
func (r *report) save(file, head string) error {
	r.mu.Lock()
	text := head + "\n" + r.String()
	r.mu.Unlock()
	if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
