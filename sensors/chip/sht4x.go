package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Sensirion SHT40, SHT41, SHT43, SHT45 (datasheet SHT4x, version 6).
const (
	sht4xMeasure = 0xfd // §4.5, table 8 (version 7.1: p. 12): high precision
	sht4xSerial  = 0x89 // §4.5, table 8
	sht4xReset   = 0x94 // §4.5, table 8

	sht4xConvert = 9 * time.Millisecond // §3.1, table 5 (version 7.1: p. 10): 8.3 ms at most
	sht4xStartUp = time.Millisecond     // §3.1, table 5: soft reset, 1 ms at most
)

func sht4xRow() Row {
	return Row{
		Name: "sht4x", Doc: "air: temperature, humidity (Sensirion SHT40, SHT41, SHT43, SHT45)",
		Datasheet: "Sensirion SHT4x, version 6", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -40_000, 125_000), // p. 1, and §2.2
			quantity("humidity", "humidity", 0, 100_00)}, // p. 1, and §2.1
		Addresses: []uint16{0x44, 0x45, 0x46}, // p. 1; 0x46 is of later editions
		Identity:  "serial number with right checksums", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: 20 * time.Millisecond,
		device: func(p *place, _ settings) device { return &sht4x{place: p} },
	}
}

type sht4x struct{ *place }

func (d *sht4x) identify(ctx context.Context) error {
	if err := d.tx(ctx, "resetting", []byte{sht4xReset}, nil); err != nil {
		return err
	}
	if err := d.wait(ctx, "resetting", sht4xStartUp); err != nil {
		return err
	}
	return d.again(ctx)
}

func (d *sht4x) again(ctx context.Context) error {
	const what = "reading the serial number"
	w, err := d.words(ctx, what, []byte{sht4xSerial}, sht4xStartUp, 2)
	if err != nil {
		return err
	}
	if w[0] == 0 && w[1] == 0 {
		return d.fault(what, sensors.Implausible, "it is zero")
	}
	return nil
}

func (d *sht4x) sense(ctx context.Context, s *sheet) error {
	w, err := d.words(ctx, "measuring", []byte{sht4xMeasure}, sht4xConvert, 2)
	if err != nil {
		return err
	}
	s.number(0, sht3xTemperature(w[0])) // §4.6 (version 7.1: p. 12): the same formula
	s.number(1, sht4xHumidity(w[1]))
	return nil
}

// sht4xHumidity is in hundredths of a percent (§4.6: RH = -6 + 125 S / 65535, to be cut at 0 and 100 %).
func sht4xHumidity(s uint16) int64 { return min(max(nearest(125_00*int64(s), 65_535)-6_00, 0), 100_00) }
