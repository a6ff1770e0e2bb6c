package bundle

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write messages.txt anew")

// TestMessagesAreConstants: each message that the device's code logs is a constant without anything filled in, and messages.txt
// lists them. `go test ./agent/bundle -run TestMessages -update` writes it anew.
func TestMessagesAreConstants(t *testing.T) {
	var found []string
	for _, dir := range []string{"..", "../../store", "../../uplink", "../../sensors"} {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{"testdata", "receive", "candor-receiver", "candor-demo", "bench", "rig", "mutants"}, d.Name()):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, sel.Sel.Name) || !logger(sel.X) {
					return true
				}
				lit, ok := literal(call.Args[0])
				if !ok {
					t.Errorf("%s: a message that is not written out: %s", name, sel.Sel.Name)
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil || strings.ContainsAny(text, "\n%") {
					t.Errorf("%s: %q", name, text)
				}
				found = append(found, text)
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) < 40 {
		t.Fatalf("only %d messages: the test does not see the code", len(found))
	}
	text := strings.Join(found, "\n") + "\n"
	if *update {
		if err := os.WriteFile("messages.txt", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if text != known {
		t.Error("messages.txt is not what the code logs; go test ./agent/bundle -run TestMessages -update")
	}
}

// logger tells x.Log, o.opts.Log or log from other things that have such a method.
func logger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "log" || x.Name == "logger"
	case *ast.SelectorExpr:
		return x.Sel.Name == "Log" || x.Sel.Name == "log"
	}
	return false
}

// literal is a text that is written out, or a constant of the same file that is.
func literal(x ast.Expr) (*ast.BasicLit, bool) {
	if name, ok := x.(*ast.Ident); ok && name.Obj != nil && name.Obj.Kind == ast.Con {
		if spec, ok := name.Obj.Decl.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			x = spec.Values[0]
		}
	}
	lit, ok := x.(*ast.BasicLit)
	return lit, ok
}
