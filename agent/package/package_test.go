package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/cli"
)

// built is the device binary, with all that it can be built with, made once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "candor-package-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "candor")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../candor").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unpacked is a package as a reader that is not ours sees it.
type unpacked struct {
	control map[string]*tar.Header
	data    map[string]*tar.Header
	text    map[string][]byte // of both, those of control with "control:" before the name
	order   []string          // of data
}

// unpack reads a package with Go's own tar, and ar by the words of deb(5).
func unpack(t *testing.T, deb []byte) unpacked {
	t.Helper()
	u := unpacked{map[string]*tar.Header{}, map[string]*tar.Header{}, map[string][]byte{}, nil}
	rest, ok := bytes.CutPrefix(deb, []byte("!<arch>\n"))
	if !ok {
		t.Fatal("no ar archive")
	}
	var members []string
	for len(rest) > 0 {
		head := string(rest[:60])
		name, size := strings.TrimSpace(head[:16]), strings.TrimSpace(head[48:58])
		n, err := strconv.Atoi(size)
		if err != nil || head[58:] != "`\n" || strings.TrimSpace(head[28:34]) != "0" || strings.TrimSpace(head[34:40]) != "0" {
			t.Fatalf("member %q: %v", head, err)
		}
		members = append(members, name)
		body := rest[60 : 60+n]
		rest = rest[60+n+n%2:]
		if name == "debian-binary" {
			if string(body) != "2.0\n" {
				t.Errorf("format %q", body)
			}
			continue
		}
		u.untar(t, name, body)
	}
	if !slices.Equal(members, []string{"debian-binary", "control.tar.gz", "data.tar.gz"}) {
		t.Errorf("the members are %v", members)
	}
	return u
}

func (u *unpacked) untar(t *testing.T, name string, body []byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	must(t, err)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		clean := strings.TrimPrefix(h.Name, "./")
		if name == "control.tar.gz" {
			u.control[clean], u.text["control:"+clean] = h, text
			continue
		}
		u.data[clean], u.text[clean] = h, text
		u.order = append(u.order, clean)
	}
}

// parts are the modules in the test's binary.
var parts = sync.OnceValues(func() ([]licensed, error) {
	path, err := built()
	if err != nil {
		return nil, err
	}
	b, err := readBuild(path, "1.0")
	if err != nil {
		return nil, err
	}
	return licences(b)
})

// packed is the package of a binary, of which the first part has to stand for the whole: most of the time would go into
// compressing it.
func packed(t *testing.T, path, version, conf string) (string, []byte, error) {
	t.Helper()
	b, err := readBuild(path, version)
	must(t, err)
	b.binary = b.binary[:100_000]
	p, err := parts()
	must(t, err)
	return assemble(b, p, conf)
}

// TestSameBytes: neither the moment nor the folder is in a package. That the binary itself comes out the same is what
// `make reproducible` looks at, which builds it twice.
func TestSameBytes(t *testing.T) {
	path := binary(t)
	_, first, err := packed(t, path, "1.2.3", "")
	must(t, err)
	elsewhere := filepath.Join(t.TempDir(), "a much longer name", "candor")
	must(t, os.MkdirAll(filepath.Dir(elsewhere), 0o700))
	content, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(elsewhere, content, 0o700))
	must(t, os.Chtimes(elsewhere, time.Unix(1e9, 0), time.Unix(1e9, 0)))
	t.Setenv("TZ", "Pacific/Auckland")
	t.Setenv("SOURCE_DATE_EPOCH", "1")
	t.Chdir("files")
	_, second, err := packed(t, elsewhere, "1.2.3", "")
	must(t, err)
	if !bytes.Equal(first, second) {
		t.Error("two packages of one binary differ")
	}
	here, err := os.Getwd()
	must(t, err)
	u := unpack(t, first)
	for name, text := range u.text {
		if name == "usr/bin/candor" {
			continue // it is of a build for tests, which names its folder
		}
		for _, bad := range []string{filepath.Dir(path), filepath.Dir(here)} {
			if bytes.Contains(text, []byte(bad)) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
	}
	if _, other, err := packed(t, elsewhere, "1.2.4", ""); err != nil || bytes.Equal(first, other) {
		t.Error("another version has the same bytes: the comparison can't fail")
	}
}

