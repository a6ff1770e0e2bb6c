package chip

import "slices"

// Parts is the table of all that this package knows, in the order in which the drivers are listed.
func Parts() []Row {
	return slices.Concat([]Row{
		bme280Row(), bmp280Row(), sht3xRow(), sht4xRow(), scd4xRow(), hdc302xRow(),
		tmp102Row(), lm75Row(), lm75bRow(), tmp105Row(), tmp117Row(), mcp9808Row(), tmp421Row(), tmp422Row(), tmp423Row(), emc1413Row(),
		bh1750Row(), veml7700Row(),
		ads1115Row(), ina219Row(), lsm303Row(),
		pn532Row(), ubloxRow(),
		contactRow(), motionRow(), buttonRow(), energyRow(), waterRow(), pulsesRow(),
	}, muxRows())
}
