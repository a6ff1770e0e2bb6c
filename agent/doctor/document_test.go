package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/candor-edge/candor/uplink/transport"
)

// TestTheDocumentIsTrue: DOCTOR.md has each check in its order, each code, each state and each key, and no other.
func TestTheDocumentIsTrue(t *testing.T) {
	text, err := os.ReadFile("DOCTOR.md")
	if err != nil {
		t.Fatal(err)
	}
	var names, codes []string
	walk, _, _ := strings.Cut(string(text), "## States")
	quoted := regexp.MustCompile("`([^`]*)`")
	for line := range strings.Lines(walk) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		names = append(names, quoted.FindStringSubmatch(cells[1])[1])
		for _, c := range quoted.FindAllStringSubmatch(cells[3], -1) {
			codes = append(codes, c[1])
		}
	}
	if !slices.Equal(names, Names()) {
		t.Errorf("the document has %v", names)
	}
	slices.Sort(codes)
	want := slices.Sorted(slices.Values(Codes()))
	if !slices.Equal(codes, want) {
		t.Errorf("the document has the codes\n%v, the doctor\n%v", codes, want)
	}
	var keys map[string]any
	b, _ := json.Marshal(Report{First: &Check{}, Fix: &Fix{Command: "x"}})
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	for k := range keys {
		if !strings.Contains(string(text), "\n| `"+k+"` |") {
			t.Errorf("the document does not explain the key %s", k)
		}
	}
	for _, s := range []State{OK, Skipped, Unknown, Note, Warning, Held, Refused, Broken} {
		if !strings.Contains(string(text), "`"+string(s)+"`") {
			t.Errorf("the document does not explain %s", s)
		}
	}
}

// TestCodesAreAllThereIs: each code that a check is made with is in the list, and each of the list is made somewhere.
func TestCodesAreAllThereIs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, f := range []transport.StepFault{transport.FaultFiles, transport.FaultLookup, transport.FaultRefused, transport.FaultSilent, transport.FaultExpired, transport.FaultClock,
		transport.FaultHost, transport.FaultAuthority, transport.FaultPin, transport.FaultProtocol, transport.FaultToken, transport.FaultService, transport.FaultAnswer} {
		made["route-"+string(f)] = true
	}
	call := regexp.MustCompile(`(?:w\.say\(|code = |code := )"([a-z0-9-]*)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			made[m[1]] = true
		}
	}
	for _, c := range Codes() {
		if !made[c] {
			t.Errorf("%s is never made", c)
		}
		delete(made, c)
	}
	if len(made) > 0 {
		t.Errorf("not in the list: %v", made)
	}
}

// TestFindings: the list is well-formed. What has to speak has one thing to do, what is well has none.
func TestFindings(t *testing.T) {
	w := &walk{World: &World{Root: fstest.MapFS{}, File: "FILE"}}
	seen := map[string]bool{}
	for _, code := range Codes() {
		c := w.say(code, "one", "two", "three", "four")
		switch {
		case seen[code], c.State.weight() < 0, c.Evidence == "", len(c.Evidence) > 200:
			t.Errorf("%+v", c)
		case (c.fix != nil) != (c.State.weight() >= Note.weight()):
			t.Errorf("%s is %s, and what to do is %+v", code, c.State, c.fix)
		case strings.Contains(c.Evidence, "{") || c.fix != nil && strings.Contains(c.fix.Do+c.fix.Command, "{"):
			t.Errorf("not filled in: %+v %+v", c, c.fix)
		}
		seen[code] = true
	}
	if c := w.say("no such code"); c.State != Broken || c.Evidence != "" {
		t.Errorf("%+v", c)
	}
}
