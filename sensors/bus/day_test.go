package bus_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// plant is 100 parts on 4 buses.
type plant struct {
	wires   []*bustest.Wire
	buses   []*bus.Bus
	sources []sensors.Source
}

func newPlant(t testing.TB) *plant {
	p := &plant{}
	var parts []sensors.Supervised
	for i := range 4 {
		wire := bustest.NewWire()
		b := bus.New(bus.Options{Name: fmt.Sprintf("i2c-%d", i), Open: wire.Open})
		p.wires, p.buses = append(p.wires, wire), append(p.buses, b)
		for j := range 25 {
			name, addr := fmt.Sprintf("part-%d-%d", i, j), uint16(0x20+j)
			wire.Attach(addr, climateRegisters(2000+uint16(j), 50))
			parts = append(parts, sensors.Supervised{Name: name, Driver: "climate", Bus: b.String(), Address: addr,
				Every: 100 * time.Millisecond, Part: climate{b, addr},
				Fields: []sensors.Field{field(t, name, "temperature"), field(t, name, "humidity")}})
		}
	}
	p.sources = sensors.Supervise(sensors.SuperviseOptions{Parts: parts, RetryLongest: 10 * time.Second})
	return p
}

// start runs all sources and counts what comes out of each.
func (p *plant) start(t testing.TB, counts []atomic.Uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, s := range p.sources {
		all.Go(func() {
			if err := s.Run(ctx, func(sensors.Reading) error { counts[i].Add(1); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		for _, b := range p.buses {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// dayEnv asks for a whole simulated day, which takes a quarter of an hour of real time.
const dayEnv = "CANDOR_WHOLE_DAY"

// TestDay: 100 parts at 10 Hz, now and then with faults, grow neither memory nor goroutines.
func TestDay(t *testing.T) {
	length := 2 * time.Minute
	if testing.Short() {
		length = 20 * time.Second
	}
	if os.Getenv(dayEnv) != "" {
		length = 24 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t)
		counts := make([]atomic.Uint64, len(p.sources))
		stop := p.start(t, counts)
		faults := func() {
			for i, wire := range p.wires {
				modes := []bustest.Mode{bustest.NoAnswer, bustest.Flip, bustest.Timeout, bustest.Hang}
				wire.Break(0x20, bustest.Fault{Mode: modes[i]})
			}
			time.Sleep(5 * time.Second)
			for _, wire := range p.wires {
				wire.Mend(0x20)
			}
			time.Sleep(length / 4)
		}
		faults() // everything that is made once has been made
		memory, routines := heap(), sensortest.Goroutines()
		var before uint64
		for i := range counts {
			before += counts[i].Load()
		}
		start := time.Now()
		for time.Since(start) < length {
			faults()
		}
		passed := time.Since(start)
		if after := sensortest.Goroutines(); after > routines {
			t.Errorf("there are %d goroutines and were %d", after, routines)
		}
		if after := heap(); after > memory+64<<10 {
			t.Errorf("the heap has %d bytes and had %d", after, memory)
		}
		var total uint64
		for i := range counts {
			total += counts[i].Load()
			if counts[i].Load() == 0 {
				t.Errorf("nothing came out of %s", p.sources[i].Name())
			}
		}
		most := uint64(passed/(100*time.Millisecond)) * uint64(len(counts))
		if total-before < most*7/10 || total-before > most+uint64(len(counts)) {
			t.Errorf("%d readings in %v, at most %d could be", total-before, passed, most)
		}
		stop()
	})
}

// heap is how many bytes are in use.
func heap() uint64 {
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// counted ends a benchmark after so many readings.
type counted struct {
	climate
	left int
	stop func()
}

func (c *counted) Sense(ctx context.Context, values []sensors.Value) error {
	if c.left--; c.left == 0 {
		c.stop()
	}
	return c.climate.Sense(ctx, values)
}

// BenchmarkReading is one reading of one part, with bus, supervision and all.
func BenchmarkReading(b *testing.B) {
	wire := bustest.NewWire()
	wire.Attach(0x20, climateRegisters(2000, 50))
	one := bus.New(bus.Options{Name: "i2c-1", Open: wire.Open})
	defer func() { _ = one.Close() }()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	source := sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{{Name: "part", Bus: "i2c-1", Address: 0x20,
		Every: time.Nanosecond, Deadline: time.Second, Part: &counted{climate{one, 0x20}, b.N, cancel},
		Fields: []sensors.Field{field(b, "part", "temperature"), field(b, "part", "humidity")}}}})[0]
	b.ReportAllocs()
	b.ResetTimer()
	_ = source.Run(ctx, func(sensors.Reading) error { return nil })
}
