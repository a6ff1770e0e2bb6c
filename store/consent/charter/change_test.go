package charter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// one is a purpose with every parameter set, whose every change has to show.
const one = `title = { fr = "Le titre", en = "The title" }
why = { fr = "Parce que.", en = "Because." }
benefit = { fr = "Un conseil.", en = "Advice." }
otherwise = { fr = "Sans cela, rien.", en = "Without it, nothing." }
interest = { fr = "Vendre.", en = "To sell." }
logic = { fr = "Au hasard.", en = "At random." }
dpv = "Marketing"
access = "strictly-necessary"
service = "heating"
basis = "contract"
recipient = "acme"
retention = "90d"
time = "1h"
upload = "6h"
room = { rows = 60, bytes = 512 }
epoch = "30d"
expires = "365d"
tags = ["marketing"]
`

const oneRules = `[[purpose.rule]]
field = "room.temperature"
action = "mean"
window = "1h"
round = 0.5
least = 10
least_coverage = 3
[[purpose.rule]]
field = "room.co2"
action = "clamp"
min = 400
max = 2000
[[purpose.rule]]
field = "room.humidity"
action = "bucket"
edges = [30, 60]
[[purpose.rule]]
field = "meter.power"
action = "threshold"
threshold = 100
hysteresis = 10
[[purpose.rule]]
field = "site.area"
action = "keep"
labels = ["FR-69"]
[[purpose.rule]]
field = "car.latitude"
action = "grid"
level = 5
[[purpose.rule]]
field = "car.longitude"
action = "grid"
level = 5
`

