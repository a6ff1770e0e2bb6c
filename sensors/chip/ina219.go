package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments INA219 (datasheet SBOS448F, sections by title; SBOS448G, an edition after it, is named where it is meant).
const (
	inaConfig = 0x00 // §"register information", table 4, p. 25
	inaShunt  = 0x01 // §"register information", table 4, p. 25; 10 uV a step: §"electrical characteristics", p. 3
	inaBus    = 0x02 // §"register information", table 4, p. 25; bits 15 to 3, 4 mV a step, bit 2 always 0: §"bus voltage register", p. 30

	inaSetting = 0x3fff // §"configuration register", p. 26; table 6 and table 7, p. 27: 32 V, 320 mV, 128 samples of each, continuous
	inaUnused  = 0x0004 // §"bus voltage register", p. 30
	inaMost    = 32_000 // §"configuration register", table 5, p. 26: 320 mV in steps of the shunt

	inaConvert = 155 * time.Millisecond // table 6, p. 27: twice 68.10 ms; §"electrical characteristics", p. 3: a tenth more at worst, 586 us for 532
)

func ina219Row() Row {
	return Row{
		Name: "ina219", Doc: "voltage, current, power of a direct current line (TI INA219)",
		Datasheet: "Texas Instruments SBOS448", On: I2C,
		Quantities: []Quantity{quantity("voltage", "voltage", 0, 26_000_000), // §"electrical characteristics", p. 3, note 2: up to 26 V
			quantity("current", "current", -320_000_000, 320_000_000), // table 5, p. 26: 320 mV, at a shunt of 1 milliohm
			quantity("power", "power", -8_320_000, 8_320_000)},        // ours: their product
		Addresses: inaAddresses(), Identity: "configuration kept", Evidence: FromDatasheet,
		Settings: []Setting{{Name: "shunt_milliohm", Default: "100", Doc: "resistance of the shunt", Min: 1, Max: 100_000}},
		Every:    10 * time.Second, Fastest: inaConvert,
		device: func(p *place, s settings) device { return &ina219{place: p, milliohm: s["shunt_milliohm"]} },
	}
}

// inaAddresses are 16 from 0x40 on (SBOS448G §8.5.5.1, table 1, p. 14: by how its two pins are connected).
func inaAddresses() []uint16 {
	var all []uint16
	for a := uint16(0x40); a <= 0x4f; a++ {
		all = append(all, a)
	}
	return all
}

type ina219 struct {
	*place
	milliohm int64
}

func (d *ina219) identify(ctx context.Context) error {
	if err := d.writeWord(ctx, "configuring", inaConfig, inaSetting); err != nil {
		return err
	}
	if err := d.verify(ctx, sensors.WrongPart); err != nil {
		return err
	}
	return d.wait(ctx, "converting", inaConvert)
}

// verify reads the configuration back; at power on it would be another (0x399f).
func (d *ina219) verify(ctx context.Context, kind sensors.FaultKind) error {
	const what = "reading the configuration"
	config, err := d.wordAt(ctx, what, inaConfig)
	if err != nil {
		return err
	}
	if config != inaSetting {
		return d.fault(what, kind, "it is 0x%04x after 0x%04x was written", config, inaSetting)
	}
	return nil
}

func (d *ina219) sense(ctx context.Context, s *sheet) error {
	const what = "measuring"
	if err := d.verify(ctx, sensors.Implausible); err != nil {
		return err
	}
	shunt, err := d.wordAt(ctx, what, inaShunt)
	if err != nil {
		return err
	}
	bus, err := d.wordAt(ctx, what, inaBus)
	if err != nil {
		return err
	}
	if bus&inaUnused != 0 {
		return d.fault(what, sensors.Implausible, "a bit is set that is always zero")
	}
	microvolts := int64(bus>>3) * 4000
	s.number(0, microvolts)
	steps := int64(int16(shunt))
	if steps >= inaMost || steps <= -inaMost { // as much or more
		s.fault(1)
		s.fault(2)
		return nil
	}
	microamps := nearest(steps*10_000, d.milliohm)
	s.number(1, microamps)
	s.number(2, nearest(microvolts*microamps, 1_000_000_000))
	return nil
}
