package chip

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments TMP421, TMP422, TMP423 (datasheet SBOS398C, sections by title; pages of SBOS398B are named so).
const (
	tmp421Value  = 0x00 // table 3, p. 13: high bytes of local, remote 1, 2, 3; two bytes may be read from there
	tmp421Config = 0x09 // table 3, p. 13, configuration register 1: bit 6 shuts down, bit 2 is the extended range
	tmp421Maker  = 0xfe // table 3, p. 13
	tmp421Part   = 0xff // table 3, p. 13: 0x21, 0x22, 0x23

	tmp421TI       = 0x55   // §"identification registers", p. 17
	tmp421Stop     = 0x40   // table 3, p. 13
	tmp421Extended = 0x04   // table 3, p. 13
	tmp421Offset   = 64_000 // §"temperature measurement data", p. 11: 64 degrees are added
	tmp421Bits     = 0xfff0 // table 2, p. 12: 12 bits, 0.0625 degrees
	tmp421Bad      = 0x0003 // table 3, p. 13, low bytes: value not valid, and input open

	tmp421Convert = 130 * time.Millisecond // §"electrical characteristics", p. 3: each channel 115 ms typical, 130 ms at most; one after the other: table 7, p. 16
)

func tmp421Family(last byte, remotes int) Row {
	name := fmt.Sprintf("tmp42%d", last)
	quantities := []Quantity{quantity("temperature", "temperature", -55_000, 150_000)} // §"temperature measurement data", p. 11: what most diodes go to
	for i := range remotes {
		quantities = append(quantities, quantity(fmt.Sprintf("remote%d", i+1), "temperature", -55_000, 150_000)) // §"temperature measurement data", p. 11
	}
	addresses := []uint16{0x4c, 0x4d, 0x4e, 0x4f, 0x2a, 0x1c, 0x1d, 0x1e, 0x1f} // §"two-wire interface slave device addresses", table 9, p. 18: by its two pins
	switch last {
	case 2:
		addresses = addresses[:4] // table 10, p. 18: by how its diodes are connected
	case 3:
		addresses = addresses[:2] // (SBOS398B: p. 17): by how it was made
	}
	doc := fmt.Sprintf("temperature of itself and of %d remote diodes (TI TMP42%d)", remotes, last)
	if remotes == 1 {
		doc = "temperature of itself and of a remote diode (TI TMP421)"
	}
	return Row{
		Name: name, Doc: doc, Datasheet: "Texas Instruments SBOS398", On: I2C, Quantities: quantities, Addresses: addresses,
		Identity: "registers 0xfe and 0xff", Evidence: FromDatasheet, Every: 10 * time.Second, Fastest: time.Second,
		device: func(p *place, _ settings) device {
			return &tmp421{place: p, part: 0x20 + last, channels: 1 + remotes}
		},
	}
}

func tmp421Row() Row { return tmp421Family(1, 1) }
func tmp422Row() Row { return tmp421Family(2, 2) }
func tmp423Row() Row {
	r := tmp421Family(3, 3)
	r.Evidence = FromRig
	return r
}

type tmp421 struct {
	*place
	part     byte
	channels int
}

func (d *tmp421) identify(ctx context.Context) error {
	if err := d.again(ctx); err != nil {
		return err
	}
	config, err := d.byteAt(ctx, "configuring", tmp421Config)
	if err != nil || config&tmp421Stop == 0 {
		return err
	}
	if err := d.writeByte(ctx, "configuring", tmp421Config, config&^tmp421Stop); err != nil {
		return err
	}
	return d.wait(ctx, "converting", time.Duration(d.channels)*tmp421Convert)
}

func (d *tmp421) again(ctx context.Context) error {
	const what = "reading the identity"
	maker, err := d.byteAt(ctx, what, tmp421Maker)
	if err != nil {
		return err
	}
	part, err := d.byteAt(ctx, what, tmp421Part)
	if err != nil {
		return err
	}
	if maker != tmp421TI || part != d.part {
		return d.fault(what, sensors.WrongPart, "it is 0x%02x 0x%02x; a %s says 0x%02x 0x%02x", maker, part, d.driver, tmp421TI, d.part)
	}
	return nil
}

func (d *tmp421) sense(ctx context.Context, s *sheet) error {
	const what = "measuring"
	config, err := d.byteAt(ctx, what, tmp421Config)
	if err != nil {
		return err
	}
	var all []byte
	for i := range d.channels {
		raw, err := d.wordAt(ctx, what, tmp421Value+byte(i))
		if err != nil {
			return err
		}
		all = append(all, byte(raw>>8), byte(raw))
		if raw&tmp421Bad != 0 {
			s.fault(i)
			continue
		}
		t := eighths(raw & tmp421Bits)
		if config&tmp421Extended != 0 {
			t -= tmp421Offset
		}
		s.number(i, t)
	}
	if dead(all...) { // 0 degrees everywhere, or nothing there that answers
		return d.identify(ctx)
	}
	return nil
}
