package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
	"github.com/candor-edge/candor/sensors/chip"
)

// shelf is a bus with a TMP117, a part without an identity register, one that the kernel has, and a mux with a BMP280
// behind it.
func shelf(t *testing.T) (*bustest.Wire, *hardware) {
	t.Helper()
	wire, register := bustest.NewWire(), byte(0)
	wire.Attach(0x48, bustest.NewRegisters(2).Set(0x0f, 0x01, 0x17))
	wire.Attach(0x40, bustest.NewRegisters(2).Set(0x00, 0x39, 0x9f))
	behind := bustest.NewRegisters(1).Set(0xd0, 0x58)
	wire.Attach(0x71, bustest.Func(func(w, r []byte) error {
		if len(w) == 1 {
			register = w[0] & 0x0f
		}
		for i := range r {
			r[i] = register
		}
		return nil
	}))
	wire.Attach(0x77, bustest.Func(func(w, r []byte) error {
		if register != 0x04 { // branch 2 of a PCA9546
			return syscall.ENXIO
		}
		return behind.Transfer(w, r)
	}))
	wire.Attach(0x1e, bustest.Func(func(_, _ []byte) error { return syscall.EBUSY }))
	buses := bus.NewBuses(bus.Options{Open: wire.Open, QuarantineAfter: -1})
	t.Cleanup(func() {
		if err := buses.Close(); err != nil {
			t.Error(err)
		}
	})
	sys := fstest.MapFS{
		"bus/iio/devices/iio:device0":                          {Data: []byte("../../../devices/i2c-1/1-001e/iio:device0"), Mode: 0o777 | 1<<27},
		"devices/i2c-1/1-001e/iio:device0/name":                {Data: []byte("lsm303dlhc_magn\n")},
		"devices/i2c-1/1-001e/iio:device0/in_magn_x_raw":       {Data: []byte("1\n")},
		"devices/i2c-1/1-001e/iio:device0/in_magn_x_y_z_scale": {Data: []byte("0.1\n")},
	}
	return wire, &hardware{buses: buses, open: chip.Muxed(buses.Open), names: func() ([]string, error) { return []string{"i2c-1"}, nil }, sys: sys}
}

func foundAt(t *testing.T, s control.Scan, bus, address string) control.Found {
	t.Helper()
	for _, f := range s.Found {
		if f.Bus == bus && f.Address == address {
			return f
		}
	}
	t.Fatalf("nothing was found at %s %s, but %+v", bus, address, s.Found)
	return control.Found{}
}

// TestScan: parts are named by their identity register, behind a mux too; the kernel's are left alone; the lines are ones
// that candor.toml takes.
func TestScan(t *testing.T) {
	_, h := shelf(t)
	a := onBench(nil, Options{})
	a.hardware = h
	s, err := a.Scan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Found) != 5 || len(s.Buses) != 5 {
		t.Errorf("%d found on %v: %+v", len(s.Found), s.Buses, s.Found)
	}
	if f := foundAt(t, s, "i2c-1", "0x48"); f.State != "identified" || !slices.Equal(f.Parts, []string{"tmp117"}) {
		t.Errorf("%+v", f)
	}
	if f := foundAt(t, s, "i2c-1", "0x40"); f.State != "unidentified" || !slices.Contains(f.Parts, "ina219") {
		t.Errorf("%+v", f)
	}
	if f := foundAt(t, s, "i2c-1", "0x1e"); f.State != "kernel" || !strings.Contains(f.Words, "left alone") || !strings.Contains(f.Config, "file = \"iio:lsm303dlhc_magn@1-001e\"") {
		t.Errorf("%+v", f)
	}
	if f := foundAt(t, s, "i2c-1", "0x71"); f.State != "mux" || f.Parts[0] != "pca9546" {
		t.Errorf("%+v", f)
	}
	behind := foundAt(t, s, "i2c-1/pca9546@0x71.2", "0x77")
	if behind.Parts[0] != "bmp280" {
		t.Errorf("%+v", behind)
	}
	for _, f := range s.Found {
		if f.Config == "" || f.State == "kernel" { // that one is not in the kernel of this machine
			continue
		}
		if err := openText(t, f.Config); err != nil {
			t.Errorf("%s: %v", f.Config, err)
		}
	}
}

