package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Microchip MCP9808 (datasheet DS25095A; Microchip's own pages of a later edition are named so).
const (
	mcpConfig     = 0x01 // §5.1.1, register 5-2, p. 18; its pointer: §5.1, register 5-1, p. 16
	mcpValue      = 0x05 // §5.1.3, register 5-4, p. 24; its pointer: §5.1, register 5-1, p. 16
	mcpMaker      = 0x06 // §5.1.4, register 5-5, p. 27
	mcpPart       = 0x07 // §5.1.5, register 5-6, p. 28: high byte 0x04, low byte the revision
	mcpResolution = 0x08 // §5.1.6, register 5-7, p. 29; its pointer: §5.1, register 5-1, p. 16

	mcpMicrochip = 0x0054 // §5.1.4, register 5-5, p. 27
	mcpPartHigh  = 0x04   // §5.1.5, register 5-6, p. 28
	mcpRun       = 0x0000 // §5.1.1, register 5-2, p. 18: continuous conversion
	mcpFine      = 0x03   // §5.1.6, register 5-7, p. 29: 0.0625 degrees
	mcpBits      = 0x1fff // §5.1.3, register 5-4, p. 24, and §5.1.3.1, p. 25: above them are the three alert flags

	mcpConvert = 300 * time.Millisecond // §5.2.4, table 5-2, p. 31, and p. 3: 250 ms typical at 0.0625 degrees; a fifth more is ours
)

func mcp9808Row() Row {
	return Row{
		Name: "mcp9808", Doc: "temperature (Microchip MCP9808)", Datasheet: "Microchip DS25095", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -40_000, 125_000)}, // §"temperature characteristics", p. 4
		Addresses:  []uint16{0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f},             // §3.5, table 3-2, p. 11, and §4.1.4, p. 14: 0011, then its three pins
		Identity:   "registers 0x06 and 0x07", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: mcpConvert,
		device: func(p *place, _ settings) device { return &mcp9808{place: p} },
	}
}

type mcp9808 struct{ *place }

func (d *mcp9808) identify(ctx context.Context) error {
	if err := d.verify(ctx); err != nil {
		return err
	}
	if err := d.writeWord(ctx, "configuring", mcpConfig, mcpRun); err != nil {
		return err
	}
	if err := d.writeByte(ctx, "configuring", mcpResolution, mcpFine); err != nil {
		return err
	}
	return d.wait(ctx, "converting", mcpConvert)
}

func (d *mcp9808) verify(ctx context.Context) error {
	const what = "reading the identity"
	maker, err := d.wordAt(ctx, what, mcpMaker)
	if err != nil {
		return err
	}
	part, err := d.wordAt(ctx, what, mcpPart)
	if err != nil {
		return err
	}
	if maker != mcpMicrochip || part>>8 != mcpPartHigh {
		return d.fault(what, sensors.WrongPart, "it is 0x%04x and 0x%04x; a MCP9808 says 0x%04x and 0x%02x..",
			maker, part, mcpMicrochip, mcpPartHigh)
	}
	return nil
}

func (d *mcp9808) again(ctx context.Context) error { return d.verify(ctx) }

func (d *mcp9808) sense(ctx context.Context, s *sheet) error {
	raw, err := d.wordAt(ctx, "measuring", mcpValue)
	if err != nil {
		return err
	}
	if value := raw & mcpBits; value == 0 || value == mcpBits { // 0 degrees or just below, or nothing that answers
		if err := d.verify(ctx); err != nil {
			return err
		}
	}
	s.number(0, nearest(int64(int16(raw<<3))*1000, 8*16)) // 13 bits with sign, 4 of them after the point
	return nil
}
