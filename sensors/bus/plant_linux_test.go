package bus_test

import (
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPlant runs 100 parts on 4 buses at 10 Hz for five seconds of real time, and says what that takes of one core.
// The wires are simulated, so the kernel's part of a transfer is not in it; bus, queue and supervision are.
func BenchmarkPlant(b *testing.B) {
	const length = 5 * time.Second
	for range b.N {
		p := newPlant(b)
		counts := make([]atomic.Uint64, len(p.sources))
		before, start := spent(b), time.Now()
		stop := p.start(b, counts)
		time.Sleep(length)
		stop()
		cpu, wall := spent(b)-before, time.Since(start)
		var readings uint64
		for i := range counts {
			readings += counts[i].Load()
		}
		if most := uint64(wall/(100*time.Millisecond)+1) * uint64(len(counts)); readings < most/2 {
			b.Errorf("%d readings in %v", readings, wall)
		}
		b.ReportMetric(100*cpu.Seconds()/wall.Seconds(), "%core")
		b.ReportMetric(cpu.Seconds()/wall.Seconds()*86400, "cpu-s/day")
		b.ReportMetric(float64(cpu.Microseconds())/float64(readings), "cpu-us/reading")
	}
}

// spent is the CPU time of this process so far.
func spent(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
