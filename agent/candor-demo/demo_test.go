package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for the real one.
func TestMain(m *testing.M) {
	if os.Getenv("CANDOR_DEMO_AS_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// clean fails the test when f leaves goroutines or files in the temporary directory.
func clean(t *testing.T, f func()) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	c := make(chan os.Signal, 1) // the first Notify of a process starts a goroutine that stays
	signal.Notify(c, syscall.SIGUSR2)
	signal.Stop(c)
	before := runtime.NumGoroutine()
	f()
	for range 1500 { // connections take a moment to end
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before and %d after:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func wants(t *testing.T, got string, want ...string) {
	t.Helper()
	from := 0
	for _, w := range want {
		i := strings.Index(got[from:], w)
		if i < 0 {
			t.Fatalf("there is no %q, or not in its place, in:\n%s", w, got)
		}
		from += i
	}
}

func TestScriptedRun(t *testing.T) {
	clean(t, func() {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-rate", "7200"}, env("DEMO_SECONDS", "4", "LANG", "C.UTF-8"), streams{nil, &out, &out}); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		wants(t, out.String(), "a simulated house", "One second here is 2 hours in the house.", "Nothing leaves this object: no purpose is granted.",
			"THE HOUSE SENSES (simulated)", "THE RECEIVER GOT", "YES to trends", "YES to improve", "NO to trends", "The receiver confirmed: trends is deleted",
			"withdrawn: ", "nothing more arrives", "Summary: ", "of a simulated house", "readings of 9 fields", "never granted",
			"Fields that never left: living.humidity, living.light, living.co2,", "checked: ", "none of the ")
		if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\r") {
			t.Error("cursor tricks where there is no terminal")
		}
	})
}

// cancelling is an output that cancels when it is told some words.
type cancelling struct {
	bytes.Buffer
	at     string
	cancel func()
}

func (c *cancelling) Write(b []byte) (int, error) {
	n, err := c.Buffer.Write(b)
	if strings.Contains(c.String(), c.at) {
		c.cancel()
	}
	return n, err
}

func TestCancelledRunEndsOrderly(t *testing.T) {
	clean(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &cancelling{at: " of 60 s", cancel: cancel}
		if err := run(ctx, nil, env(), streams{nil, out, out}); err != nil {
			t.Fatal(err)
		}
		wants(t, out.String(), " of 60 s", "Summary: ", "checked: the receiver's files hold exactly the 0 rows")
	})
}

func TestDifferenceIsAnError(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "kept")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		defer cancel()         // it has run for long enough
		for ctx.Err() == nil { // as soon as the receiver has its directory
			ghost := filepath.Join(keep, "receiver", "ghost.jsonl")
			if os.WriteFile(ghost, []byte(jsonRow("aa", 1, 0, warm)), 0o600) == nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var out bytes.Buffer
	err := run(ctx, []string{"-keep", keep}, env(), streams{nil, &out, &out})
	if err == nil || !strings.Contains(err.Error(), "ghost: the receiver has 1 row in 1 batch of which the ledger knows nothing") {
		t.Errorf("a row from nowhere: %v", err)
	}
	if strings.Contains(out.String(), "checked:") {
		t.Error("it says that all was checked")
	}
	if _, err := os.Stat(filepath.Join(keep, "candor.toml")); err != nil {
		t.Errorf("nothing was kept: %v", err)
	}
}

// failing is an output that is full.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestOutputThatFails(t *testing.T) {
	clean(t, func() {
		if err := run(t.Context(), nil, env("DEMO_SECONDS", "30"), streams{nil, failing{}, failing{}}); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("got %v", err)
		}
	})
}

// started is the program in a process of its own, and what it prints.
func started(t *testing.T, seconds string) (c *exec.Cmd, out, errs *watcher) {
	t.Helper()
	c = exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "CANDOR_DEMO_AS_MAIN=1", "DEMO_SECONDS="+seconds, "TMPDIR="+t.TempDir())
	var ends []*os.File
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		defer w.Close()
		ends = append(ends, r, w)
	}
	c.Stdout, c.Stderr = ends[1], ends[3]
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, watch(ends[0]), watch(ends[2])
}

func TestExitCodes(t *testing.T) {
	c, out, errs := started(t, "no")
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || out.text() != "" {
		t.Errorf("a wrong length: %v, %s", err, out.text())
	}
	errs.await(t, `candor-demo: DEMO_SECONDS="no" won't do`)

	c, out, errs = started(t, "60")
	out.await(t, "Nothing leaves this object")
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || errs.text() != "" {
		t.Errorf("Ctrl-C: %v, %s", err, errs.text())
	}
	out.await(t, "checked: ")
	wants(t, out.text(), "Summary: ", "checked: ")
}
