package bus_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

// TestQuarantine: an address that fails is left alone for a while, longer each time, and is back with its first answer.
func TestQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{QuarantineAfter: 3, QuarantineFirst: time.Second, QuarantineLongest: 4 * time.Second})
		wire.Break(0x20, bustest.Fault{Mode: bustest.NoAnswer})
		start := time.Now()
		var tried []time.Duration
		for range 300 {
			before := wire.Attempts(0x20)
			_, err := read(b, 0x20, time.Second)
			if !errors.Is(err, sensors.NoAnswer) {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			if wire.Attempts(0x20) > before {
				tried = append(tried, time.Since(start))
			} else if !errors.Is(err, bus.ErrQuarantined) {
				t.Fatalf("not tried, and the error is %v", err)
			}
			if got, err := read(b, 0x21, time.Second); got != 0x21 || err != nil {
				t.Fatalf("the other part: %#x, %v", got, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		want := []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond, 1100 * time.Millisecond, 3100 * time.Millisecond,
			7100 * time.Millisecond, 11100 * time.Millisecond}
		if len(tried) != len(want) {
			t.Fatalf("tried at %v, want %v", tried, want)
		}
		for i := range want {
			if tried[i] != want[i] {
				t.Errorf("tried at %v, want %v", tried, want)
				break
			}
		}
		c := b.Counters()[0]
		if c.Address != 0x20 || c.Transfers != 7 || c.Faults[sensors.NoAnswer] != 7 || c.InARow != 7 || c.LastKind != sensors.NoAnswer ||
			!c.LastFault.Equal(start.Add(want[6])) || !c.Quarantined.Equal(start.Add(15100*time.Millisecond)) {
			t.Errorf("the counter is %+v", c)
		}
		wire.Mend(0x20)
		time.Sleep(4 * time.Second)
		for range 2 {
			if got, err := read(b, 0x20, time.Second); got != 0x20 || err != nil {
				t.Errorf("it is back, and gives %#x, %v", got, err)
			}
		}
		if c := b.Counters()[0]; c.InARow != 0 || !c.Quarantined.IsZero() || c.Faults[sensors.NoAnswer] != 7 {
			t.Errorf("it is back, and the counter is %+v", c)
		}
	})
}

// TestQuarantineLetsOneThrough: when the time is over one transfer tries for all.
func TestQuarantineLetsOneThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{QuarantineAfter: 1})
		wire.Break(0x20, bustest.Fault{Mode: bustest.Timeout})
		if _, err := read(b, 0x20, time.Second); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(2 * time.Second)
		before := wire.Attempts(0x20)
		for range 10 {
			go func() { _, _ = read(b, 0x20, time.Second) }()
		}
		time.Sleep(500 * time.Millisecond)
		if n := wire.Attempts(0x20) - before; n != 1 {
			t.Errorf("%d tried", n)
		}
	})
}

// TestStuck: when everything times out the adapter is opened again, less and less often, and nothing stays in
// quarantine once the bus moves.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{StuckAfter: 4, QuarantineAfter: 2, QuarantineFirst: time.Second, QuarantineLongest: 2 * time.Second,
			ReopenFirst: time.Second, ReopenLongest: 8 * time.Second})
		wire.Break(bustest.All, bustest.Fault{Mode: bustest.Timeout, Delay: 100 * time.Millisecond})
		start := time.Now()
		for time.Since(start) < time.Minute {
			_, _ = read(b, 0x20, time.Second)
			_, _ = read(b, 0x21, time.Second)
			time.Sleep(100 * time.Millisecond)
		}
		c := b.Condition()
		if !c.Stuck || c.Since.Sub(start) > 3*time.Second || c.HeldBy != 0 {
			t.Errorf("the condition is %+v", c)
		}
		if c.Reopened < 5 || c.Reopened > 12 {
			t.Errorf("opened again %d times in a minute", c.Reopened)
		}
		wire.Mend(bustest.All)
		time.Sleep(2 * time.Second)
		for _, addr := range []uint16{0x20, 0x21} {
			if got, err := read(b, addr, time.Second); got != byte(addr) || err != nil {
				t.Errorf("it moves again, and 0x%02x gives %#x, %v", addr, got, err)
			}
		}
		if c := b.Condition(); c.Stuck || !c.Since.IsZero() {
			t.Errorf("it moves again, and the condition is %+v", c)
		}
	})
}

// TestNotStuck: one part that times out, or nobody who answers, is not a bus that is stuck.
func TestNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{StuckAfter: 3, QuarantineAfter: -1})
		wire.Break(0x20, bustest.Fault{Mode: bustest.Timeout})
		for range 20 {
			_, _ = read(b, 0x20, time.Second)
			_, _ = read(b, 0x21, time.Second)
		}
		wire.Break(0x20, bustest.Fault{Mode: bustest.NoAnswer})
		for range 20 {
			_, _ = read(b, 0x20, time.Second)
		}
		if c := b.Condition(); c.Stuck || c.Reopened != 0 {
			t.Errorf("the condition is %+v", c)
		}
	})
}

// TestGone: a bus that is pulled out and put back is opened again; in between its errors say why it can't be.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		if _, err := read(b, 0x20, time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wire.Break(bustest.All, bustest.Fault{Mode: bustest.Vanished})
		wire.Missing(&fs.PathError{Op: "open", Path: "/dev/i2c-7", Err: syscall.ENOENT})
		for range 100 {
			if _, err := read(b, 0x20, time.Second); !errors.Is(err, sensors.Gone) {
				t.Fatalf("the error is %v", err)
			}
			time.Sleep(time.Second)
		}
		if c := b.Condition(); !errors.Is(c.OpenFailure, fs.ErrNotExist) {
			t.Errorf("the condition is %+v", c)
		}
		if err := b.Check(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("asked for, it says %v", err)
		}
		wire.Mend(bustest.All)
		wire.Missing(nil)
		time.Sleep(time.Minute)
		if err := b.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if got, err := read(b, 0x20, time.Second); got != 0x20 || err != nil {
			t.Errorf("it is back, and gives %#x, %v", got, err)
		}
		if c := b.Condition(); c.OpenFailure != nil || c.Reopened == 0 {
			t.Errorf("it is back, and the condition is %+v", c)
		}
	})
}

func TestBuses(t *testing.T) {
	wire := bustest.NewWire()
	wire.Attach(0x20, bustest.NewRegisters(1).Set(0, 9))
	buses := bus.NewBuses(bus.Options{Open: wire.Open})
	one, err := buses.Bus("i2c-3")
	if err != nil {
		t.Fatal(err)
	}
	same, err := buses.Open("/dev/i2c-3")
	if err != nil || same != one {
		t.Errorf("one bus is two: %v", err)
	}
	if _, err := buses.Bus("i2c-12"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "i2c", "i2c-", "i2c-x", "1", "spi-1", "i2c--1", "../i2c-1", "i2c-1/..", "i2c-99999"} {
		if got, err := buses.Open(name); err == nil || got != nil {
			t.Errorf("%q is a bus", name)
		}
	}
	if got, err := read(one, 0x20, time.Second); got != 9 || err != nil {
		t.Errorf("read %d, %v", got, err)
	}
	if all := buses.All(); len(all) != 2 || all[0].String() != "i2c-12" || all[1] != one {
		t.Errorf("all are %v", all)
	}
	if err := buses.Close(); err != nil {
		t.Error(err)
	}
	if _, err := read(one, 0x20, time.Second); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("closed, it says %v", err)
	}
	if _, err := buses.Bus("i2c-4"); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("a new one, after the end: %v", err)
	}
}
