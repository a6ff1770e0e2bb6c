package bus_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
)

// bench is a bus with two parts, 0x20 and 0x21, whose register 0 holds their address.
func bench(t *testing.T, o bus.Options) (*bus.Bus, *bustest.Wire) {
	t.Helper()
	wire := bustest.NewWire()
	for _, addr := range []uint16{0x20, 0x21} {
		wire.Attach(addr, bustest.NewRegisters(1).Set(0, byte(addr)).Fix(0))
	}
	o.Name, o.Open = "i2c-7", wire.Open
	b := bus.New(o)
	t.Cleanup(func() {
		wire.Mend(0x20)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, wire
}

// read reads register 0.
func read(b bus.Transfer, addr uint16, timeout time.Duration) (byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	got := make([]byte, 1)
	err := b.TxContext(ctx, addr, []byte{0}, got)
	return got[0], err
}

func TestTransfer(t *testing.T) {
	b, wire := bench(t, bus.Options{})
	if times, _ := wire.Opened(); times != 0 {
		t.Error("the bus is open before anybody used it")
	}
	if got, err := read(b, 0x20, time.Second); got != 0x20 || err != nil {
		t.Errorf("read %#x, %v", got, err)
	}
	if err := b.Tx(0x21, []byte{5, 0xab, 0xcd}, nil); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2)
	if err := b.Tx(0x21, []byte{5}, got); err != nil || !bytes.Equal(got, []byte{0xab, 0xcd}) {
		t.Errorf("read back %x, %v", got, err)
	}
	if b.String() != "i2c-7" || b.SetSpeed(physic.MegaHertz) == nil {
		t.Error("the bus has another name, or says that its speed can be set")
	}
}

func TestRefused(t *testing.T) {
	b, wire := bench(t, bus.Options{})
	for _, c := range []struct {
		addr uint16
		w, r []byte
		want error
	}{
		{0x20, nil, nil, bus.ErrEmpty},
		{0x20, []byte{}, []byte{}, bus.ErrEmpty},
		{0x00, []byte{6}, nil, bus.ErrAddress},
		{0x02, nil, make([]byte, 1), bus.ErrAddress},
		{0x78, nil, make([]byte, 1), bus.ErrAddress},
		{0x120, nil, make([]byte, 1), bus.ErrAddress},
		{0x20, nil, make([]byte, 8193), bus.ErrLength},
	} {
		err := b.Tx(c.addr, c.w, c.r)
		if !errors.Is(err, c.want) || !errors.Is(err, sensors.Other) {
			t.Errorf("0x%02x, %d and %d bytes: %v", c.addr, len(c.w), len(c.r), err)
		}
	}
	if times, _ := wire.Opened(); times != 0 || len(b.Counters()) != 0 {
		t.Error("what was refused was tried")
	}
}

// TestFaults: what each fault of a wire is for the caller, how long it takes, and that the other part is none the worse.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault bustest.Fault
		kind  sensors.FaultKind
		errno error
		took  time.Duration
		got   byte
		text  string
	}{
		{fault: bustest.Fault{Mode: bustest.NoAnswer}, kind: sensors.NoAnswer, errno: syscall.ENXIO,
			text: "i2c-7 0x20: write 1, read 1: no answer: "},
		{fault: bustest.Fault{Mode: bustest.Timeout}, kind: sensors.Timeout, errno: syscall.ETIMEDOUT, took: 250 * time.Millisecond,
			text: "i2c-7 0x20: write 1, read 1: timeout: "},
		{fault: bustest.Fault{Mode: bustest.LostArbitration}, kind: sensors.Arbitration, errno: syscall.EAGAIN,
			text: "arbitration lost"},
		{fault: bustest.Fault{Mode: bustest.Vanished}, kind: sensors.Gone, errno: syscall.ENODEV, text: "gone"},
		{fault: bustest.Fault{Mode: bustest.Hang}, kind: sensors.Timeout, errno: context.DeadlineExceeded, took: 500 * time.Millisecond,
			text: "still in the kernel"},
		{fault: bustest.Fault{Mode: bustest.Slow, Delay: time.Minute}, kind: sensors.Timeout, errno: context.DeadlineExceeded,
			took: 500 * time.Millisecond, text: "still in the kernel"},
		{fault: bustest.Fault{Mode: bustest.Slow, Delay: 400 * time.Millisecond}, took: 400 * time.Millisecond, got: 0x20},
		{fault: bustest.Fault{Mode: bustest.Ones}, got: 0xff},
		{fault: bustest.Fault{Mode: bustest.Zeros}, got: 0},
		{fault: bustest.Fault{Mode: bustest.Flip}, got: 0x21},
	} {
		t.Run(c.fault.Mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, wire := bench(t, bus.Options{})
				wire.Break(0x20, c.fault)
				start := time.Now()
				got, err := read(b, 0x20, 500*time.Millisecond)
				if took := time.Since(start); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				if c.errno == nil {
					if got != c.got || err != nil {
						t.Errorf("read %#x, %v; want %#x", got, err, c.got)
					}
				} else {
					var fault *sensors.FaultError
					if !errors.As(err, &fault) || !errors.Is(err, c.errno) || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
						t.Errorf("the error is %v; want %v, %v and %q", err, c.kind, c.errno, c.text)
					}
					if got != 0 {
						t.Errorf("a read that failed gave %#x", got)
					}
				}
				wire.Mend(0x20)
				time.Sleep(2 * time.Minute)
				for _, addr := range []uint16{0x20, 0x21} {
					if got, err := read(b, addr, time.Second); got != byte(addr) || err != nil {
						t.Errorf("afterwards, 0x%02x gives %#x, %v", addr, got, err)
					}
				}
			})
		})
	}
}

