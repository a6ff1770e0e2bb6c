// Package mutants seeds bugs into the code that keeps what people did not agree to, one at a time, and wants a test to fail with
// each. Nothing in the tree is changed: a bug is laid over its file by the build. The list is mutants.txt; MUTANTS.md shows it.
package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

// mutant is one seeded bug.
type mutant struct{ bug, file, old, new, pkg, test string }

func list(t *testing.T) []mutant {
	t.Helper()
	text, err := os.ReadFile("mutants.txt")
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
		}
	}
	return out
}

// TestListIsWhole wants MUTANTS.md to show the list, every bug to apply at one place of the code as it is, and every named test to
// exist.
func TestListIsWhole(t *testing.T) {
	all := list(t)
	if len(all) < 50 {
		t.Errorf("%d seeded bugs, at least 50 are promised", len(all))
	}
	var doc strings.Builder
	doc.WriteString("# Seeded bugs\n\nEach is laid over its file by `make mutants`, alone, and the named test must fail with it. Written by `mutants_test.go` from `mutants.txt`.\n\n| Bug | File | Killed by |\n|---|---|---|\n")
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
	if os.Getenv("CANDOR_WRITE") != "" {
		if err := os.WriteFile("MUTANTS.md", []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile("MUTANTS.md"); err != nil || string(have) != doc.String() {
		t.Errorf("MUTANTS.md does not show the list: CANDOR_WRITE=1 go test ./store/consent/mutants (%v)", err)
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

// TestSeededBugsAreKilled runs with CANDOR_MUTANTS set: to a pattern of bugs, or to "." for all.
func TestSeededBugsAreKilled(t *testing.T) {
	pattern := os.Getenv("CANDOR_MUTANTS")
	if pattern == "" {
		t.Skip("builds the code once for each seeded bug; run it by make mutants")
	}
	want, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list(t) {
		if want.MatchString(m.bug) {
			t.Run(m.bug, func(t *testing.T) { m.mustDie(t) })
		}
	}
}

// mustDie lays the bug over its file and wants the test to fail, by itself and not for want of a build.
func (m mutant) mustDie(t *testing.T) {
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
	c.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay) // for tests that build the programs
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Errorf("SURVIVED: %s does not see it", m.test)
	case !errors.As(err, &exit):
		t.Fatalf("%v\n%s", err, out)
	}
}
