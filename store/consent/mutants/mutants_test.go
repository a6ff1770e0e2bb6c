// Package mutants seeds bugs into the code that keeps what people did not agree to, one at a time, and wants a test to fail with
// each; and into the code that has to survive, of which the simulation wants to see each. Nothing in the tree is changed: a bug is laid over its file by the build. The lists are mutants.txt here and in agent/simulation; MUTANTS.md beside each shows it.
package mutants

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

// mutant is one seeded bug. env are variables for the test that has to find it, and more of its flags follow a run.
type mutant struct{ bug, file, old, new, pkg, test, env string }

// suite is a list of seeded bugs: a folder with mutants.txt, which MUTANTS.md beside it shows, and how many are promised.
type suite struct {
	name, dir, about string
	least            int
}

func suites() []suite {
	return []suite{
		{"consent", ".", "Each is laid over its file by `make mutants`, alone, and the named test must fail with it.", 50},
		{"simulation", root + "/agent/simulation", "Each is laid over its file by `make simulate-mutants`, alone, and the simulation must fail with it. FOUND.md says which life found it.", 20},
	}
}

func (s suite) list(t *testing.T) []mutant {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "mutants.txt"))
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\t`, "\t", `\n`, "\n")
	var out []mutant
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		value = strings.TrimLeft(value, " ")
		if key == "bug" {
			out = append(out, mutant{bug: value})
			continue
		}
		if len(out) == 0 {
			continue
		}
		m := &out[len(out)-1]
		switch key {
		case "file":
			m.file = value
		case "old":
			m.old = unescape.Replace(value)
		case "new":
			m.new = unescape.Replace(value)
		case "kill":
			m.pkg, m.test, _ = strings.Cut(value, " ")
		case "env":
			m.env = value
		}
	}
	return out
}

// TestListIsWhole wants MUTANTS.md to show the list, every bug to apply at one place of the code as it is, and every named test to
// exist.
func TestListIsWhole(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) { s.mustBeWhole(t) })
	}
}

func (s suite) mustBeWhole(t *testing.T) {
	all := s.list(t)
	if len(all) < s.least {
		t.Errorf("%d seeded bugs, at least %d are promised", len(all), s.least)
	}
	var doc strings.Builder
	doc.WriteString("# Seeded bugs\n\n" + s.about + " Written by `mutants_test.go` from `mutants.txt`.\n\n| Bug | File | Killed by |\n|---|---|---|\n")
	for _, m := range all {
		fmt.Fprintf(&doc, "| %s | `%s` | `%s` `%s` |\n", m.bug, m.file, m.pkg, m.test)
		if text, err := os.ReadFile(filepath.Join(root, m.file)); err != nil {
			t.Error(err)
		} else if n := strings.Count(string(text), m.old); n != 1 {
			t.Errorf("%s: it applies at %d places of %s", m.bug, n, m.file)
		}
		if !testExists(t, m.pkg, m.test) {
			t.Errorf("%s: there is no test %s in %s", m.bug, m.test, m.pkg)
		}
	}
	name := filepath.Join(s.dir, "MUTANTS.md")
	if os.Getenv("CANDOR_WRITE") != "" {
		if err := os.WriteFile(name, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(name); err != nil || string(have) != doc.String() {
		t.Errorf("%s does not show the list: CANDOR_WRITE=1 go test ./store/consent/mutants (%v)", name, err)
	}
}

func testExists(t *testing.T, pkg, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+test+"(") {
			return true
		}
	}
	return false
}

// TestSeededBugsAreKilled runs with CANDOR_MUTANTS set: to a pattern of bugs, or to "." for all; of the list that CANDOR_SUITE names,
// or of that of consent. With CANDOR_WRITE the lives that found the bugs of the simulation are written to its FOUND.md.
func TestSeededBugsAreKilled(t *testing.T) {
	pattern := os.Getenv("CANDOR_MUTANTS")
	if pattern == "" {
		t.Skip("builds the code once for each seeded bug; run it by make mutants or make simulate-mutants")
	}
	want, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	name := cmp.Or(os.Getenv("CANDOR_SUITE"), "consent")
	for _, s := range suites() {
		if s.name != name {
			continue
		}
		for _, m := range s.list(t) {
			if !want.MatchString(m.bug) {
				continue
			}
			t.Run(m.bug, func(t *testing.T) {
				by := violation(m.mustDie(t))
				if s.name == "simulation" {
					t.Log(by)
					s.writeFound(t, m.bug, by)
				}
			})
		}
	}
}

// writeFound notes in FOUND.md what found a bug, where that is asked for; the others stay as they are.
func (s suite) writeFound(t *testing.T, bug, by string) {
	if os.Getenv("CANDOR_WRITE") == "" {
		return
	}
	name := filepath.Join(s.dir, "FOUND.md")
	had, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	found := map[string]string{bug: by}
	for line := range strings.Lines(string(had)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 2 {
			if known := strings.TrimPrefix(cells[0], "| "); found[known] == "" {
				found[known] = strings.TrimSuffix(cells[1], " |")
			}
		}
	}
	doc := "# Which life found which seeded bug\n\nWritten by `make simulate-mutants` with CANDOR_WRITE=1.\n\n| Bug | Found by |\n|---|---|\n"
	for _, m := range s.list(t) {
		if found[m.bug] != "" {
			doc += fmt.Sprintf("| %s | %s |\n", m.bug, found[m.bug])
		}
	}
	if err := os.WriteFile(name, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
}

// violation is what a test of the simulation says first that it found.
func violation(out string) string {
	_, text, ok := strings.Cut(out, "VIOLATION, ")
	if !ok {
		return "not found"
	}
	text, _, _ = strings.Cut(text, "\n")
	text = regexp.MustCompile(`/\S*candor-simulation-\d+/`).ReplaceAllString(text, "") // where it was lived is nobody's business
	return strings.ReplaceAll(text[:min(len(text), 160)], "|", "/")
}

// mustDie lays the bug over its file and wants the test to fail, by itself and not for want of a build.
func (m mutant) mustDie(t *testing.T) string {
	path, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("it applies at %d places of %s; mend mutants.txt", n, m.file)
	}
	dir := t.TempDir()
	bad, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {path: bad}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(bad, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600), os.WriteFile(overlay, replaced, 0o600)); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "go", append([]string{"test", "-vet=off", "-overlay", overlay}, args...)...)
		c.Dir = root
		out, err := c.CombinedOutput()
		return string(out), err
	}
	binary := filepath.Join(dir, "suite.test")
	if out, err := run("-c", "-o", binary, m.pkg); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	args := []string{"-test.run", "^" + m.test + "$", "-test.timeout", "4m"}
	if m.test == "TestNonInterference" {
		args = append(args, "-rapid.checks=150", "-rapid.nofailfile", "-rapid.shrinktime=1s")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir = filepath.Join(root, m.pkg)
	c.Env = append(append(os.Environ(), "GOFLAGS=-overlay="+overlay), strings.Fields(m.env)...) // for tests that build the programs
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Errorf("SURVIVED: %s does not see it", m.test)
	case !errors.As(err, &exit):
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