// TestHeld: while the kernel keeps a transfer, nobody waits longer than he wants, and then everything goes on.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		mended := time.AfterFunc(10*time.Second, func() { wire.Mend(0x20) })
		defer mended.Stop()
		wire.Break(0x20, bustest.Fault{Mode: bustest.Hang})

		start := time.Now()
		shared := make([]byte, 1) // its owner goes on using it
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := b.TxContext(ctx, 0x20, []byte{0}, shared); !errors.Is(err, sensors.Timeout) {
			t.Errorf("the one that hangs: %v", err)
		}
		shared[0] = 0x55
		var all sync.WaitGroup
		for _, patience := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond} {
			all.Go(func() {
				from := time.Now()
				_, err := read(b, 0x21, patience)
				if !errors.Is(err, sensors.Busy) || time.Since(from) != patience {
					t.Errorf("who waits %v gets, after %v: %v", patience, time.Since(from), err)
				}
			})
		}
		all.Wait()
		if c := b.Condition(); !c.Stuck || c.HeldBy != 0x20 || !c.Since.Equal(start) {
			t.Errorf("the condition is %+v", c)
		}
		time.Sleep(time.Second)
		from := time.Now()
		if _, err := read(b, 0x21, time.Minute); !errors.Is(err, sensors.Busy) || time.Since(from) != 0 || !strings.Contains(err.Error(), "to 0x20") {
			t.Errorf("on a bus that has been held for long, after %v: %v", time.Since(from), err)
		}
		time.Sleep(10 * time.Second)
		if c := b.Condition(); c.Stuck || c.HeldBy != 0 {
			t.Errorf("the kernel has returned, and the condition is %+v", c)
		}
		if got, err := read(b, 0x21, time.Second); got != 0x21 || err != nil {
			t.Errorf("read %#x, %v", got, err)
		}
		if shared[0] != 0x55 {
			t.Error("the transfer wrote into memory that its caller had back")
		}
		for _, c := range b.Counters() {
			if c.Address == 0x21 && c.Faults[sensors.Busy] != 0 || c.Address == 0x20 && c.Transfers != 1 {
				t.Errorf("who could not have his turn is counted, or the one that hung twice: %+v", c)
			}
		}
	})
}

// TestOrder: turns come in the order of asking.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		var order []byte
		wire.Attach(0x30, bustest.Func(func(w, _ []byte) error {
			time.Sleep(10 * time.Millisecond)
			order = append(order, w[0])
			return nil
		}))
		var all sync.WaitGroup
		for i := range byte(20) {
			all.Go(func() {
				if err := b.Tx(0x30, []byte{i}, nil); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		for i, got := range order {
			if int(got) != i {
				t.Fatalf("the order is %v", order)
			}
		}
	})
}

// TestCancelled: a caller who stops is not a part that fails.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		wire.Break(0x20, bustest.Fault{Mode: bustest.Slow, Delay: 300 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		err := b.TxContext(ctx, 0x20, []byte{0}, make([]byte, 1))
		if !errors.Is(err, context.Canceled) || errors.Is(err, sensors.Timeout) {
			t.Errorf("stopped: %v", err)
		}
		if err := b.TxContext(ctx, 0x20, []byte{0}, make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped before: %v", err)
		}
		time.Sleep(time.Second)
		for _, c := range b.Counters() {
			if len(c.Faults) != 0 {
				t.Errorf("counted: %+v", c)
			}
		}
	})
}

// TestView: a driver that asks for ever is stopped by the end of its context.
func TestView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		wire.Break(0x20, bustest.Fault{Mode: bustest.Slow, Delay: 10 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		view := b.With(ctx)
		start, asked := time.Now(), 0
		for {
			status := []byte{0}
			if err := view.Tx(0x20, []byte{0}, status); err != nil {
				if !errors.Is(err, sensors.Timeout) {
					t.Errorf("it ends with %v", err)
				}
				break
			}
			asked++
		}
		if time.Since(start) != time.Second || asked < 90 {
			t.Errorf("it asked %d times in %v", asked, time.Since(start))
		}
		from := time.Now()
		if err := view.Tx(0x21, []byte{0}, make([]byte, 1)); err == nil || time.Since(from) != 0 {
			t.Errorf("after its end, and %v: %v", time.Since(from), err)
		}
		if view.String() != "i2c-7" || view.SetSpeed(physic.KiloHertz) == nil {
			t.Error("the view is not named as the bus, or its speed can be set")
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wire := bench(t, bus.Options{})
		wire.Break(0x20, bustest.Fault{Mode: bustest.Hang})
		if _, err := read(b, 0x20, time.Second); !errors.Is(err, sensors.Timeout) {
			t.Error(err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := read(b, 0x21, time.Hour)
			waiting <- err
		}()
		synctest.Wait()
		start := time.Now()
		if err := b.Close(); err == nil || time.Since(start) != time.Second {
			t.Errorf("closing a bus that the kernel holds, after %v: %v", time.Since(start), err)
		}
		if err := <-waiting; err == nil {
			t.Error("who waited for his turn on a bus that was closed got it")
		}
		if _, err := read(b, 0x21, time.Second); !errors.Is(err, bus.ErrClosed) || !errors.Is(err, sensors.Gone) {
			t.Errorf("on a closed bus: %v", err)
		}
		wire.Mend(0x20)
		synctest.Wait()
		if _, open := wire.Opened(); open {
			t.Error("the adapter is open though the kernel has let go")
		}
		if err := b.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
	if err := bus.New(bus.Options{Name: "i2c-7"}).Close(); err != nil {
		t.Errorf("closing a bus that was not used: %v", err)
	}
}
