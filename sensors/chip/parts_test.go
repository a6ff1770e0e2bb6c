package chip

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/sensortest"
	"github.com/candor-edge/candor/tinyconf"
)

// Every row says what a person has to know of its part, and nothing that can't be.
func TestParts(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Parts() {
		if seen[r.Name] || sensors.CheckName(r.Name, sensors.MaxSourceName) != nil {
			t.Errorf("%q is there twice, or is no name", r.Name)
		}
		seen[r.Name] = true
		if r.Doc == "" || r.Identity == "" || r.Evidence == "" || r.On != GPIO && r.Datasheet == "" {
			t.Errorf("%s does not say all", r.Name)
		}
		if (r.On == I2C) != (r.device != nil) || (r.On == GPIO) != (r.follow != nil) || (r.On == GPIO) != (len(r.Addresses) == 0) || (r.On == Mux) != (len(r.Quantities) == 0) {
			t.Errorf("%s is not what it says it is on", r.Name)
		}
		if r.On != GPIO && r.Checked() == "" {
			t.Errorf("%s does not say what its numbers were held against: %s", r.Name, r.Proof())
		}
		if r.On == I2C && (r.Every < r.Fastest || r.Fastest == 0) {
			t.Errorf("%s is read every %v and has something every %v", r.Name, r.Every, r.Fastest)
		}
		names := map[string]bool{}
		for _, q := range r.Quantities {
			if names[q.Name] || sensors.CheckName(q.Name, 32) != nil {
				t.Errorf("%s: %q is there twice, or is no name", r.Name, q.Name)
			}
			names[q.Name] = true
			if q.Kind.Type != sensors.Text && (q.Min >= q.Max || q.Min < q.Kind.Min || q.Max > q.Kind.Max) {
				t.Errorf("%s: %s is measured from %d to %d; its kind has %d to %d", r.Name, q.Name, q.Min, q.Max, q.Kind.Min, q.Kind.Max)
			}
		}
		for _, a := range r.Addresses {
			if a < 0x08 || a > 0x77 {
				t.Errorf("%s: 0x%02x is reserved", r.Name, a)
			}
		}
		for _, s := range r.Settings {
			if s.Doc == "" || s.Min >= s.Max {
				t.Errorf("%s: the setting %s is not told of", r.Name, s.Name)
			}
		}
		if _, err := r.settle(nil); err != nil {
			t.Errorf("the defaults of %s: %v", r.Name, err)
		}
	}
	for _, name := range []string{"bme280", "bmp280", "sht3x", "sht4x", "scd4x", "tmp102", "lm75", "tmp105", "tmp117", "mcp9808", "hdc302x", "bh1750", "veml7700",
		"ads1115", "ina219", "lsm303dlhc", "tmp421", "tmp423", "emc1413", "pn532", "ublox", "pca9548", "contact", "motion", "button", "energy", "water"} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
	if _, err := Named("bme820"); err == nil || !strings.Contains(err.Error(), `did you mean "bme280"?`) {
		t.Errorf("a slip gives %v", err)
	}
}

func TestWrongOptions(t *testing.T) {
	open := func(string) (i2c.Bus, error) { return nil, nil }
	for _, tc := range []struct {
		name string
		o    PartOptions
		says string
	}{
		{"bme280", PartOptions{Open: open, Clock: sensors.SystemClock{}, Address: 0x48}, "it can be at 0x76, 0x77"},
		{"ina219", PartOptions{Open: open, Clock: sensors.SystemClock{}, Settings: map[string]string{"shunt_milliohm": "0"}}, "from 1 to 100000"},
		{"ina219", PartOptions{Open: open, Clock: sensors.SystemClock{}, Settings: map[string]string{"shunt_miliohm": "10"}}, "did you mean"},
		{"ads1115", PartOptions{Open: open, Clock: sensors.SystemClock{}, Settings: map[string]string{"inputs": "five"}}, "whole number"},
		{"ads1115", PartOptions{Open: open}, "Clock"},
		{"contact", PartOptions{Open: open, Clock: sensors.SystemClock{}}, "not read over I2C"},
	} {
		row, err := Named(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := row.Part(tc.o); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s %+v gives %v, want %q", tc.name, tc.o.Settings, err, tc.says)
		}
	}
	bme, _ := Named("bme280")
	if _, err := bme.Source(FollowOptions{}); err == nil || !strings.Contains(err.Error(), "not on a line") {
		t.Errorf("a chip on a line gives %v", err)
	}
}

// drivers gives the driver table on models of the parts.
func drivers(t *testing.T, settings func(sensors.Config) map[string]string, kept *[]sensors.Supervised) []sensors.Driver {
	t.Helper()
	return Drivers(Options{
		Bus: func(name string) (i2c.Bus, error) {
			return busFunc(modelOf(t, readTranscript(t, "testdata/"+name+".datasheet")).tx), nil
		},
		Line: func(bus.LineOptions) (Line, error) { return newWire(), nil },
		Supervise: func(s sensors.Supervised, env sensors.Env) (sensors.Source, error) {
			*kept = append(*kept, s)
			return superviseAlone(s, env)
		},
		Settings: settings,
	})
}

