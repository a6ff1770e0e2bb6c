package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cobra that is used now has the places as they are known here, and without them neither package is left.
func TestSlim(t *testing.T) {
	from, err := output("go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := copyPackage(from, to); err != nil {
		t.Fatal(err)
	}
	for _, e := range edits() {
		if err := e.apply(to); err != nil {
			t.Error(err)
		}
		if err := e.apply(to); err == nil {
			t.Errorf("%s: a place that is not there was accepted", e.file)
		}
	}
	files, err := filepath.Glob(filepath.Join(to, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{`"regexp"`, `"text/template"`} {
			if strings.Contains(string(text), p) {
				t.Errorf("%s imports %s", filepath.Base(f), p)
			}
		}
	}
}
