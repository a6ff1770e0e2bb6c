package chip

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// unseenTwins are pairs that can't be told apart when one takes the other's place between two readings, and what comes of
// it. Everything else is. An HDC302x in an SHT3x's place is told apart only by what the models say of status bits; should it
// not be, it takes the same commands and its values mean the same.
func unseenTwins() map[string]string {
	return map[string]string{
		"lm75 lm75b":    "the same registers and power-on values: half degrees instead of eighths, and nothing wrong",
		"lm75b lm75":    "the same: the low bits, which an LM75 leaves open, are taken for eighths of a degree",
		"tmp105 tmp102": "the high byte of a TMP102's configuration reads as a TMP105's, and its values mean the same",
	}
}

// swapped identifies and reads a part, lets another take its place, and reads again after the time.
func swapped(t *testing.T, mine transcript, first, second *model, gap time.Duration) error {
	t.Helper()
	now := first
	clock := sensortest.NewClock(time.Unix(1e9, 0))
	p, fields := mine.open(t, busFunc(func(ctx context.Context, a uint16, w, r []byte) error { return now.tx(ctx, a, w, r) }), clock)
	values := make([]sensors.Value, len(fields))
	if err := p.Identify(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := p.Sense(context.Background(), values); err != nil {
		t.Fatal(err)
	}
	now = second
	clock.Set(clock.Now().Add(gap))
	err := p.Sense(context.Background(), values)
	if err != nil && slices.ContainsFunc(values, func(v sensors.Value) bool { return v != sensors.Value{} }) {
		t.Error("there is an error and a value")
	}
	return err
}

// A part that another takes the place of between two readings, with nobody there to see it gone, is told apart at the
// next reading, and the one that was there before is taken for itself.
func TestSwappedUnseen(t *testing.T) {
	all := transcripts(t)
	twins, met := unseenTwins(), map[string]bool{}
	for _, mine := range all {
		if mine.evidence != FromDatasheet || mine.part == "bh1750" || filepath.Base(mine.file) == "scd4x-altitude.datasheet" {
			continue
		}
		same := modelOf(t, mine)
		if err := swapped(t, mine, same, same, time.Minute); err != nil {
			t.Errorf("%s is not taken for itself after a minute: %v", mine.part, err)
		}
		for _, other := range all {
			if mine.part == other.part || other.evidence != FromDatasheet || !slices.ContainsFunc(mine.row.Addresses, func(a uint16) bool { return slices.Contains(other.row.Addresses, a) }) {
				continue
			}
			pair := mine.part + " " + other.part
			err := swapped(t, mine, modelOf(t, mine), modelOf(t, other), 10*time.Second)
			if _, twin := twins[pair]; twin {
				met[pair] = true
				if err != nil {
					t.Errorf("%s can be told apart after all (%v): say so in unseenTwins", pair, err)
				}
			} else if err == nil {
				t.Errorf("a %s that took the place of a %s goes unseen", other.part, mine.part)
			}
		}
	}
	for pair := range twins {
		if !met[pair] {
			t.Errorf("%q is no pair at one address", pair)
		}
	}
}

// Another part of the same kind is set up anew, with its own calibration, though nothing was seen of the exchange.
func TestSwappedForTheSameKind(t *testing.T) {
	for _, name := range []string{"bme280", "bmp280", "tmp105", "veml7700", "ina219", "lsm303dlhc"} {
		t.Run(name, func(t *testing.T) {
			tr := readTranscript(t, "testdata/"+name+".datasheet")
			begun := 0
			now := modelOf(t, tr)
			clock := sensortest.NewClock(time.Unix(1e9, 0))
			restarted := false
			p, fields := tr.open(t, busFunc(func(ctx context.Context, a uint16, w, r []byte) error {
				err := now.tx(ctx, a, w, r)
				if len(w) > 1 && len(r) == 0 {
					begun++
					restarted = false // it was written to, and keeps it
				}
				if restarted && len(w) == 1 && slices.Contains([]byte{bmeCtrlMeas, lm75Config, vemlConfig, inaConfig, lsmMode}, w[0]) {
					fill(r, 0x03) // none of them has this after what was written: an LSM303 sleeps, the others were never set
				}
				return err
			}), clock)
			values := make([]sensors.Value, len(fields))
			if err := p.Identify(context.Background()); err != nil {
				t.Fatal(err)
			}
			first := begun
			if err := p.Sense(context.Background(), values); err != nil {
				t.Fatal(err)
			}
			each := begun - first
			restarted, begun, now = true, 0, modelOf(t, tr)
			clock.Set(clock.Now().Add(10 * time.Second))
			if err := p.Sense(context.Background(), values); err != nil { // one that is seen while it is read: the next is right
				begun = 0
				if err := p.Sense(context.Background(), values); err != nil {
					t.Fatalf("it does not come back: %v", err)
				}
			}
			if begun < first+each {
				t.Errorf("%d writes after the exchange, want the %d of a start and the %d of a reading", begun, first, each)
			}
		})
	}
}