// Every part that measures has a driver, which is a row that the agent can check and open, and opening asks nothing.
func TestDrivers(t *testing.T) {
	var kept []sensors.Supervised
	table := drivers(t, nil, &kept)
	for _, r := range Parts() {
		d, err := sensors.DriverNamed(table, r.Name)
		if (err == nil) != (r.On != Mux) {
			t.Errorf("%s on %s has a driver: %v", r.Name, r.On, err)
		}
		if err != nil {
			continue
		}
		c := sensors.Config{Name: "hall", Driver: r.Name, Bus: "none", Every: tinyconf.Duration(time.Minute)}
		if r.On == GPIO {
			c.Bus, c.Line = "", "GPIO17"
		}
		if err := d.Check(c); err != nil {
			t.Error(err)
		}
		c.Classes = map[string]string{r.Quantities[0].Name: "health"}
		if r.On == I2C {
			c.MinInterval = tinyconf.Duration(time.Hour)
			if err := d.Check(c); err != nil {
				t.Error(err)
			}
		}
		s, err := d.Open(c, sensors.Env{Clock: sensors.SystemClock{}})
		if err != nil {
			t.Fatal(err)
		}
		fields := s.Fields()
		if s.Name() != "hall" || len(fields) != len(r.Quantities) || fields[0].Name != "hall."+r.Quantities[0].Name || fields[0].Class != sensors.Health {
			t.Errorf("%s has the fields %+v", r.Name, fields)
		}
	}
	for _, s := range kept {
		row, _ := Named(s.Driver)
		if s.MinInterval != time.Hour || s.Deadline < time.Second || s.Address != row.Addresses[0] || (s.Zero == sensors.ZeroFine) != row.ZeroIsReal {
			t.Errorf("%s is supervised as %+v", s.Driver, s)
		}
	}
}

func TestDriverFaults(t *testing.T) {
	var kept []sensors.Supervised
	table := drivers(t, func(c sensors.Config) map[string]string { return c.Columns }, &kept)
	for _, tc := range []struct {
		c    sensors.Config
		says string
	}{
		{sensors.Config{Driver: "bme280", Bus: "i2c-1", Address: 0x10}, "can't be at address 0x10"},
		{sensors.Config{Driver: "scd4x", Bus: "i2c-1", Every: tinyconf.Duration(time.Second)}, "something new every 5s"},
		{sensors.Config{Driver: "scd4x", Bus: "i2c-1", Columns: map[string]string{"altitude": "9000"}}, "from 0 to 3000"},
		{sensors.Config{Driver: "bme280", Bus: "i2c-1", Classes: map[string]string{"humidty": "presence"}}, `did you mean "humidity"?`},
		{sensors.Config{Driver: "bme280", Bus: "i2c-1", Classes: map[string]string{"humidity": "secret"}}, "no class"},
		{sensors.Config{Driver: "contact", Line: "GPIO1", Columns: map[string]string{"active_low": "yes"}}, "whole number"},
	} {
		tc.c.Name = "hall"
		d, err := sensors.DriverNamed(table, tc.c.Driver)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Open(tc.c, sensors.Env{Clock: sensors.SystemClock{}}); err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), `"hall"`) {
			t.Errorf("%+v gives %v, want %q", tc.c, err, tc.says)
		}
	}
	d, _ := sensors.DriverNamed(table, "ads1115")
	s, err := d.Open(sensors.Config{Name: "hall", Bus: "i2c-1", Columns: map[string]string{"inputs": "2"}}, sensors.Env{Clock: sensors.SystemClock{}})
	if err != nil || len(s.Fields()) != 2 {
		t.Errorf("two inputs: %v", err)
	}
	if !slices.Contains(d.Uses, "settings") {
		t.Error("the driver does not say that it uses settings")
	}
}

// conforms holds a source to what is asked of every source, in no time.
func conforms(t *testing.T, open func() sensors.Source) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if err := sensortest.Check(open); err != nil {
			t.Error(err)
		}
	})
}

// Every part keeps, under its supervisor, what is asked of every source.
func TestPartConformance(t *testing.T) {
	eachPart(t, func(t *testing.T, tr transcript, _ *model) {
		if tr.evidence != FromDatasheet {
			return // the same part once more
		}
		conforms(t, func() sensors.Source {
			d, err := sensors.DriverNamed(Drivers(Options{
				Bus:      func(string) (i2c.Bus, error) { return busFunc(modelOf(t, tr).tx), nil },
				Line:     func(bus.LineOptions) (Line, error) { return newWire(), nil },
				Settings: func(sensors.Config) map[string]string { return tr.settings },
			}), tr.part)
			if err != nil {
				t.Fatal(err)
			}
			s, err := d.Open(sensors.Config{Name: "hall", Driver: tr.part, Bus: "i2c-1"}, sensors.Env{Clock: sensors.SystemClock{}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
}
