package consent

import (
	"fmt"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// two is a policy of two purposes of one recipient.
func two(tickA, rulesA, tickB, rulesB string) string {
	return fmt.Sprintf(frame, tickA, rulesA) + fmt.Sprintf(`
[[purpose]]
id = "more"
title = { fr = "Plus", en = "More" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "%s"
%s`, tickB, rulesB)
}

func TestGridsOfOneRecipientNest(t *testing.T) {
	round := func(s string) string { return aRule("room.temperature", "action = \"round\"\nround = "+s) }
	bucket := func(s string) string { return aRule("room.temperature", "action = \"bucket\"\nedges = "+s) }
	mean := func(w string) string { return aRule("room.temperature", "action = \"mean\"\nwindow = \""+w+"\"") }
	tests := []struct {
		name, a, b, tickA, tickB, refused string // refused: a word of the reason, "" when both may be asked
	}{
		{"steps that nest", round("0.5"), round("2"), "1h", "1h", ""},
		{"2 and 5", round("2"), round("5"), "1h", "1h", "step"},
		{"edges that nest", bucket("[10, 20, 30]"), bucket("[20]"), "1h", "1h", ""},
		{"edges that cut each other", bucket("[10, 20]"), bucket("[15]"), "1h", "1h", "edges"},
		{"a threshold is an edge", bucket("[10, 20]"), aRule("room.temperature", "action = \"threshold\"\nthreshold = 15"), "1h", "1h", "edges"},
		{"edges on the step", round("5"), bucket("[15]"), "1h", "1h", ""},
		{"an edge beside the step", round("5"), bucket("[12]"), "1h", "1h", "edge"},
		{"the step beside an edge", bucket("[12]"), round("5"), "1h", "1h", "edge"},
		{"windows that nest", mean("1h"), mean("6h"), "1h", "1h", ""},
		{"4 and 6 hours", mean("4h"), mean("6h"), "1h", "1h", "time"},
		{"week and month", mean("7d"), mean("30d"), "1h", "1h", "time"},
		{"week and month as time", mean("7d"), mean("210d"), "7d", "30d", "time"},
		{"another field", round("2"), aRule("room.humidity", "action = \"round\"\nround = 5"), "1h", "1h", ""},
		{"dropped", round("2"), aRule("room.temperature", `action = "drop"`), "1h", "1h", ""},
	}
	for _, tt := range tests {
		plan, _ := Compile(Inputs{Policy: offer(t, two(tt.tickA, tt.a, tt.tickB, tt.b)), Sources: room(t)})
		first, second := plan.Purposes()[0], plan.Purposes()[1]
		if first.State != Asked {
			t.Errorf("%s: the first purpose is %s: %s", tt.name, first.State, first.Reason)
		}
		if tt.refused == "" && second.State != Asked || tt.refused != "" && (second.State != Refused || !strings.Contains(second.Reason, tt.refused)) {
			t.Errorf("%s: the second purpose is %s: %s", tt.name, second.State, second.Reason)
		}
	}
	other := strings.Replace(two("1h", round("2"), "1h", round("5")), "[[purpose]]\nid = \"trends\"", "[[recipient]]\nid = \"beta\"\nname = \"Beta\"\n[[purpose]]\nid = \"trends\"", 1)
	other = other[:strings.LastIndex(other, `"acme"`)] + `"beta"` + other[strings.LastIndex(other, `"acme"`)+len(`"acme"`):]
	plan, _ := Compile(Inputs{Policy: offer(t, other), Sources: room(t)})
	if p := plan.Purposes()[1]; p.State != Asked {
		t.Errorf("two recipients: %s: %s", p.State, p.Reason)
	}
}

// TestGridsInForceNest: what goes on under an old yes must nest as well, not only what is offered now.
func TestGridsInForceNest(t *testing.T) {
	round := func(s string) string { return aRule("room.temperature", "action = \"round\"\nround = "+s) }
	old := agreedTo(t, offer(t, two("1h", round("3"), "1h", aRule("room.humidity", `action = "keep"`))), Charter{}, room(t))
	now := offer(t, two("1h", round("1"), "1h", round("2"))) // 1 and 2 nest, and 3 goes on
	fresh := agreedTo(t, now, Charter{}, room(t))
	plan, _ := Compile(Inputs{Policy: now, Sources: room(t), Answers: []Answer{old[0], fresh[1]}})
	if p := plan.Purposes()[0]; p.State != Given || p.FieldsInWords()[0] != "room.temperature: round 3" {
		t.Fatalf("%s, %v", p.State, p.FieldsInWords())
	}
	if p := plan.Purposes()[1]; p.State != Refused {
		t.Errorf("2 beside the 3 that goes on: %s", p.State)
	}
}

func TestSomebodyUnderAge(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(frame, "1h", aRule("room.temperature", `action = "keep"`)), `time = "1h"`, "time = \"1h\"\ntags = [\"profiling\"]", 1)
	answers := agreedTo(t, offer(t, text), Charter{}, room(t))
	for minor, want := range map[bool]State{false: Given, true: Refused} {
		plan, _ := Compile(Inputs{Policy: offer(t, text), Sources: room(t), Answers: answers, Minor: minor})
		if p := plan.Purposes()[0]; p.State != want {
			t.Errorf("minor %v: %s", minor, p.State)
		}
	}
}

