package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Sensirion SHT30, SHT31, SHT35 (datasheet SHT3x-DIS, version 6; version 5 has the same tables on the same pages).
const (
	sht3xMeasure = 0x2400 // §4.3, table 9, p. 10: single shot, high repeatability, no clock stretching
	sht3xBreak   = 0x3093 // §4.8, p. 11, table 13, p. 12: end periodic measurement, should somebody have started it
	sht3xStatus  = 0xf32d // §4.11, table 17, p. 13
	sht3xNever   = 0x500c // §4.11, table 18, p. 13: bits 14, 12, 3 and 2 are reserved and read as 0

	sht3xConvert = 16 * time.Millisecond // §2.2, tables 4 and 5, p. 7: 15.5 ms at most at the lowest voltage, 15 else
	sht3xPause   = time.Millisecond      // §4.3, table 9, p. 10: between commands
)

func sht3xRow() Row {
	return Row{
		Name: "sht3x", Doc: "air: temperature, humidity (Sensirion SHT30, SHT31, SHT35)",
		Datasheet: "Sensirion SHT3x-DIS, version 6", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -40_000, 125_000), // table 2, p. 2
			quantity("humidity", "humidity", 0, 100_00)}, // table 1, p. 2
		Addresses: []uint16{0x44, 0x45}, // §3.4, table 8, p. 9
		Identity:  "status register with a right checksum; an HDC302x answers alike and measures alike",
		Evidence:  FromDatasheet, Every: 10 * time.Second, Fastest: 20 * time.Millisecond,
		device: func(p *place, _ settings) device { return &sht3x{place: p} },
	}
}

type sht3x struct{ *place }

func (d *sht3x) identify(ctx context.Context) error {
	if err := d.tx(ctx, "stopping", command(sht3xBreak), nil); err != nil {
		return err
	}
	if err := d.wait(ctx, "stopping", sht3xPause); err != nil {
		return err
	}
	return d.again(ctx)
}

func (d *sht3x) again(ctx context.Context) error {
	const what = "reading the status"
	status, err := d.words(ctx, what, command(sht3xStatus), sht3xPause, 1)
	if err != nil {
		return err
	}
	if status[0]&sht3xNever != 0 {
		return d.fault(what, sensors.WrongPart, "bits are set that a SHT3x keeps at zero")
	}
	return nil
}

func (d *sht3x) sense(ctx context.Context, s *sheet) error {
	w, err := d.words(ctx, "measuring", command(sht3xMeasure), sht3xConvert, 2)
	if err != nil {
		return err
	}
	s.number(0, sht3xTemperature(w[0]))
	s.number(1, sht3xHumidity(w[1]))
	return nil
}

// sht3xTemperature is in thousandths of a degree (§4.13, p. 14: T = -45 + 175 S / 65535).
func sht3xTemperature(s uint16) int64 { return nearest(175_000*int64(s), 65_535) - 45_000 }

// sht3xHumidity is in hundredths of a percent (§4.13, p. 14: RH = 100 S / 65535).
func sht3xHumidity(s uint16) int64 { return nearest(100_00*int64(s), 65_535) }
