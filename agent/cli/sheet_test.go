package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/candor-edge/candor/agent/control"
)

// TestSheet: one page, within 80 columns, in both languages, that says all a person needs to answer.
func TestSheet(t *testing.T) {
	for language, words := range map[string][]string{
		"en": {"Until you say yes, nothing", "The data is yours", "say no", "take a yes back", "Fingerprint of its key: ", "Complaints: CNIL", "asks, and you decide"},
		"fr": {"Tant que vous n'avez pas dit oui", "Les données sont les vôtres", "dire non", "reprendre un oui", "Empreinte de sa clé : ", "Réclamation : CNIL", "demande, et vous décidez"},
	} {
		for _, page := range []string{"", "http://127.0.0.1:8474/"} {
			s := fakeSheet(language)
			s.Page = page
			var b bytes.Buffer
			printSheet(&b, &s)
			text := strings.Join(strings.Fields(b.String()), " ")
			for _, w := range append(words, control.Fingerprint([]byte("bb")), "dpo@acme.example", "Advice", page, "candor consent withdraw PURPOSE") {
				if !strings.Contains(text, w) {
					t.Errorf("%s: %q is not on it:\n%s", language, w, b.String())
				}
			}
			if n := strings.Count(b.String(), "\n"); n > 50 {
				t.Errorf("%s: %d lines are more than a page", language, n)
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%s: %d columns: %s", language, n, line)
				}
			}
		}
	}
	var b bytes.Buffer
	printSheet(&b, &control.Sheet{Language: "en"})
	if !strings.Contains(b.String(), "Nobody asks for anything") {
		t.Errorf("without a policy:\n%s", b.String())
	}
}