// edits change one parameter of the policy each, by the name of its field in the types of a policy.
var edits = []struct{ key, old, new string }{
	{"Controller.Name", `name = "Acme Objets SAS"`, `name = "Zenith"`},
	{"Controller.Country", `country = "FR"` + "\ncontact", `country = "US"` + "\ncontact"},
	{"Controller.Contact", "dpo@", "dpd@"},
	{"Controller.Address", "1 rue", "2 rue"},
	{"Controller.Authority", "CNIL", "APD"},
	{"Recipient.Name", "Acme Cloud", "Zenith Cloud"},
	{"Recipient.Country", `country = "FR"` + "\nrole", `country = "DE"` + "\nrole"},
	{"Recipient.Role", `"processor"`, `"third-party"`},
	{"Recipient.StoredIn", `["FR", "DE"]`, `["FR"]`},
	{"Recipient.Onward", `["Beta SA"]`, `[]`},
	{"Recipient.Contact", "data@", "privacy@"},
	{"Recipient.Safeguard", `role = "processor"`, "role = \"processor\"\nsafeguard = \"clauses\""},
	{"Recipient.Linkability", `role = "processor"`, "role = \"processor\"\nlinkability = \"L1\""},
	{"Offer.Title", `{ fr = "Le titre", en = "The title" }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.Why", `{ fr = "Parce que.", en = "Because." }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.Benefit", `{ fr = "Un conseil.", en = "Advice." }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.Otherwise", `{ fr = "Sans cela, rien.", en = "Without it, nothing." }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.Interest", `{ fr = "Vendre.", en = "To sell." }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.Logic", `{ fr = "Au hasard.", en = "At random." }`, `{ fr = "Autre", en = "Other" }`},
	{"Offer.DPV", `"Marketing"`, `"ServiceUsageAnalytics"`},
	{"Offer.Access", `access = "strictly-necessary"` + "\nservice = \"heating\"", `access = "consent"`},
	{"Offer.Service", `"heating"`, `"airing"`},
	{"Offer.Basis", `"contract"`, `"legitimate-interests"`},
	{"Offer.Recipient", `recipient = "acme"`, `recipient = "other"`},
	{"Offer.Retention", `"90d"`, `"30d"`},
	{"Offer.Time", `time = "1h"`, `time = "30m"`},
	{"Offer.Upload", `upload = "6h"`, `upload = "12h"`},
	{"Offer.Room", "room = { rows = 60, bytes = 512 }\n", ""},
	{"Room.Rows", "rows = 60", "rows = 61"},
	{"Room.Bytes", "bytes = 512", "bytes = 1024"},
	{"Offer.Cover", "bytes = 512 }", "bytes = 512 }\ncover = false"},
	{"Offer.Epoch", `"30d"`, `"60d"`},
	{"Offer.Expires", `"365d"`, `"180d"`},
	{"Offer.Tags", `["marketing"]`, `["profiling"]`},
	{"Offer.Rules", "[[purpose.rule]]\nfield = \"site.area\"\naction = \"keep\"\nlabels = [\"FR-69\"]\n", ""},
	{"Rule.Field", `"room.humidity"`, `"room.noise"`},
	{"Rule.Action", `"mean"`, `"max"`},
	{"Rule.Window", `window = "1h"`, `window = "2h"`},
	{"Rule.Round", "round = 0.5", "round = 1"},
	{"Rule.Step", "round = 0.5", "step = 1"},
	{"Rule.Min", "min = 400", "min = 500"},
	{"Rule.Max", "max = 2000", "max = 3000"},
	{"Rule.Edges", "[30, 60]", "[30, 50]"},
	{"Rule.Labels", `["FR-69"]`, `["FR-38"]`},
	{"Rule.Least", "least = 10", "least = 20"},
	{"Rule.Coverage", "least_coverage = 3", "least_coverage = 4"},
	{"Rule.Threshold", "threshold = 100", "threshold = 200"},
	{"Rule.Hysteresis", "hysteresis = 10", "hysteresis = 20"},
	{"Rule.Level", "level = 5", "level = 7"},
}

// silent are the parameters of which a change by itself says nothing to a person: names for programs, and a container.
var silent = map[string]string{
	"Policy.Version": "said below the charter, not in a fragment", "Policy.Controller": "a table", "Policy.Recipients": "a table", "Policy.Purposes": "a table",
	"Recipient.ID": "a name for programs", "Offer.ID": "a name for programs, in the head of the notice",
}

// charterEdits change one ceiling each.
var charterEdits = map[string]func(c *consent.Charter){
	"Charter.Never":            func(c *consent.Charter) { c.Never = []string{"health"} },
	"Charter.NeverReadable":    func(c *consent.Charter) { c.NeverReadable = []string{"health"} },
	"Charter.MaxRetention":     func(c *consent.Charter) { c.MaxRetention = tinyconf.Duration(300 * 24 * time.Hour) },
	"Charter.MaxBits":          func(c *consent.Charter) { c.MaxBits = 9_000_001 },
	"Charter.MaxBitsPresent":   func(c *consent.Charter) { c.MaxBitsPresent = 9_000_001 },
	"Charter.MaxBitsRecipient": func(c *consent.Charter) { c.MaxBitsRecipient = 9_000_001 },
}

// texts are all texts of a document and of the notice of its first purpose, in French and English, and the digests of that notice.
type texts struct {
	said    [2]string
	digests [2][32]byte
}

func textsOf(t *testing.T, s scene) (out texts) {
	t.Helper()
	in := s.inputs(t)
	d := Render(&in)
	p := in.Plan.Purposes()[0]
	notice := Notice(&in, p)
	for i, language := range []string{"fr", "en"} {
		for k := range d.Fragments {
			out.said[i] += d.Fragments[k].ID + " " + d.Fragments[k].Text.In(language) + "\n"
		}
		out.digests[i] = Digest(p.ID, p.TitleIn(language), notice, language)
	}
	return out
}

func oneScene() scene {
	policy := head + "[[recipient]]\nid = \"other\"\nname = \"Other\"\n[[purpose]]\nid = \"p\"\n" + one + oneRules
	ceilings := consent.Charter{Version: 1, Never: []string{"contact"}, NeverReadable: []string{"identity"}, MaxRetention: tinyconf.Duration(395 * 24 * time.Hour),
		MaxBits: 9_000_000, MaxBitsPresent: 9_000_000, MaxBitsRecipient: 9_000_000}
	return scene{policy: policy, charter: ceilings, sources: home(), state: State{Known: true, Erasure: "software", Quiet: 183 * sensors.Day, Routes: []Route{{Recipient: "acme", TLS: true}}}}
}

// TestAChangeShowsInBothLanguages changes one parameter of policy and charter at a time: what is said changes in French and in
// English, and so does the digest that a receipt keeps. No parameter is left out.
func TestAChangeShowsInBothLanguages(t *testing.T) {
	base, done := oneScene(), map[string]bool{}
	before := textsOf(t, base)
	for _, e := range edits {
		done[e.key] = true
		changed := base
		if changed.policy = strings.Replace(base.policy, e.old, e.new, 1); changed.policy == base.policy {
			t.Fatalf("%s: the edit changes nothing", e.key)
		}
		if e.key == "Rule.Level" {
			changed.policy = strings.ReplaceAll(base.policy, e.old, e.new)
		}
		after := textsOf(t, changed)
		for i, language := range []string{"fr", "en"} {
			if before.digests[i] == after.digests[i] || before.said[i] == after.said[i] {
				t.Errorf("%s changed and the notice in %s did not", e.key, language)
			}
		}
	}
	for key, edit := range charterEdits {
		done[key] = true
		changed := base
		edit(&changed.charter)
		after := textsOf(t, changed)
		for i, language := range []string{"fr", "en"} {
			if before.said[i] == after.said[i] {
				t.Errorf("%s changed and what is said in %s did not", key, language)
			}
		}
	}
	for _, v := range []any{consent.Policy{}, consent.Controller{}, consent.Recipient{}, consent.Offer{}, consent.Room{}, consent.Rule{}, consent.Charter{}} {
		for i := range reflect.TypeOf(v).NumField() {
			key := reflect.TypeOf(v).Name() + "." + reflect.TypeOf(v).Field(i).Name
			if !done[key] && silent[key] == "" && key != "Charter.Version" {
				t.Errorf("nothing shows that a change of %s is told", key)
			}
		}
	}
}

// A notice is the same whatever the person decided elsewhere: its digest goes to the recipient, in two purposes and in each epoch, and
// would else tell of one object.
func TestANoticeTellsNothingOfOtherDecisions(t *testing.T) {
	base := scenes()["two purposes"]
	quiet := base.inputs(t)
	told := base
	told.given = []string{"p", "q"}
	told.state.Mine, told.state.Kept, told.state.Light, told.state.Paused, told.state.Signed, told.state.Apart = mineOf(home(), 20), true, true, true, true, false
	told.state.Simulated, told.state.Last = []string{"room"}, &Sending{Ago: 1, Bytes: 1, Recipient: "x"}
	loud := told.inputs(t)
	loud.Sources = append(loud.Sources, consent.SourceFields{Name: "attic", Fields: []sensors.Field{{Name: "attic.lamp"}}})
	for i, p := range quiet.Plan.Purposes() {
		a, b := Notice(&quiet, p), Notice(&loud, loud.Plan.Purposes()[i])
		if Digest(p.ID, "x", a, "fr") != Digest(p.ID, "x", b, "fr") {
			t.Errorf("the notice of %s depends on what was decided elsewhere:\n%s\n%s", p.ID, Canonical(p.ID, "x", a, "fr"), Canonical(p.ID, "x", b, "fr"))
		}
	}
	if len(MineNotice(&loud)) < 8 || len(MineNotice(&Inputs{})) != 0 {
		t.Error("the notice of the history is not there, or is there without one")
	}
}

// TestTextsAreReachedThroughPredicatesOnly reads the package: the texts of a claim are read in fill, which only write calls, within
// what a predicate is handed; and Text is made by both and its own decoder alone.
func TestTextsAreReachedThroughPredicatesOnly(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.SelectorExpr:
					if id, ok := x.X.(*ast.Ident); ok && id.Name == "c" && (x.Sel.Name == "fr" || x.Sel.Name == "en") {
						seen++
						if fn.Name.Name != "fill" {
							t.Errorf("%s reads the texts of a claim in %s", name, fn.Name.Name)
						}
					}
				case *ast.CallExpr:
					if id, ok := x.Fun.(*ast.Ident); ok && id.Name == "fill" && fn.Name.Name != "of" {
						t.Errorf("%s fills a claim in %s", name, fn.Name.Name)
					}
				case *ast.CompositeLit:
					if id, ok := x.Type.(*ast.Ident); ok && id.Name == "Text" && len(x.Elts) > 0 && fn.Name.Name != "both" {
						t.Errorf("%s makes a text by hand in %s", name, fn.Name.Name)
					}
				}
				return true
			})
		}
	}
	if seen != 2 {
		t.Errorf("the texts of a claim are read in %d places; the test knows of 2", seen)
	}
}
