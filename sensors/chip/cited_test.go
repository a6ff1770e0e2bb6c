package chip

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// citation is what a constant has beside it: a section, a table, a page, a standard, or that it is our own choice.
var citation = regexp.MustCompile(`§["\d]|\btable \d|\bp\. \d|\b[Oo]urs\b|\bIEC \d`)

// page is a page of a document.
var page = regexp.MustCompile(`\bp\. (\d+)\b`)

// sourceFiles are the package's files that are not tests.
func sourceFiles(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return fset, files
}

// uncited are the constants of a file that are numbers and have no citation, and the addresses and ranges that have none.
func uncited(fset *token.FileSet, f *ast.File) []string {
	var bad []string
	beside := map[int]string{} // comments by the line on which they end
	for _, c := range f.Comments {
		beside[fset.Position(c.End()).Line] += c.Text()
	}
	complain := func(n ast.Node, what string) { bad = append(bad, fset.Position(n.Pos()).String()+": "+what) }
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok || n.Tok != token.CONST || !numeric(v) {
					continue
				}
				if text := v.Doc.Text() + v.Comment.Text() + alone(n); !citation.MatchString(text) {
					complain(v, v.Names[0].Name)
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Addresses" && literal(n.Value) && !citation.MatchString(beside[fset.Position(n.End()).Line]) {
				complain(n, "the addresses")
			}
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "quantity" && (literal(n.Args[2]) || literal(n.Args[3])) &&
				!citation.MatchString(beside[fset.Position(n.End()).Line]) {
				complain(n, "the range of a quantity")
			}
		}
		return true
	})
	return bad
}

// alone is the comment of a declaration of one constant.
func alone(d *ast.GenDecl) string {
	if len(d.Specs) > 1 {
		return ""
	}
	return d.Doc.Text()
}

// numeric says whether a constant is a number, and not a word.
func numeric(v *ast.ValueSpec) bool {
	word := false
	for _, value := range v.Values {
		ast.Inspect(value, func(n ast.Node) bool {
			b, ok := n.(*ast.BasicLit)
			word = word || ok && b.Kind == token.STRING
			return true
		})
	}
	return len(v.Values) > 0 && !word
}

// literal says whether an expression has a number in it that says something: 0 and 1 are the ends of yes and no.
func literal(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		b, ok := n.(*ast.BasicLit)
		found = found || ok && b.Kind == token.INT && b.Value != "0" && b.Value != "1"
		return true
	})
	return found
}

// Each constant says which document it is from, and where in it, or that it is ours.
func TestConstantsAreCited(t *testing.T) {
	fset, files := sourceFiles(t)
	if len(files) < 25 {
		t.Fatalf("there are %d files", len(files))
	}
	for _, f := range files {
		for _, what := range uncited(fset, f) {
			t.Errorf("%s has no citation: name section, table or page of the document, or say \"ours\" and why", what)
		}
	}
}

// The test above sees a constant, an address and a range without a citation.
func TestUncited(t *testing.T) {
	const source = `package chip
const (
	one   = 0x01 // §4.3: cited
	two   = 0x02 // what it does
	three = "a word"
)
// four is ours: nobody says so.
const four = 4
func row() Row {
	const five = 5
	return Row{Addresses: []uint16{0x48}, // by a pin
		Quantities: []Quantity{quantity("a", "b", 0, 100)}, // all of it
	}
}
func other() Row {
	return Row{Addresses: []uint16{0x48}, // table 4, p. 7
		Quantities: []Quantity{quantity("a", "b", 0, 1)},
	}
}`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	bad := uncited(fset, f)
	want := []string{"x.go:4:2: two", "x.go:10:8: five", "x.go:11:13: the addresses", "x.go:12:26: the range of a quantity"}
	if !slices.Equal(bad, want) {
		t.Errorf("without a citation are %q, want %q", bad, want)
	}
}

// checkHeader wants a transcript that was made from a datasheet to say which one, and where in it the worked example is
// that it follows, or that there is none.
func checkHeader(t *testing.T, tr transcript, seen map[string][]string) {
	t.Helper()
	text, err := os.ReadFile(tr.file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n#>")
	if !strings.HasPrefix(head, "# Document: ") || !strings.Contains(head, "orked example") || !citation.MatchString(head) {
		t.Errorf("%s does not begin with its document and where the worked example is, or that there is none", tr.file)
	}
	var pages []string
	for _, s := range sections(t) {
		if slices.Contains(s.parts, tr.part) {
			pages = seen[s.files[0]]
		}
	}
	for _, m := range page.FindAllStringSubmatch(head, -1) {
		if !slices.Contains(pages, m[1]) {
			t.Errorf("%s cites page %s, and SOURCES.md does not say that it was seen", tr.file, m[1])
		}
	}
}

// section is what SOURCES.md says of some files.
type section struct {
	files, parts []string
	text         string
}

func sections(t *testing.T) []section {
	t.Helper()
	all, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []section
	for _, text := range strings.Split(string(all), "\n## ")[1:] {
		head, _, _ := strings.Cut(text, "\n")
		files, parts, ok := strings.Cut(head, ": ")
		if !ok {
			t.Fatalf("the heading %q does not name files and parts", head)
		}
		out = append(out, section{strings.Split(files, ", "), strings.Split(parts, ", "), text})
	}
	return out
}

// SOURCES.md says of every part which document it is from, what was seen of it and what was not, and no page is cited that
// it does not say was seen.
func TestSources(t *testing.T) {
	_, files := sourceFiles(t)
	told := map[string]bool{}
	seen := map[string][]string{} // pages, by file
	for _, s := range sections(t) {
		for _, want := range []string{"- Document: ", "- Seen: ", "- From memory: ", "- Held against: "} {
			if !strings.Contains(s.text, "\n"+want) {
				t.Errorf("%v: SOURCES.md does not have %q", s.files, want)
			}
		}
		_, text, _ := strings.Cut(s.text, "- Seen: ")
		text, _, _ = strings.Cut(text, "\n- From memory: ")
		for _, name := range s.files {
			for _, m := range page.FindAllStringSubmatch(text, -1) {
				seen[name] = append(seen[name], m[1])
			}
		}
		for _, part := range s.parts {
			told[part] = true
			row, err := Named(part)
			if err != nil {
				t.Error(err)
			} else if words := strings.FieldsFunc(row.Datasheet, func(r rune) bool { return r == ' ' || r == ',' }); !slices.ContainsFunc(words[1:], func(w string) bool { return strings.Contains(s.text, w) }) {
				t.Errorf("%s is from %q, and SOURCES.md has another document", part, row.Datasheet)
			}
		}
	}
	for _, tr := range transcripts(t) {
		if tr.evidence == FromDatasheet {
			checkHeader(t, tr, seen)
		}
	}
	for _, r := range Parts() {
		if r.On != GPIO && !told[r.Name] {
			t.Errorf("SOURCES.md does not tell of %s", r.Name)
		}
	}
	for name, f := range files {
		if name == "crc.go" || name == "probe.go" { // they cite other parts' documents
			continue
		}
		for _, c := range f.Comments {
			for _, m := range page.FindAllStringSubmatch(c.Text(), -1) {
				if !slices.Contains(seen[name], m[1]) {
					t.Errorf("%s cites page %s, and SOURCES.md does not say that it was seen", name, m[1])
				}
			}
		}
	}
}