// TestScanBesideTheDaemon: what the daemon reads is not asked, and no unknown mux is moved.
func TestScanBesideTheDaemon(t *testing.T) {
	wire, h := shelf(t)
	a := onBench(&Config{Sensors: []sensors.Config{{Name: "hall", Driver: "tmp117", Bus: "i2c-1"}}}, Options{})
	a.hardware, a.daemon = h, true
	s, err := a.Scan(t.Context(), "i2c-1")
	if err != nil {
		t.Fatal(err)
	}
	if f := foundAt(t, s, "i2c-1", "0x48"); f.State != "configured" || wire.Attempts(0x48) != 0 {
		t.Errorf("%+v, asked %d times", f, wire.Attempts(0x48))
	}
	if f := foundAt(t, s, "i2c-1", "0x71"); f.State != "unidentified" {
		t.Errorf("%+v", f)
	}
}

// TestScanOfABusThatIsNotOurs: permission and a stuck bus are said, and end in bounded time.
func TestScanOfABusThatIsNotOurs(t *testing.T) {
	refused := bus.NewBuses(bus.Options{Open: func() (bus.Adapter, error) {
		return nil, &sensors.FaultError{Bus: "i2c-1", Operation: "opening /dev/i2c-1", Kind: sensors.Permission, Cause: errors.New("/dev/i2c-1 belongs to group \"i2c\"")}
	}})
	defer refused.Close()
	a := onBench(nil, Options{})
	a.hardware = &hardware{buses: refused, open: chip.Muxed(refused.Open)}
	if _, err := a.Scan(t.Context(), "i2c-1"); !errors.Is(err, control.ErrNotAllowed) || !strings.Contains(err.Error(), "group \"i2c\"") {
		t.Error(err)
	}
	a.cfg = &Config{Sensors: []sensors.Config{{Name: "cellar", Driver: "tmp105", Bus: "i2c-1"}}}
	if err := a.openSources(true); err != nil {
		t.Fatal(err)
	}
	if l, err := a.Look(t.Context(), nil); err != nil || l.Sensors[0].State != control.NotAllowed || !strings.Contains(l.Sensors[0].Error, "group \"i2c\"") {
		t.Errorf("%+v %v", l, err)
	}
	wire := bustest.NewWire()
	for _, address := range chip.Addresses() {
		wire.Attach(address, bustest.Func(func(_, _ []byte) error { return syscall.ETIMEDOUT }))
	}
	stuck := bus.NewBuses(bus.Options{Open: wire.Open})
	defer stuck.Close()
	a.hardware = &hardware{buses: stuck, open: chip.Muxed(stuck.Open)}
	s, err := a.Scan(t.Context(), "i2c-1")
	if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "i2c-1 is stuck") || len(s.Found) != stuckAfter-1 {
		t.Errorf("%v %+v", err, s)
	}
}

// TestRecord: a sensor of the configuration is recorded on the bench, and never once somebody agreed to something.
func TestRecord(t *testing.T) {
	_, h := shelf(t)
	clock := sensors.SystemClock{}
	cfg := &Config{Sensors: []sensors.Config{{Name: "hall", Driver: "bmp280", Bus: "i2c-1/pca9546@0x71.2", Address: 0x77}}}
	a := onBench(cfg, Options{Clock: clock})
	a.hardware = h
	if err := a.openSources(true); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := a.record(ctx, "hall", 1, &out) // its calibration is all zeros, which is a fault that is recorded
	ops, readErr := bus.ReadTranscript(bytes.NewReader(out.Bytes()))
	if readErr != nil || len(ops) < 4 || ops[0].Address != 0x71 {
		t.Errorf("%v %v %v\n%s", err, readErr, ops, out.String())
	}
	if err := a.record(ctx, "hal", 1, &out); !errors.Is(err, control.ErrNotFound) {
		t.Error(err)
	}
}

func openText(t *testing.T, text string) error {
	t.Helper()
	cfg, err := LoadConfig(writeConfig(t, text))
	if err != nil {
		return err
	}
	a := onBench(cfg, Options{})
	return errors.Join(a.openSources(true), a.Close(), nilIfOne(len(cfg.Sensors)))
}

func nilIfOne(n int) error {
	if n != 1 {
		return fmt.Errorf("%d sensors", n)
	}
	return nil
}
