package simulated

import (
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
	"github.com/candor-edge/candor/tinyconf"
)

// TestDrivers takes tables as they stand in candor.toml through the driver table.
func TestDrivers(t *testing.T) {
	env := files(map[string]string{"room.csv": "t_ms,temp,gx\n1,2,3\n"})
	env.Clock = sensortest.NewClock(mondayTime())
	for _, c := range []struct {
		toml   string
		fields string
	}{
		{"name = \"hall\"\ndriver = \"simulated\"\nroom = \"hall\"\nevery = \"10s\"\nseed = 4\nfor = \"1d\"\nstart = \"2026-03-02T00:00:00Z\"\npace = \"60x\"\n",
			"hall.temperature hall.humidity hall.light hall.co2 hall.motion hall.occupancy"},
		{"name = \"door\"\ndriver = \"simulated\"\nroom = \"door\"\n", "door.open"},
		{"name = \"old\"\ndriver = \"replay\"\nfile = \"room.csv\"\npace = \"max\"\n[columns]\ngx = \"number\"\n[classes]\ngx = \"health\"\n", "old.temp old.gx"},
	} {
		var config sensors.Config
		if err := tinyconf.Load("candor.toml", []byte(c.toml), &config); err != nil {
			t.Fatal(err)
		}
		driver, err := sensors.DriverNamed(Drivers(), config.Driver)
		if err != nil {
			t.Fatal(err)
		}
		if err := driver.Check(config); err != nil || !driver.Simulated || driver.Doc == "" {
			t.Errorf("%s: %v, simulated %v, doc %q", config.Name, err, driver.Simulated, driver.Doc)
		}
		source, err := driver.Open(config, env)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range source.Fields() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != c.fields {
			t.Errorf("%s has %s, want %s", config.Name, got, c.fields)
		}
	}
}

// TestDriverKeys: each key of a row is one of the configuration's, and the other driver's keys are refused.
func TestDriverKeys(t *testing.T) {
	drivers := Drivers()
	house, err := sensors.DriverNamed(drivers, "simulated")
	if err != nil {
		t.Fatal(err)
	}
	recording, err := sensors.DriverNamed(drivers, "replay")
	if err != nil {
		t.Fatal(err)
	}
	full := sensors.Config{Name: "a", Driver: "x", File: "f", Pace: "1x", Columns: map[string]string{"a": "b"},
		Classes: map[string]string{"a": "b"}, Seed: 1, Room: "hall", For: 1, Start: "s", Every: 1}
	for _, c := range []struct {
		driver sensors.Driver
		want   []string
	}{
		{house, []string{`does not use the key "file"`, `does not use the key "columns"`}},
		{recording, []string{`does not use the key "every"`, `"seed"`, `"room"`, `"for"`, `"start"`}},
	} {
		err := c.driver.Check(full)
		if err == nil || strings.Count(err.Error(), "\n")+1 != len(c.want) {
			t.Fatalf("%s: %v", c.driver.Name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is\n%v\nand lacks %s", c.driver.Name, err, want)
			}
		}
		if err := c.driver.Check(sensors.Config{Name: "a"}); err == nil {
			t.Errorf("%s: a table without %q passes", c.driver.Name, c.driver.Needs)
		}
	}
}
