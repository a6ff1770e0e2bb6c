package consent

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// TestExamplesOfTheDocument reads and compiles every example of POLICY.md: none is refused, and no action is without one.
func TestExamplesOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	hall := sensors.NewField("hall", "temperature", kind(t, "temperature"))
	sources := append(gps(t), SourceFields{Name: "hall", Fields: []sensors.Field{hall}}, SourceFields{Name: "site", Fields: []sensors.Field{sensors.NewField("site", "area", kind(t, "area"))}},
		SourceFields{Name: "badge", Fields: []sensors.Field{sensors.NewField("badge", "id", kind(t, "badge"))}})
	compile := func(policy string) {
		t.Helper()
		p, err := ParsePolicy("POLICY.md", []byte(policy))
		if err != nil {
			t.Fatalf("%v\n%s", err, policy)
		}
		_, findings := Compile(Inputs{Policy: p, Sources: sources})
		for _, f := range findings {
			if f.Refuses {
				t.Errorf("%s\n%s", f, policy)
			}
		}
	}
	seen := map[string]int{}
	for _, m := range regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		seen[m[1]]++
		switch m[1] {
		case "toml":
			compile(m[2])
		case "charter":
			if _, err := ParseCharter("POLICY.md", []byte(m[2])); err != nil {
				t.Error(err)
			}
		case "rules":
			rules := strings.Split(m[2], "---\n")
			if strings.Contains(m[2], "grid") { // these two belong together
				rules = []string{strings.ReplaceAll(m[2], "---\n", "[[purpose.rule]]\n")}
			}
			for _, r := range rules {
				compile(fmt.Sprintf(frame, "15m", "[[purpose.rule]]\n"+r))
			}
		default:
			t.Errorf("an example of a kind that nobody reads: %s", m[1])
		}
	}
	if seen["toml"] == 0 || seen["rules"] == 0 || seen["charter"] == 0 {
		t.Errorf("examples read: %v", seen)
	}
	for _, action := range ruleActions() {
		if !strings.Contains(string(text), action) {
			t.Errorf("the action %s is not in the document", action)
		}
	}
}
