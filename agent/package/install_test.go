package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// target is a root directory in which dpkg installs. Its scripts run in it by $DPKG_ROOT, so nothing of this machine is touched.
type target struct {
	t    *testing.T
	root string
	dpkg []string
}

// newTarget makes an empty Debian, as far as a package sees it: systemd is said to be there.
func newTarget(t *testing.T) *target {
	t.Helper()
	for _, tool := range []string{"dpkg", "systemd-sysusers", "systemd-tmpfiles", "awk", "dd", "cmp", "find"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("nothing is installed in a clean root: ", err)
		}
	}
	g := &target{t: t, root: t.TempDir(), dpkg: []string{"dpkg"}}
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("fakeroot"); err != nil {
			t.Skip("this is not root, and there is no fakeroot: ", err)
		}
		g.dpkg = []string{"fakeroot", "dpkg", "--force-not-root"}
	}
	g.dpkg = append(g.dpkg, "--root="+g.root, "--force-script-chrootless", "--log="+filepath.Join(g.root, "dpkg.log"))
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "etc", "usr/sbin"} {
		must(t, os.MkdirAll(filepath.Join(g.root, dir), 0o755))
	}
	g.write("var/lib/dpkg/status", `Package: systemd
Status: install ok installed
Version: 252
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: stands for what an object has
`)
	g.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	g.write("etc/group", "root:x:0:\n")
	return g
}

func (g *target) path(name string) string { return filepath.Join(g.root, name) }

func (g *target) write(name, text string) {
	g.t.Helper()
	must(g.t, os.MkdirAll(filepath.Dir(g.path(name)), 0o755))
	must(g.t, os.WriteFile(g.path(name), []byte(text), 0o644))
}

