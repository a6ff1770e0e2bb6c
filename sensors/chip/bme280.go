package chip

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Bosch BME280 (document BST-BME280-DS002-15, revision 1.6) and BMP280 (BST-BMP280-DS001-23, revision 1.23). Sections and
// pages are those of the BME280's where no other is named, which are those of its newest edition too (BST-BME280-DS001-24, revision 1.24);
// DS001-12 is an older edition of it (BST-BME280-DS001-12, revision 1.3), and BMP280-11 one of the BMP280's (BST-BMP280-DS001-11, revision
// 1.14): these three were read whole. The BMP280 has the same map without humidity.
const (
	bmeID       = 0xd0 // §5.4.1, p. 27; ids: table 17, p. 26 (0x60; BMP280 0x58, samples 0x56 and 0x57)
	bmeReset    = 0xe0 // §5.4.2, p. 27: 0xb6 resets
	bmeCtrlHum  = 0xf2 // §5.4.3, p. 27: holds from the next write of ctrl_meas on
	bmeStatus   = 0xf3 // §5.4.4, table 21, p. 28 (DS001-12: table 21, p. 26; BMP280: §4.3.3, p. 25): bit 3 measuring, bit 0 copying the calibration
	bmeCtrlMeas = 0xf4 // §5.4.5, table 22, p. 29 (DS001-12: table 22, p. 27; BMP280: §4.3.4, table 20, p. 25)
	bmeData     = 0xf7 // §5.4.7, p. 30, to §5.4.9, p. 31 (DS001-12: p. 21, p. 29): pressure 20 bits, temperature 20 bits, humidity 16 bits
	bmeTrim1    = 0x88 // §4.2.2, table 16, p. 24 (DS001-12: p. 22): 0x88 to 0xa1
	bmeTrim2    = 0xe1 // §4.2.2, table 16, p. 24 and p. 25 (DS001-12: p. 22): 0xe1 to 0xe7

	bmeResetWord = 0xb6 // §5.4.2, p. 27
	bmeOnceHum   = 0x01 // §5.4.3, table 20, p. 28 (DS001-12: p. 26): humidity oversampling 1
	bmeForced    = 0x25 // §5.4.5, tables 22 to 25, p. 29 (DS001-12: tables 22 to 25, p. 27; BMP280: tables 20 and 21, p. 25): temperature and pressure oversampling 1, forced mode
	bmeMode      = 0x03 // §5.4.5, table 25, p. 29 (DS001-12: table 25, p. 27; BMP280: table 20, p. 25): the mode, which is 0 again when a forced measurement is done (§3.3.3, p. 15)
	bmeCopying   = 0x01 // §5.4.4, table 21, p. 28 (DS001-12: table 21, p. 26; BMP280: table 19, p. 25)
	bmeMeasuring = 0x08 // §5.4.4, table 21, p. 28 (DS001-12: table 21, p. 26; BMP280: table 19, p. 25)

	bmeStartUp = 2 * time.Millisecond  // §1.1, table 1, p. 8 (DS001-12: p. 7; BMP280-11: p. 8): start-up time
	bmeConvert = 10 * time.Millisecond // §9.1, p. 51 (DS001-12 too, with the formula): 1.25 ms and 2.3 ms for each, 0.575 ms more for two of them, are 9.3 ms at most with oversampling 1
	bmePolls   = 10                    // ours: then it is not measuring but broken
	bmePoll    = 2 * time.Millisecond  // ours: between looks

	bmeSkipped20 = 0x80000 // §5.4.5, tables 23 and 24, p. 29 (DS001-12: tables 23 and 24, p. 27; BMP280: table 21, p. 25): what a field holds when it was not measured
	bmeSkipped16 = 0x8000  // table 20, p. 28 (DS001-12: table 20, p. 26): the same of the humidity, as after a reset
)

func bmeRow(name, doc, sheet string, ids []byte, quantities []Quantity) Row {
	return Row{
		Name: name, Doc: doc, Datasheet: sheet, On: I2C, Quantities: quantities,
		Addresses: []uint16{0x76, 0x77}, // §6.2, p. 32 (DS001-12: p. 31; BMP280: §5.2, BMP280-11: p. 28)
		Identity:  "register 0xd0, then calibration that can be true", Evidence: FromDatasheet,
		Every: 10 * time.Second, Fastest: 20 * time.Millisecond,
		device: func(p *place, _ settings) device { return &bme280{place: p, ids: ids, humid: len(quantities) == 3} },
	}
}

