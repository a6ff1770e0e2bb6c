package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Microchip (SMSC) EMC1413 (datasheet DS20005274A, sections by title; its relatives EMC1403 and EMC1046 have the same
// temperature registers). Registers are read one byte at a time: a high byte holds its low
// byte still until that is read ("register description").
const (
	emcConfig = 0x03 // §"configuration register": bit 2 is the extended range, 64 degrees are added
	emcFault  = 0x1b // §"external diode fault register": bit 1 external diode 1, bit 2 external diode 2
	emcPart   = 0xfd // §"product ID register"
	emcMaker  = 0xfe // §"manufacturer ID register"

	emcPartID   = 0x21   // §"product ID register"
	emcMakerID  = 0x5d   // §"manufacturer ID register"
	emcExtended = 0x04   // §"configuration register"
	emcOffset   = 64_000 // §"temperature data registers", extended format (EMC1403, revision 2.0: §5.11, table 5.3, p. 24)
	emcLowBits  = 0xe0   // §"temperature data registers" (EMC1403: §5.11, p. 24; EMC1046: §5.2, p. 22): 0.125 degrees in the three high bits

	emcConvert = 300 * time.Millisecond // §"conversion rate register": four a second at power on; a fifth more is ours
)

// emcChannel is one diode: its registers (§"temperature data registers"; EMC1046: §5.2, p. 22) and its bit in the fault register, 0 for the internal one.
type emcChannel struct{ high, low, fault byte }

func emcChannels() []emcChannel {
	return []emcChannel{{0x00, 0x29, 0}, {0x01, 0x10, 1 << 1}, {0x23, 0x24, 1 << 2}}
}

func emc1413Row() Row {
	return Row{
		Name: "emc1413", Doc: "temperature of itself and of two remote diodes (Microchip EMC1413)",
		Datasheet: "Microchip DS20005274", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -64_000, 191_875), // §"temperature data registers", extended format (EMC1403: p. 24)
			quantity("remote1", "temperature", -64_000, 191_875), quantity("remote2", "temperature", -64_000, 191_875)}, // §"temperature data registers" (EMC1403: p. 24)
		Addresses: []uint16{0x4c, 0x1c, 0x3c, 0x5c, 0x6c, 0x18, 0x29, 0x4d}, // §"SMBus address" (EMC1403: p. 15): by a resistor; the last three in fixed variants
		Identity:  "registers 0xfd and 0xfe", Evidence: FromRig, Every: 10 * time.Second, Fastest: 250 * time.Millisecond,
		device: func(p *place, _ settings) device { return &emc1413{place: p} },
	}
}

type emc1413 struct {
	*place
	config byte
}

// identify asks for the extended range, without which there is nothing below zero, and goes by what the part then
// says it has.
func (d *emc1413) identify(ctx context.Context) error {
	if err := d.verify(ctx); err != nil {
		return err
	}
	if err := d.writeByte(ctx, "configuring", emcConfig, emcExtended); err != nil {
		return err
	}
	config, err := d.byteAt(ctx, "configuring", emcConfig)
	if err != nil {
		return err
	}
	if config&^emcExtended != 0 {
		return d.fault("configuring", sensors.Implausible, "the configuration is 0x%02x after 0x%02x was written", config, emcExtended)
	}
	d.config = config
	return d.wait(ctx, "converting", emcConvert)
}

func (d *emc1413) verify(ctx context.Context) error {
	const what = "reading the identity"
	part, err := d.byteAt(ctx, what, emcPart)
	if err != nil {
		return err
	}
	maker, err := d.byteAt(ctx, what, emcMaker)
	if err != nil {
		return err
	}
	if part != emcPartID || maker != emcMakerID {
		return d.fault(what, sensors.WrongPart, "it is 0x%02x 0x%02x; an EMC1413 says 0x%02x 0x%02x", part, maker, emcPartID, emcMakerID)
	}
	return nil
}

func (d *emc1413) again(ctx context.Context) error { return d.verify(ctx) }

func (d *emc1413) sense(ctx context.Context, s *sheet) error {
	const what = "measuring"
	config, err := d.byteAt(ctx, what, emcConfig)
	if err != nil {
		return err
	}
	if config != d.config { // with another range every value would be off by 64 degrees
		return d.fault(what, sensors.Implausible, "the configuration changed: it was restarted, or is not there")
	}
	faults, err := d.byteAt(ctx, what, emcFault)
	if err != nil {
		return err
	}
	var all []byte
	for i, c := range emcChannels() {
		high, err := d.byteAt(ctx, what, c.high)
		if err != nil {
			return err
		}
		low, err := d.byteAt(ctx, what, c.low)
		if err != nil {
			return err
		}
		all = append(all, high, low)
		if faults&c.fault != 0 {
			s.fault(i)
			continue
		}
		t := int64(high)*1000 + int64(low&emcLowBits)*1000/256
		if d.config&emcExtended != 0 {
			t -= emcOffset
		}
		s.number(i, t)
	}
	if dead(all...) {
		return d.verify(ctx)
	}
	return nil
}
