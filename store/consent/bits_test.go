package consent

import (
	"fmt"
	"math"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// TestBitsBoundTheTruth counts, for small policies, every different thing a recipient can be sent in a day, over all days there
// can be: four readings, each there or not, each value any of a few or absent. The bound must not be below it (PRV-26).
func TestBitsBoundTheTruth(t *testing.T) {
	policies := map[string]string{
		"a yes or no":            aRule("room.motion", `action = "keep"`),
		"a threshold":            aRule("room.temperature", "action = \"threshold\"\nthreshold = 1"),
		"a threshold that holds": aRule("room.temperature", "action = \"threshold\"\nthreshold = 1\nhysteresis = 0.5"),
		"a bucket":               aRule("room.temperature", "action = \"bucket\"\nedges = [0, 1]"),
		"clamped":                aRule("room.temperature", "action = \"clamp\"\nmin = 0\nmax = 1\nround = 1"),
		"the highest":            aRule("room.temperature", "action = \"max\"\nwindow = \"12h\"\nround = 1"),
		"how many":               aRule("room.motion", "action = \"count\"\nwindow = \"12h\""),
		"a share":                aRule("room.motion", "action = \"mean\"\nwindow = \"12h\"\nleast = 2"),
		"two together":           aRule("room.motion", `action = "keep"`) + aRule("room.temperature", "action = \"threshold\"\nthreshold = 1"),
		"apart":                  aRule("room.motion", "action = \"max\"\nwindow = \"1d\"") + aRule("room.temperature", "action = \"threshold\"\nthreshold = 1"),
	}
	temperatures := []sensors.Value{sensors.Number(-1000), sensors.Number(750), sensors.Number(1000)}
	motions := []sensors.Value{{}, sensors.Number(0), sensors.Number(1)}
	for name, rules := range policies {
		for _, tick := range []string{"6h", "1d"} {
			sources := room(t)
			sources[0].Every = 6 * sensors.Hour
			plan := granted(t, policy(t, tick, rules), sources, 0)
			outcomes := map[string]bool{}
			every := 1 + len(temperatures)*len(motions) // no reading, or one of these
			for n := range every * every * every * every {
				var trace []sensors.Reading
				for i, rest := 0, n; i < 4; i, rest = i+1, rest/every {
					if at := rest % every; at > 0 {
						when := sensors.Micros(i) * 6 * sensors.Hour
						trace = append(trace, sensors.Reading{Source: "room", Time: when, Taken: when,
							Values: []sensors.Value{temperatures[(at-1)%len(temperatures)], {}, motions[(at-1)/len(temperatures)], {}, {}}})
					}
				}
				w := NewWindows(nil)
				var rows []Cleared
				text := ""
				for i := range trace {
					rows = plan.Clear(w, &trace[i], rows[:0])
					text += show(rows) + " "
				}
				text += show(plan.CloseSource(w, "room", nil))
				outcomes[text] = true // with the order of rows, which is more than a recipient sees
			}
			bits := plan.Purposes()[0].Bits
			if truth := math.Log2(float64(len(outcomes))); !bits.Known || float64(bits.Day) < truth {
				t.Errorf("%s, time %s: at most %d bits, and there are %d outcomes, %.1f bits", name, tick, bits.Day, len(outcomes), truth)
			}
		}
	}
}

func TestBitsOfARecipient(t *testing.T) {
	two := fmt.Sprintf(frame, "1h", aRule("room.motion", "action = \"max\"\nwindow = \"1h\"")) + `
[[purpose]]
id = "more"
title = { fr = "Plus", en = "More" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1h"
` + aRule("room.temperature", "action = \"threshold\"\nthreshold = 20")
	sources := room(t)
	sources[0].Every = sensors.Hour
	plan, _ := Compile(Inputs{Policy: offer(t, two), Sources: sources})
	sum := plan.Purposes()[0].Bits.Day + plan.Purposes()[1].Bits.Day
	if s := plan.Shares(); len(s) != 1 || s[0].Bits.Day != sum || s[0].Level != L2 {
		t.Errorf("%+v, want %d bits", s, sum)
	}
	for ceiling, want := range map[int64][2]State{sum: {Asked, Asked}, sum - 1: {Asked, Refused}, 1: {Refused, Refused}} {
		plan, _ := Compile(Inputs{Policy: offer(t, two), Sources: sources, Charter: Charter{MaxBitsRecipient: ceiling}})
		for i, p := range plan.Purposes() {
			if p.State != want[i] {
				t.Errorf("ceiling %d: purpose %s is %s, want %s", ceiling, p.ID, p.State, want[i])
			}
		}
	}
}
