package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments ADS1115, ADS1113 and ADS1114 have one input only (datasheet SBAS444E, December 2024).
const (
	adsValue  = 0x00 // §8.1.1, table 8-1, p. 24: the conversion register
	adsConfig = 0x01 // §8.1.1, table 8-1, p. 24: the config register
	adsLow    = 0x02 // §8.1.1, table 8-1, p. 24; §8.1.4, table 8-5, p. 27: 0x8000 at power on
	adsHigh   = 0x03 // §8.1.1, table 8-1, p. 24; §8.1.4, table 8-5, p. 27: 0x7fff at power on

	adsStart     = 0x8000 // §8.1.3, table 8-3, p. 25, bit 15: written 1 starts a conversion; read 1 says that none is going on
	adsInput     = 0x4000 // §8.1.3, table 8-3, p. 25, bits 14 to 12: 100 is input 0 against ground
	adsOneInput  = 0x1000 // §8.1.3, table 8-3, p. 25, bits 14 to 12: the next input is one more
	adsOnce      = 0x0383 // §8.1.3, table 8-3, p. 26: gain 001 (4.096 V), single shot, 128 a second, comparator off
	adsPowerOn   = 0x8583 // §8.1.3, p. 25, reset value
	adsMicrovolt = 125    // §7.3.3, table 7-1, p. 15: a step at 4.096 V
	adsFull      = 0x7fff // §7.5.4, table 7-3, p. 23: as much or more
	adsLowest    = 0x8000 // §8.1.4, table 8-5, p. 27, reset value

	adsConvert = 9 * time.Millisecond // §5.5, p. 5: 128 a second, 10 % slower at worst; §7.4.2.1, p. 18: 25 us to wake
	adsPolls   = 5                    // ours: after five times the longest conversion it is not slow but stuck
)

func ads1115Row() Row {
	var inputs []Quantity
	for _, name := range []string{"input0", "input1", "input2", "input3"} {
		inputs = append(inputs, quantity(name, "voltage", -300_000, adsMicrovolt*(adsFull-1))) // §5.1, p. 4: -0.3 V at least
	}
	return Row{
		Name: "ads1115", Doc: "voltages of four inputs against ground, to 4.096 V (TI ADS1115)",
		Datasheet: "Texas Instruments SBAS444", On: I2C, Quantities: inputs,
		Addresses: []uint16{0x48, 0x49, 0x4a, 0x4b}, // §7.5.1.1, table 7-2, p. 20
		Identity:  "threshold registers as at power on, configuration kept", Evidence: FromDatasheet,
		Settings: []Setting{{Name: "inputs", Default: "4", Doc: "how many are used, from input0 on; an open one measures noise", Min: 1, Max: 4}},
		Every:    10 * time.Second, Fastest: 4 * adsConvert,
		narrow: func(q []Quantity, s settings) []Quantity { return q[:s["inputs"]] },
		device: func(p *place, s settings) device { return &ads1115{place: p, inputs: int(s["inputs"])} },
	}
}

type ads1115 struct {
	*place
	inputs int
}

func (d *ads1115) identify(ctx context.Context) error { return d.again(ctx) }

func (d *ads1115) again(ctx context.Context) error {
	const what = "reading the thresholds"
	low, err := d.wordAt(ctx, what, adsLow)
	if err != nil {
		return err
	}
	high, err := d.wordAt(ctx, what, adsHigh)
	if err != nil {
		return err
	}
	if low != adsLowest || high != adsFull {
		return d.fault(what, sensors.WrongPart, "they are 0x%04x and 0x%04x; an ADS1115 that nobody else uses says 0x%04x and 0x%04x",
			low, high, adsLowest, adsFull)
	}
	return nil
}

func (d *ads1115) sense(ctx context.Context, s *sheet) error {
	for i := range d.inputs {
		raw, err := d.convert(ctx, i)
		if err != nil {
			return err
		}
		s.number(i, int64(int16(raw))*adsMicrovolt) // full scale lies above the quantity's range
	}
	return nil
}

// convert does one conversion and checks that the part still says which.
func (d *ads1115) convert(ctx context.Context, input int) (uint16, error) {
	const what = "measuring"
	config := uint16(adsInput + input*adsOneInput + adsOnce)
	if err := d.writeWord(ctx, what, adsConfig, config|adsStart); err != nil {
		return 0, err
	}
	for range adsPolls {
		if err := d.wait(ctx, what, adsConvert); err != nil {
			return 0, err
		}
		got, err := d.wordAt(ctx, what, adsConfig)
		if err != nil {
			return 0, err
		}
		if got&^adsStart != config {
			return 0, d.fault(what, sensors.Implausible, "the configuration is 0x%04x after 0x%04x was written", got, config)
		}
		if got&adsStart != 0 {
			return d.wordAt(ctx, what, adsValue)
		}
	}
	return 0, d.fault(what, sensors.Timeout, "it is still converting after %v", adsPolls*adsConvert)
}
