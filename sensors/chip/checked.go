package chip

import "strings"

// Checked says which public source a part's addresses, commands, identity, checksum and scale were held against, part by
// part; "" for none. SOURCES.md says more: which pages of a document were seen, and what rests on memory alone.
func (r Row) Checked() string {
	const linux = "Linux, drivers/"
	const tmp42x = "datasheet pages 3, 11 to 13, 16 to 18; " + linux + "hwmon/tmp421.c"
	if strings.HasPrefix(r.Name, "pca95") { // all of the family
		return "datasheet pages 4 to 7 of all of them; " + linux + "i2c/muxes/i2c-mux-pca954x.c"
	}
	return map[string]string{
		"lm75":       "datasheet pages 4, 10; NXP's LM75A, page 6; " + linux + "hwmon/lm75.c",
		"lm75b":      "datasheet pages 7, 9, 10; " + linux + "hwmon/lm75.c",
		"bme280":     "datasheet pages 8 to 11, 24 to 32; " + linux + "iio/pressure/bmp280.h",
		"bmp280":     "datasheet pages 24, 25; " + linux + "iio/pressure/bmp280.h",
		"sht3x":      "datasheet pages 2, 7, 9 to 14; " + linux + "hwmon/sht3x.c",
		"sht4x":      "datasheet page 1; " + linux + "hwmon/sht4x.c: commands, checksum, formulas, longest conversion",
		"scd4x":      "datasheet pages 3, 7 to 11, 15, 16; " + linux + "iio/chemical/scd4x.c",
		"hdc302x":    "datasheet page 1, tables 7-4, 8-2; " + linux + "iio/humidity/hdc3020.c: checksum, scale",
		"tmp105":     "datasheet page 6; " + linux + "hwmon/lm75.c; QEMU's model",
		"tmp102":     "datasheet pages 6, 7, 9, and the text of SBOS397B; " + linux + "hwmon/tmp102.c",
		"tmp117":     "datasheet page 1, sections 7.3, 7.5, 7.6; " + linux + "iio/temperature/tmp117.c",
		"mcp9808":    "datasheet pages 3, 4, 11, 14, 16, 18, 24 to 31; " + linux + "hwmon/jc42.c",
		"tmp421":     tmp42x,
		"tmp422":     tmp42x,
		"tmp423":     tmp42x + "; QEMU's model",
		"emc1413":    "EMC1403, pages 15, 24; EMC1046, page 22; " + linux + "hwmon/emc1403.c; QEMU's model",
		"bh1750":     "datasheet pages 2, 10; " + linux + "iio/light/bh1750.c",
		"veml7700":   "datasheet page 1, and revision 1.8 and the note as others tell them; " + linux + "iio/light/veml6030.c",
		"ads1115":    "datasheet pages 4, 5, 15, 18, 20, 23 to 27; " + linux + "iio/adc/ti-ads1015.c",
		"ina219":     "datasheet pages 3, 25 to 27, 30; " + linux + "hwmon/ina2xx.c",
		"lsm303dlhc": "datasheet pages 10, 21; HMC5883L, pages 11 to 13, 15; HMC5883, page 14; " + linux + "iio/magnetometer/st_magn_core.c; QEMU's model",
		"pn532":      "manual pages 28, 42, 50, 73, 89, 101, 103, 115 as others quote them; " + linux + "nfc/pn533",
		"ublox":      "UBX-18010854 pages 28 to 30, 139, 150, 151; ZED-F9T integration manual, 3.3.11.5, page 17",
	}[r.Name]
}

// Proof is what a row's code rests on, in words: the evidence, and what its numbers were held against.
func (r Row) Proof() string {
	switch checked := r.Checked(); {
	case checked != "":
		return r.Evidence.Sentence() + "; checked against " + checked
	case r.On == GPIO:
		return r.Evidence.Sentence()
	}
	return r.Evidence.Sentence() + "; its numbers are from memory of the datasheet and were checked against nothing"
}
