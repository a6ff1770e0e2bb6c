package main

import (
	"encoding/json"
	"os"
	"os/exec"
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

// The library of this version of Go asks for no more of idna than these builds have, and all of its files are covered.
func TestNames(t *testing.T) {
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeOverlay(dir, root); err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	text, err := os.ReadFile(filepath.Join(dir, "overlay.json"))
	if err == nil {
		err = json.Unmarshal(text, &overlay)
	}
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, idnaDir, "*.go"))
	if err != nil || len(files) != len(overlay.Replace)-len(curves()) {
		t.Fatalf("%d files, %d are replaced, %v", len(files), len(overlay.Replace), err)
	}
	made := 0
	for _, f := range files {
		to, there := overlay.Replace[f]
		if !there {
			t.Errorf("%s stays", f)
		}
		if to != "" {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d files stand for them", made)
	}
}

// A library that asks for more is refused.
func TestNamesOfAnotherLibrary(t *testing.T) {
	root := t.TempDir()
	for _, dir := range append(users(), idnaDir) {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "x.go"), []byte("package x\n\nvar _ = idna.Lookup.ToASCII\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeNames(t.TempDir(), root, map[string]string{}); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(root, users()[1], "x.go"), []byte("package x\n\nvar _ = idna.ToUnicode\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeNames(t.TempDir(), root, map[string]string{}); err == nil || !strings.Contains(err.Error(), "idna.ToUnicode") {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(root, idnaDir, "x.go")); err != nil {
		t.Fatal(err)
	}
	if err := writeNames(t.TempDir(), root, map[string]string{}); err == nil {
		t.Error("a library without idna is taken")
	}
}

// What stands for the library's package does what net/http asks of it.
func TestNamesInASCII(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module idna\n\ngo 1.24\n",
		"idna.go":   idnaText,
		"i_test.go": "package idna\n\nimport \"testing\"\n\nfunc Test(t *testing.T) {\n\tif s, err := Lookup.ToASCII(\"xn--socit-esab.example\"); err != nil || s != \"xn--socit-esab.example\" {\n\t\tt.Error(s, err)\n\t}\n\tif s, err := ToASCII(\"société.example\"); err == nil {\n\t\tt.Error(s)\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// With what stands for the arithmetic of the two curves the library passes its own tests of them.
func TestCurves(t *testing.T) {
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeOverlay(dir, root); err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "-short", "-overlay", filepath.Join(dir, "overlay.json"), "crypto/internal/fips140/nistec/fiat", "crypto/internal/fips140test", "crypto/ecdsa", "crypto/ecdh", "crypto/elliptic"}
	cmd := exec.Command("go", append(args, "-skip", "Allocations")...) // bigmod makes some, which the library's own arithmetic does not
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// A library whose files have other functions is refused.
func TestCurvesOfAnotherLibrary(t *testing.T) {
	root := t.TempDir()
	if err := writeCurves(t.TempDir(), root, map[string]string{}); err == nil {
		t.Error("a library without the files is taken")
	}
	if err := os.MkdirAll(filepath.Join(root, fiatDir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range curves() {
		if err := os.WriteFile(filepath.Join(root, fiatDir, c.name+"_fiat64.go"), []byte("package fiat\n\nfunc "+c.name+"Halve() {}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeCurves(t.TempDir(), root, map[string]string{}); err == nil || !strings.Contains(err.Error(), "Halve") {
		t.Error(err)
	}
}
