//go:build hardwaresim

package rig_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the rig waits for what has to happen: emulation is slow, and the machine may be shared.
const patience = 3 * time.Minute

// programs are what the tests run, built once.
type programs struct {
	dir      string
	ctl      string // rigctl for this machine
	receiver string
	candor   string // the device binary, ARMv6 as it is shipped
	guestCtl string // rigctl for the ARM guests
}

func build() (p programs, err error) {
	if p.dir, err = os.MkdirTemp("", "rig"); err != nil {
		return p, err
	}
	p.ctl, p.receiver = filepath.Join(p.dir, "rigctl"), filepath.Join(p.dir, "candor-receiver")
	p.candor, p.guestCtl = filepath.Join(p.dir, "candor"), filepath.Join(p.dir, "rigctl-arm")
	for _, b := range []struct {
		out, what string
		arm       bool
	}{
		{p.ctl, "./sensors/rig/rigctl", false}, {p.receiver, "./uplink/candor-receiver", false},
		{p.candor, "./agent/candor", true}, {p.guestCtl, "./sensors/rig/rigctl", true},
	} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "nethttpomithttp2", "-o", b.out, b.what)
		cmd.Dir = filepath.Join("..", "..")
		if b.arm {
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm", "GOARM=6")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("building %s: %w\n%s", b.what, err, out)
		}
	}
	return p, nil
}

// summary collects what is said once at the end.
type summary struct {
	mu    sync.Mutex
	lines []string
}

// saw adds a line to the summary, unless the test has failed by then.
func saw(t *testing.T, format string, args ...any) {
	t.Helper()
	if t.Failed() {
		return
	}
	found.add(format, args...)
}

func (s *summary) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

var (
	bin   programs
	found summary
)

func TestMain(m *testing.M) {
	start := time.Now()
	p, err := build()
	code := 1
	if bin = p; err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
		fmt.Printf("\nhardware-sim: what was seen, in %v\n", time.Since(start).Round(time.Second))
		for _, l := range found.lines {
			fmt.Println("  " + l)
		}
		fmt.Println(map[bool]string{true: "hardware-sim: PASS", false: "hardware-sim: FAIL"}[code == 0])
	}
	_ = os.RemoveAll(p.dir)
	os.Exit(code)
}

// guest is an emulated board that runs.
type guest struct {
	t      *testing.T
	dir    string // of its sockets and its disk
	cmd    *exec.Cmd
	ended  chan error
	shells bool // it has a shell on a socket; else its init script does all
}

// idle is the init script of a guest that is driven through its shell.
const idle = "rigctl clock set\nwhile [ ! -e /tmp/stop ]; do sleep 1; done\n"

// boot starts a board and waits until it is ready. dir holds its disk, which a later boot finds as it was left. files go
// into the guest's /rig/bin, by name.
func boot(t *testing.T, arch, dir, init string, files map[string]string, more ...string) *guest {
	t.Helper()
	g := &guest{t: t, dir: dir, ended: make(chan error, 1), shells: arch != "rpi"}
	script := filepath.Join(dir, "init.sh")
	write(t, script, init)
	_ = os.Remove(g.path("console"))
	args := []string{"./boot.sh", "--arch", arch, "--init", script, "--quiet", "--timeout", "3600", "--disk", g.path("disk.img"),
		"--qmp", g.path("qmp"), "--log", g.path("console"), "--pidfile", g.path("pid"),
		"--file", "candor=" + bin.candor, "--file", "rigctl=" + bin.guestCtl}
	if g.shells {
		args = append(args, "--shell", g.path("sh"), "--qtest", g.path("qtest"))
	}
	for name, from := range files {
		args = append(args, "--file", name+"="+from)
	}
	g.cmd = exec.Command("bash", append(args, more...)...)
	var said bytes.Buffer
	g.cmd.Stderr = &said
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { g.ended <- g.cmd.Wait() }()
	t.Cleanup(g.end)
	t.Cleanup(func() {
		if t.Failed() && g.shells {
			log, err := g.ctl("sh", "sh", "tail -20 /tmp/agent.log")
			t.Logf("the agent's log ends in (%v)\n%s", err, log)
		}
	})
	for deadline := time.Now().Add(patience); !strings.Contains(g.console(), "RIG-READY"); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-g.ended:
			g.ended <- err
			t.Fatalf("the guest ended before it was ready: %v\n%s\n%s", err, said.String(), g.console())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the guest is not ready after %v\n%s", patience, g.console())
		}
	}
	return g
}

func (g *guest) path(name string) string { return filepath.Join(g.dir, name) }

func (g *guest) console() string {
	text, _ := os.ReadFile(g.path("console"))
	return string(text)
}

// cut takes the power away: the emulator is killed where it is.
func (g *guest) cut() {
	g.t.Helper()
	text, err := os.ReadFile(g.path("pid"))
	if err != nil {
		g.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		g.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		g.t.Fatalf("power cut: %v", err)
	}
	<-g.ended
	g.ended <- nil
	g.shells = false // nobody there to ask
}

// end ends the guest and waits for it. boot.sh ends the emulator on SIGTERM.
func (g *guest) end() {
	select {
	case err := <-g.ended:
		g.ended <- err
		return
	default:
	}
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	<-g.ended
	g.ended <- nil
}

// ctl runs rigctl against the guest.
func (g *guest) ctl(verb, socket string, args ...string) (string, error) {
	out, err := exec.Command(bin.ctl, append([]string{verb, g.path(socket)}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("rigctl %s %s: %w\n%s", verb, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// sh runs a command line in the guest and returns what it printed.
func (g *guest) sh(line string) string {
	g.t.Helper()
	out, err := g.ctl("sh", "sh", line)
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

// candor runs the agent's binary in the guest with the test's configuration.
func (g *guest) candor(args string) string {
	g.t.Helper()
	return g.sh("candor " + args + " --config /rig/bin/candor.toml")
}

// set changes what a chip measures.
func (g *guest) set(chip, property string, value int) {
	g.t.Helper()
	if _, err := g.ctl("set", "qmp", chip, property, strconv.Itoa(value)); err != nil {
		g.t.Fatal(err)
	}
}

// eventually asks until the answer is "", and fails with the last one.
func eventually(t *testing.T, what string, ask func() string) {
	t.Helper()
	var last string
	begun := time.Now()
	for time.Since(begun) < patience {
		if last = ask(); last == "" {
			if took := time.Since(begun); took > 20*time.Second {
				t.Logf("%s: after %v", what, took.Round(time.Second))
			}
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatalf("%s: not after %v: %s", what, patience, last)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
