package chip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
)

// board is a bus with muxes: parts lie at paths such as "70.2/49", a trunk part at "49".
type board struct {
	mu      sync.Mutex
	control map[uint16]byte // of the muxes that are there
	parts   map[string]byte
	fail    func(addr uint16, w, r []byte) error
	seen    []string // which part was read, "" for a collision
}

func (b *board) tx(_ context.Context, addr uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(addr, w, r); err != nil {
			return err
		}
	}
	if control, ok := b.control[addr]; ok {
		if len(w) > 0 {
			b.control[addr] = w[0]
			control = w[0]
		}
		fill(r, control)
		return nil
	}
	var found []string
	for path := range b.parts {
		way, at, behind := strings.Cut(path, "/")
		if !behind {
			at = path
		}
		if at != fmt.Sprintf("%02x", addr) {
			continue
		}
		var mux uint16
		var branch int
		_, _ = fmt.Sscanf(way, "%x.%d", &mux, &branch)
		if !behind || b.control[mux] == 1<<branch {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return syscall.ENXIO
	}
	b.seen = append(b.seen, strings.Join(found, "+"))
	fill(r, b.parts[found[0]])
	return nil
}

func (b *board) open(name string) (i2c.Bus, error) {
	if name != "i2c-1" {
		return nil, errors.New("no such bus")
	}
	return busFunc(b.tx), nil
}

func newBoard() *board {
	return &board{control: map[uint16]byte{0x70: 0, 0x71: 0},
		parts: map[string]byte{"70.0/49": 10, "70.2/49": 12, "71.2/49": 22, "48": 1}}
}

// Parts with one address on several branches are told apart, also when all are read at once, and at the end nothing
// is connected.
func TestMuxed(t *testing.T) {
	b := newBoard()
	open := Muxed(b.open)
	want := map[string]byte{"i2c-1/0x70.0": 10, "i2c-1/pca9546@0x70.2": 12, "i2c-1/0x71.2": 22}
	var wg sync.WaitGroup
	for name, value := range want {
		bus, err := open(name)
		if err != nil {
			t.Fatal(err)
		}
		if bus.String() != name {
			t.Errorf("%s calls itself %s", name, bus)
		}
		wg.Go(func() {
			for range 50 {
				var r [1]byte
				if err := bus.Tx(0x49, []byte{0}, r[:]); err != nil || r[0] != value {
					t.Errorf("%s gives %d, %v, want %d", name, r[0], err, value)
				}
			}
		})
	}
	trunk, err := open("i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		for range 50 {
			if err := trunk.Tx(0x49, []byte{0}, make([]byte, 1)); !errors.Is(err, syscall.ENXIO) {
				t.Errorf("a branch is connected while the trunk is used: %v", err)
			}
		}
	})
	wg.Wait()
	if i := slices.IndexFunc(b.seen, func(s string) bool { return strings.Contains(s, "+") }); i >= 0 {
		t.Errorf("two parts were read at once: %s", b.seen[i])
	}
	if b.control[0x70] != 0 || b.control[0x71] != 0 {
		t.Errorf("at the end branches are connected: %v", b.control)
	}
}

// A part of the table behind a mux: what a chip does is the same.
func TestPartBehindMux(t *testing.T) {
	m := modelOf(t, readTranscript(t, "testdata/tmp105.datasheet"))
	control := byte(0)
	open := Muxed(func(string) (i2c.Bus, error) {
		return busFunc(func(ctx context.Context, addr uint16, w, r []byte) error {
			switch {
			case addr == 0x70 && len(w) > 0:
				control = w[0]
			case addr == 0x70:
				r[0] = control
			case control != 2:
				return syscall.ENXIO
			default:
				return m.tx(ctx, addr, w, r)
			}
			return nil
		}), nil
	})
	row, _ := Named("tmp105")
	p, err := row.Part(PartOptions{Open: open, Bus: "i2c-1/pca9546@0x70.1", Address: 0x49, Clock: sensors.SystemClock{}})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]sensors.Value, 1)
	if err := p.Sense(context.Background(), values); err != nil || values[0].Quality != sensors.OK {
		t.Fatal(values[0].Quality, err)
	}
	if control != 0 {
		t.Error("the branch is still connected")
	}
}

func TestMuxFaults(t *testing.T) {
	read := func(b *board) (i2c.Bus, error) {
		bus, err := Muxed(b.open)("i2c-1/0x70.2")
		if err != nil {
			t.Fatal(err)
		}
		return bus, bus.Tx(0x49, []byte{0}, make([]byte, 1))
	}
	b := newBoard()
	delete(b.control, 0x70)
	if _, err := read(b); !errors.Is(err, sensors.NoAnswer) || !errors.Is(err, syscall.ENXIO) || !strings.Contains(err.Error(), "0x70") {
		t.Errorf("a mux that is not there gives %v", err)
	}
	b = newBoard()
	b.fail = func(addr uint16, w, r []byte) error {
		if addr == 0x70 && len(w) > 0 && w[0] != 0 {
			w[0] = 0 // a part without the register
		}
		return nil
	}
	if _, err := read(b); !errors.Is(err, sensors.WrongPart) {
		t.Errorf("what is no mux gives %v", err)
	}
	b = newBoard()
	broken := true
	b.fail = func(addr uint16, w, _ []byte) error {
		if broken && addr == 0x70 && len(w) > 0 && w[0] == 0 {
			return syscall.ETIMEDOUT
		}
		return nil
	}
	bus, err := read(b)
	if !errors.Is(err, sensors.Timeout) {
		t.Errorf("a branch that can't be disconnected gives %v", err)
	}
	if err := bus.Tx(0x49, []byte{0}, make([]byte, 1)); !errors.Is(err, sensors.Timeout) {
		t.Errorf("and after that %v", err)
	}
	broken = false
	if err := bus.Tx(0x49, []byte{0}, make([]byte, 1)); err != nil || b.control[0x70] != 0 {
		t.Errorf("when it can again: %v, connected 0x%02x", err, b.control[0x70])
	}
}

