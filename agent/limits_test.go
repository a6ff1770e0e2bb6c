package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimitsOfSensors: what candor.toml says of changes and jumps is looked at before the agent runs, and reaches the part.
func TestLimitsOfSensors(t *testing.T) {
	open := func(keys string) error {
		cfg, err := LoadConfig(writeConfig(t, "[[sensor]]\nname = \"hall\"\ndriver = \"bme280\"\nbus = \"i2c-1\"\n"+keys))
		if err != nil {
			return err
		}
		a := &Agent{cfg: cfg, opts: defaults(Options{})}
		return a.openSources(true)
	}
	good := "every = \"10s\"\nmin_interval = \"1m\"\nchange = { temperature = 0.2, humidity = 1.0 }\nat_least = \"1h\"\njump = { temperature = 10.0 }\nstuck_after = 500\n"
	if err := open(good); err != nil {
		t.Error(err)
	}
	for keys, want := range map[string]string{
		"change = { temprature = 0.2 }\n": "did you mean \"temperature\"",
		"at_least = \"1h\"\n":             "at_least: without change",
		"stuck_after = 1\n":               "stuck_after: 1 won't do",
		"min_intervall = \"1m\"\n":        "min_interval",
	} {
		if err := open(keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", keys, err)
		}
	}
}

// writeConfig writes a candor.toml of an object that has these sensors.
func writeConfig(t *testing.T, tables string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "candor.toml")
	if err := os.WriteFile(name, []byte("[device]\nstate = \"state\"\n"+tables), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
