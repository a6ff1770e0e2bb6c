package chip

import "strings"

// Checked says which public source a part's addresses, commands, identity, checksum and scale were held against, part by
// part; "" for none. A source was read in excerpts, and only what is named was seen in it. A datasheet's own pages were opened for no part but
// the u-blox: section numbers in this package are the author's recollection of them, and what is not in the named source rests
// on that alone (timing and most formulas).
func (r Row) Checked() string {
	const linux = "Linux, drivers/"
	if strings.HasPrefix(r.Name, "pca95") { // all of the family
		return linux + "i2c/muxes/i2c-mux-pca954x.c: branches and connect bits"
	}
	return map[string]string{
		"bme280":     linux + "iio/pressure/bmp280.h: registers, identity, reset word",
		"bmp280":     linux + "iio/pressure/bmp280.h: registers, identity, reset word",
		"sht3x":      "public drivers: commands, checksum, longest conversion",
		"sht4x":      linux + "hwmon/sht4x.c and public drivers: commands, checksum, formula of the humidity, longest conversion",
		"scd4x":      linux + "iio/chemical/scd4x.c and ESPHome's driver: commands, checksum, scale",
		"hdc302x":    "Adafruit's driver and RIOT's: commands, manufacturer, name of the checksum",
		"tmp105":     "QEMU's model and its test: registers, resolution bits",
		"tmp102":     linux + "hwmon/tmp102.c: registers, fixed and alert bits of the configuration",
		"tmp117":     linux + "iio/temperature/tmp117.c: registers, identity, resolution",
		"mcp9808":    "Adafruit's driver: registers of maker and part, and what they read",
		"tmp421":     linux + "hwmon/tmp421.c and QEMU's model: registers, identity, flags, offset of the extended range",
		"tmp422":     linux + "hwmon/tmp421.c and QEMU's model: registers, identity, flags, offset of the extended range",
		"tmp423":     linux + "hwmon/tmp421.c and QEMU's model: registers, identity, addresses, flags, offset of the extended range",
		"emc1413":    "QEMU's model: identity, high bytes of two of the three temperatures",
		"bh1750":     linux + "iio/light/bh1750.c: commands, measurement time",
		"veml7700":   "public drivers: identity and gain bits, no formula",
		"ads1115":    linux + "iio/adc/ti-ads1015.c: registers, bits of the configuration",
		"ina219":     "public drivers: bits of the configuration, no formula",
		"lsm303dlhc": "public drivers: identity, order of the axes, gain bits, no formula",
		"pn532":      "public drivers: command codes only",
		"ublox":      "ZED-F9T integration manual, 3.3.11.5: address, registers, what an empty stream reads",
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
