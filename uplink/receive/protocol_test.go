package receive

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

var examples = flag.String("examples", "", "directory to leave the messages in that PROTOCOL.md uses")

// writeExamples makes the files PROTOCOL.md names.
func writeExamples(t *testing.T, dir string, key *wire.OpenKey) {
	t.Helper()
	secret, err := key.Secret()
	must(t, err)
	o, unknown := newObject(t, 1, nil), newObject(t, 2, nil)
	second := o.batch(o.numbers(2, 22500))
	sealed, err := wire.Seal(key.Public(), SealInfo(wire.KindBatch), nil, second)
	must(t, err)
	for name, data := range map[string][]byte{
		"acme.hpke":                 []byte(secret + "\n"),
		"tokens":                    []byte(goodToken + "\n"),
		"announcement.cose":         o.signed,
		"batch.cose":                o.batch(o.numbers(1, 23100, 22900)),
		"other-batch.cose":          o.batch(o.numbers(1, 18000)),
		"unannounced-batch.cose":    unknown.batch(unknown.numbers(1, 20000)),
		"batch.sealed":              sealed,
		"access.json":               accessBody(o, o.capability),
		"wrong-access.json":         accessBody(o, unknown.capability),
		"question.cose":             o.question(),
		"deletion.cose":             o.deletion(),
		"unannounced-deletion.cose": unknown.deletion(),
		"test.cose":                 testMessage(o),
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o640))
	}
}

// Every curl line of PROTOCOL.md, from the first to the last, gets the status
// it says.
func TestProtocol(t *testing.T) {
	text, err := os.ReadFile("PROTOCOL.md")
	must(t, err)
	lines := regexp.MustCompile(`(?m)^(curl .*) # ([0-9]{3})$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) < 12 || len(lines) != strings.Count(string(text), "\ncurl ") {
		t.Fatalf("%d lines with a status, %d in all", len(lines), strings.Count(string(text), "\ncurl "))
	}
	key, err := wire.GenerateOpenKey(wire.SuiteX25519)
	must(t, err)
	dir := t.TempDir()
	if *examples != "" {
		dir = *examples
		must(t, os.MkdirAll(dir, 0o750))
	}
	writeExamples(t, dir, key)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: the lines of PROTOCOL.md are not run")
	}
	tokens, err := ReadTokens(strings.NewReader(goodToken))
	must(t, err)
	s := mustOpen(t, t.TempDir())
	url := listen(t, newHandler(t, s, func(c *Config) { c.Tokens, c.Open = tokens, key }))
	for _, l := range lines {
		cmd := exec.Command("sh", "-c", l[1])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "URL="+url, "TOKEN="+goodToken, "no_proxy=127.0.0.1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), "\n"+l[2]+"\n") {
			t.Errorf("%s\nwant %s, got %s (%v)", l[1], l[2], out, err)
		}
	}
	if s.st.streams[wire.StreamID{1, 0xab}] == nil {
		t.Error("nothing arrived")
	}
}

// PROTOCOL.md tells every code with its status.
func TestProtocolTellsEveryCode(t *testing.T) {
	text, err := os.ReadFile("PROTOCOL.md")
	must(t, err)
	source, err := os.ReadFile("refusal.go")
	must(t, err)
	codes := regexp.MustCompile(`Code = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 20 {
		t.Fatalf("found %d codes", len(codes))
	}
	for _, c := range codes {
		if !strings.Contains(string(text), "`"+c[1]+"`") {
			t.Errorf("%s is not in PROTOCOL.md", c[1])
		}
	}
}