func TestLinkability(t *testing.T) {
	fine := aRule("room.temperature", "action = \"round\"\nround = 1")
	fineToo := aRule("room.humidity", "action = \"round\"\nround = 1")
	daily := aRule("room.humidity", "action = \"mean\"\nwindow = \"1d\"")
	none := map[string]Reach{"acme": {}}
	claim := func(level, text string) string {
		return strings.Replace(text, `role = "controller"`, "role = \"controller\"\nlinkability = \""+level+"\"", 1)
	}
	tests := []struct {
		name, policy string
		reach        map[string]Reach
		level        Level
		claimed      [2]State // of the two purposes when L2 is claimed
	}{
		{"nothing names the object", two("1m", fine, "1d", daily), none, L2, [2]State{Asked, Asked}},
		{"a client certificate", two("1m", fine, "1d", daily), map[string]Reach{"acme": {Certificate: true}}, L0, [2]State{Refused, Refused}},
		{"a credential of its own", two("1m", fine, "1d", daily), map[string]Reach{"acme": {Credential: true}}, L0, [2]State{Refused, Refused}},
		{"a credential of the fleet", two("1m", fine, "1d", daily), map[string]Reach{"acme": {Credential: true, Fleet: true}}, L2, [2]State{Asked, Asked}},
		{"a readable fact that names it", two("1m", fine, "1d", aRule("room.badge", "action = \"keep\"\nlabels = [\"SN-1\"]")), none, L0, [2]State{Refused, Refused}},
		{"shared minutes", two("1m", fine, "1m", fineToo), none, L2, [2]State{Asked, Refused}},
		{"shared minutes, epochs that differ", strings.Replace(two("1m", fine, "1m", fineToo), "time = \"1m\"\n", "time = \"1m\"\nepoch = \"10d\"\n", 1), none, L1, [2]State{Refused, Refused}},
	}
	for _, tt := range tests {
		plan, _ := Compile(Inputs{Policy: offer(t, tt.policy), Sources: room(t), Reach: tt.reach})
		if s := plan.Shares()[0]; s.Level != tt.level || s.Why == "" {
			t.Errorf("%s: %s (%s), want %s", tt.name, s.Level, s.Why, tt.level)
		}
		for i, p := range plan.Purposes() {
			if p.State != Asked {
				t.Errorf("%s: nothing is claimed and purpose %d is %s: %s", tt.name, i, p.State, p.Reason)
			}
		}
		plan, _ = Compile(Inputs{Policy: offer(t, claim("L2", tt.policy)), Sources: room(t), Reach: tt.reach})
		for i, p := range plan.Purposes() {
			if p.State != tt.claimed[i] || p.State == Refused && !strings.Contains(p.Reason, "claims L2") {
				t.Errorf("%s: L2 is claimed and purpose %d is %s: %s", tt.name, i, p.State, p.Reason)
			}
		}
		plan, _ = Compile(Inputs{Policy: offer(t, claim("L0", tt.policy)), Sources: room(t), Reach: tt.reach})
		for i, p := range plan.Purposes() {
			if p.State != Asked {
				t.Errorf("%s: L0 is claimed, less cannot be, and purpose %d is %s", tt.name, i, p.State)
			}
		}
	}
}

