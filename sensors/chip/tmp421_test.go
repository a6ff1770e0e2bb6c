package chip

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
)

// One that was asleep is not read before the slowest of its kind has measured every channel: 130 ms for each (SBOS398C,
// electrical characteristics, p. 3). Before that a register holds what was measured last, or nothing.
func TestTMP421WaitsForEveryChannel(t *testing.T) {
	for _, c := range []struct {
		part     string
		id       byte
		channels int
	}{{"tmp421", 0x21, 2}, {"tmp422", 0x22, 3}, {"tmp423", 0x23, 4}} {
		synctest.Test(t, func(t *testing.T) {
			registers := map[byte]byte{tmp421Maker: tmp421TI, tmp421Part: c.id, tmp421Config: tmp421Stop}
			asleep := busFunc(func(_ context.Context, _ uint16, w, r []byte) error {
				if len(r) == 0 {
					registers[w[0]] = w[1]
				} else {
					r[0] = registers[w[0]]
				}
				return nil
			})
			row, err := Named(c.part)
			if err != nil {
				t.Fatal(err)
			}
			p, err := row.Part(PartOptions{Open: func(string) (i2c.Bus, error) { return asleep, nil }, Bus: "i2c-1", Clock: sensors.SystemClock{}})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			if err := p.Identify(t.Context()); err != nil {
				t.Fatal(err)
			}
			if waited, least := time.Since(begin), time.Duration(c.channels)*130*time.Millisecond; waited < least || registers[tmp421Config]&tmp421Stop != 0 {
				t.Errorf("a %s is ready after %v, want %v at least, and awake: 0x%02x", c.part, waited, least, registers[tmp421Config])
			}
		})
	}
}

// A TMP422 has four addresses, by how its diodes are connected, and a TMP423 two, by how it was made (SBOS398B, tables 9 and
// 10, p. 17): elsewhere somebody else answers.
func TestTMP421Addresses(t *testing.T) {
	for part, want := range map[string][]uint16{
		"tmp421": {0x1c, 0x1d, 0x1e, 0x1f, 0x2a, 0x4c, 0x4d, 0x4e, 0x4f},
		"tmp422": {0x4c, 0x4d, 0x4e, 0x4f},
		"tmp423": {0x4c, 0x4d},
	} {
		row, err := Named(part)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(slices.Values(row.Addresses)); !slices.Equal(got, want) {
			t.Errorf("a %s can be at %#x, want %#x", part, got, want)
		}
	}
}
