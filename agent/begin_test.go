package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/bus/bustest"
	"github.com/candor-edge/candor/sensors/chip"
)

// loaded is what candor makes of a configuration.
func loaded(t *testing.T, text string) *Config {
	t.Helper()
	name := filepath.Join(t.TempDir(), "candor.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(name)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return cfg
}

// uncommented takes the # off what is commented out as a table, so that it can be loaded too.
func uncommented(text string) string {
	var out strings.Builder
	table := false
	for line := range strings.Lines(text) {
		bare, commented := strings.CutPrefix(line, "# ")
		if commented && strings.HasPrefix(bare, "[") {
			table = true
		}
		if !commented {
			table = false
		}
		if commented && table {
			line = bare
		}
		out.WriteString(line)
	}
	return out.String()
}

func names(list []sensors.Config) (out []string) {
	for _, s := range list {
		out = append(out, s.Name)
	}
	return out
}

// TestBegin: what a simulated bus and a fake kernel have becomes a configuration that loads as it is; what is not sure is in
// it, commented out, and loads too once somebody has looked.
func TestBegin(t *testing.T) {
	_, h := shelf(t)
	sys := h.sys.(fstest.MapFS)
	sys["bus/w1/devices/28-0316a2795aff"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	sys["bus/w1/devices/28-0316a2795aff/temperature"] = &fstest.MapFile{Data: []byte("21500\n")}
	sys["class/hwmon/hwmon0/name"] = &fstest.MapFile{Data: []byte("cpu_thermal\n")}
	sys["class/hwmon/hwmon0/temp1_input"] = &fstest.MapFile{Data: []byte("48000\n")}
	a := onBench(nil, Options{})
	a.hardware = h
	b := a.begin(t.Context(), BeginOptions{State: "state", Language: "fr", Policy: "policy.toml"})
	cfg := loaded(t, b.Text)
	want := []string{"lsm303dlhc_magn-1e", "tmp117-48", "bmp280-77", "28-0316a2795aff"}
	if got := names(cfg.Sensors); !slices.Equal(got, b.Sensors) || len(got) != len(want) {
		t.Errorf("%v and %v, want %v\n%s", got, b.Sensors, want, b.Text)
	}
	for _, name := range want {
		if !slices.Contains(b.Sensors, name) {
			t.Errorf("%s is not in it: %v", name, b.Sensors)
		}
	}
	if cfg.Device.Language != "fr" || filepath.Base(cfg.Device.State) != "state" || filepath.Base(cfg.Policy.File) != "policy.toml" || len(cfg.Routes) != 0 {
		t.Errorf("%+v", cfg)
	}
	if !slices.Equal(b.Maybe, []string{"i2c-1 0x40", "hwmon:cpu_thermal"}) {
		t.Errorf("to be looked at: %v", b.Maybe)
	}
	for line := range strings.Lines(b.Text) {
		if strings.HasPrefix(line, "# ") && len(line) > 126 {
			t.Errorf("a comment of %d columns: %s", len(line), line)
		}
	}
	all := loaded(t, uncommented(b.Text))
	if got := names(all.Sensors); len(got) != len(want)+3 || !slices.Contains(got, "door") || len(all.Routes) != 1 {
		t.Errorf("with all that is commented out: %v, %d routes\n%s", got, len(all.Routes), uncommented(b.Text))
	}
}

// TestBeginTwice: two parts that would have the same name get two.
func TestBeginTwice(t *testing.T) {
	wire := bustest.NewWire()
	wire.Attach(0x48, bustest.NewRegisters(2).Set(0x0f, 0x01, 0x17))
	buses := bus.NewBuses(bus.Options{Open: wire.Open, QuarantineAfter: -1})
	t.Cleanup(func() { _ = buses.Close() })
	a := onBench(nil, Options{})
	a.hardware = &hardware{buses: buses, open: chip.Muxed(buses.Open), names: func() ([]string, error) { return []string{"i2c-1", "i2c-2"}, nil }, sys: fstest.MapFS{}}
	b := a.begin(t.Context(), BeginOptions{State: "state", Language: "en", Policy: "policy.toml"})
	if got := names(loaded(t, b.Text).Sensors); !slices.Equal(got, []string{"tmp117-48", "tmp117-48-2"}) {
		t.Errorf("%v", got)
	}
}

// TestBeginWithNothing: no bus, no kernel sensor: a file that loads all the same, and a word about what was asked; for a
// trial, a simulated room.
func TestBeginWithNothing(t *testing.T) {
	a := onBench(nil, Options{})
	a.hardware.names = func() ([]string, error) { return nil, nil }
	a.hardware.sys = fstest.MapFS{}
	defer func() { _ = a.Close() }()
	b := a.begin(t.Context(), BeginOptions{State: "/var/lib/candor", Language: "en", Policy: "policy.toml"})
	if cfg := loaded(t, b.Text); len(cfg.Sensors) != 0 || cfg.Device.State != defaultState {
		t.Errorf("%+v", cfg)
	}
	if notes := strings.Join(b.Notes, "; "); !strings.Contains(notes, "no I2C bus") || !strings.Contains(notes, "dtparam=i2c_arm=on") {
		t.Error(notes)
	}
	b = a.begin(t.Context(), BeginOptions{State: "state", Language: "en", Policy: "policy.toml", Simulated: true})
	if got := names(loaded(t, b.Text).Sensors); !slices.Equal(got, []string{"hall"}) {
		t.Errorf("%v", got)
	}
	a.hardware.names = func() ([]string, error) { return nil, errors.New("/dev can't be read") }
	if b := a.begin(t.Context(), BeginOptions{State: "state", Language: "en", Policy: "policy.toml"}); !slices.Equal(b.Notes, []string{"/dev can't be read"}) {
		t.Errorf("%q", b.Notes)
	}
}