// TestFacts: what is missing is named once, by its key, and what is there is not.
func TestFacts(t *testing.T) {
	bare := offer(t, fmt.Sprintf(frame, "1h", aRule("room.temperature", `action = "keep"`)))
	keys := map[string]bool{}
	for _, f := range Facts(bare) {
		keys[f.Key] = true
		if f.Text == "" || !strings.HasPrefix(f.Text, "missing: ") {
			t.Errorf("%s: %q", f.Key, f.Text)
		}
	}
	for _, want := range []string{"controller.address", "controller.contact", "controller.authority", "recipient[0].stored_in", "recipient[0].onward", "purpose[0].why", "purpose[0].benefit", "purpose[0].dpv"} {
		if !keys[want] {
			t.Errorf("%s is missing and not named", want)
		}
		delete(keys, want)
	}
	if len(keys) > 0 {
		t.Errorf("named, and there: %v", keys)
	}
	full := *bare
	full.Recipients = []Recipient{{ID: "acme", Name: "Acme", Country: "US", Role: "processor", StoredIn: []string{"US"}, Onward: []string{}}}
	full.Purposes[0].Basis, full.Purposes[0].Tags = "contract", []string{"profiling"}
	got := ""
	for _, f := range Facts(&full) {
		got += f.Key + " " + strings.SplitN(f.Text, ":", 2)[0] + "; "
	}
	for _, want := range []string{"recipient[0].safeguard missing", "purpose[0].otherwise missing", "purpose[0].logic missing", "purpose[0].basis contradiction"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestLengthsThatTell(t *testing.T) {
	_, findings := Compile(Inputs{Policy: policy(t, "1h", aRule("room.motion", `action = "keep"`)), Sources: room(t)})
	if len(findings) != 1 || !strings.Contains(findings[0].Text, "room") || findings[0].Refuses {
		t.Errorf("%v", findings)
	}
	_, findings = Compile(Inputs{Policy: policy(t, "1h\"\nroom = { rows = 10, bytes = 512 }\n#", aRule("room.motion", `action = "keep"`)), Sources: room(t)})
	if len(findings) != 0 {
		t.Errorf("%v", findings)
	}
}

// A sensor that is known to speak so often that the order inside a bucket could not be taken away keeps a purpose from leaving; a
// window, or a time that is finer, mends it.
func TestOrderThatCouldNotBeTakenAway(t *testing.T) {
	sources := room(t)
	sources[0].Every = 100 * sensors.Millisecond
	for _, c := range []struct {
		time, rule string
		state      State
	}{
		{"1h", `action = "keep"`, Refused},
		{"1h", "action = \"mean\"\nwindow = \"1h\"", Asked},
		{"1m", `action = "keep"`, Asked},
	} {
		plan, findings := Compile(Inputs{Policy: offer(t, fmt.Sprintf(frame, c.time, aRule("room.temperature", c.rule))), Sources: sources})
		if p := plan.Purposes()[0]; p.State != c.state {
			t.Errorf("time %s, %s: %s (%s), %v", c.time, c.rule, p.State, p.Reason, findings)
		}
	}
}
