package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/agent/control"
)

// terminal is a pseudo-terminal, with all that was printed on it.
type terminal struct {
	*os.File
	printed chan string
}

// newTerminal opens one; a machine without /dev/ptmx skips the test.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there is no pseudo-terminal here: %v", err)
	}
	var n int
	if err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err == nil {
		n, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there is no pseudo-terminal here: %v", err)
	}
	p := &terminal{f, make(chan string, 1)}
	go func() { // ends when the last of the other side is closed: reading then fails
		var b bytes.Buffer
		_, _ = io.Copy(&b, master)
		_ = master.Close()
		p.printed <- strings.ReplaceAll(b.String(), "\r\n", "\n")
	}()
	return p
}

// on runs candor with its output and errors on a terminal, in an environment, and returns what it shows.
func on(t *testing.T, env map[string]string, args ...string) (code int, shown string) {
	t.Helper()
	p := newTerminal(t)
	e := HostEnv()
	e.Stdin, e.Stdout, e.Stderr, e.UID = strings.NewReader(""), p.File, p.File, 4711
	e.Getenv = func(name string) string { return env[name] }
	code = Main(args, e)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return code, <-p.printed
}

var (
	serial = map[string]string{"TERM": "vt100", "LANG": "C"}
	modern = map[string]string{"TERM": "xterm", "LANG": "fr_FR.UTF-8"}
)

// servedObject is an object with the fake agent behind its socket.
func servedObject(t *testing.T, role control.Role) (config string) {
	t.Helper()
	config = fullObject(t)
	stop, err := serveFake(filepath.Join(filepath.Dir(config), "state", "control.sock"), role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	return config
}

// plainly takes colours off.
func plainly(s string) string {
	for {
		head, rest, found := strings.Cut(s, "\x1b[")
		if !found {
			return s
		}
		_, rest, _ = strings.Cut(rest, "m")
		s = head + rest
	}
}

// TestEightyColumns: on a serial line, in ASCII, every verb and its help fit 80 columns and print nothing but ASCII. What is
// data is left out: it goes out as it is, whatever the terminal.
func TestEightyColumns(t *testing.T) {
	config := servedObject(t, control.Person)
	isData := func(verb string) bool {
		return verb == "export --what receipts" || verb == "buffer export -" || strings.HasPrefix(verb, "completion") || strings.HasPrefix(verb, "config reference")
	}
	check := func(verb, shown string) {
		t.Helper()
		for line := range strings.Lines(plainly(shown)) {
			line = strings.TrimRight(line, "\n")
			line = line[strings.LastIndexByte(line, '\r')+1:] // progress is written over
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("candor %s: %d columns: %s", verb, n, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf || r < ' ' }) {
				t.Errorf("candor %s: not ASCII: %q", verb, line)
			}
		}
	}
	file := strings.NewReplacer("FILE", filepath.Join(filepath.Dir(config), "room.csv"), "NEW", filepath.Join(t.TempDir(), "key"))
	for _, r := range append(matrix(), matrixRow{verb: "consent show --lang fr"}, matrixRow{verb: "consent explain trends --lang fr"},
		matrixRow{verb: "sent --all"}, matrixRow{verb: "status --watch --times 1"}, matrixRow{verb: "transfer --yes --lang fr"}, matrixRow{verb: "help exit-codes"}) {
		if isData(r.verb) || strings.HasPrefix(r.verb, "run ") || strings.HasPrefix(r.verb, "policy keygen") {
			continue // they print no lines for people, or the name of a file of this test
		}
		_, shown := on(t, serial, append(strings.Fields(file.Replace(r.verb)), "--config", config)...)
		shown = strings.ReplaceAll(shown, "\x1b[H\x1b[2J", "")
		check(r.verb, strings.ReplaceAll(shown, filepath.Dir(config), "/etc/candor"))
	}
	for _, cmd := range verbs(newRoot(&global{env: HostEnv()})) {
		path := strings.TrimPrefix(cmd.CommandPath(), "candor ")
		_, shown := on(t, serial, append(strings.Fields(path), "--help")...)
		check(path+" --help", shown)
		if !strings.Contains(shown, "\nExamples:\n  ") || !strings.Contains(shown, "candor "+path) {
			t.Errorf("%s: there is no example in its help", path)
		}
	}
}

