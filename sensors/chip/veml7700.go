package chip

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Vishay VEML7700 (datasheet 84286, revision 1.8) and its application note (84323), sections by title; the VEML6030 (84366, revision
// 1.2) has the same registers. Words are low byte first. What is cited of the two is as others who have them tell it, see SOURCES.md.
const (
	vemlConfig = 0x00 // §"command register format" (VEML6030: p. 7): command code 0
	vemlValue  = 0x04 // §"command register format" (VEML6030: p. 7): command code 4, ALS
	vemlID     = 0x07 // §"command register format": command code 7, low byte 0x81

	vemlPart = 0x81 // table 8: command code 7

	// Command code 0: bits 12:11 are the gain, bits 9:6 the integration time (0 is 100 ms), bit 0 shuts down.
	vemlDim    = 0x0800 // §"command register format" (VEML6030: table 1, p. 7): gain 2
	vemlBright = 0x1000 // §"command register format" (VEML6030: table 1, p. 7): gain 1/8
	vemlSleep  = 0x0001 // table 1 (VEML6030: p. 7): shut down, as at power on

	// Application note, p. 21: 2.5 ms to start (Linux waits 4), then 100 ms, which may be 30 % longer (p. 4). Two of them are waited for,
	// as Adafruit's driver does; 7 ms more are ours.
	vemlSettle = 270 * time.Millisecond

	vemlTooMuch   = 2_976  // application note, §"linearity": not above 100 lx at gain 2, where it is not linear any more; then gain 1/8
	vemlTooLittle = 150    // ours: counts at gain 1/8: 81 lx, then gain 2
	vemlFull      = 0xffff // §"command register format" (VEML6030: p. 7): all that 16 bits can count
)

func veml7700Row() Row {
	return Row{
		Name: "veml7700", Doc: "light (Vishay VEML7700)", Datasheet: "Vishay 84286, application note 84323", On: I2C,
		Quantities: []Quantity{quantity("illuminance", "illuminance", 0, 200_000_000)}, // §"features", p. 1: to about 140 klx; more is not refused
		Addresses:  []uint16{0x10},                                                     // §"slave address"
		Identity:   "low byte of command code 0x07, configuration kept", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: 2 * vemlSettle,
		device: func(p *place, _ settings) device { return &veml7700{place: p} },
	}
}

type veml7700 struct {
	*place
	gain uint16
}

func (d *veml7700) identify(ctx context.Context) error {
	if err := d.again(ctx); err != nil {
		return err
	}
	return d.turn(ctx, vemlDim)
}

func (d *veml7700) again(ctx context.Context) error {
	const what = "reading the identity"
	id, err := d.get(ctx, what, vemlID)
	if err != nil {
		return err
	}
	if id&0xff != vemlPart {
		return d.fault(what, sensors.WrongPart, "it is 0x%02x; a VEML7700 says 0x%02x", id&0xff, vemlPart)
	}
	return nil
}

func (d *veml7700) get(ctx context.Context, what string, code byte) (uint16, error) {
	var b [2]byte
	err := d.read(ctx, what, code, b[:])
	return binary.LittleEndian.Uint16(b[:]), err
}

// turn changes the gain while the part sleeps, as the application note does (p. 21), and waits until a whole integration has passed with it.
func (d *veml7700) turn(ctx context.Context, gain uint16) error {
	for _, config := range []uint16{gain | vemlSleep, gain} {
		if err := d.tx(ctx, "configuring", []byte{vemlConfig, byte(config), byte(config >> 8)}, nil); err != nil {
			return err
		}
	}
	d.gain = gain
	return d.wait(ctx, "measuring", vemlSettle)
}

// count reads the light and that the part still has the gain it was given: after a loss of power it would sleep.
func (d *veml7700) count(ctx context.Context) (uint16, error) {
	const what = "measuring"
	config, err := d.get(ctx, what, vemlConfig)
	if err != nil {
		return 0, err
	}
	if config != d.gain {
		return 0, d.fault(what, sensors.Implausible, "the configuration is 0x%04x after 0x%04x was written: it was restarted, or is not there", config, d.gain)
	}
	return d.get(ctx, what, vemlValue)
}

func (d *veml7700) sense(ctx context.Context, s *sheet) error {
	raw, err := d.count(ctx)
	if err != nil {
		return err
	}
	other := d.gain
	if d.gain == vemlDim && raw > vemlTooMuch {
		other = vemlBright
	} else if d.gain == vemlBright && raw < vemlTooLittle {
		other = vemlDim
	}
	if other != d.gain {
		if err := d.turn(ctx, other); err != nil {
			return err
		}
		if raw, err = d.count(ctx); err != nil {
			return err
		}
	}
	if raw == vemlFull {
		s.fault(0) // brighter than it can count
		return nil
	}
	s.number(0, vemlLight(raw, d.gain))
	return nil
}

// vemlLight is in thousandths of a lux (application note, §"resolution and maximum detection range", 100 ms:
// 0.0336 lx a count at gain 2, 0.5376 at gain 1/8). Revisions before 1.7 had a seventh less, which Vishay calls wrong. At gain 1/8 all is
// corrected, as in the note's flow chart (p. 21, "from at least 100 lx"): below it the correction is a hundredth.
func vemlLight(raw, gain uint16) int64 {
	if gain == vemlDim {
		return nearest(int64(raw)*336, 10)
	}
	return vemlCorrected(nearest(int64(raw)*5376, 10))
}

// vemlCorrected is the application note's correction (§"linearity") for the gains below 1, in lux
// y = 6.0135e-13 x^4 - 9.3924e-9 x^3 + 8.1488e-5 x^2 + 1.0023 x, for x and y in thousandths of a lux. Each step keeps
// as many digits as fit: x is at most 35,231,616.
func vemlCorrected(x int64) int64 {
	y := 60_135*x/1000 - 939_240_000        // in 1e-17
	y = y*x/1000 + 8_148_800_000_000        // in 1e-17
	y = y/1000*x/1000 + 100_230_000_000_000 // in 1e-14
	return nearest(y/1_000_000*x, 100_000_000)
}
