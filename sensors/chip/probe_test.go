package chip

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/sensortest"
)

func options(b i2c.Bus, address uint16) PartOptions {
	return PartOptions{Open: func(string) (i2c.Bus, error) { return b, nil }, Bus: "i2c-1", Address: address, Clock: sensortest.NewClock(time.Unix(1e9, 0))}
}

// Every part that has an identity register is named by it, and a probe writes nothing but what asks for it.
func TestProbeNamesParts(t *testing.T) {
	named := map[string]bool{}
	for _, tr := range transcripts(t) {
		m := modelOf(t, tr)
		var wrote [][]byte
		spy := busFunc(func(ctx context.Context, addr uint16, w, r []byte) error {
			if len(w) == 0 && len(r) == 0 {
				t.Fatal("a transfer without a byte")
			}
			if len(w) > 0 {
				wrote = append(wrote, slices.Clone(w))
			}
			return m.tx(ctx, addr, w, r)
		})
		g, found := Probe(context.Background(), options(spy, tr.row.Addresses[0]))
		if !found || len(g.Rows) == 0 || !slices.ContainsFunc(g.Rows, func(r Row) bool { return r.Name == tr.part }) && !g.Sure && len(unmarked(g.Address)) == 0 {
			t.Errorf("%s: %v %v", tr.part, g, found)
			continue
		}
		for _, w := range wrote {
			if !slices.ContainsFunc(marks(), func(m mark) bool { return slices.Equal(m.write, w) }) {
				t.Errorf("%s: a probe wrote %x", tr.part, w)
			}
		}
		marked := slices.ContainsFunc(marks(), func(m mark) bool { return m.driver == tr.part })
		if marked && (!g.Sure || g.Rows[0].Name != tr.part) {
			t.Errorf("%s was taken for %v (sure: %v)", tr.part, g.Rows[0].Name, g.Sure)
		}
		if !marked && g.Sure {
			t.Errorf("%s has no identity register and was taken for %s", tr.part, g.Rows[0].Name)
		}
		named[tr.part] = named[tr.part] || g.Sure
	}
	for _, m := range marks() {
		if !named[m.driver] {
			t.Errorf("no transcript shows that %s is recognised", m.driver)
		}
	}
}

// An SCD4x that measures acknowledges neither a plain read nor its serial number.
func TestProbeOfABusyPart(t *testing.T) {
	var last []byte
	busy := busFunc(func(_ context.Context, _ uint16, w, r []byte) error {
		if len(w) > 0 {
			last = slices.Clone(w)
		}
		if !slices.Equal(last, command(scd4xReady)) {
			return syscall.ENXIO
		}
		copy(r, []byte{0x80, 0x00, 0xa2})
		return nil
	})
	if g, found := Probe(context.Background(), options(busy, 0x62)); !found || !g.Sure || g.Rows[0].Name != "scd4x" {
		t.Errorf("%+v %v", g, found)
	}
}

// Silence is nobody, a driver of the kernel is left alone, and a bus that fails says why.
func TestProbeOfNobody(t *testing.T) {
	for _, c := range []struct {
		errno       syscall.Errno
		found, busy bool
	}{{syscall.ENXIO, false, false}, {syscall.EREMOTEIO, false, false}, {syscall.EBUSY, true, true}, {syscall.ETIMEDOUT, true, false}} {
		n := 0
		g, found := Probe(context.Background(), options(busFunc(func(context.Context, uint16, []byte, []byte) error { n++; return c.errno }), 0x76))
		if found != c.found || g.Busy != c.busy || (g.Err != nil) != (c.found && !c.busy) {
			t.Errorf("%v: %+v %v", c.errno, g, found)
		}
		if found && n != 1 {
			t.Errorf("%v: it was asked %d times", c.errno, n)
		}
	}
}

// A line that is held makes no part out of nothing.
func TestProbeOfStuckLine(t *testing.T) {
	for _, with := range []byte{0x00, 0xff} {
		for _, address := range Addresses() {
			stuck := busFunc(func(_ context.Context, _ uint16, _, r []byte) error { fill(r, with); return nil })
			if g, _ := Probe(context.Background(), options(stuck, address)); g.Sure {
				t.Errorf("0x%02x at 0x%02x is taken for %s", with, address, g.Rows[0].Name)
			}
			if _, _, found := ProbeMux(context.Background(), options(stuck, address)); found {
				t.Errorf("0x%02x at 0x%02x is taken for a mux", with, address)
			}
		}
	}
}

func TestProbeMux(t *testing.T) {
	for name, kind := range muxTypes() {
		register := byte(0)
		mux := busFunc(func(_ context.Context, _ uint16, w, r []byte) error {
			if len(w) == 1 {
				register = w[0] & kind.mask
			}
			fill(r, register)
			return nil
		})
		row, branches, found := ProbeMux(context.Background(), options(mux, 0x70))
		want := map[string]string{"pca9540": "pca9544", "pca9542": "pca9544", "pca9545": "pca9546", "pca9547": "pca9546"}[name]
		if want == "" {
			want = name
		}
		if !found || row.Name != want || branches != muxTypes()[want].branches || register != 0 {
			t.Errorf("%s: %s with %d branches, found %v, left at 0x%02x", name, row.Name, branches, found, register)
		}
	}
}

// What is recorded of a part is what its transcript was, and plays to its last byte.
func TestRecordIsATranscript(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, m *model) {
		o := options(busFunc(m.tx), 0)
		o.Settings = tr.settings
		var out bytes.Buffer
		if err := tr.row.Record(context.Background(), o, 2, time.Second, &out); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), tr.part+".rig")
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		again := readTranscript(t, file)
		if len(again.steps) != 3 {
			t.Fatalf("%d steps", len(again.steps))
		}
		ops, err := bus.ReadTranscript(&out)
		if err != nil {
			t.Fatal(err)
		}
		player := bus.NewPlayer("i2c-1", ops)
		p, fields := again.open(t, player, sensortest.NewClock(time.Unix(1e9, 0)))
		values := make([]sensors.Value, len(fields))
		if err := errors.Join(p.Identify(context.Background()), p.Sense(context.Background(), values), p.Sense(context.Background(), values), player.Check()); err != nil {
			t.Error(err)
		}
	})
}
