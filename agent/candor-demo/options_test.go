package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-rate", "600", "-seed", "-7", "-keep", "x"},
		env("DEMO_SECONDS", "1.5", "NO_COLOR", "1", "LANG", "fr_FR.UTF-8", "TERM", "dumb"), nil)
	want := options{rate: 600, seed: -7, keep: "x", length: 1500 * time.Millisecond}
	if err != nil || o != want {
		t.Errorf("got %+v, %v", o, err)
	}
	o, err = parseOptions(nil, env(), nil)
	want = options{rate: usualRate, seed: usualSeed, ascii: true, colour: true, cursor: true}
	if err != nil || o != want {
		t.Errorf("without anything: %+v, %v", o, err)
	}
}

func TestOptionFaults(t *testing.T) {
	for _, c := range []struct{ args, seconds, want string }{
		{"-rate 0", "", "-rate 0 won't do; from 1 to 7200"},
		{"-rate 7201", "", "-rate 7201"},
		{"-rate fast", "", "invalid value"},
		{"-fast", "", "-fast; see -h"},
		{"more", "", `unexpected "more"`},
		{"", "0", `DEMO_SECONDS="0" won't do`},
		{"", "-3", `DEMO_SECONDS="-3" won't do`},
		{"", "NaN", `DEMO_SECONDS="NaN" won't do`},
		{"", "20s", "a number of seconds"},
		{"", "86401", "from 1 to 86400"},
	} {
		_, err := parseOptions(strings.Fields(c.args), env("DEMO_SECONDS", c.seconds), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q with DEMO_SECONDS=%q: %v", c.args, c.seconds, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	if _, err := parseOptions([]string{"-h"}, env(), &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	for _, want := range []string{"DEMO_SECONDS", "-rate seconds", "-seed", "-keep"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help has no %s:\n%s", want, out.String())
		}
	}
}

func TestLocale(t *testing.T) {
	for _, c := range []struct {
		pairs []string
		want  bool
	}{
		{[]string{"LANG", "C.UTF-8"}, true},
		{[]string{"LANG", "de_DE.utf8"}, true},
		{[]string{"LANG", "C"}, false},
		{[]string{"LANG", "C.UTF-8", "LC_ALL", "C"}, false},
		{[]string{"LANG", "C", "LC_CTYPE", "en_US.UTF-8"}, true},
		{nil, false},
	} {
		if got := speaksUTF8(env(c.pairs...)); got != c.want {
			t.Errorf("%v: %v", c.pairs, got)
		}
	}
}

func TestWorkDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, clean, err := workDir("")
	if err != nil {
		t.Fatal(err)
	}
	if err := clean(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	keep := filepath.Join(t.TempDir(), "a", "b")
	if dir, clean, err = workDir(keep); err != nil || clean() != nil || dir != keep {
		t.Fatalf("%s: %v", dir, err)
	}
	if err := os.WriteFile(filepath.Join(keep, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{keep, filepath.Join(keep, "file")} {
		if _, _, err := workDir(bad); err == nil || !strings.Contains(err.Error(), "-keep: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