// run has dpkg do something, and gives what it said.
func (g *target) run(args ...string) string {
	g.t.Helper()
	args = append(append([]string{}, g.dpkg...), args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// candor runs the installed program and wants an exit code.
func (g *target) candor(code int, args ...string) string {
	g.t.Helper()
	cmd := exec.Command(g.path("usr/bin/candor"), append(args, "--config", g.path("etc/candor/candor.toml"))...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		g.t.Fatalf("candor %v: %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	return out.String()
}

// says is what candor answers in JSON.
func (g *target) says(into any, args ...string) {
	g.t.Helper()
	must(g.t, json.Unmarshal([]byte(g.candor(0, append(args, "--json")...)), into))
}

const twoPurposes = `version = 1
[controller]
name = "Acme Objets SAS"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme Objets SAS"
country = "FR"
role = "controller"
`

func purposeOf(id string) string {
	return fmt.Sprintf(`[[purpose]]
id = %q
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "395d"
time = "1h"
[[purpose.rule]]
field = "room.temperature"
action = "keep"
`, id)
}

// settle gives the object a configuration, a recording and two yeses, of which one is taken back with rows in the buffer.
func (g *target) settle() {
	g.t.Helper()
	g.write("etc/candor/candor.toml", fmt.Sprintf(`[device]
state = %q
language = "en"
[[sensor]]
name = "room"
driver = "replay"
file = "room.csv"
pace = "max"
[buffer]
reserve = "1MiB"
[policy]
file = "policy.toml"
[[route]]
recipient = "acme"
url = "http://127.0.0.1:9"
`, g.path("var/lib/candor")))
	g.write("etc/candor/policy.toml", twoPurposes+purposeOf("kept")+purposeOf("taken"))
	var csv strings.Builder
	csv.WriteString("t_ms,temperature\n")
	for i := range 200 {
		fmt.Fprintf(&csv, "%d,20.%d\n", 1_700_000_000_000+i*60_000, i%10)
	}
	g.write("etc/candor/room.csv", csv.String())
	for _, p := range []string{"kept", "taken"} {
		g.candor(0, g.onBehalf("consent", "grant", p)...)
	}
	g.candor(3, "run", "--once", "--deadline", "100ms") // nobody is at the other end
	g.candor(0, g.onBehalf("consent", "withdraw", "taken")...)
}

func (g *target) onBehalf(args ...string) []string {
	if os.Geteuid() == 0 {
		return append(args, "--on-behalf", "the test")
	}
	return args
}

// look is what must outlive any update: what waits, and what was answered.
func (g *target) look() string {
	g.t.Helper()
	var buffer, answers any
	g.says(&buffer, "buffer", "show")
	g.says(&answers, "consent", "show")
	var out strings.Builder
	for _, s := range pick(buffer, "streams") {
		fmt.Fprintln(&out, s["purpose"], "waits:", s["buffered_rows"], "rows,", s["outgoing_batches"], "uploads")
	}
	for _, p := range pick(answers, "purposes") {
		fmt.Fprintln(&out, p["id"], p["state"])
	}
	return out.String()
}

// pick is the list of that name in an answer.
func pick(v any, name string) (out []map[string]any) {
	m, _ := v.(map[string]any)
	list, _ := m[name].([]any)
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// deb writes a package in which a script stands for the binary, and runs it: compressing it again and again would take most of the
// time.
func (g *target) deb(version string) string {
	g.t.Helper()
	b, err := readBuild(binary(g.t), version)
	must(g.t, err)
	b.binary = fmt.Appendf(nil, "#!/bin/sh\nexec '%s' \"$@\"\n", binary(g.t))
	p, err := parts()
	must(g.t, err)
	name, data, err := assemble(b, p, "")
	must(g.t, err)
	path := filepath.Join(g.t.TempDir(), name)
	must(g.t, os.WriteFile(path, data, 0o600))
	return path
}

// TestLifeOfAPackage installs a package, updates it, goes back, removes and purges it.
func TestLifeOfAPackage(t *testing.T) {
	g := newTarget(t)
	old, next := g.deb("1.0.0"), g.deb("1.1.0")
	said := g.run("-i", old)
	if !strings.Contains(said, "nothing runs, since there is no /etc/candor/candor.toml") {
		t.Errorf("it says:\n%s", said)
	}
	// Nothing is agreed to by installing: there is no state, no key, no policy.
	for _, dir := range []string{"var/lib/candor", "var/lib/candor-keys"} {
		entries, err := os.ReadDir(g.path(dir))
		if err != nil || len(entries) != 0 {
			t.Errorf("%s: %v %v", dir, entries, err)
		}
	}
	if users, err := os.ReadFile(g.path("etc/passwd")); err != nil || !bytes.Contains(users, []byte("\ncandor:")) {
		t.Errorf("the user is not there: %v\n%s", err, users)
	}
	groups, err := os.ReadFile(g.path("etc/group"))
	must(t, err)
	for _, line := range []string{"candor-person:x:", "candor-tech:x:", "i2c:x:", "gpio:x:"} {
		_, members, found := strings.Cut(string(groups), line)
		members, _, _ = strings.Cut(members, "\n")
		if !found || strings.HasPrefix(line, "candor-") && !strings.HasSuffix(members, ":") {
			t.Errorf("the group %s has the members %q", line, members)
		}
	}
	g.settle()
	before := g.look()
	if !strings.Contains(before, "kept given") || !strings.Contains(before, "taken withdrawn") || !strings.Contains(before, "kept waits: 0 rows, 1 uploads") {
		t.Fatalf("the object is not as this test wants it:\n%s", before)
	}
	g.write("etc/candor/charter.toml", "version = 3\n") // somebody's change of a shipped setting
	for _, step := range []string{next, old, next} {
		g.run("-i", step)
		if after := g.look(); after != before {
			t.Errorf("after %s it is\n%swas\n%s", filepath.Base(step), after, before)
		}
	}
	if text, err := os.ReadFile(g.path("etc/candor/charter.toml")); err != nil || string(text) != "version = 3\n" {
		t.Errorf("a setting that somebody changed is %q %v", text, err)
	}
	keys, err := os.ReadFile(g.path("var/lib/candor-keys/keys"))
	must(t, err)
	said = g.run("-r", "candor-mqtt")
	if _, err := os.Stat(g.path("var/lib/candor/ledger.db")); err != nil || !strings.Contains(said, "candor transfer") {
		t.Errorf("removed, and what it keeps is gone too: %v\n%s", err, said)
	}
	g.run("-i", next)
	if after := g.look(); after != before {
		t.Errorf("removed and installed again it is\n%swas\n%s", after, before)
	}
	g.purge(keys)
}

// purge purges, and looks whether the keys went first, and everything after them.
func (g *target) purge(keys []byte) {
	t := g.t
	t.Helper()
	g.write("etc/candor/credentials/token", "secret of acme")
	// A second name of the key file shows what was done to it before its name went.
	must(t, os.Link(g.path("var/lib/candor-keys/keys"), g.path("witness")))
	said := g.run("-P", "candor-mqtt")
	for _, line := range []string{
		fmt.Sprintf("/var/lib/candor-keys/keys: %d bytes overwritten, read back as zeros, deleted", len(keys)),
		"/etc/candor/credentials/token: 14 bytes overwritten, read back as zeros, deleted", "nothing of it is left on this object",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("it does not say %q:\n%s", line, said)
		}
	}
	if first, second := strings.Index(said, "candor-keys/keys"), strings.Index(said, "what they sealed"); first > second {
		t.Errorf("the keys are not first:\n%s", said)
	}
	witness, err := os.ReadFile(g.path("witness"))
	if err != nil || len(witness) != len(keys) || bytes.Equal(witness, keys) || len(bytes.Trim(witness, "\x00")) != 0 {
		t.Errorf("the key file was not overwritten: %d bytes, %v", len(witness), err)
	}
	must(t, filepath.WalkDir(g.root, func(path string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(g.root, path)
		if strings.Contains(rel, "candor") && !strings.HasPrefix(rel, "var/lib/dpkg/") {
			t.Errorf("%s is left", rel)
		}
		return err
	}))
}

// TestPurgeThatCannot: where a key file can't be overwritten the purge fails, and does not claim to have erased.
func TestPurgeThatCannot(t *testing.T) {
	if _, err := exec.LookPath("dd"); err != nil {
		t.Skip("nothing can be overwritten: ", err)
	}
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "var/lib/candor-keys"), 0o700))
	must(t, os.MkdirAll(filepath.Join(root, "bin"), 0o700))
	must(t, os.WriteFile(filepath.Join(root, "var/lib/candor-keys/keys"), []byte("still here"), 0o600))
	// A disk that takes the order and does not follow it.
	must(t, os.WriteFile(filepath.Join(root, "bin/dd"), []byte("#!/bin/sh\nexit 0\n"), 0o700))
	cmd := exec.Command("sh", "files/postrm", "purge")
	cmd.Env = append(os.Environ(), "DPKG_ROOT="+root, "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "could not be overwritten") || strings.Contains(string(out), "nothing of it is left") {
		t.Errorf("%v\n%s", err, out)
	}
}
