package agent

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every sentence is there in both languages with the same blanks, is named once, and is said somewhere; and what is said is there.
func TestSentences(t *testing.T) {
	blanks := regexp.MustCompile(`%[sd]`)
	names := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(sentences)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		if len(parts) != 3 || parts[1] == "" || parts[2] == "" || names[parts[0]] {
			t.Errorf("%q", line)
			continue
		}
		names[parts[0]] = true
		if a, b := blanks.FindAllString(parts[1], -1), blanks.FindAllString(parts[2], -1); !slices.Equal(a, b) {
			t.Errorf("%s has blanks %q in English and %q in French", parts[0], a, b)
		}
		if s := sentenceOf(parts[0]); s.en != parts[1] || s.fr != parts[2] {
			t.Errorf("%s is %+v", parts[0], s)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:sentenceOf\(|say\(d, |sayThen\(d, |tell\(language, |\bin\()(?:say\(d, )?"([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			said[m[1]] = true
			if !names[m[1]] {
				t.Errorf("%s says %q, which is not there", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`"([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
			said[m[1]] = true
		}
	}
	for name := range names {
		if !said[strings.TrimSuffix(name, "-here")] {
			t.Errorf("%q is said nowhere", name)
		}
	}
}
