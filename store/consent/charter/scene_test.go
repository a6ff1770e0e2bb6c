package charter

import (
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// scene is an object in a state, for tests.
type scene struct {
	policy  string // policy.toml; "" is none
	charter consent.Charter
	sources []consent.SourceFields
	state   State
	given   []string // purposes that are answered with yes
	reach   map[string]consent.Reach
}

const head = `version = 1
[controller]
name = "Acme Objets SAS"
country = "FR"
contact = "dpo@acme.example"
address = "1 rue de l'Exemple, 69000 Lyon"
authority = "CNIL"
[[recipient]]
id = "acme"
name = "Acme Cloud"
country = "FR"
role = "processor"
stored_in = ["FR", "DE"]
onward = ["Beta SA"]
contact = "data@acme.example"
`

// bare is a policy that leaves unsaid what it may.
const bare = `version = 1
[controller]
name = "Acme Objets SAS"
[[recipient]]
id = "acme"
name = "Acme Objets SAS"
`

const about = `title = { fr = "Le titre", en = "The title" }
recipient = "acme"
retention = "90d"
time = "1h"
`

const consented = "access = \"consent\"\nbasis = \"consent\"\n"

// purpose writes a purpose; more are further keys, and the rules.
func purpose(id string, more ...string) string {
	return "[[purpose]]\nid = \"" + id + "\"\n" + about + strings.Join(more, "\n") + "\n"
}

func rule(field, action string) string {
	return "[[purpose.rule]]\nfield = \"" + field + "\"\naction = " + action + "\n"
}

// home are the sensors of the scenes.
func home() []consent.SourceFields {
	kinds := map[string]string{"temperature": "temperature", "humidity": "humidity", "co2": "co2", "motion": "motion", "power": "power", "id": "badge",
		"area": "area", "latitude": "latitude", "longitude": "longitude", "email": "email", "owner": "identity", "rate": "heart-rate", "noise": "sound-level", "light": "illuminance"}
	source := func(name string, every sensors.Micros, quantities ...string) consent.SourceFields {
		s := consent.SourceFields{Name: name, Every: every}
		for _, q := range quantities {
			k, ok := sensors.KindNamed(kinds[q])
			if !ok {
				panic("no kind for " + q)
			}
			s.Fields = append(s.Fields, sensors.NewField(name, q, k))
		}
		return s
	}
	return []consent.SourceFields{
		source("room", sensors.Minute, "temperature", "humidity", "co2", "motion", "noise", "light"), source("meter", sensors.Minute, "power"),
		source("badge", 0, "id"), source("site", sensors.Day, "area", "email", "owner"), source("car", sensors.Minute, "latitude", "longitude"),
		source("wrist", sensors.Minute, "rate"),
	}
}

// only keeps some sources.
func only(names ...string) (out []consent.SourceFields) {
	for _, s := range home() {
		for _, n := range names {
			if s.Name == n {
				out = append(out, s)
			}
		}
	}
	return out
}

func (s scene) inputs(t *testing.T) Inputs {
	t.Helper()
	in := consent.Inputs{Charter: s.charter, Sources: s.sources, Now: 1000, Reach: s.reach}
	if s.policy != "" {
		p, err := consent.ParsePolicy("policy.toml", []byte(s.policy))
		if err != nil {
			t.Fatalf("%v\n%s", err, s.policy)
		}
		in.Policy = p
	}
	plan, _ := consent.Compile(in)
	for i, id := range s.given {
		p := plan.Purpose(id)
		in.Answers = append(in.Answers, consent.Answer{State: consent.Given, Access: p.Access, Basis: p.Basis,
			Grant: consent.Grant{ID: consent.GrantID(i + 1), Purpose: id, From: 500, Extent: p.Extent, Terms: p.Terms()}})
	}
	plan, _ = consent.Compile(in)
	return Inputs{Plan: plan, Policy: in.Policy, Ceilings: s.charter, Sources: s.sources, State: s.state}
}

func (s scene) render(t *testing.T) Document {
	t.Helper()
	in := s.inputs(t)
	return Render(&in)
}

// mineOf is a history in a state.
func mineOf(sources []consent.SourceFields, agreed int) *consent.Mine {
	in := consent.MineInputs{Sources: sources, Keep: 30}
	if agreed > 0 {
		extent := consent.CompileMine(in).Extent
		in.Agreed, in.Answer = agreed, &consent.Answer{State: consent.Given, Grant: consent.Grant{ID: 9, Purpose: consent.MineID, From: 1, Extent: extent}}
	}
	return consent.CompileMine(in)
}
