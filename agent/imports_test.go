// Package agent_test holds the layout of the whole tree: which package may
// import which, and why. A rule that is broken says its reason.
package agent_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/candor-edge/candor/"

// arrows say what a package may import of ours. The first row that matches
// counts. A pattern ending in /... means the folder and all under it.
var arrows = []struct {
	where   string
	allowed []string
	why     string
}{
	{"tinyconf", nil, "tinyconf is the floor: all stand on it, it stands on none"},
	{"sensors", []string{"tinyconf"}, "sensors owns Reading, the lowest type; what reads hardware lies under it and imports it"},
	{"sensors/...", []string{"sensors/...", "tinyconf"}, "a source does not know what becomes of its readings"},
	{"store/consent", []string{"sensors", "tinyconf"}, "consent decides about readings and knows neither disk nor network, so that it can be tested whole"},
	{"store/consent/charter", []string{"store/consent", "sensors", "tinyconf"}, "what the object says of itself is worked out from the plan and from facts handed in, so that every sentence can be tested without an object"},
	{"store/...", []string{"store/...", "sensors", "tinyconf"}, "the buffer does not know where things are sent"},
	{"uplink/wire", nil, "the format is read by people who have nothing else of ours"},
	{"uplink/receive/...", []string{"uplink/wire", "uplink/receive/...", "tinyconf"}, "a backend knows the format and nothing of the object"},
	{"uplink/candor-receiver", []string{"uplink/wire", "uplink/receive/...", "tinyconf"}, "the reference receiver is receive with a command line"},
	{"uplink/...", []string{"uplink/...", "store/...", "sensors", "tinyconf"}, "a stage does not know what comes after it, and agent comes after all"},
	{"agent/doctor", []string{"agent", "agent/control", "uplink/transport", "uplink/timeline", "store/consent", "sensors", "sensors/bus", "sensors/chip", "sensors/kernel", "tinyconf"},
		"the doctor asks the agent and opens nothing of the object's: no buffer, no keys, no ledger, no wire"},
	{"agent/bundle", []string{"agent", "agent/control", "agent/doctor", "sensors"},
		"what leaves for support is made of words of closed lists: it has no way to a buffer, a ledger or a line"},
	{"agent/...", []string{"agent/...", "uplink/...", "store/...", "sensors/...", "tinyconf"}, "agent stands outside with the keys"},
}

// importers say which packages alone may import something.
var importers = []struct {
	what, where []string
	why         string
}{
	{[]string{"periph.io/..."}, []string{"sensors/bus", "sensors/chip/..."},
		"periph has no deadlines: only bus may hold it back, only chips may speak it"},
	{[]string{"go.etcd.io/..."}, []string{"store", "store/ledger"},
		"one writer of the disk, whose damage can be looked after"},
	{[]string{"github.com/eclipse/paho.golang/..."}, []string{"uplink/transport", "uplink/receive/...", "uplink/candor-receiver"},
		"MQTT is a way to carry messages, and one package carries them away from the object"},
	{[]string{"github.com/nats-io/..."}, []string{"uplink/receive/jetstream", "uplink/receive/fleet"},
		"JetStream is one backend's store: no object carries a client of it. The fleet starts servers to be measured"},
	{[]string{"net", "net/http"}, []string{"uplink/transport", "uplink/receive/...", "uplink/candor-receiver", "agent/control", "agent/web", "agent/candor-demo", "agent/bench/...", "sensors/rig/rigctl"},
		"who listens and who calls is a short list, so that it can be read"},
	{[]string{"html/template", "text/template", "net/http/pprof", "expvar", "plugin"}, nil,
		"templates keep every method in the binary, the others open doors"},
	{[]string{"github.com/veraison/...", "github.com/rogpeppe/...", "pgregory.net/...", "testing"}, []string{"sensors/sensortest"},
		"tools for tests stay out of what is shipped"},
	{[]string{"github.com/fxamacker/..."}, []string{"agent/bench/..."},
		"a general CBOR package is 280 KB of the device binary: ours are strict and small, and it holds them to their word in the tests"},
}

