package agent

import (
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// A plan is made anew for whatever could change it, and for nothing else.
func TestPlansAreMadeAnewWhenSomethingChanged(t *testing.T) {
	policy, err := consent.ParsePolicy("policy.toml", []byte(`version = 1
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
[[purpose]]
id = "air"
title = { fr = "Air", en = "Air" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1m"
rule = [ { field = "room.co2", action = "keep" } ]
`))
	if err != nil {
		t.Fatal(err)
	}
	kind, ok := sensors.KindNamed("co2")
	if !ok {
		t.Fatal("no such kind")
	}
	fields := []sensors.Field{sensors.NewField("room", "co2", kind)}
	answer := consent.Answer{State: consent.Given, Access: "consent", Basis: "consent", Grant: consent.Grant{ID: 1, Purpose: "air", From: 100, Until: 1000}}
	base := func() consent.Inputs {
		return consent.Inputs{Policy: policy, Sources: []consent.SourceFields{{Name: "room", Fields: fields, Every: sensors.Minute}},
			Answers: []consent.Answer{answer}, Now: 500, Reach: map[string]consent.Reach{"acme": {}}}
	}
	same := map[string]func(*consent.Inputs){
		"nothing":                                func(*consent.Inputs) {},
		"a later moment in which nothing lapsed": func(in *consent.Inputs) { in.Now = 999 },
		"an earlier one":                         func(in *consent.Inputs) { in.Now = 1 },
	}
	for name, change := range same {
		var c compiled
		first, _ := c.compile(base())
		in := base()
		change(&in)
		if again, _ := c.compile(in); again != first {
			t.Errorf("%s: the plan was made anew", name)
		}
	}
	other := *policy
	for name, change := range map[string]func(*consent.Inputs){
		"a yes that lapsed":             func(in *consent.Inputs) { in.Now = 1000 },
		"another policy":                func(in *consent.Inputs) { in.Policy = &other },
		"no policy":                     func(in *consent.Inputs) { in.Policy = nil },
		"another charter":               func(in *consent.Inputs) { in.Charter.Version++ },
		"somebody under age":            func(in *consent.Inputs) { in.Minor = true },
		"a withdrawal":                  func(in *consent.Inputs) { in.Answers[0].State = consent.Withdrawn },
		"another yes":                   func(in *consent.Inputs) { in.Answers = append(in.Answers, answer) },
		"other terms":                   func(in *consent.Inputs) { in.Answers[0].Terms = []byte{1} },
		"another pace":                  func(in *consent.Inputs) { in.Sources[0].Every = sensors.Hour },
		"another field":                 func(in *consent.Inputs) { in.Sources[0].Fields = append(in.Sources[0].Fields, fields[0]) },
		"another way to the recipient":  func(in *consent.Inputs) { in.Reach["acme"] = consent.Reach{Fleet: true} },
		"another recipient's way":       func(in *consent.Inputs) { in.Reach["other"] = consent.Reach{} },
		"a field that changed in place": func(*consent.Inputs) { fields[0].Class += "x" },
	} {
		var c compiled
		first, _ := c.compile(base())
		in := base()
		change(&in)
		if again, _ := c.compile(in); again == first {
			t.Errorf("%s: the plan is the one before", name)
		}
	}
}
