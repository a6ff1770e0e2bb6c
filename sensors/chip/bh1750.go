package chip

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// ROHM BH1750FVI (technical note 11046EDT01, revision D of November 2011).
const (
	bhOn      = 0x01 // §"instruction set architecture", p. 5: power on
	bhReset   = 0x07 // §"instruction set architecture", p. 5: clears the data register
	bhOnce    = 0x20 // §"instruction set architecture", p. 5: once, 1 lx resolution
	bhOnce2   = 0x21 // §"instruction set architecture", p. 5: once, 0.5 lx resolution
	bhTimeTop = 0x42 // §"instruction set architecture", p. 5: measurement time register, bits 7 to 5 of its default 69 (p. 11)
	bhTimeLow = 0x65 // §"instruction set architecture", p. 5: bits 4 to 0

	bhConvert = 180 * time.Millisecond // §"electrical characteristics", p. 2: 180 ms at most
	bhFew     = 200                    // ours: counts under which the finer mode has room enough
	bhFull    = 0xffff                 // §"I2C bus access", read format, p. 10: all that 16 bits can count
)

func bh1750Row() Row {
	return Row{
		Name: "bh1750", Doc: "light (ROHM BH1750)", Datasheet: "ROHM BH1750FVI technical note, revision D", On: I2C,
		Quantities: []Quantity{quantity("illuminance", "illuminance", 0, 54_612_500)}, // §"I2C bus access", p. 10: 65535 / 1.2
		Addresses:  []uint16{0x23, 0x5c},                                              // §"I2C bus access", p. 10
		Identity:   "none: it acknowledges its commands", Evidence: FromDatasheet, Every: 10 * time.Second, Fastest: 2 * bhConvert,
		ZeroIsReal: true, Caveat: "it has no register that could be read back: in the dark it says what a dead one says",
		device: func(p *place, _ settings) device { return &bh1750{place: p} },
	}
}

type bh1750 struct{ *place }

func (d *bh1750) identify(ctx context.Context) error {
	for _, instruction := range []byte{bhOn, bhReset, bhTimeTop, bhTimeLow} {
		if err := d.tx(ctx, "starting", []byte{instruction}, nil); err != nil {
			return err
		}
	}
	return nil
}

// sense measures once, and a second time with the finer resolution when there is little light.
func (d *bh1750) sense(ctx context.Context, s *sheet) error {
	raw, err := d.count(ctx, bhOnce)
	if err != nil {
		return err
	}
	by := int64(12) // §"I2C bus access", p. 10: lux are counts / 1.2
	if raw < bhFew {
		if raw, err = d.count(ctx, bhOnce2); err != nil {
			return err
		}
		by = 24 // §"instruction set architecture", p. 5: half a lux a count
	}
	if raw == bhFull {
		return d.fault("measuring", sensors.Implausible, "all bits are the same: too bright, or not there")
	}
	s.number(0, nearest(int64(raw)*10_000, by))
	return nil
}

func (d *bh1750) count(ctx context.Context, mode byte) (uint16, error) {
	if err := d.tx(ctx, "measuring", []byte{mode}, nil); err != nil {
		return 0, err
	}
	if err := d.wait(ctx, "measuring", bhConvert); err != nil {
		return 0, err
	}
	var b [2]byte
	err := d.tx(ctx, "measuring", nil, b[:])
	return binary.BigEndian.Uint16(b[:]), err
}
