package agent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestLedgerText(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "",
		"the ledger begins": "le registre commence",
		"the end of the ledger is not the one the keys remember: they know of 12 entries, the file had 3": "la fin du registre n'est pas celle que les clés ont retenue : elles connaissent 12 inscriptions, le fichier en avait 3",
		"erased on demand: everything":                           "effacé sur demande : tout",
		"erased on demand: tout":                                 "effacé sur demande : tout",
		"erased on demand: all that is kept for the purpose air": "effacé sur demande : tout ce qui est gardé pour l'usage air",
		"erased on demand: what was taken from 2026-01-01 to 2026-01-02, whole UTC days, both included": "effacé sur demande : ce qui a été mesuré du 2026-01-01 au 2026-01-02, jours entiers UTC, tous deux compris",
		"her data was taken: raw, from 2026-01-01 to 2026-01-02":                                        "ses données ont été emportées : les mesures gardées, du 2026-01-01 au 2026-01-02",
		"her data was taken: all":                             "ses données ont été emportées : tout",
		"not allowed: see live values":                        "refusé : voir les valeurs du moment",
		"refused: policy.toml:3: purpose: something is wrong": "refusé ; le détail, en anglais : candor ledger show",
		"what nobody has ever written":                        "what nobody has ever written",
	} {
		if got := ledgerText(text, "fr-CA"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := ledgerText(text, "en"); got != text {
			t.Errorf("%q: in English %q", text, got)
		}
	}
}

// Whatever is written into the ledger as a text has its French, and whatever has is not the same in both.
func TestEveryLedgerTextHasItsFrench(t *testing.T) {
	found := map[string]bool{}
	add := func(e ast.Expr) {
		for { // a sum begins with what is fixed
			sum, ok := e.(*ast.BinaryExpr)
			if !ok {
				break
			}
			e = sum.X
		}
		if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 { // fmt.Sprintf
			e = call.Args[0]
		}
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && text != "" {
				found[text] = true
			}
		}
	}
	for _, dir := range []string{".", "../store/ledger", "control"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit: // ledger.Event{… Text: …}, body{… Text: …}
					kind := ""
					switch x := n.Type.(type) {
					case *ast.SelectorExpr:
						kind = x.Sel.Name
					case *ast.Ident:
						kind = x.Name
					}
					if kind != "Event" && kind != "body" && kind != "Act" {
						return true
					}
					for _, e := range n.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && (kv.Key.(*ast.Ident).Name == "Text" || kind == "Act" && kv.Key.(*ast.Ident).Name == "What") {
							add(kv.Value)
						}
					}
				case *ast.AssignStmt: // text := "…" and text = "…"
					if id, ok := n.Lhs[0].(*ast.Ident); ok && id.Name == "text" && (strings.HasSuffix(name, "chain.go") || strings.HasSuffix(name, "export.go") && dir == ".") {
						add(n.Rhs[0])
					}
				case *ast.FuncDecl: // what routes are about
					if n.Name.Name == "about" && dir == "control" {
						ast.Inspect(n.Body, func(m ast.Node) bool {
							if r, ok := m.(*ast.ReturnStmt); ok {
								add(r.Results[0])
							}
							return true
						})
					}
				}
				return true
			})
		}
	}
	if len(found) < 25 {
		t.Fatalf("only %d texts were found: %v", len(found), found)
	}
	for text := range found {
		if strings.HasPrefix(text, ", ") {
			continue // the rest of a sum, tried in TestLedgerText
		}
		sample := regexp.MustCompile(`%[sd]`).ReplaceAllString(text, "5")
		if strings.HasSuffix(sample, ": ") || strings.HasSuffix(sample, ", from ") {
			sample += "all"
		}
		if got := ledgerText(sample, "fr"); got == sample {
			t.Errorf("%q has no French", sample)
		}
	}
	for line := range strings.Lines(ledgerSentences) {
		if en, fr, ok := strings.Cut(strings.TrimSpace(line), "|"); ok && (en == fr || strings.Count(en, "%s") < strings.Count(fr, "%s")) {
			t.Errorf("%q is %q in French", en, fr)
		}
	}
}
