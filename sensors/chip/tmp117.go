package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments TMP117 (datasheet SNOSD82D; its pages as others quote them).
const (
	tmp117Value  = 0x00 // §7.6, p. 25: temperature result
	tmp117Config = 0x01 // §7.6, p. 25: configuration
	tmp117ID     = 0x0f // §7.6, p. 25 and p. 32: device id, low 12 bits 0x117, above them the revision

	tmp117Part    = 0x117  // §7.6, p. 32
	tmp117Default = 0x0220 // §7.6, p. 27, reset value: continuous, 8 averaged, once a second
	tmp117None    = 0x8000 // §7.6, p. 26: what the value is before the first conversion

	tmp117Convert = 140 * time.Millisecond // §6.5, electrical characteristics, p. 6: 17.5 ms at most for each of the 8 conversions averaged (§7.3.2)
)

func tmp117Row() Row {
	return Row{
		Name: "tmp117", Doc: "temperature, precise (TI TMP117)", Datasheet: "Texas Instruments SNOSD82", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -55_000, 150_000)}, // §"features", p. 1
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b},                                     // §7.5.3.1.2, table 7-2, p. 21
		Identity:   "register 0x0f", Evidence: FromDatasheet, Every: 10 * time.Second, Fastest: time.Second,
		device: func(p *place, _ settings) device { return &tmp117{place: p} },
	}
}

type tmp117 struct{ *place }

func (d *tmp117) identify(ctx context.Context) error {
	if err := d.verify(ctx); err != nil {
		return err
	}
	if err := d.writeWord(ctx, "configuring", tmp117Config, tmp117Default); err != nil {
		return err
	}
	return d.wait(ctx, "converting", tmp117Convert)
}

func (d *tmp117) verify(ctx context.Context) error {
	const what = "reading the identity"
	id, err := d.wordAt(ctx, what, tmp117ID)
	if err != nil {
		return err
	}
	if id&0x0fff != tmp117Part {
		return d.fault(what, sensors.WrongPart, "it is 0x%04x; a TMP117 says 0x%04x", id, tmp117Part)
	}
	return nil
}

func (d *tmp117) again(ctx context.Context) error { return d.verify(ctx) }

func (d *tmp117) sense(ctx context.Context, s *sheet) error {
	raw, err := d.wordAt(ctx, "measuring", tmp117Value)
	if err != nil {
		return err
	}
	if raw == tmp117None {
		return d.fault("measuring", sensors.Busy, "it has not converted yet: it was restarted")
	}
	if deadWord(raw) {
		if err := d.verify(ctx); err != nil {
			return err
		}
	}
	s.number(0, nearest(int64(int16(raw))*1000, 128)) // §7.3.3, table 7-1: 7.8125 thousandths of a degree a step
	return nil
}
