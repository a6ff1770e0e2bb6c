package chip

import (
	"context"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Sensirion SCD40, SCD41 (datasheet SCD4x, version 1.5).
const (
	scd4xStop     = 0x3f86 // §3.5.3, table 12, p. 10
	scd4xStart    = 0x21b1 // §3.4, table 9, p. 8
	scd4xRead     = 0xec05 // §3.4, table 9, p. 8
	scd4xReady    = 0xe4b8 // §3.4, table 9, p. 8; ready when the low 11 bits are not all zero: §3.8.2, table 23, p. 15
	scd4xSerial   = 0x3682 // §3.4, table 9, p. 8; §3.9.2, table 25, p. 16
	scd4xAltitude = 0x2427 // §3.4, table 9, p. 8

	scd4xStopping = 500 * time.Millisecond // §3.5.3, table 12, p. 10
	scd4xPause    = time.Millisecond       // §3.4, table 9, p. 8: execution time of the others
	scd4xPeriod   = 5 * time.Second        // §3.5.1, p. 9: a new measurement
	scd4xPatience = 4 * scd4xPeriod        // ours: then it is not slow but broken
)

func scd4xRow() Row {
	return Row{
		Name: "scd4x", Doc: "air: CO2, temperature, humidity (Sensirion SCD40, SCD41)",
		Datasheet: "Sensirion SCD4x, version 1.5", On: I2C,
		Quantities: []Quantity{quantity("co2", "co2", 1_00, 40_000_00), // §1.1, table 1, p. 3; outdoor air has over 400 ppm, a dead part none
			quantity("temperature", "temperature", -10_000, 60_000), // §1.3, table 3, p. 3
			quantity("humidity", "humidity", 0, 100_00)},            // §1.2, table 2, p. 3
		Addresses: []uint16{0x62}, // §3.3, table 8, p. 7
		Identity:  "serial number with right checksums", Evidence: FromDatasheet,
		Settings: []Setting{{Name: "altitude", Default: "0", Doc: "metres above the sea; CO2 is wrong by some 1 % for each 100 m", Min: 0, Max: 3000}}, // §3.6.3, table 15, p. 11
		Every:    30 * time.Second, Fastest: scd4xPeriod, Takes: 600 * time.Millisecond,
		Caveat: "for the first minute CO2 is coarse; temperature reads high in a closed case",
		device: func(p *place, s settings) device { return &scd4x{place: p, altitude: uint16(s["altitude"])} },
	}
}

type scd4x struct {
	*place
	altitude uint16
	last     time.Time // when there was a measurement, or the start
}

// identify stops the measurement, because nothing else is answered during it, and starts it again.
func (d *scd4x) identify(ctx context.Context) error {
	if err := d.tx(ctx, "stopping", command(scd4xStop), nil); err != nil {
		return err
	}
	if err := d.wait(ctx, "stopping", scd4xStopping); err != nil {
		return err
	}
	const what = "reading the serial number"
	w, err := d.words(ctx, what, command(scd4xSerial), scd4xPause, 3)
	if err != nil {
		return err
	}
	if w[0] == 0 && w[1] == 0 && w[2] == 0 {
		return d.fault(what, sensors.Implausible, "it is zero")
	}
	if d.altitude != 0 {
		set := append(command(scd4xAltitude), command(d.altitude)...)
		if err := d.tx(ctx, "setting the altitude", append(set, crc8(set[2:])), nil); err != nil {
			return err
		}
		if err := d.wait(ctx, "setting the altitude", scd4xPause); err != nil {
			return err
		}
	}
	if err := d.tx(ctx, "starting", command(scd4xStart), nil); err != nil {
		return err
	}
	d.last = d.clock.Now()
	return nil
}

// sense leaves all absent while there is nothing new, and gives up on a part that never has anything.
func (d *scd4x) sense(ctx context.Context, s *sheet) error {
	ready, err := d.words(ctx, "asking for data", command(scd4xReady), scd4xPause, 1)
	if err != nil {
		return err
	}
	if ready[0]&0x7ff == 0 {
		if waited := d.clock.Now().Sub(d.last); waited > scd4xPatience || waited < 0 {
			return d.fault("asking for data", sensors.Timeout, "there is none since %v; it should be every %v", waited, scd4xPeriod)
		}
		return nil
	}
	w, err := d.words(ctx, "reading data", command(scd4xRead), scd4xPause, 3)
	if err != nil {
		return err
	}
	d.last = d.clock.Now()
	s.number(0, int64(w[0])*100)
	s.number(1, sht3xTemperature(w[1])) // §3.5.2, table 11, p. 9: the same formulas as the SHT3x's
	s.number(2, sht3xHumidity(w[2]))
	return nil
}
