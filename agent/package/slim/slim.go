package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/spf13/cobra"

// edit is one place of one file.
type edit struct{ file, old, new string }

func edits() []edit {
	return []edit{
		{"completions.go", "\t\"regexp\"\n", ""},
		{"completions.go", "var configEnvVarPrefixSubstRegexp = regexp.MustCompile(`[^A-Z0-9_]`)\n", ""},
		{"completions.go", `configEnvVarPrefixSubstRegexp.ReplaceAllString(v, "_")`,
			"strings.Map(func(c rune) rune {\n\t\tif c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {\n\t\t\treturn c\n\t\t}\n\t\treturn '_'\n\t}, v)"},
		{"cobra.go", "\t\"text/template\"\n", ""},
		{"cobra.go", "var templateFuncs = template.FuncMap{", "var templateFuncs = map[string]interface{}{"},
		{"cobra.go", "func AddTemplateFuncs(tmplFuncs template.FuncMap) {", "func AddTemplateFuncs(tmplFuncs map[string]interface{}) {"},
		{"cobra.go", "\t\t\tt := template.New(\"top\")\n\t\t\tt.Funcs(templateFuncs)\n\t\t\ttemplate.Must(t.Parse(text))\n\t\t\treturn t.Execute(w, data)\n",
			"\t\t\treturn fmt.Errorf(\"no templates in this build\")\n"},
		{"command.go", "\tc.InitDefaultCompletionCmd(args...)\n", ""},
		{"command.go", "\treturn defaultUsageFunc\n", "\treturn func(io.Writer, interface{}) error { return nil }\n"},
		{"command.go", "\treturn defaultHelpFunc\n", "\treturn func(io.Writer, interface{}) error { return nil }\n"},
		{"command.go", "\treturn defaultVersionFunc\n", "\treturn func(io.Writer, interface{}) error { return nil }\n"},
	}
}

// write fills dir, which is inside the main module, with cobra, go.mod and go.sum.
func write(dir string) error {
	from, err := output("go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if from == "" {
		if _, err := output("go", "mod", "download", module); err != nil {
			return err
		}
		if from, err = output("go", "list", "-m", "-f", "{{.Dir}}", module); err != nil {
			return err
		}
	}
	to := filepath.Join(dir, "cobra")
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := copyPackage(from, to); err != nil {
		return err
	}
	for _, e := range edits() {
		if err := e.apply(to); err != nil {
			return err
		}
	}
	if err := writeMod(dir, to); err != nil {
		return err
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	return writeOverlay(dir, root)
}

// writeOverlay fills dir with what is laid over parts of the standard library in root, and with the file that says so.
func writeOverlay(dir, root string) error {
	replace := map[string]string{}
	if err := errors.Join(writeNames(dir, root, replace), writeCurves(dir, root, replace)); err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), append(text, '\n'), 0o644)
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if exit, ok := err.(*exec.ExitError); ok {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// copyPackage copies the files of the package itself, not its tests and not the folders below.
func copyPackage(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()
		if f.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && name != "go.mod" && name != "LICENSE.txt" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (e *edit) apply(dir string) error {
	name := filepath.Join(dir, e.file)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if n := bytes.Count(text, []byte(e.old)); n != 1 {
		return fmt.Errorf("%s of %s has %q %d times, want once: has it been updated? Look at agent/package/slim", e.file, module, e.old, n)
	}
	return os.WriteFile(name, bytes.Replace(text, []byte(e.old), []byte(e.new), 1), 0o644)
}

// writeMod copies go.mod and go.sum of the main module and takes cobra from to. Replacements are relative to the main
// module, wherever the go.mod lies, so that the same bytes come out in every folder.
func writeMod(dir, to string) error {
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return err
	}
	rel, err := filepath.Rel(root, to)
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return err
	}
	mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", module, filepath.ToSlash(rel))
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644)
}
