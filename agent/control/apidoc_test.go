package control

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// update writes the shapes of API.md anew: go test ./agent/control -run API -update.
var update = flag.Bool("update", false, "write the shapes of API.md anew, from the types")

const (
	apiFile    = "API.md"
	shapesFrom = "<!-- shapes: made from the types by `go test ./agent/control -run API -update` -->\n"
	shapesTo   = "<!-- end of shapes -->"
)

// sources are the folders whose types are in answers, by the name of their package. Types of control stand without it.
func sources() map[string]string {
	return map[string]string{"control": ".", "agent": "..", "cli": "../cli", "sensors": "../../sensors", "consent": "../../store/consent",
		"charter": "../../store/consent/charter", "doctor": "../doctor", "bundle": "../bundle", "transport": "../../uplink/transport"}
}

// shaper reads types and writes down their JSON.
type shaper struct {
	t     *testing.T
	types map[string]*ast.TypeSpec
	docs  map[string]string
	done  []string
	todo  []string
}

func newShaper(t *testing.T) *shaper {
	t.Helper()
	s := &shaper{t: t, types: map[string]*ast.TypeSpec{}, docs: map[string]string{}}
	for pkg, dir := range sources() {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range g.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok {
						key := nameOf(pkg, ts.Name.Name)
						s.types[key], s.docs[key] = ts, oneLine(g.Doc.Text())
					}
				}
			}
		}
	}
	return s
}

func nameOf(pkg, name string) string {
	if pkg == "control" {
		return name
	}
	return pkg + "." + name
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shape writes down one type and asks for those in it.
func (s *shaper) shape(b *strings.Builder, name string) {
	st, ok := s.types[name].Type.(*ast.StructType)
	if !ok {
		s.t.Errorf("%s is no struct", name)
		return
	}
	fmt.Fprintf(b, "### %s\n\n%s\n\n| key | holds | |\n|---|---|---|\n", name, s.docs[name])
	if name == "charter.Text" { // it writes itself
		b.WriteString("| `fr` | text | in French |\n| `en` | text | in English |\n")
	}
	s.fields(b, name, st)
	b.WriteString("\n")
}

func (s *shaper) fields(b *strings.Builder, name string, st *ast.StructType) {
	pkg, _, foreign := strings.Cut(name, ".")
	if !foreign {
		pkg = "control"
	}
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			if len(f.Names) == 0 { // embedded: its keys are among these
				inner := s.words(pkg, f.Type, false)
				s.fields(b, inner, s.types[inner].Type.(*ast.StructType))
			}
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			s.t.Fatal(err)
		}
		key, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		may := ""
		if options != "" {
			may = ", or not there"
		}
		about := oneLine(f.Comment.Text())
		if about == "" {
			about = oneLine(f.Doc.Text())
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", key, s.words(pkg, f.Type, true), may, strings.ReplaceAll(about, "|", "\\|"))
	}
}

// words say what a type is in JSON. With ask a type of ours is to be written down too.
func (s *shaper) words(pkg string, e ast.Expr, ask bool) string {
	switch x := e.(type) {
	case *ast.Ident:
		if plain := map[string]string{"int": "number", "int64": "number", "uint64": "number", "uint32": "number", "bool": "true or false", "string": "text",
			"RawJSON": "JSON"}[x.Name]; plain != "" {
			return plain
		}
		return s.named(nameOf(pkg, x.Name), ask)
	case *ast.SelectorExpr:
		switch name := x.X.(*ast.Ident).Name + "." + x.Sel.Name; name {
		case "time.Time":
			return "time"
		case "time.Duration":
			return "number"
		default:
			return s.named(nameOf(x.X.(*ast.Ident).Name, x.Sel.Name), ask)
		}
	case *ast.ArrayType:
		if id, ok := x.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return "base64"
		}
		return "list of " + s.words(pkg, x.Elt, ask)
	case *ast.MapType:
		return "object of " + s.words(pkg, x.Value, ask)
	case *ast.StarExpr:
		return s.words(pkg, x.X, ask)
	}
	s.t.Errorf("%T can't be put into words", e)
	return ""
}

func (s *shaper) named(name string, ask bool) string {
	ts, ok := s.types[name]
	if !ok {
		s.t.Errorf("%s is not known", name)
		return name
	}
	if id, ok := ts.Type.(*ast.Ident); ok && id.Name == "string" {
		return "text"
	}
	if ask {
		s.todo = append(s.todo, name)
		return "[" + name + "](#" + strings.ToLower(strings.ReplaceAll(name, ".", "")) + ")"
	}
	return name
}

// shapes are the named types and all in them.
func (s *shaper) shapes(roots []string) string {
	var b strings.Builder
	for s.todo = roots; len(s.todo) > 0; {
		name := s.todo[0]
		s.todo = s.todo[1:]
		if !slices.Contains(s.done, name) {
			s.done = append(s.done, name)
			s.shape(&b, name)
		}
	}
	return b.String()
}

// linked finds the shapes that a text names.
var linked = regexp.MustCompile(`\]\(#([a-z]+)\)`)

// TestAPIShapes: every shape that a route or a verb names is written down, as the types have it now.
func TestAPIShapes(t *testing.T) {
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), shapesFrom)
	now, after, ended := strings.Cut(rest, shapesTo)
	if !begun || !ended {
		t.Fatalf("%s has no place for shapes", apiFile)
	}
	s := newShaper(t)
	byAnchor := map[string]string{}
	for name := range s.types {
		if strings.HasPrefix(name, "cli.") || ast.IsExported(name[strings.LastIndexByte(name, '.')+1:]) {
			anchor := strings.ToLower(strings.ReplaceAll(name, ".", ""))
			if other := byAnchor[anchor]; other == "" || strings.Contains(other, ".") { // ConsentPurpose, not consent.Purpose
				byAnchor[anchor] = name
			}
		}
	}
	var roots []string
	for _, m := range linked.FindAllStringSubmatch(before+after, -1) {
		if name := byAnchor[m[1]]; name != "" {
			roots = append(roots, name)
		} else if !strings.Contains(strings.ToLower(string(text)), "## "+strings.ReplaceAll(m[1], "-", " ")) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
	want := "\n" + s.shapes(roots)
	if *update {
		if err := os.WriteFile(apiFile, []byte(before+shapesFrom+want+shapesTo+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if now != want {
		for i, line := range strings.Split(want, "\n") {
			if is := strings.Split(now, "\n"); i >= len(is) || is[i] != line {
				t.Logf("line %d of the shapes has to be: %s", i+1, line)
				break
			}
		}
		t.Errorf("%s does not say what the types are; run: go test ./agent/control -run API -update", apiFile)
	}
}

// TestAPIRoutes: every route is in API.md with the roles that it has, and no other is.
func TestAPIRoutes(t *testing.T) {
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, rt := range (&server{backend: &fake{}}).routes() {
		var roles []string
		for _, r := range rt.roles {
			roles = append(roles, string(r))
		}
		want = append(want, fmt.Sprintf("| `%s %s` | %s |", rt.method, rt.path, strings.Join(roles, ", ")))
	}
	row := regexp.MustCompile("(?m)^\\| `(?:GET|POST) [^`]*` \\| [^|]* \\|")
	got := row.FindAllString(string(text), -1)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s has\n%s\nand the routes are\n%s", apiFile, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
