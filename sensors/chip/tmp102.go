package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments TMP102 (datasheet SBOS397C, sections by title; tables and pages are those of SBOS397B where it is named).
const (
	tmp102Value  = 0x00 // §"pointer register" (SBOS397B: table 2; TMP105: table 2, p. 6): 00
	tmp102Config = 0x01 // §"pointer register" (SBOS397B: table 2; TMP105: table 2, p. 6): 01
	tmp102Low    = 0x02 // §"high- and low-limit registers" (tables 10 and 11, p. 9): 75 and 80 degrees at power on
	tmp102High   = 0x03 // §"high- and low-limit registers" (tables 10 and 11, p. 9)

	tmp102Default = 0x60a0 // §"configuration register", table 7 (SBOS397B, p. 7), power-on: 12 bits, 4 a second, comparator mode
	tmp102Fixed   = 0x6000 // §"configuration register", table 7 (SBOS397B, p. 7): the resolution bits read as 11 and can't be written (§"converter resolution", p. 9)
	tmp102Alert   = 0x0020 // §"alert" (SBOS397B, p. 7): follows the comparator
	tmp102Unused  = 0x000f // §"temperature register", table 4, p. 6: the low bits of a 12-bit value are 0

	tmp102Convert = 35 * time.Millisecond // §"electrical characteristics": 35 ms at most
)

func tmp102Row() Row {
	return Row{
		Name: "tmp102", Doc: "temperature (TI TMP102)", Datasheet: "Texas Instruments SBOS397", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -55_000, 128_000)}, // table 5, p. 6: the format ends at 127.9375
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b},                                     // §"serial bus address" (SBOS397B: table 12, p. 10)
		Identity:   "no identity register: resolution bits that can't be written, limits in order", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: 250 * time.Millisecond,
		device: func(p *place, _ settings) device { return &tmp102{place: p} },
	}
}

type tmp102 struct{ *place }

func (d *tmp102) identify(ctx context.Context) error {
	if err := d.writeWord(ctx, "configuring", tmp102Config, tmp102Default); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	return d.wait(ctx, "converting", tmp102Convert)
}

// verify reads back what only a TMP102 would say.
func (d *tmp102) verify(ctx context.Context) error {
	const what = "reading the configuration"
	config, err := d.wordAt(ctx, what, tmp102Config)
	if err != nil {
		return err
	}
	low, err := d.wordAt(ctx, what, tmp102Low)
	if err != nil {
		return err
	}
	high, err := d.wordAt(ctx, what, tmp102High)
	if err != nil {
		return err
	}
	if config&^tmp102Alert != tmp102Default&^tmp102Alert || config&tmp102Fixed != tmp102Fixed {
		return d.fault(what, sensors.WrongPart, "it is 0x%04x after 0x%04x was written", config, tmp102Default)
	}
	if int16(low) >= int16(high) || (low|high)&tmp102Unused != 0 {
		return d.fault(what, sensors.WrongPart, "the limits are not those of a TMP102")
	}
	return nil
}

func (d *tmp102) again(ctx context.Context) error { return d.verify(ctx) }

func (d *tmp102) sense(ctx context.Context, s *sheet) error {
	raw, err := d.wordAt(ctx, "measuring", tmp102Value)
	if err != nil {
		return err
	}
	if raw&tmp102Unused != 0 {
		return d.fault("measuring", sensors.Implausible, "bits are set that are always zero")
	}
	if raw == 0 { // 0 degrees, or nothing there that answers
		if err := d.verify(ctx); err != nil {
			return err
		}
	}
	s.number(0, eighths(raw))
	return nil
}

// eighths converts a value with 8 bits after the point, high byte first, to thousandths of a degree (§"temperature register", p. 6:
// 0.0625 degrees are bit 4).
func eighths(raw uint16) int64 { return nearest(int64(int16(raw))*1000, 256) }