// bans say what a package may not import.
var bans = []struct {
	where string
	what  []string
	why   string
}{
	{"store/consent", []string{"os/...", "net", "net/...", "io/fs", "io/ioutil", "syscall", "golang.org/x/sys/...", "crypto/rand", "math/rand", "math/rand/v2", "unsafe"},
		"consent is pure: the same readings and grants give the same answer anywhere"},
	{"store/consent/charter", []string{"os/...", "net", "net/...", "io/fs", "io/ioutil", "syscall", "golang.org/x/sys/...", "crypto/rand", "math/rand", "math/rand/v2", "unsafe"},
		"a charter is pure: the same rules and the same state give the same sentences anywhere"},
	{"store/consent", []string{"crypto/md5", "crypto/sha1", "crypto/sha512", "crypto/sha3", "hash/adler32", "hash/crc32", "hash/crc64", "hash/fnv", "hash/maphash", "golang.org/x/crypto/..."},
		"the package that transforms a person's values has one hash, sha256, and that one under a key only (see keyed hashes)"},
	{"store/...", []string{"math/rand", "math/rand/v2"}, "keys and salts come from crypto/rand alone"},
	{"uplink/...", []string{"math/rand"}, "math/rand is seeded by hand; jitter takes math/rand/v2, all else crypto/rand"},
}

// foreign says which modules of others a package may import, where that is few.
var foreign = []struct {
	where   string
	allowed []string
	why     string
}{
	{"uplink/wire", nil, "the format is the standard library and nothing else, so that anyone can hold it"},
	{"tinyconf", []string{"github.com/BurntSushi/toml"}, "the floor carries TOML and nothing else"},
	{"store/consent", nil, "consent has nothing in it that we did not write"},
}

// words say which names of other packages may be used where. A * ends a prefix.
var words = []struct {
	what  []string
	where func(dir string) bool // where they may be used
	why   string
}{
	{[]string{"net.Dial*", "net.Lookup*", "net.Resolver", "net.DefaultResolver", "crypto/tls.Dial*", "crypto/tls.Client",
		"net/http.Client", "net/http.DefaultClient", "net/http.Transport", "net/http.DefaultTransport",
		"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm"},
		func(dir string) bool {
			return matchAny([]string{"uplink/transport", "agent/control", "uplink/receive/fleet", "sensors/rig/rigctl", "agent/bench/measure"}, dir)
		},
		"one package opens outgoing sockets, and control calls its own daemon; the fleet plays objects, the rig's tool drives an emulator and the bench plays what feeds its peers, and none is shipped"},
	{[]string{"time.Now", "time.Since", "time.Until", "time.After*", "time.Tick", "time.NewT*", "time.Sleep"},
		func(dir string) bool { return !match("store/consent/...", dir) },
		"consent has no clock: the moment comes in as a parameter"},
}

// pack is one package: its files without tests, by path from the root.
type pack struct {
	dir   string
	files map[string]*ast.File
}