// Two chips with one address behind two muxes never both answer, also when a mux does not take the command to disconnect,
// or had a branch connected before we came.
func TestNeverTwoBranches(t *testing.T) {
	b := newBoard()
	b.control[0x70] = 1 << 2 // a life before was cut off in the middle
	open := Muxed(b.open)
	one, _ := open("i2c-1/0x70.2")
	two, _ := open("i2c-1/0x71.2")
	look := func(bus i2c.Bus, want byte) {
		t.Helper()
		var r [1]byte
		if err := bus.Tx(0x49, []byte{0}, r[:]); err != nil || r[0] != want {
			t.Errorf("%s gives %d, %v, want %d", bus, r[0], err, want)
		}
	}
	look(two, 22)
	deaf := false
	b.fail = func(addr uint16, w, _ []byte) error {
		if deaf && addr == 0x70 && len(w) > 0 && w[0] == 0 {
			deaf = false
			return syscall.ENXIO
		}
		return nil
	}
	deaf = true
	look(one, 12)
	if b.control[0x70] == 0 {
		t.Fatal("the mux was not deaf")
	}
	look(two, 22)
	if i := slices.IndexFunc(b.seen, func(s string) bool { return strings.Contains(s, "+") }); i >= 0 {
		t.Errorf("two parts answered at once: %s", b.seen[i])
	}
	if b.control[0x70] != 0 || b.control[0x71] != 0 {
		t.Errorf("at the end branches are connected: %v", b.control)
	}
}

// A mux that is gone is tried once before each transfer, not more and more often.
func TestMuxGone(t *testing.T) {
	b := newBoard()
	open := Muxed(b.open)
	one, _ := open("i2c-1/0x70.2")
	if err := one.Tx(0x49, []byte{0}, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	delete(b.control, 0x70)
	delete(b.parts, "70.0/49")
	delete(b.parts, "70.2/49")
	tries := 0
	b.fail = func(addr uint16, _, _ []byte) error {
		if addr == 0x70 {
			tries++
		}
		return nil
	}
	for range 20 {
		if err := one.Tx(0x49, []byte{0}, make([]byte, 1)); !errors.Is(err, sensors.NoAnswer) {
			t.Fatal(err)
		}
	}
	if tries > 20*3 {
		t.Errorf("20 transfers ask a mux that is gone %d times", tries)
	}
}

// Who waits for the bus waits no longer than its deadline, and one that hangs is disconnected when it comes back.
func TestMuxDeadline(t *testing.T) {
	b := newBoard()
	entered, leave := make(chan struct{}), make(chan struct{})
	b.fail = func(addr uint16, _, _ []byte) error {
		if addr == 0x49 {
			close(entered)
			<-leave
		}
		return nil
	}
	open := Muxed(b.open)
	slow, _ := open("i2c-1/0x70.2")
	other, _ := open("i2c-1/0x71.2")
	done := make(chan error, 1)
	go func() { done <- slow.Tx(0x49, []byte{0}, make([]byte, 1)) }()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := transfer(ctx, other, 0x49, []byte{0}, make([]byte, 1)); !errors.Is(err, sensors.Timeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for the bus gives %v", err)
	}
	close(leave)
	if err := <-done; err != nil || b.control[0x70] != 0 {
		t.Errorf("the one that hung: %v, connected 0x%02x", err, b.control[0x70])
	}
}

func TestBusNames(t *testing.T) {
	for _, bad := range []string{"i2c-1/", "i2c-1/0x70", "i2c-1/0x70.8", "i2c-1/pca9546@0x70.4", "i2c-1/0x69.0", "i2c-1/0x78.0", "i2c-1/pca@0x70.0", "i2c-1/0x70.0/", "i2c-1/0x70.-1", "i2c-2/0x70.0"} {
		if _, err := Muxed(newBoard().open)(bad); err == nil {
			t.Errorf("%q is a bus", bad)
		}
	}
	for kind, last := range map[string]uint16{"pca9540": 0x70, "pca9543": 0x73, "pca9545": 0x73, "pca9546": 0x77, "pca9548": 0x77} {
		row, err := Named(kind)
		if err != nil || row.Addresses[len(row.Addresses)-1] != last {
			t.Errorf("a %s can be at %#x, %v, want the last to be 0x%02x", kind, row.Addresses, err, last)
		}
		if _, err := parseHops(fmt.Sprintf("%s@0x%02x.0", kind, last)); err != nil {
			t.Errorf("a %s at 0x%02x: %v", kind, last, err)
		}
		if _, err := parseHops(fmt.Sprintf("%s@0x%02x.0", kind, last+1)); err == nil || last < 0x77 && !strings.Contains(err.Error(), fmt.Sprintf("a %s can be from 0x70 to 0x%02x", kind, last)) {
			t.Errorf("a %s at 0x%02x: %v", kind, last+1, err)
		}
	}
	hops, err := parseHops("pca9544@0x70.3/0x71.0/pca9547@0x72.7")
	want := []hop{{0x70, 0x07, 0x07, "pca9544"}, {0x71, 0x01, 0xff, "pca9548"}, {0x72, 0x0f, 0x0f, "pca9547"}}
	if err != nil || !slices.Equal(hops, want) {
		t.Errorf("hops are %v, %v, want %v", hops, err, want)
	}
}
