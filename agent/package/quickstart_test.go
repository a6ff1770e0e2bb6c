package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/cli"
)

// block is one fenced block of a document: its language and mark, and its lines.
type block struct{ kind, text string }

// readBlocks takes a document apart, by the headings of its second level.
func readBlocks(text string) map[string][]block {
	out := map[string][]block{}
	title := ""
	var open *block
	for line := range strings.Lines(text) {
		mark, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && open == nil:
			open = &block{kind: mark}
		case fence:
			out[title] = append(out[title], *open)
			open = nil
		case open != nil:
			open.text += line
		case strings.HasPrefix(line, "## "):
			title = strings.TrimSpace(line[3:])
		}
	}
	return out
}

// freePort is a port of this machine that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

// standIns is what a test can't do or may not: they come before the words of the document and change none of them.
const standIns = `set -e
trap 's=$?; kill $(jobs -p) 2>/dev/null || true; wait || true; exit $s' EXIT
sudo() { "$@"; }
usermod() { :; }
systemctl() { case $1 in start) candor run & sleep 1 ;; esac; }
`

// wrapper is the candor that the document calls: /etc/candor/candor.toml is in the folder of the test, a simulated room stands for
// what is on a bus, and root says on whose behalf.
const wrapper = `#!/bin/sh
case "$1 $2" in
"config init") set -- "$@" --simulated ;;
"consent grant" | "consent withdraw" | pair*) [ "$(id -u)" != 0 ] || set -- "$@" --on-behalf "the test" ;;
esac
case " $* " in *" --config "*) ;; *) set -- "$@" --config 'CONFIG' ;; esac
exec 'BINARY' "$@"
`

// TestQuickstart does what QUICKSTART.md says, as far as that needs no board, and wants to see what it shows.
func TestQuickstart(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the document is for bash: ", err)
	}
	group, err := user.LookupGroupId(fmt.Sprint(os.Getgid()))
	must(t, err)
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	must(t, os.MkdirAll(filepath.Join(dir, "etc/candor"), 0o755))
	must(t, os.Mkdir(bin, 0o755))
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "../../uplink/candor-receiver").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(dir, "etc/candor/candor.toml")
	must(t, os.WriteFile(filepath.Join(bin, "candor"), []byte(strings.NewReplacer("CONFIG", config, "BINARY", binary(t)).Replace(wrapper)), 0o755))
	sections := readBlocks(string(embedded("QUICKSTART.md")))
	for _, title := range []string{"A laptop", "A Raspberry Pi and one BME280"} {
		var script strings.Builder
		script.WriteString(standIns)
		var shown []string
		steps := 0
		for i, b := range sections[title] {
			switch b.kind {
			case "sh replayed":
				script.WriteString(b.text)
				steps++
			case "text":
				if sections[title][i-1].kind == "sh replayed" {
					shown = append(shown, strings.TrimSpace(b.text))
				}
			case "sh board", "sh built":
			default:
				t.Errorf("%s: a block is marked %q", title, b.kind)
			}
		}
		if steps < 5 || len(shown) == 0 {
			t.Fatalf("%s: %d steps, %d outputs", title, steps, len(shown))
		}
		page := freePort(t)
		words := strings.NewReplacer("127.0.0.1:8080", freePort(t), "127.0.0.1:8088", page, "/etc/candor/", filepath.Dir(config)+"/", `"candor-person"`, fmt.Sprintf("%q", group.Name),
			`time = "10s"`, `time = "1s"`).Replace(script.String())
		if title != "A laptop" { // readings come each second, as there
			words = strings.Replace(words, "sudo candor config check", "sed -i 's/every = \"10s\"/every = \"1s\"/' '"+config+"'\nsudo candor config check", 1)
			must(t, os.RemoveAll(filepath.Join(dir, "received")))
		}
		said := replay(t, bash, words, dir, bin)
		for _, want := range shown {
			if want = strings.ReplaceAll(want, "127.0.0.1:8088", page); !strings.Contains(said, want) {
				t.Errorf("%s: it does not say %q:\n%s", title, want, said)
			}
		}
	}
}

// replay runs a script, for two minutes at most, and ends all that it has started.
func replay(t *testing.T, bash, script, dir, bin string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bash, "-m", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LC_ALL=C.UTF-8", "USER=somebody")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out.String())
	}
	return out.String()
}

// TestQuickstartNamesVerbs: each `candor VERB` in the document is one that there is.
func TestQuickstartNamesVerbs(t *testing.T) {
	known := manual{}.pages(cli.Tree())
	text := string(embedded("QUICKSTART.md"))
	n := 0
	for _, m := range regexp.MustCompile("(?m)(?:^|sudo |Next: |`)candor ([a-z]+)( [a-z]+)?").FindAllStringSubmatch(text, -1) {
		one, two := known["candor-"+m[1]+".1"] != nil, known["candor-"+m[1]+"-"+strings.TrimSpace(m[2])+".1"] != nil
		if !one || m[2] != "" && !two && strings.Contains(string(known["candor-"+m[1]+".1"]), ".SH VERBS") {
			t.Errorf("there is no %q", m[0])
		}
		n++
	}
	if n < 20 {
		t.Errorf("only %d verbs are found in the document", n)
	}
}
