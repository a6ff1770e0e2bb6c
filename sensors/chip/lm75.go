package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// The LM75 family: four registers and no identity that all have (TI's LM75A has one at 0x07). LM75A (Texas Instruments SNOS808; SNIS153B of the LM75B and LM75C has
// the same map), LM75B (NXP, revision 6.1), TMP105 (Texas Instruments SLLS648D); TMP75 and TMP175 have the TMP105's map.
// Sections and pages are those of NXP's LM75B where no other is named.
const (
	lm75Value  = 0x00 // §7.4, table 5 (NXP LM75A: table 5, p. 6; SNOS808O: p. 10)
	lm75Config = 0x01 // §7.4, table 5 (NXP LM75A: table 5, p. 6; SNOS808O: p. 10)
	lm75Hyst   = 0x02 // §7.4, table 5 (NXP LM75A: table 5, p. 6; SNOS808O: p. 10)
	lm75Limit  = 0x03 // §7.4, table 5 (NXP LM75A: table 5, p. 6; SNOS808O: p. 10)

	lm75Run    = 0x00 // §7.4.2, table 8, p. 9: normal operation
	tmp105Fine = 0x60 // TMP105 §"converter resolution": 12 bits (TMP75, SBOS288J: table 6, p. 6); §"temperature register", p. 6

	lm75Convert   = 300 * time.Millisecond // LM75A, SNOS808O, p. 4: 300 ms at most
	tmp105Convert = 320 * time.Millisecond // TMP105 §"electrical characteristics": 12 bits, 320 ms at most (220 typical: TMP106, SLLS672A, table 8, p. 7)
)

func lm75Family(name, doc, sheet string, bits int, config byte, convert time.Duration) Row {
	return Row{
		Name: name, Doc: doc, Datasheet: sheet, On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -55_000, 128_000)}, // §7.4.3, table 10, p. 9; TMP105 table 5, p. 6: the formats end below 128
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f},             // §7.3, table 4, p. 7; eight of the TMP75 too (SBOS288J: p. 1), two of them the TMP105's
		Identity:   "no identity register: configuration kept, limits in order; another of the family that takes its place is not told apart", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: convert,
		device: func(p *place, _ settings) device {
			return &lm75{place: p, config: config, keep: ^uint16(0) << (16 - bits), convert: convert}
		},
	}
}

func lm75Row() Row {
	return lm75Family("lm75", "temperature (LM75, LM75A: half degrees)", "Texas Instruments SNOS808", 9, lm75Run, lm75Convert)
}

func lm75bRow() Row {
	return lm75Family("lm75b", "temperature (NXP LM75B: eighths of a degree)", "NXP LM75B, revision 6.1", 11, lm75Run, lm75Convert)
}

func tmp105Row() Row {
	r := lm75Family("tmp105", "temperature (TI TMP105, TMP75, TMP175)", "Texas Instruments SLLS648", 12, tmp105Fine, tmp105Convert)
	r.Evidence = FromRig
	return r
}

type lm75 struct {
	*place
	config  byte
	keep    uint16 // the bits of a value that mean something; the others may be anything
	convert time.Duration
}

func (d *lm75) identify(ctx context.Context) error {
	if err := d.writeByte(ctx, "configuring", lm75Config, d.config); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	return d.wait(ctx, "converting", d.convert)
}

// verify reads back what a dead or foreign part would not say: the configuration, and a limit above its hysteresis
// (at power on 80 and 75 degrees: LM75B §7.4.4, p. 10; NXP LM75A table 5, p. 6).
func (d *lm75) verify(ctx context.Context) error {
	const what = "reading the configuration"
	config, err := d.byteAt(ctx, what, lm75Config)
	if err != nil {
		return err
	}
	hysteresis, err := d.wordAt(ctx, what, lm75Hyst)
	if err != nil {
		return err
	}
	limit, err := d.wordAt(ctx, what, lm75Limit)
	if err != nil {
		return err
	}
	if config != d.config {
		return d.fault(what, sensors.WrongPart, "it is 0x%02x after 0x%02x was written", config, d.config)
	}
	if int16(hysteresis&d.keep) >= int16(limit&d.keep) {
		return d.fault(what, sensors.WrongPart, "the limit is not above its hysteresis")
	}
	return nil
}

func (d *lm75) again(ctx context.Context) error { return d.verify(ctx) }

func (d *lm75) sense(ctx context.Context, s *sheet) error {
	raw, err := d.wordAt(ctx, "measuring", lm75Value)
	if err != nil {
		return err
	}
	if deadWord(raw) { // 0 degrees or just below, or nothing there that answers
		if err := d.verify(ctx); err != nil {
			return err
		}
	}
	s.number(0, eighths(raw&d.keep))
	return nil
}