func bme280Row() Row {
	return bmeRow("bme280", "air: temperature, pressure, humidity (Bosch)", "Bosch BST-BME280-DS002", []byte{0x60},
		[]Quantity{quantity("temperature", "temperature", -40_000, 85_000), // §1.4, table 4, p. 11 (DS001-12: p. 10)
			quantity("pressure", "pressure", 30_000, 110_000), quantity("humidity", "humidity", 0, 100_00)}) // §1.3, table 3, p. 10 (DS001-12: p. 9); §1.2, table 2, p. 9
}

func bmp280Row() Row {
	return bmeRow("bmp280", "air: temperature, pressure (Bosch)", "Bosch BST-BMP280-DS001", []byte{0x58, 0x56, 0x57},
		[]Quantity{quantity("temperature", "temperature", -40_000, 85_000), quantity("pressure", "pressure", 30_000, 110_000)}) // BMP280 §1, table 2 (BMP280-11: p. 7)
}

type bme280 struct {
	*place
	ids   []byte
	humid bool
	trim  bmeTrim
}

// bmeTrim is the calibration (4.2.2, table 16), widened so that the formulas can't overflow.
type bmeTrim struct {
	t [3]int64
	p [9]int64
	h [6]int64
}

func (d *bme280) identify(ctx context.Context) error {
	const what = "reading the identity"
	if err := d.check(ctx, what); err != nil {
		return err
	}
	if err := d.writeByte(ctx, "resetting", bmeReset, bmeResetWord); err != nil {
		return err
	}
	if err := d.idle(ctx, "starting", bmeStartUp, bmeCopying); err != nil {
		return err
	}
	return d.calibrate(ctx)
}

// again looks at what was set as well: another part of the same kind has another calibration, and sleeps with nothing set.
func (d *bme280) again(ctx context.Context) error {
	const what = "reading the identity again"
	if err := d.check(ctx, what); err != nil {
		return err
	}
	set, err := d.byteAt(ctx, what, bmeCtrlMeas)
	if err == nil && set != bmeForced&^bmeMode {
		err = d.fault(what, sensors.Implausible, "the setting is 0x%02x: it was restarted, or is another one", set)
	}
	return err
}

func (d *bme280) check(ctx context.Context, what string) error {
	id, err := d.byteAt(ctx, what, bmeID)
	if err != nil {
		return err
	}
	known := false
	for _, want := range d.ids {
		known = known || id == want
	}
	if !known {
		return d.fault(what, sensors.WrongPart, "register 0x%02x says 0x%02x; a %s says 0x%02x", bmeID, id, d.driver, d.ids[0])
	}
	return nil
}

func (d *bme280) calibrate(ctx context.Context) error {
	const what = "reading the calibration"
	var low [26]byte
	var high [7]byte
	if err := d.read(ctx, what, bmeTrim1, low[:]); err != nil {
		return err
	}
	if d.humid {
		if err := d.read(ctx, what, bmeTrim2, high[:]); err != nil {
			return err
		}
	}
	d.trim = bmeCalibration(low, high)
	if dead(low[:]...) || d.trim.t[0] == 0 || d.trim.p[0] == 0 || d.humid && dead(high[:]...) {
		return d.fault(what, sensors.Implausible, "no part was ever calibrated like this")
	}
	return nil
}

// bmeCalibration unpacks the calibration: words are low byte first, the first of temperature and pressure unsigned.
func bmeCalibration(low [26]byte, high [7]byte) bmeTrim {
	var c bmeTrim
	signed := func(i int) int64 { return int64(int16(binary.LittleEndian.Uint16(low[i:]))) }
	c.t = [3]int64{int64(binary.LittleEndian.Uint16(low[0:])), signed(2), signed(4)}
	c.p[0] = int64(binary.LittleEndian.Uint16(low[6:]))
	for i := 1; i < 9; i++ {
		c.p[i] = signed(6 + 2*i)
	}
	c.h = [6]int64{int64(low[25]), int64(int16(binary.LittleEndian.Uint16(high[0:]))), int64(high[2]),
		int64(int8(high[3]))<<4 | int64(high[4]&0x0f), int64(int8(high[5]))<<4 | int64(high[4]>>4), int64(int8(high[6]))}
	return c
}

