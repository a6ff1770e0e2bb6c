package agent_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// air is a policy with one rule for each quantity that a sensor called air may have. The mean is of an hour; a rounded temperature is
// single readings.
func airPolicy(rules ...string) string {
	policy, _, _ := strings.Cut(threePurposes(), "[[purpose]]")
	policy += `[[purpose]]
id = "trends"
title = { fr = "Tendances", en = "Trends" }
why = { fr = "Pour voir.", en = "To see." }
benefit = { fr = "Un bilan.", en = "A report." }
dpv = "ServiceUsageAnalytics"
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "10m"
`
	for _, r := range rules {
		field, action, _ := strings.Cut(r, ": ")
		policy += "  [[purpose.rule]]\n  field = \"" + field + "\"\n  " + strings.ReplaceAll(action, "; ", "\n  ") + "\n"
	}
	return policy
}

const (
	meanTemperature = `air.temperature: action = "mean"; window = "1h"`
	meanHumidity    = `air.humidity: action = "mean"; window = "1h"`
	meanPressure    = `air.pressure: action = "mean"; window = "1h"`
	eachTemperature = `air.temperature: action = "round"; round = 0.5`
)

// TestAReplacedChipKeepsItsYesForWhatStaysTheSame: behind a name that was agreed to, one part is taken out and another put in and
// configured. What both measure goes on leaving; what the new one brings, or brings more often, waits for an answer; and so it stays
// over restarts, and when the old part comes back all is as it was.
func TestAReplacedChipKeepsItsYesForWhatStaysTheSame(t *testing.T) {
	bme, bmp := "driver = \"bme280\"\nbus = \"i2c-1\"", "driver = \"bmp280\"\nbus = \"i2c-1\""
	for _, tt := range []struct {
		name     string
		rules    []string
		old, new string // the [[sensor]]
		leaves   []string
		pending  bool
	}{
		{"the same part again", []string{meanTemperature, meanHumidity}, bme, bme + "\naddress = 0x77", []string{"air.humidity", "air.temperature"}, false},
		{"another maker's, of the same fields", []string{meanTemperature, meanHumidity}, "driver = \"sht4x\"\nbus = \"i2c-1\"", "driver = \"hdc302x\"\nbus = \"i2c-1\"", []string{"air.humidity", "air.temperature"}, false},
		{"one that lacks a field", []string{meanTemperature, meanHumidity}, bme, bmp, []string{"air.temperature"}, false},
		{"one that brings a field which was asked before", []string{meanTemperature, meanHumidity}, bmp, bme, []string{"air.temperature"}, true},
		{"one that brings pressure", []string{meanTemperature, meanPressure}, "driver = \"sht4x\"\nbus = \"i2c-1\"", bmp, []string{"air.temperature"}, true},
		{"the same fields, said to tell of health", []string{meanTemperature, meanHumidity}, bme, bme + "\n[sensor.classes]\ntemperature = \"health\"", []string{"air.humidity"}, true},
		{"single readings, as often", []string{eachTemperature}, bme, "driver = \"sht4x\"\nbus = \"i2c-1\"", []string{"air.temperature"}, false},
		{"single readings, three times as often by the part's own pace", []string{eachTemperature}, "driver = \"scd4x\"\nbus = \"i2c-1\"", bme, nil, true},
		{"single readings, more often by the configuration", []string{eachTemperature}, bme, bme + "\nevery = \"1s\"", nil, true},
		{"a mean, more often by the configuration", []string{meanTemperature}, bme, bme + "\nevery = \"1s\"", []string{"air.temperature"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newObject(t, "http://127.0.0.1:1", 1)
			o.write("policy.toml", airPolicy(tt.rules...))
			with := func(sensor string) []string {
				t.Helper()
				o.write("candor.toml", "[device]\nstate = \"state\"\n[policy]\nfile = \"policy.toml\"\n[[sensor]]\nname = \"air\"\n"+sensor+"\n")
				return leaving(t, o)
			}
			with(tt.old)
			a := o.open()
			grant(t, a, "trends")
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			before := with(tt.old)
			for range 2 { // over a restart too
				if got := with(tt.new); !slices.Equal(got, tt.leaves) {
					t.Fatalf("%q leaves, want %q", got, tt.leaves)
				}
				if got := pending(t, o); got != tt.pending {
					t.Errorf("asked anew: %t, want %t", got, tt.pending)
				}
			}
			if got := with(tt.old); !slices.Equal(got, before) || pending(t, o) {
				t.Errorf("with the old part again %q leaves, before it was %q", got, before)
			}
		})
	}
}

// leaving are the fields that a yes to trends lets out now, in order.
func leaving(t *testing.T, o *object) (fields []string) {
	t.Helper()
	for _, f := range trends(t, o).Fields {
		name, _, _ := strings.Cut(f, ":")
		fields = append(fields, name)
	}
	slices.Sort(fields)
	return fields
}

func pending(t *testing.T, o *object) bool { t.Helper(); return trends(t, o).Pending }

func trends(t *testing.T, o *object) control.ConsentPurpose {
	t.Helper()
	cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.Open(cfg, agent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	c, err := a.Consent(t.Context(), "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Purposes {
		if p.ID == "trends" {
			return p
		}
	}
	t.Fatal("no purpose trends")
	return control.ConsentPurpose{}
}