// TestContents: what is installed, where, for whom.
func TestContents(t *testing.T) {
	name, deb, err := packed(t, binary(t), "1.2.3", "")
	must(t, err)
	if !strings.HasPrefix(name, "candor-mqtt_1.2.3_") { // a build without tags can speak it
		t.Errorf("it is called %s", name)
	}
	u := unpack(t, deb)
	doc := "usr/share/doc/candor/"
	want := map[string]int64{
		"usr/bin/candor": 0o755, "usr/lib/systemd/system/candor.service": 0o644, "usr/lib/sysusers.d/candor.conf": 0o644,
		"usr/lib/tmpfiles.d/candor.conf": 0o644, "usr/lib/udev/rules.d/60-candor.rules": 0o644, "etc/candor/charter.toml": 0o644,
		"etc/candor/credentials/": 0o700, "usr/share/man/man1/candor.1.gz": 0o644, "usr/share/man/man1/candor-consent-grant.1.gz": 0o644,
		"usr/share/man/man5/candor.toml.5.gz": 0o644, "usr/share/bash-completion/completions/candor": 0o644,
		"usr/share/zsh/vendor-completions/_candor": 0o644, "usr/share/fish/vendor_completions.d/candor.fish": 0o644,
		doc + "copyright": 0o644, doc + "sbom.cdx.json": 0o644, doc + "changelog.gz": 0o644, doc + "QUICKSTART.md": 0o644,
		doc + "examples/candor.toml": 0o644, doc + "examples/policy.toml": 0o644, doc + "examples/charter.toml": 0o644,
	}
	for name, mode := range want {
		if h := u.data[name]; h == nil || h.Mode != mode {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if !slices.IsSortedFunc(u.order[1:], func(a, b string) int { return strings.Compare(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/")) }) {
		t.Error("the files are not sorted")
	}
	for name, h := range u.data {
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Gname != "root" || !h.ModTime.Equal(undated) || h.Mode&0o022 != 0 {
			t.Errorf("%s: owner %d:%d, mode %o, time %s", name, h.Uid, h.Gid, h.Mode, h.ModTime)
		}
		if strings.HasPrefix(name, "var/") || strings.HasPrefix(name, "run/") {
			t.Errorf("%s: is made on the object, and not shipped", name)
		}
	}
	if got := string(u.text["control:conffiles"]); got != "/etc/candor/charter.toml\n" {
		t.Errorf("conffiles: %q", got)
	}
	control := string(u.text["control:control"])
	for _, line := range []string{"Package: candor-mqtt", "Conflicts: candor", "Version: 1.2.3", "Depends: systemd (>= 250)", "Description: "} {
		if !strings.Contains("\n"+control, "\n"+line) {
			t.Errorf("control has no %q:\n%s", line, control)
		}
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		if h := u.control[script]; h == nil || h.Mode != 0o755 {
			t.Errorf("%s: %+v", script, h)
		}
		if out, err := exec.Command("sh", "-n", "files/"+script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	licences := string(u.text[doc+"copyright"])
	for _, want := range []string{
		"\nFiles: go.etcd.io/bbolt@", "\n Permission is hereby granted, free of charge", "\nFiles: std@go", "\n Redistribution and use in source and binary forms",
		"developed at CoreOS, Inc.", "\n The text is /usr/share/common-licenses/Apache-2.0.",
	} {
		if !strings.Contains(licences, want) {
			t.Errorf("copyright has no %q", want)
		}
	}
	checkSums(t, u)
}

// checkSums compares md5sums with what md5sum would say.
func checkSums(t *testing.T, u unpacked) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range u.text {
		if strings.HasPrefix(name, "control:") || strings.HasSuffix(name, "/") || name == "" {
			continue
		}
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	if _, err := exec.LookPath("md5sum"); err != nil {
		t.Skip("no md5sum: the sums are not compared")
	}
	cmd := exec.Command("md5sum", "-c", "--strict", "-")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(u.text["control:md5sums"])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("md5sum: %v\n%s", err, out)
	}
}

// TestMakersFiles: the maker's files come along as settings when they are right, and a package is refused when they are not.
func TestMakersFiles(t *testing.T) {
	conf := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(conf, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(conf, name), []byte(text), 0o600))
	}
	write("candor.toml", "[device]\nlanguage = \"fr\"\n")
	write("policy.toml", "version = 1\n")
	write("charter.toml", "version = 2\n")
	_, deb, err := packed(t, binary(t), "1.0", conf)
	must(t, err)
	u := unpack(t, deb)
	if got := string(u.text["control:conffiles"]); got != "/etc/candor/candor.toml\n/etc/candor/charter.toml\n/etc/candor/policy.toml\n" {
		t.Errorf("conffiles: %q", got)
	}
	if string(u.text["etc/candor/charter.toml"]) != "version = 2\n" {
		t.Error("the maker's charter is not the one in the package")
	}
	write("credentials/token", "secret")
	if _, _, err := packed(t, binary(t), "1.0", conf); err == nil || !strings.Contains(err.Error(), "is a secret") {
		t.Errorf("a secret is packed: %v", err)
	}
	must(t, os.RemoveAll(filepath.Join(conf, "credentials")))
	write("candor.toml", "[device]\ncolour = \"red\"\n")
	if _, _, err := packed(t, binary(t), "1.0", conf); err == nil || !strings.Contains(err.Error(), "colour") {
		t.Errorf("a wrong file is packed: %v", err)
	}
}

// TestVersions: versions are in the order in which Debian has them.
func TestVersions(t *testing.T) {
	order := []string{"(devel)", "v0.0.0-20261125231640-dffb53c8a9b1", "v0.9.0", "v1.0.0-rc.1", "v1.0.0", "v1.0.1-0.20261125231640-dffb53c8a9b1", "v1.0.1"}
	want := []string{"0~devel", "0.0.0~20261125231640.dffb53c8a9b1", "0.9.0", "1.0.0~rc.1", "1.0.0", "1.0.1~0.20261125231640.dffb53c8a9b1", "1.0.1"}
	_, dpkgErr := exec.LookPath("dpkg")
	for i, v := range order {
		got := debianVersion(v)
		if got != want[i] {
			t.Errorf("%s is %s, want %s", v, got, want[i])
		}
		if i > 0 && dpkgErr == nil {
			if err := exec.Command("dpkg", "--compare-versions", want[i-1], "lt", got).Run(); err != nil {
				t.Errorf("%s is not before %s: %v", want[i-1], got, err)
			}
		}
	}
	for _, machine := range [][3]string{{"amd64", "", "amd64"}, {"arm64", "", "arm64"}, {"arm", "6", "armhf"}, {"arm", "7", "armhf"}, {"arm", "5", ""}, {"arm", "6,softfloat", ""}, {"mips", "", ""}} {
		if got, err := debianArch(machine[0], machine[1]); got != machine[2] || (err == nil) != (machine[2] != "") {
			t.Errorf("%v: %q %v", machine, got, err)
		}
	}
}

// TestLicences: every module in the device binary has a licence that may be shipped, and `candor about` names the same one.
func TestLicences(t *testing.T) {
	b, err := readBuild(binary(t), "1.0")
	must(t, err)
	parts, err := parts()
	must(t, err)
	if len(parts) < 8 || len(parts) != len(b.info.Deps)+1 {
		t.Errorf("%d parts of %d", len(parts), len(b.info.Deps))
	}
	for _, p := range parts {
		if got := cli.Licence(p.path); got != p.expression() {
			t.Errorf("%s: about says %s, and the text is %s", p.path, got, p.expression())
		}
	}
	if got := identify("Permission is hereby granted to nobody."); got != nil {
		t.Errorf("an unknown licence is %v", got)
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("All rights reserved."), 0o600))
	if _, err := readLicence("example.org/x", "v1.0.0", dir); err == nil || !strings.Contains(err.Error(), "example.org/x") {
		t.Errorf("an unknown licence passes: %v", err)
	}
	if (licensed{ids: []string{"MIT", "GPL-3.0-only"}}).within(shippable) {
		t.Error("GPL-3.0-only may be shipped")
	}
}

// TestBill: the list names every module with version, licence and sum, and is the same for the same binary.
func TestBill(t *testing.T) {
	b, err := readBuild(binary(t), "1.0")
	must(t, err)
	parts, err := parts()
	must(t, err)
	text, err := makeBill(b, parts)
	must(t, err)
	var got struct {
		BomFormat, SpecVersion, SerialNumber string
		Metadata                             struct {
			Component struct {
				Hashes []struct{ Alg, Content string }
			}
		}
		Components []struct {
			Type, Name, Version, Purl string
			Licenses                  []struct{ License struct{ ID string } }
			Properties                []struct{ Name, Value string }
		}
		Dependencies []struct{ DependsOn []string }
	}
	must(t, json.Unmarshal(text, &got))
	if got.BomFormat != "CycloneDX" || got.SpecVersion != "1.5" || !strings.HasPrefix(got.SerialNumber, "urn:uuid:") || len(got.SerialNumber) != 45 {
		t.Errorf("%s %s %s", got.BomFormat, got.SpecVersion, got.SerialNumber)
	}
	if h := got.Metadata.Component.Hashes; len(h) != 1 || h[0].Content != fmt.Sprintf("%x", b.sum) {
		t.Errorf("the binary's digest is %v", h)
	}
	if len(got.Components) != len(parts) || len(got.Dependencies) != 1 || len(got.Dependencies[0].DependsOn) != len(parts) {
		t.Errorf("%d components, %v", len(got.Components), got.Dependencies)
	}
	for i, c := range got.Components {
		std := c.Name == "std"
		if c.Name != parts[i].path || c.Version == "" || c.Purl != "pkg:golang/"+c.Name+"@"+c.Version || c.Licenses[0].License.ID == "" || !std && (len(c.Properties) != 1 || !strings.HasPrefix(c.Properties[0].Value, "h1:")) {
			t.Errorf("%+v", c)
		}
	}
}

// TestManuals: every verb has a page that says what its help says, and the formatter has nothing to say against any.
func TestManuals(t *testing.T) {
	pages := manual{version: "1.0", date: "2026-01-01"}.pages(cli.Tree())
	verbs := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		verbs++
		page := string(pages[pageName(c)+".1"])
		for _, want := range []string{".TH", ".SH NAME\n" + roff(pageName(c)) + " \\- " + roff(c.Short), ".SH EXAMPLES", ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\n", "\n.B 4\n", roff(strings.Split(strings.TrimSpace(c.Example), "\n")[0])} {
			if !strings.Contains(page, want) {
				t.Errorf("%s has no %q:\n%s", c.CommandPath(), want, page)
			}
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				walk(sub)
			}
		}
	}
	walk(cli.Tree())
	if len(pages) != verbs || verbs < 40 {
		t.Errorf("%d pages for %d verbs", len(pages), verbs)
	}
	if got := roff(".a\\b\n'c-d"); got != "\\&.a\\eb\n\\&'c\\-d" {
		t.Errorf("roff writes %q", got)
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("no groff: what it thinks of the pages is not asked")
	}
	for name, page := range pages {
		cmd := exec.Command("groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z")
		cmd.Stdin = bytes.NewReader(page)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestCompletions: each shell gets a script that it can read.
func TestCompletions(t *testing.T) {
	words, err := completions()
	must(t, err)
	for i, shell := range []string{"bash", "zsh", "fish"} {
		if !bytes.Contains(words[i].data, []byte("__complete")) {
			t.Errorf("%s does not ask the program", words[i].name)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("no %s: whether it can read its script is not asked", shell)
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = bytes.NewReader(words[i].data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