// rules are all the rules, each giving a line for each place that breaks it.
var rules = map[string]func(pack) []string{
	"arrows": func(p pack) (bad []string) {
		for _, row := range arrows {
			if !match(row.where, p.dir) {
				continue
			}
			return imports(p, func(imp string) string {
				ours, isOurs := strings.CutPrefix(imp, module)
				if !isOurs || slices.ContainsFunc(row.allowed, func(a string) bool { return match(a, ours) }) {
					return ""
				}
				return row.why
			})
		}
		return []string{p.dir + ": the top level is fixed: agent, sensors, store, uplink, tinyconf"}
	},
	"importers": func(p pack) []string {
		return imports(p, func(imp string) string {
			for _, row := range importers {
				if matchAny(row.what, imp) && !matchAny(row.where, p.dir) {
					return row.why
				}
			}
			return ""
		})
	},
	"bans": func(p pack) []string {
		return imports(p, func(imp string) string {
			for _, row := range bans {
				if match(row.where, p.dir) && matchAny(row.what, imp) {
					return row.why
				}
			}
			return ""
		})
	},
	"foreign": func(p pack) []string {
		return imports(p, func(imp string) string {
			for _, row := range foreign {
				first, _, _ := strings.Cut(imp, "/")
				if match(row.where, p.dir) && strings.Contains(first, ".") && !strings.HasPrefix(imp, module) && !matchAny(row.allowed, imp) {
					return row.why
				}
			}
			return ""
		})
	},
	"words": func(p pack) []string {
		return uses(p, func(name string, _ []ast.Node) string {
			for _, row := range words {
				for _, w := range row.what {
					prefix, open := strings.CutSuffix(w, "*")
					if (name == w || open && strings.HasPrefix(name, prefix)) && !row.where(p.dir) {
						return row.why
					}
				}
			}
			return ""
		})
	},
	"keyed hashes": func(p pack) []string {
		return uses(p, func(name string, above []ast.Node) string {
			if p.dir != "store/consent" || !strings.HasPrefix(name, "crypto/sha256.") || name == "crypto/sha256.Size" || isKeyed(name, above) {
				return ""
			}
			return "an unkeyed hash of a person's value can be guessed: sha256 is an argument of hmac.New only"
		})
	},
	"init": func(p pack) (bad []string) {
		for file, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					bad = append(bad, file+": func init: what runs before main can't be tested or left out")
				}
			}
		}
		return bad
	},
	"names": func(p pack) (bad []string) {
		for file, f := range p.files {
			for _, name := range []string{f.Name.Name, path.Base(p.dir)} {
				if slices.Contains([]string{"common", "util", "utils", "misc", "helpers", "shared"}, name) {
					bad = append(bad, file+": package "+name+": a name says what is inside; this one says nothing")
				}
			}
		}
		return bad
	},
	"dot imports": func(p pack) (bad []string) {
		for file, f := range p.files {
			for _, s := range f.Imports {
				if s.Name != nil && s.Name.Name == "." {
					bad = append(bad, file+": import . hides from the rules what is used")
				}
			}
		}
		return bad
	},
}

func match(pattern, dir string) bool {
	base, under := strings.CutSuffix(pattern, "/...")
	return dir == base || under && strings.HasPrefix(dir, base+"/")
}

func matchAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, dir) })
}

// imports asks about each import; an answer is the reason why it is wrong.
func imports(p pack, ask func(imp string) string) (bad []string) {
	for file, f := range p.files {
		for _, s := range f.Imports {
			imp, _ := strconv.Unquote(s.Path.Value)
			if why := ask(imp); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", file, imp, why))
			}
		}
	}
	return bad
}

// uses asks about each name of another package that is used, as in
// net/http.Get, with the nodes above it.
func uses(p pack, ask func(name string, above []ast.Node) string) (bad []string) {
	for file, f := range p.files {
		known := make(map[string]string)
		for _, s := range f.Imports {
			imp, _ := strconv.Unquote(s.Path.Value)
			name := path.Base(imp)
			if len(name) == 2 && name[0] == 'v' { // math/rand/v2 is rand
				name = path.Base(path.Dir(imp))
			}
			if s.Name != nil {
				name = s.Name.Name
			}
			known[name] = imp
		}
		var above []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && known[x.Name] != "" {
					if why := ask(known[x.Name]+"."+sel.Sel.Name, above); why != "" {
						bad = append(bad, fmt.Sprintf("%s uses %s.%s: %s", file, x.Name, sel.Sel.Name, why))
					}
				}
			}
			above = append(above, n)
			return true
		})
	}
	return bad
}

// isKeyed tells sha256.New as it stands in hmac.New(sha256.New, key).
func isKeyed(name string, above []ast.Node) bool {
	if name != "crypto/sha256.New" || len(above) == 0 {
		return false
	}
	call, ok := above[len(above)-1].(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || fn.Sel.Name != "New" {
		return false
	}
	x, ok := fn.X.(*ast.Ident)
	return ok && x.Name == "hmac"
}

// readTree parses the packages under root that are there.
func readTree(t *testing.T, root string) []pack {
	t.Helper()
	sources := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		switch {
		case d.IsDir() && name != root && (base[0] == '.' || base[0] == '_' || base == "testdata" || name == filepath.Join(root, "bin")): // bin is what make builds
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		sources[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return parseTree(t, sources)
}

func parseTree(t *testing.T, sources map[string]string) []pack {
	t.Helper()
	packs := make(map[string]pack)
	for name, text := range sources {
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		if packs[dir].files == nil {
			packs[dir] = pack{dir: dir, files: make(map[string]*ast.File)}
		}
		packs[dir].files[name] = f
	}
	var out []pack
	for _, p := range packs {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b pack) int { return strings.Compare(a.dir, b.dir) })
	return out
}

func TestLayout(t *testing.T) {
	packs := readTree(t, "..")
	if !slices.ContainsFunc(packs, func(p pack) bool { return p.dir == "tinyconf" }) {
		t.Fatal("tinyconf is not found: the test does not see the tree")
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, p := range packs {
				for _, bad := range rule(p) {
					t.Error(bad)
				}
			}
		})
	}
}

