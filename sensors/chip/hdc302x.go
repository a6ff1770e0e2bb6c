package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Texas Instruments HDC3020, HDC3021, HDC3022 (datasheet SNAS778D, sections by title).
const (
	hdcMeasure = 0x2400 // §"command table", table 7-4: trigger on demand, low power mode 0 (lowest noise)
	hdcExit    = 0x3093 // §"command table", table 7-4: exit auto mode
	hdcMaker   = 0x3781 // §"command table": manufacturer identity
	hdcTI      = 0x3000 // §"manufacturer identity"

	hdcConvert = 20 * time.Millisecond // §"command table", table 7-4, and §"electrical characteristics": 12.5 ms typical in mode 0, 14.1 at most; 6 more are ours
	hdcPause   = time.Millisecond      // ours: the document gives none
)

func hdc302xRow() Row {
	return Row{
		Name: "hdc302x", Doc: "air: temperature, humidity (TI HDC3020, HDC3021, HDC3022)",
		Datasheet: "Texas Instruments SNAS778", On: I2C,
		Quantities: []Quantity{quantity("temperature", "temperature", -40_000, 125_000), // §"features", p. 1
			quantity("humidity", "humidity", 0, 100_00)}, // §"features", p. 1
		Addresses: []uint16{0x44, 0x45, 0x46, 0x47}, // §"I2C serial bus address configuration" (SNAS778C: table 8-2)
		Identity:  "manufacturer identity 0x3000 with a right checksum", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: 25 * time.Millisecond,
		device: func(p *place, _ settings) device { return &hdc302x{place: p} },
	}
}

type hdc302x struct{ *place }

func (d *hdc302x) identify(ctx context.Context) error {
	if err := d.tx(ctx, "stopping", command(hdcExit), nil); err != nil {
		return err
	}
	if err := d.wait(ctx, "stopping", hdcPause); err != nil {
		return err
	}
	return d.again(ctx)
}

func (d *hdc302x) again(ctx context.Context) error {
	const what = "reading the manufacturer"
	w, err := d.words(ctx, what, command(hdcMaker), hdcPause, 1)
	if err != nil {
		return err
	}
	if w[0] != hdcTI {
		return d.fault(what, sensors.WrongPart, "it is 0x%04x; a HDC302x says 0x%04x", w[0], hdcTI)
	}
	return nil
}

func (d *hdc302x) sense(ctx context.Context, s *sheet) error {
	w, err := d.words(ctx, "measuring", command(hdcMeasure), hdcConvert, 2)
	if err != nil {
		return err
	}
	s.number(0, sht3xTemperature(w[0])) // "conversion of the temperature output": T = -45 + 175 S / 65535
	s.number(1, sht3xHumidity(w[1]))    // "conversion of the relative humidity output": RH = 100 S / 65535
	return nil
}