// TestColours: on a terminal what is wrong is coloured, with the same words; not with NO_COLOR, not on a dumb one, never
// elsewhere. See no-color.org.
func TestColours(t *testing.T) {
	config := servedObject(t, control.Person)
	_, coloured := on(t, modern, "status", "--config", config)
	if !strings.Contains(coloured, "\x1b[31m! The policy is not signed") || !strings.Contains(coloured, "\x1b[1mSensors\x1b[0m") {
		t.Errorf("%q", coloured)
	}
	for name, env := range map[string]map[string]string{
		"NO_COLOR": {"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"}, "dumb": {"TERM": "dumb", "LANG": "C.UTF-8"}, "no TERM": {"LANG": "C.UTF-8"},
	} {
		if _, shown := on(t, env, "status", "--config", config); shown != plainly(coloured) {
			t.Errorf("%s: %q", name, shown)
		}
	}
	if _, out, _ := call(4711, "status", "--config", config); strings.Contains(out, "\x1b") {
		t.Errorf("colours in a pipe: %q", out)
	}
}

// TestWatchRedraws: a terminal is cleared before each look; a dumb one gets one status after the other.
func TestWatchRedraws(t *testing.T) {
	config := servedObject(t, control.Technician)
	const clear = "\x1b[H\x1b[2J"
	code, shown := on(t, modern, "status", "--watch", "--times", "1", "--config", config)
	if code != exitDone || strings.Count(shown, clear) != 1 || !strings.HasPrefix(shown, clear+"One purpose") {
		t.Errorf("%d %q", code, shown)
	}
	code, shown = on(t, map[string]string{"TERM": "dumb"}, "status", "--watch", "--times", "1", "--config", config)
	if code != exitDone || strings.Contains(shown, "\x1b") || !strings.HasPrefix(shown, "One purpose") {
		t.Errorf("%d %q", code, shown)
	}
}

// TestWatchEnds: Ctrl-C ends it, in order.
func TestWatchEnds(t *testing.T) {
	config := servedObject(t, control.Technician)
	from, to := io.Pipe()
	e := HostEnv()
	e.Stdout, e.UID = to, 4711
	ended := make(chan int, 1)
	go func() {
		ended <- Main([]string{"status", "--watch", "--config", config}, e)
		_ = to.Close()
	}()
	if _, err := from.Read(make([]byte, 1)); err != nil { // the signal is waited for since before the first look
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, from) }()
	if err := unix.Kill(os.Getpid(), unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-ended:
		if code != exitDone {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
}

func TestASCII(t *testing.T) {
	for _, c := range []struct {
		env      map[string]string
		terminal bool
		want     bool
	}{
		{map[string]string{"LANG": "fr_FR.UTF-8"}, true, false},
		{map[string]string{"LANG": "fr_FR.utf8"}, true, false},
		{map[string]string{"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, false, true},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C.UTF-8"}, false, false},
		{map[string]string{"LANG": "fr_FR"}, false, true},
		{nil, true, true},
		{nil, false, false},
	} {
		if got := asciiOnly(func(name string) string { return c.env[name] }, c.terminal); got != c.want {
			t.Errorf("%v on a terminal %v: %v", c.env, c.terminal, got)
		}
	}
	for in, want := range map[string]string{"plain": "plain", "à l'été, ça gêne – « œuvre » …": "a l'ete, ca gene - \" oeuvre \" ...", "日本": "??", "5 €": "5 EUR"} {
		if got := toASCII(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if n := utf8.RuneCountInString(accented); n != len(plainer) {
		t.Errorf("%d letters, %d that stand for them", n, len(plainer))
	}
}

// TestDataIsLeftAlone: what a program reads comes out in UTF-8 whatever the locale.
func TestDataIsLeftAlone(t *testing.T) {
	var b bytes.Buffer
	o := newOutput(&b, func(name string) string { return map[string]string{"LANG": "C"}[name] })
	if err := printJSON(o, []string{"été"}); err != nil {
		t.Fatal(err)
	}
	_, _ = o.Write([]byte("été\n"))
	if err := o.flush(); err != nil || b.String() != "[\n  \"été\"\n]\nete\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// TestProgress: long work says how far it is, on a terminal only, and takes the line away at its end.
func TestProgress(t *testing.T) {
	config := servedObject(t, control.Person)
	_, shown := on(t, modern, "buffer", "verify", "--config", config)
	if !strings.Contains(shown, "\rverify: 1 of 2\rverify: 2 of 2\r") {
		t.Errorf("%q", shown)
	}
	if _, _, piped := call(4711, "buffer", "verify", "--config", config); strings.Contains(piped, "\r") {
		t.Errorf("%q", piped)
	}
}
