package consent

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPromisesHaveTests wants every row of PRIVACY.md to be kept by tests that exist, or to say what is not kept.
func TestPromisesHaveTests(t *testing.T) {
	text, err := os.ReadFile("PRIVACY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/-]+) (Test[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !regexp.MustCompile(`^\s*\d\d\s*$`).MatchString(cells[1]) {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(cells[4], -1)
		state := strings.TrimSpace(cells[3])
		switch none := strings.HasPrefix(state, "not kept yet"); {
		case state != "kept" && !none && !strings.HasPrefix(state, "in part"):
			t.Errorf("PRV-%s: %q is no state", strings.TrimSpace(cells[1]), state)
		case none == (len(tests) > 0):
			t.Errorf("PRV-%s: %q with %d tests", strings.TrimSpace(cells[1]), state, len(tests))
		}
		for _, m := range tests {
			if !hasTest(t, m[1], m[2]) {
				t.Errorf("PRV-%s: there is no %s in %s", strings.TrimSpace(cells[1]), m[2], m[1])
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows: the catalogue has more of level M", rows)
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(") {
			return true
		}
	}
	return false
}
