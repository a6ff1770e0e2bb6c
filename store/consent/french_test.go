package consent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// Whatever says why nothing leaves, or what can be linked, says it in French as well: every format that is told to a person has its
// line, with as many places, and no line is left over.
func TestReasonsAreThereInFrench(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "french.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			at := -1
			switch fn := call.Fun.(type) {
			case *ast.Ident:
				at = map[string]int{"tell": 0, "at": 1}[fn.Name]
				if fn.Name != "tell" && fn.Name != "at" {
					return true
				}
			case *ast.SelectorExpr:
				switch id, _ := fn.X.(*ast.Ident); {
				case fn.Sel.Name == "halt":
					at = 0
				case fn.Sel.Name == "find" && id != nil && id.Name == "c":
					if yes, ok := call.Args[2].(*ast.Ident); ok && yes.Name == "true" {
						at = 3
					}
				}
			}
			if at < 0 || at >= len(call.Args) {
				return true
			}
			if lit, ok := call.Args[at].(*ast.BasicLit); ok {
				format, _ := strconv.Unquote(lit.Value)
				told[format] = true
				fr, there := inFrench(format)
				if !there || strings.Count(fr, "%") != strings.Count(format, "%") {
					t.Errorf("%s: %q is %q in French", name, format, fr)
				}
			}
			return true
		})
	}
	if len(told) < 20 {
		t.Errorf("only %d reasons were found: the test does not see them", len(told))
	}
	for line := range strings.Lines(frenchReasons) {
		en, fr, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		if fr == "" || strings.Contains(en, "%") && !told[en] {
			t.Errorf("nothing says %q", en)
		}
	}
}

// Two reasons as a person reads them.
func TestAReasonInFrench(t *testing.T) {
	p := policy(t, "1h", aRule("room.temperature", "action = \"keep\""))
	plan, _ := Compile(Inputs{Policy: p, Sources: room(t), Charter: Charter{Version: 1, Never: []string{"environment"}}})
	q := plan.Purposes()[0]
	if q.ReasonIn("en") != `the charter says that "environment" never leaves` || q.ReasonIn("fr") != `la charte dit que "environment" ne part jamais` {
		t.Errorf("%q, %q", q.ReasonIn("en"), q.ReasonIn("fr"))
	}
	if s := plan.Shares()[0]; s.WhyIn("fr") == s.WhyIn("en") || s.WhyIn("fr") == "" {
		t.Errorf("%q", s.WhyIn("fr"))
	}
}

func TestEvery(t *testing.T) {
	for m, want := range map[int64][2]string{3600: {"every hour", "chaque heure"}, 6 * 3600: {"every 6 hours", "toutes les 6 heures"}, 86400: {"every day", "chaque jour"}, 30 * 86400: {"every 30 days", "tous les 30 jours"}} {
		if en, fr := Every(sensors.Micros(m)*sensors.Second, "en"), Every(sensors.Micros(m)*sensors.Second, "fr"); en != want[0] || fr != want[1] {
			t.Errorf("%d s: %q, %q", m, en, fr)
		}
	}
}

// Every action is said in both languages, with units, decimal commas and windows as people write them.
func TestWordsOfRules(t *testing.T) {
	sources := room(t)
	for rules, want := range map[string][2]string{
		aRule("room.temperature", `action = "keep"`):                                        {"every value, exactly", "chaque valeur, exacte"},
		aRule("room.temperature", "action = \"round\"\nround = 0.5"):                        {"every value, rounded down to steps of 0.5_°C", "chaque valeur, arrondi vers le bas par pas de 0,5_°C"},
		aRule("room.temperature", "action = \"clamp\"\nmin = 15\nmax = 25"):                 {"every value, cut off below 15_°C and above 25_°C", "chaque valeur, limité entre 15_°C et 25_°C"},
		aRule("room.temperature", "action = \"bucket\"\nedges = [15, 20.5]"):                {"only between which of these it lies: 15_°C, 20.5_°C", "seulement entre lesquels de ces seuils : 15_°C ; 20,5_°C"},
		aRule("room.temperature", "action = \"threshold\"\nthreshold = 20\nhysteresis = 1"): {"only whether it has reached 20_°C, until it falls by more than 1_°C below", "seulement si 20_°C est atteint, jusqu'à plus de 1_°C en dessous"},
		aRule("room.temperature", "action = \"mean\"\nwindow = \"2h\"\nleast = 3\nleast_coverage = 2"): {"the mean of each 2 hours, from 3 values on, when at least 2 quarters of it were watched",
			"la moyenne de chaque tranche de 2 heures, à partir de 3 valeurs, si au moins 2 quarts ont été observés"},
		aRule("room.motion", "action = \"mean\"\nwindow = \"1d\"\nround = 0.01"): {"the share of each day in which it was so, rounded down to steps of 0.01", "la part de chaque jour où c'était le cas, arrondi vers le bas par pas de 0,01"},
		aRule("room.motion", "action = \"max\"\nwindow = \"1d\""):                {"whether it was ever so in each day", "si c'est arrivé pendant chaque jour"},
		aRule("room.motion", "action = \"count\"\nwindow = \"1d\""):              {"how many values in each day", "le nombre de valeurs pendant chaque jour"},
	} {
		p := policy(t, "1h", rules)
		plan, _ := Compile(Inputs{Policy: p, Sources: sources})
		f := &plan.Purposes()[0].Groups[0].Fields[0]
		for i, language := range []string{"en", "fr"} {
			if got := strings.ReplaceAll(f.WordsIn(language), "\u00a0", "_"); got != want[i] {
				t.Errorf("%s is said as %q, want %q", rules, got, want[i])
			}
		}
	}
	for line := range strings.Lines(ruleWordTable) {
		if strings.Count(line, "|") != 2 {
			t.Errorf("%q lacks a language", line)
		}
	}
	for _, action := range ruleActions() {
		if ruleWord(action, "fr") == action {
			t.Errorf("%s has no words", action)
		}
	}
}
