package chip

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// STMicroelectronics LSM303DLHC, the magnetometer (datasheet Doc ID 018771; Honeywell's HMC5883L has the same registers, and its pages
// are named so). Its accelerometer, at another address, is left alone. Several registers are read at a time (§5.1.3, p. 21: the pointer goes on by itself).
const (
	lsmRateA = 0x00 // §7.2.1 (HMC5883L: table 2, p. 11)
	lsmGain  = 0x01 // §7.2.2 (HMC5883L: table 2, p. 11)
	lsmMode  = 0x02 // §7.2.3 (HMC5883L: table 2, p. 11)
	lsmValue = 0x03 // §7.2.4 (HMC5883L: table 2, p. 11): x, z, y, high byte first, 12 bits with sign
	lsmID    = 0x0a // §7.2.6 (HMC5883L: table 2, p. 11): three registers

	lsm15Hz      = 0x10    // §7.2.1, table 72 (HMC5883L: table 5, p. 12)
	lsm1Gauss3   = 0x20    // §7.2.2, table 75 (HMC5883L: p. 13): to 1.3 gauss
	lsmRun       = 0x00    // §7.2.3, table 77 (HMC5883: table 16, p. 14): continuous
	lsmModes     = 0x03    // §7.2.3, table 77 (HMC5883: table 16, p. 14)
	lsmXY        = 1100    // §7.2.2, table 75 (§2.1, p. 10): steps a gauss for x and y
	lsmZ         = 980     // §7.2.2, table 75 (§2.1, p. 10): and for z
	lsmOverflow  = -4096   // §7.2.4 and §2.1 (HMC5883L: p. 15): the field is stronger than the range
	lsmNanotesla = 100_000 // §"one gauss": 1e-4 tesla by definition (SI brochure, table 9)

	lsmConvert = 80 * time.Millisecond // §7.2.1, table 72 (HMC5883L: table 5, p. 12): 15 a second at least; a fifth more is ours
)

func lsm303Row() Row {
	return Row{
		Name: "lsm303dlhc", Doc: "magnetic field along three axes (ST LSM303DLHC, the magnetometer)",
		Datasheet: "STMicroelectronics Doc ID 018771", On: I2C,
		Quantities: []Quantity{
			quantity("x", "magnetic-flux-density", -2048*lsmNanotesla/lsmXY, 2047*lsmNanotesla/lsmXY+1), // table 75
			quantity("y", "magnetic-flux-density", -2048*lsmNanotesla/lsmXY, 2047*lsmNanotesla/lsmXY+1), // table 75
			quantity("z", "magnetic-flux-density", -2048*lsmNanotesla/lsmZ, 2047*lsmNanotesla/lsmZ+1),   // table 75
		},
		Addresses: []uint16{0x1e}, // §5.1.3, table 16, p. 21
		Identity:  `registers 0x0a to 0x0c say "H43"`, Evidence: FromRig, Every: 10 * time.Second, Fastest: lsmConvert,
		device: func(p *place, _ settings) device { return &lsm303{place: p} },
	}
}

type lsm303 struct{ *place }

func (d *lsm303) identify(ctx context.Context) error {
	if err := d.verify(ctx); err != nil {
		return err
	}
	for _, w := range [][2]byte{{lsmRateA, lsm15Hz}, {lsmGain, lsm1Gauss3}, {lsmMode, lsmRun}} {
		if err := d.writeByte(ctx, "configuring", w[0], w[1]); err != nil {
			return err
		}
	}
	return d.wait(ctx, "converting", lsmConvert)
}

func (d *lsm303) verify(ctx context.Context) error {
	const what = "reading the identity"
	var id [3]byte
	if err := d.read(ctx, what, lsmID, id[:]); err != nil {
		return err
	}
	if string(id[:]) != "H43" {
		return d.fault(what, sensors.WrongPart, "it is %q; a LSM303DLHC says \"H43\"", id[:])
	}
	return nil
}

func (d *lsm303) again(ctx context.Context) error { return d.verify(ctx) }

func (d *lsm303) sense(ctx context.Context, s *sheet) error {
	const what = "measuring"
	mode, err := d.byteAt(ctx, what, lsmMode)
	if err != nil {
		return err
	}
	if mode&lsmModes != lsmRun { // at power on it sleeps (§7.2.3: 3)
		return d.fault(what, sensors.Implausible, "it sleeps: it was restarted, or is not there")
	}
	var raw [6]byte
	if err := d.read(ctx, what, lsmValue, raw[:]); err != nil {
		return err
	}
	if dead(raw[:]...) {
		if err := d.verify(ctx); err != nil {
			return err
		}
	}
	for i, at := range []int{0, 4, 2} { // x, y, z
		steps, gain := int64(int16(binary.BigEndian.Uint16(raw[at:]))), int64(lsmXY)
		if i == 2 {
			gain = lsmZ
		}
		if steps == lsmOverflow {
			s.fault(i)
			continue
		}
		s.number(i, nearest(steps*lsmNanotesla, gain))
	}
	return nil
}
