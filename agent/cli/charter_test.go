package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/candor-edge/candor/agent"
)

// toldBy runs a verb of an object with the reference policy, whose charter forbids what one of its purposes asks for.
func toldBy(t *testing.T, args ...string) string {
	t.Helper()
	config := object(t)
	dir := filepath.Dir(config)
	toml := "[device]\nstate = \"state\"\n[[sensor]]\nname = \"hall\"\ndriver = \"simulated\"\nroom = \"livingroom\"\nevery = \"10s\"\n" +
		"[[sensor]]\nname = \"badge\"\ndriver = \"simulated\"\nroom = \"badge\"\nevery = \"10s\"\n[policy]\nfile = \"policy.toml\"\ncharter = \"charter.toml\"\n" +
		"[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:9/v1\"\n"
	for name, text := range map[string]string{"candor.toml": toml, "policy.toml": agent.PolicyReference(), "charter.toml": "version = 1\nmax_bits_per_day = 100\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := call(os.Geteuid(), append(args, "--config", config)...)
	if code != exitDone || errs != "" {
		t.Fatalf("%v: %d\n%s", args, code, errs)
	}
	return out
}

// What a person reads fits a terminal, and in French it is French: not one English word of what the object says.
func TestTextsForPeople(t *testing.T) {
	english := regexp.MustCompile(`(?i)\b(the|of|and|is|it|leaves|nothing|every|your|with|which|granted|allows|day|month|hour|says)\b`)
	french := regexp.MustCompile(`(?i)\b(le|la|les|une|des|votre|vous|est|rien|sans|chaque)\b`)
	for _, verb := range [][]string{{"charter"}, {"charter", "--card"}, {"consent", "show"}, {"consent", "explain", "trends"}, {"consent", "explain", "hall.temperature"}, {"consent", "explain", "mine"}, {"consent", "diff"}} {
		for language, other := range map[string]*regexp.Regexp{"fr": english, "en": french} {
			out := toldBy(t, append(verb, "--lang", language)...)
			for line := range strings.Lines(out) {
				line = strings.TrimRight(line, "\n")
				if n := utf8.RuneCountInString(line); n > width {
					t.Errorf("%v in %s: %d columns: %s", verb, language, n, line)
				}
				if word := other.FindString(line); word != "" {
					t.Errorf("%v in %s: %q in %s", verb, language, word, line)
				}
			}
			if len(out) < 20 {
				t.Errorf("%v in %s says %q", verb, language, out)
			}
		}
	}
}