// idle waits first, then until the bit of the status is off. A status that stays on is an end, not a loop.
func (d *bme280) idle(ctx context.Context, what string, first time.Duration, bit byte) error {
	pause := first
	for range bmePolls {
		if err := d.wait(ctx, what, pause); err != nil {
			return err
		}
		status, err := d.byteAt(ctx, what, bmeStatus)
		if err != nil {
			return err
		}
		if status&bit == 0 {
			return nil
		}
		pause = bmePoll
	}
	return d.fault(what, sensors.Timeout, "the status says busy for %v after the longest time of the datasheet", bmePolls*bmePoll)
}

func (d *bme280) sense(ctx context.Context, s *sheet) error {
	const what = "measuring"
	if d.humid {
		if err := d.writeByte(ctx, what, bmeCtrlHum, bmeOnceHum); err != nil {
			return err
		}
	}
	if err := d.writeByte(ctx, what, bmeCtrlMeas, bmeForced); err != nil {
		return err
	}
	if err := d.idle(ctx, what, bmeConvert, bmeMeasuring); err != nil {
		return err
	}
	raw := make([]byte, 6, 8)
	if d.humid {
		raw = raw[:8]
	}
	if err := d.read(ctx, what, bmeData, raw); err != nil {
		return err
	}
	if dead(raw...) {
		return d.fault(what, sensors.Implausible, "all bits are the same")
	}
	d.convert(raw, s)
	return nil
}

func (d *bme280) convert(raw []byte, s *sheet) {
	pressure := int64(raw[0])<<12 | int64(raw[1])<<4 | int64(raw[2])>>4
	temperature := int64(raw[3])<<12 | int64(raw[4])<<4 | int64(raw[5])>>4
	if temperature == bmeSkipped20 { // the others need it
		for i := range s.values {
			s.fault(i)
		}
		return
	}
	fine := d.trim.fine(temperature)
	s.number(0, ((fine*5+128)>>8)*10)
	pascals, ok := d.trim.pressure(pressure, fine)
	if pressure == bmeSkipped20 || !ok {
		s.fault(1)
	} else {
		s.number(1, pascals)
	}
	if !d.humid {
		return
	}
	humidity := int64(raw[6])<<8 | int64(raw[7])
	if humidity == bmeSkipped16 {
		s.fault(2)
	} else {
		s.number(2, d.trim.humidity(humidity, fine))
	}
}

// fine is the temperature in 1/5120 degrees that the other formulas build on (4.2.3).
func (c bmeTrim) fine(adc int64) int64 {
	t1, t2, t3 := c.t[0], c.t[1], c.t[2]
	off := adc>>4 - t1
	return ((adc>>3-t1<<1)*t2)>>11 + (((off*off)>>12)*t3)>>14
}

// pressure is in pascals (4.2.3, the 64-bit formula); not ok when the calibration would divide by zero.
func (c bmeTrim) pressure(adc, fine int64) (int64, bool) {
	v := fine - 128_000
	offset := v*v*c.p[5] + (v*c.p[4])<<17 + c.p[3]<<35
	gain := ((1<<47 + (v*v*c.p[2])>>8 + (v*c.p[1])<<12) * c.p[0]) >> 33
	if gain == 0 {
		return 0, false
	}
	p := ((1_048_576-adc)<<31 - offset) * 3125 / gain
	square := (c.p[8] * (p >> 13) * (p >> 13)) >> 25
	line := (c.p[7] * p) >> 19
	p = (p+square+line)>>8 + c.p[6]<<4 // pascals in 1/256
	return (p + 128) >> 8, true
}

// humidity is in hundredths of a percent, held between 0 and 100 % as the formula is (4.2.3).
func (c bmeTrim) humidity(adc, fine int64) int64 {
	v := fine - 76_800
	slope := (((((v*c.h[5])>>10)*((v*c.h[2])>>11+32_768))>>10+2_097_152)*c.h[1] + 8192) >> 14
	v = ((adc<<14 - c.h[3]<<20 - c.h[4]*v + 16_384) >> 15) * slope
	v -= (((v >> 15) * (v >> 15)) >> 7 * c.h[0]) >> 4
	v = min(max(v, 0), 419_430_400)
	return nearest((v>>12)*100, 1024)
}
