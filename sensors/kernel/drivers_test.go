package kernel

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
	"github.com/candor-edge/candor/tinyconf"
)

func driver(fsys fs.FS, supervise func(sensors.Supervised, sensors.Env) (sensors.Source, error)) sensors.Driver {
	return Drivers(Options{FS: fsys, Supervise: supervise})[0]
}

func TestConformance(t *testing.T) {
	d := driver(tree(house()), nil)
	for _, reference := range []string{"iio:bme280", "w1:28-0316a2795aff"} {
		t.Run(strings.ReplaceAll(reference, ":", "-"), func(t *testing.T) {
			sensortest.Conformance(t, func() sensors.Source {
				c := sensors.Config{Name: "x", Driver: "kernel", File: reference, Every: tinyconf.Duration(10 * time.Millisecond)}
				if err := d.Check(c); err != nil {
					t.Fatal(err)
				}
				s, err := d.Open(c, sensors.Env{Clock: sensors.SystemClock{}})
				if err != nil {
					t.Fatal(err)
				}
				return s
			})
		})
	}
}

func TestOpen(t *testing.T) {
	var last sensors.Supervised
	d := driver(tree(house()), func(s sensors.Supervised, _ sensors.Env) (sensors.Source, error) {
		last = s
		return nil, nil
	})
	open := func(c sensors.Config) error {
		c.Name = "x"
		_, err := d.Open(c, sensors.Env{})
		return err
	}
	for _, tc := range []struct {
		c    sensors.Config
		says string
	}{
		{sensors.Config{File: "nonsense"}, "iio:NAME"},
		{sensors.Config{File: "iio:sht31"}, "columns ="},
		{sensors.Config{File: "iio:sht31"}, "iio:bme280@1-0076"},
		{sensors.Config{File: "hwmon:lm75"}, "hwmon:lm75@1-004a"},
		{sensors.Config{File: "iio:bme280", Columns: map[string]string{"temperature": "temprature"}}, `did you mean "temperature"?`},
		{sensors.Config{File: "iio:bme280", Columns: map[string]string{"badge": "badge"}}, "no numeric kind"},
		{sensors.Config{File: "iio:bme280", Columns: map[string]string{"a b": "temperature"}}, "character"},
		{sensors.Config{File: "iio:bme280", Classes: map[string]string{"co2": "presence"}}, "no field"},
		{sensors.Config{File: "iio:bme280", Classes: map[string]string{"humidity": "private"}}, "no class"},
	} {
		if err := open(tc.c); err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%+v gives %v, want %q", tc.c, err, tc.says)
		}
	}
	err := open(sensors.Config{File: "iio:sht31", Columns: map[string]string{"temperature": "temperature", "humidity": "humidity"},
		Classes: map[string]string{"humidity": "presence"}})
	if err != nil {
		t.Fatalf("a device that is missing, with its fields declared: %v", err)
	}
	if len(last.Fields) != 2 || last.Fields[0].Name != "x.humidity" || last.Fields[0].Class != sensors.Presence || last.Every != Every {
		t.Errorf("it is supervised as %+v", last)
	}
	if err := open(sensors.Config{File: "w1:28-000000000001"}); err != nil || last.Deadline != w1Deadline {
		t.Errorf("a thermometer that is missing: %v, deadline %v", err, last.Deadline)
	}
}

// What the configuration says of a device is held against the device.
func TestDeclaredWrongly(t *testing.T) {
	ref, _ := ParseReference("iio:bme280")
	for columns, says := range map[string]string{"co2=co2": "it has no co2", "temperature=humidity": "of kind temperature, not humidity"} {
		quantity, kind, _ := strings.Cut(columns, "=")
		channels, err := declared(map[string]string{quantity: kind})
		if err != nil {
			t.Fatal(err)
		}
		err = NewPart(tree(house()), ref, channels).Identify(t.Context())
		if sensors.FaultOf(err) != sensors.WrongPart || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v", columns, err)
		}
	}
}