// The device binary carries no template engine that can call methods by name,
// nothing of tests, nothing that writes manuals, and nothing of NATS. Cobra's own import is cut by the linker as long as
// nobody sets a template.
func TestDeviceBinary(t *testing.T) {
	if _, err := os.Stat("candor"); err != nil {
		t.Skip("agent/candor is not there")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	out, err := exec.Command(goTool, "list", "-e", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./candor").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range heavy(string(out)) {
		t.Error(bad)
	}
}

// heavy finds what the device binary should not have in lines of a package and
// its imports.
func heavy(list string) (bad []string) {
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		for _, imp := range words[1:] {
			byCobra := imp == "text/template" && words[0] == "github.com/spf13/cobra"
			if matchAny([]string{"html/template", "text/template", "testing", "net/http/pprof", "expvar", "github.com/nats-io/...",
				"github.com/spf13/cobra/doc", "go/..."}, imp) && !byCobra && words[0] != "html/template" {
				bad = append(bad, words[0]+" imports "+imp+", which the device binary is not to carry")
			}
		}
	}
	return bad
}

// The top level is what a visitor sees first.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, bad := range strangers(names) {
		t.Errorf("%s: the top level is fixed; a document lies beside the code it describes", bad)
	}
}

func strangers(names []string) (bad []string) {
	known := []string{"agent", "sensors", "store", "uplink", "tinyconf", "go.mod", "go.sum", "Makefile", "LICENSE",
		"README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "bin"} // bin is what make builds
	for _, n := range names {
		if n[0] != '.' && !slices.Contains(known, n) {
			bad = append(bad, n)
		}
	}
	return bad
}

// source writes a file of package x with the imports and a body.
func source(body string, imps ...string) string {
	text := "package x\n"
	for _, imp := range imps {
		text += "import " + imp + "\n"
	}
	return text + body
}

func ours(dir string) string { return strconv.Quote(module + dir) }

// broken are trees of one file that break one rule, and the reason that has to
// be given; without a reason the file is right.
var broken = []struct{ rule, file, text, why string }{
	{"arrows", "tinyconf/a.go", source("", ours("sensors")), "tinyconf is the floor"},
	{"arrows", "sensors/a.go", source("", ours("sensors/bus")), "lowest type"},
	{"arrows", "sensors/a.go", source("", ours("tinyconf")), ""},
	{"arrows", "sensors/chip/a.go", source("", ours("store")), "what becomes of its readings"},
	{"arrows", "sensors/chip/a.go", source("", ours("sensors"), ours("sensors/bus")), ""},
	{"arrows", "store/consent/a.go", source("", ours("store/keyring")), "neither disk nor network"},
	{"arrows", "store/consent/a.go", source("", ours("sensors"), ours("tinyconf")), ""},
	{"arrows", "store/consent/charter/a.go", source("", ours("store/ledger")), "tested without an object"},
	{"arrows", "store/consent/charter/a.go", source("", ours("store/consent"), ours("sensors"), ours("tinyconf")), ""},
	{"arrows", "store/a.go", source("", ours("uplink/wire")), "where things are sent"},
	{"arrows", "store/ledger/a.go", source("", ours("agent/control")), "where things are sent"},
	{"arrows", "store/a.go", source("", ours("sensors/chip")), "where things are sent"},
	{"arrows", "store/a.go", source("", ours("store/consent"), ours("store/ledger")), ""},
	{"arrows", "uplink/wire/a.go", source("", ours("tinyconf")), "nothing else of ours"},
	{"arrows", "uplink/receive/a.go", source("", ours("store")), "nothing of the object"},
	{"arrows", "uplink/receive/disk/a.go", source("", ours("uplink/receive"), ours("uplink/wire")), ""},
	{"arrows", "uplink/candor-receiver/a.go", source("", ours("uplink")), "with a command line"},
	{"arrows", "uplink/transport/a.go", source("", ours("agent")), "what comes after it"},
	{"arrows", "uplink/a.go", source("", ours("agent/control")), "what comes after it"},
	{"arrows", "agent/doctor/a.go", source("", ours("store")), "opens nothing of the object's"},
	{"arrows", "agent/doctor/a.go", source("", ours("agent"), ours("agent/control"), ours("uplink/transport")), ""},
	{"arrows", "agent/bundle/a.go", source("", ours("store/ledger")), "words of closed lists"},
	{"arrows", "agent/bundle/a.go", source("", ours("agent/doctor"), ours("sensors")), ""},
	{"arrows", "agent/candor/a.go", source("", ours("agent/cli"), ours("uplink"), ours("sensors/chip")), ""},
	{"arrows", "agent/doctor/a.go", source("", ours("store/keyring")), "opens nothing of the object's"},
	{"arrows", "agent/bundle/a.go", source("", ours("store/ledger")), "words of closed lists"},
	{"arrows", "tools/a.go", source(""), "the top level is fixed"},
	{"importers", "sensors/a.go", source("", `"periph.io/x/conn/v3/i2c"`), "periph has no deadlines"},
	{"importers", "sensors/chip/a.go", source("", `"periph.io/x/devices/v3/bmxx80"`), ""},
	{"importers", "store/keyring/a.go", source("", `"go.etcd.io/bbolt"`), "one writer of the disk"},
	{"importers", "store/ledger/a.go", source("", `"go.etcd.io/bbolt"`), ""},
	{"importers", "agent/cli/a.go", source("", `_ "net"`), "who listens and who calls"},
	{"importers", "uplink/a.go", source("", `h "net/http"`), "who listens and who calls"},
	{"importers", "agent/web/a.go", source("", `"net/http"`, `"net/url"`), ""},
	{"importers", "agent/web/a.go", source("", `"html/template"`), "templates keep every method"},
	{"importers", "store/a.go", source("", `"pgregory.net/rapid"`), "tools for tests"},
	{"importers", "store/ledger/a.go", source("", `"github.com/fxamacker/cbor/v2"`), "280 KB of the device binary"},
	{"importers", "agent/cli/a.go", source("", `"github.com/fxamacker/cbor/v2"`), "280 KB of the device binary"},
	{"importers", "agent/bench/measure/a.go", source("", `"github.com/fxamacker/cbor/v2"`), ""},
	{"bans", "store/consent/a.go", source("", `"os"`), "consent is pure"},
	{"bans", "store/consent/a.go", source("", `"os/exec"`), "consent is pure"},
	{"bans", "store/consent/a.go", source("", `"net/netip"`), "consent is pure"},
	{"bans", "store/consent/charter/a.go", source("", `"os"`), "a charter is pure"},
	{"bans", "store/consent/a.go", source("", `"crypto/rand"`), "consent is pure"},
	{"bans", "store/consent/a.go", source("", `"time"`, `"crypto/sha256"`), ""},
	{"bans", "store/keyring/a.go", source("", `"math/rand/v2"`), "crypto/rand alone"},
	{"bans", "uplink/a.go", source("", `"math/rand"`), "seeded by hand"},
	{"bans", "uplink/a.go", source("", `"math/rand/v2"`), ""},
	{"foreign", "uplink/wire/a.go", source("", `"github.com/BurntSushi/toml"`), "the standard library and nothing else"},
	{"foreign", "uplink/wire/a.go", source("", `"github.com/fxamacker/cbor/v2"`), "the standard library and nothing else"},
	{"foreign", "uplink/wire/a.go", source("", `"crypto/hpke"`), ""},
	{"foreign", "tinyconf/a.go", source("", `"golang.org/x/sys/unix"`), "nothing else"},
	{"foreign", "store/consent/a.go", source("", `"github.com/fxamacker/cbor/v2"`), "we did not write"},
	{"words", "uplink/receive/a.go", source("var x = net.DialTimeout", `"net"`), "one package opens outgoing sockets"},
	{"words", "agent/web/a.go", source("var x h.Client", `h "net/http"`), "one package opens outgoing sockets"},
	{"words", "agent/candor-demo/a.go", source("func f() { http.Post() }", `"net/http"`), "one package opens outgoing sockets"},
	{"words", "uplink/a.go", source("var x tls.Dialer", `"crypto/tls"`), "one package opens outgoing sockets"},
	{"words", "uplink/transport/a.go", source("var x net.Dialer", `"net"`), ""},
	{"words", "agent/web/a.go", source("var x = http.NewServeMux()", `"net/http"`), ""},
	{"words", "store/consent/a.go", source("var x = time.Now", `"time"`), "consent has no clock"},
	{"words", "store/consent/charter/a.go", source("var x = time.Now", `"time"`), "consent has no clock"},
	{"words", "store/consent/a.go", source("func f() { t := new(time.Time); t.Now() }", `"time"`), ""},
	{"keyed hashes", "store/consent/a.go", source("var x = sha256.Sum256(nil)", `"crypto/sha256"`), "unkeyed hash"},
	{"keyed hashes", "store/consent/a.go", source("var x = sha256.New", `"crypto/sha256"`), "unkeyed hash"},
	{"keyed hashes", "store/consent/a.go", source("var x = hash.New(sha256.New, nil)", `"crypto/sha256"`), "unkeyed hash"},
	{"keyed hashes", "store/consent/a.go", source("var x = hmac.New(sha256.New, nil)", `"crypto/sha256"`, `"crypto/hmac"`), ""},
	{"keyed hashes", "store/ledger/a.go", source("var x = sha256.Sum256(nil)", `"crypto/sha256"`), ""},
	{"init", "store/a.go", source("func init() {}"), "before main"},
	{"init", "store/a.go", source("type T int\nfunc (T) init() {}"), ""},
	{"names", "store/utils/a.go", source(""), "a name says what is inside"},
	{"names", "store/a.go", "package common", "a name says what is inside"},
	{"names", "store/a.go", source(""), ""},
	{"dot imports", "store/a.go", source("", `. "net"`), "hides"},
	{"dot imports", "store/a.go", source("", `_ "net"`), ""},
}

// Every rule finds what breaks it, and lets what is right pass.
func TestRulesCanFail(t *testing.T) {
	seen := make(map[string]int)
	for _, tc := range broken {
		var got []string
		for _, p := range parseTree(t, map[string]string{tc.file: tc.text}) {
			got = append(got, rules[tc.rule](p)...)
		}
		text := strings.Join(got, "\n")
		switch {
		case tc.why == "" && text != "":
			t.Errorf("%s finds fault with\n%s\n%s", tc.rule, tc.text, text)
		case tc.why != "" && (!strings.Contains(text, tc.why) || !strings.HasPrefix(text, path.Dir(tc.file))):
			t.Errorf("%s says %q, want a place and %q, of\n%s", tc.rule, text, tc.why, tc.text)
		case tc.why != "":
			seen[tc.rule]++
		}
	}
	for name := range rules {
		if seen[name] == 0 {
			t.Errorf("nothing shows that the rule %q can fail", name)
		}
	}
	for _, row := range arrows[:len(arrows)-1] { // agent may import all stages
		if !slices.ContainsFunc(broken, func(tc struct{ rule, file, text, why string }) bool {
			return tc.why != "" && strings.Contains(row.why, tc.why)
		}) {
			t.Errorf("nothing shows that the arrow of %s can fail", row.where)
		}
	}
	if got := strangers([]string{"agent", ".ci", "docs", "go.mod"}); !slices.Equal(got, []string{"docs"}) {
		t.Errorf("strangers are %v, want docs", got)
	}
	list := "github.com/spf13/cobra fmt text/template\nx/agent/cli html/template\nhtml/template text/template\nx/y text/template testing\nx/z github.com/nats-io/nats.go/jetstream\n" +
		"x/agent/cli github.com/spf13/cobra/doc\n"
	if got := heavy(list); len(got) != 5 {
		t.Errorf("the device binary's faults are %q, want 5", got)
	}
}
