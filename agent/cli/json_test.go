package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent/control"
)

const apiFile = "../control/API.md"

func apiText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keysOf are the keys of all objects in a JSON value, but for those under a key in open, whose keys are names of the home.
func keysOf(v any, open []string, into map[string]bool) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			keysOf(e, open, into)
		}
	case map[string]any:
		for k, e := range x {
			into[k] = true
			if inner, ok := e.(map[string]any); ok && slices.Contains(open, k) {
				for _, e := range inner {
					keysOf(e, open, into)
				}
				continue
			}
			if k != "senml" { // RFC 8428 says what is in there
				keysOf(e, open, into)
			}
		}
	}
}

// shapesOf are the keys that API.md has for a shape and all it leads to.
func shapesOf(text, name string, into, seen map[string]bool) {
	anchor := regexp.MustCompile(`\]\(#([a-z]+)\)`)
	if seen[name] {
		return
	}
	seen[name] = true
	for part := range strings.SplitSeq(text, "\n### ") {
		title, body, _ := strings.Cut(part, "\n")
		if strings.ToLower(strings.ReplaceAll(title, ".", "")) != name {
			continue
		}
		for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(body, -1) {
			into[m[1]] = true
		}
		for _, m := range anchor.FindAllStringSubmatch(body, -1) {
			shapesOf(text, m[1], into, seen)
		}
	}
}

// TestJSON: every verb with --json is in API.md, prints JSON and nothing else, and no key that its shape does not have there.
func TestJSON(t *testing.T) {
	text := apiText(t)
	rows := map[string]string{} // verb: the row
	_, section, _ := strings.Cut(text, "\n## What verbs print\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z -]+)` \\| (.*) \\|$").FindAllStringSubmatch(section, -1) {
		rows[m[1]] = m[2]
	}
	args := map[string]string{}
	for _, r := range matrix() {
		words := strings.Fields(r.verb)
		args[strings.Join(words[:min(2, len(words))], " ")], args[words[0]] = r.verb, r.verb
	}
	config := servedObject(t, control.Person)
	alone := fullObject(t)
	for _, cmd := range verbs(newRoot(&global{env: HostEnv()})) {
		verb := strings.TrimPrefix(cmd.CommandPath(), "candor ")
		row, listed := rows[verb]
		if has := cmd.Flags().Lookup("json") != nil; has != listed {
			t.Errorf("%s: --json %v, in the table %v", verb, has, listed)
			continue
		} else if !has || verb == "sensor record" { // it needs a part on a bus; its shape stands beside where it is printed
			continue
		}
		line := args[verb] + " --json --config " + config
		if verb == "config init" {
			line = verb + " --force --json --config " + filepath.Join(t.TempDir(), "candor.toml")
		} else if strings.HasPrefix(verb, "policy ") || strings.HasPrefix(verb, "config ") {
			line = args[verb] + " --json --config " + alone
		}
		line = strings.ReplaceAll(line, "FILE", "hall="+filepath.Join(filepath.Dir(alone), "room.csv"))
		if verb == "transfer" {
			line += " --lang en"
		}
		_, out, errs := call(4711, strings.Fields(line)...)
		var v any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%s: no JSON: %v\n%s%s", line, err, out, errs)
			continue
		}
		documented, printed := map[string]bool{}, map[string]bool{}
		for _, m := range regexp.MustCompile(`\]\(#([a-z]+)\)`).FindAllStringSubmatch(row, -1) {
			shapesOf(text, m[1], documented, map[string]bool{})
		}
		keysOf(v, []string{"dropped", "losses", "changes"}, printed)
		if len(printed) == 0 {
			t.Errorf("%s prints no key: %s", line, out)
		}
		for k := range printed {
			if !documented[k] {
				t.Errorf("%s prints the key %q, which API.md does not have for it", verb, k)
			}
		}
	}
}

// TestExitCodes: one table, in the help and in API.md.
func TestExitCodes(t *testing.T) {
	text := apiText(t)
	_, help, _ := call(4711, "help", "exit-codes")
	for i, e := range exitCodes() {
		if e.code != i {
			t.Errorf("code %d is in place %d", e.code, i)
		}
		if row := fmt.Sprintf("\n| %d | %s |\n", e.code, e.words); !strings.Contains(text, row) {
			t.Errorf("API.md lacks %q", row)
		}
		if line := fmt.Sprintf("\n  %d  %s\n", e.code, e.words); !strings.Contains(help, line) {
			t.Errorf("help exit-codes lacks %q:\n%s", line, help)
		}
	}
}
