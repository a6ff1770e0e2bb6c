package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// pseudoTerminal opens both ends of one.
func pseudoTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// watcher collects what appears on a terminal.
type watcher struct {
	mu   sync.Mutex
	seen bytes.Buffer
}

func watch(master *os.File) *watcher {
	w := &watcher{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			w.mu.Lock()
			w.seen.Write(buf[:n])
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.String()
}

func (w *watcher) await(t *testing.T, text string) {
	t.Helper()
	for range 3000 {
		if strings.Contains(w.text(), text) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%q never appears in:\n%s", text, w.text())
}

func press(t *testing.T, master *os.File, keys string) {
	t.Helper()
	if _, err := master.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

func TestKeysOnATerminal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	master, slave := pseudoTerminal(t)
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(master)
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"-rate", "3600"}, env("LANG", "C.UTF-8"), streams{slave, slave, slave})
	}()
	w.await(t, "Nothing leaves this object")
	w.await(t, "Keys: 1 to 4")
	if now, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS); err != nil || now.Lflag&unix.ECHO != 0 {
		t.Errorf("the terminal echoes keys: %v", err)
	}
	press(t, master, "\x1b[1;5A9x") // no key that means something
	press(t, master, "4")
	w.await(t, "YES to service")
	w.await(t, " bytes") // of the first rows
	press(t, master, "4")
	w.await(t, "NO to service")
	w.await(t, "The receiver confirmed: service is deleted")
	press(t, master, "q")
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v\n%s", err, w.text())
		}
	case <-time.After(time.Minute):
		t.Fatal("q does not end it")
	}
	w.await(t, "checked: ")
	text := w.text()
	if strings.Contains(text, "YES to trends") {
		t.Error("a cursor key granted a purpose")
	}
	if last := strings.LastIndex(text, "\x1b[?25h"); last < 0 || last < strings.LastIndex(text, "\x1b[?25l") || last > strings.Index(text, "Summary: ") {
		t.Error("the cursor is not shown again before the summary")
	}
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not what it was: %v, %+v, %+v", err, before, after)
	}
}

func TestPlainKeys(t *testing.T) {
	for read, want := range map[string]string{
		"14q": "14q", "\x1b[A": "", "\x1b[1;5A9x4": "9x4", "\x1bOP2": "2", "\x1b": "", "\x1b[": "", "\x1b[1": "", "3\x1b1": "3", "\x1b[2~\x1b[3~1": "1",
	} {
		if got := string(plainKeys([]byte(read))); got != want {
			t.Errorf("%q: %q, not %q", read, got, want)
		}
	}
}

func TestCtrlCOnATerminal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	master, slave := pseudoTerminal(t)
	w := watch(master)
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), nil, env("DEMO_SECONDS", "30", "NO_COLOR", "1"), streams{slave, slave, slave})
	}()
	w.await(t, "A script plays until you press one.")
	press(t, master, "\x03")
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Ctrl-C does not end it")
	}
	w.await(t, "checked: ")
	if text := w.text(); strings.Contains(text, "\x1b[1m") || strings.Contains(text, "\x1b[32m") {
		t.Error("colours although NO_COLOR says no")
	}
}

func TestPanicRestoresTheTerminal(t *testing.T) {
	master, slave := pseudoTerminal(t)
	w := watch(master)
	before, err := term.GetState(int(slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	grabbed, err := grabTerminal(int(slave.Fd()), slave)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		grabbed.guard(func() { panic("x") })
	}()
	after, err := term.GetState(int(slave.Fd()))
	if err != nil || *after != *before {
		t.Errorf("not restored: %v", err)
	}
	w.await(t, "\x1b[?25h")
}

func TestPictureFitsTheTerminal(t *testing.T) {
	master, slave := pseudoTerminal(t)
	w := watch(master)
	s := &screen{w: slave, fd: int(slave.Fd()), glyphs: glyphsFor(false), colour: true}
	v := busyView()
	v.notes, v.keys = []string{"one", "two", "three", "four"}, "keys"
	for _, size := range []unix.Winsize{{Row: 24, Col: 80}, {Row: 10, Col: 40}, {Row: 50, Col: 200}} {
		if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &size); err != nil {
			t.Fatal(err)
		}
		if err := s.show(v); err != nil {
			t.Fatal(err)
		}
		const end = "<end>"
		press(t, slave, end)
		w.await(t, end)
		w.mu.Lock()
		picture, _, _ := strings.Cut(w.seen.String(), end)
		w.seen.Reset()
		w.mu.Unlock()
		if !strings.Contains(picture, "\x1b[J") {
			t.Errorf("what was below is not cleared: %q", picture)
		}
		if n := strings.Count(picture, "\n") + 1; n > int(size.Row) {
			t.Errorf("%d lines on %d", n, size.Row)
		}
		for _, l := range strings.Split(picture, "\n") {
			if n := visible(l); n > int(size.Col) {
				t.Errorf("%d wide on %d: %q", n, size.Col, l)
			}
		}
	}
}

// visible counts the characters of a line that take room.
func visible(l string) int {
	n, escape := 0, false
	for _, r := range strings.TrimRight(l, "\r") {
		switch {
		case r == 27:
			escape = true
		case escape:
			escape = r == '[' || r == '?' || r >= '0' && r <= '9'
		default:
			n++
		}
	}
	return n
}
