package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const usage = `candor-demo shows a simulated house, the agent and a receiver in one terminal.

On a terminal the keys 1 to 4 grant and withdraw purposes and q quits. Elsewhere a short script does, for 60 seconds.
With DEMO_SECONDS=20 it ends by itself after 20 seconds and plays the script until a key is pressed.

`

const (
	usualRate    = 1200
	maxRate      = 7200
	usualSeed    = 1
	scriptLength = time.Minute
	maxLength    = 24 * time.Hour
)

// options are the command line and the environment, checked.
type options struct {
	rate   int
	seed   int64
	keep   string        // directory to work in and leave; "" for a temporary one
	length time.Duration // real time; 0 goes on until q
	ascii  bool
	colour bool
	cursor bool // the terminal can move its cursor
}

// parseOptions reads arguments and environment. flag.ErrHelp is returned when help was asked for and printed to w.
func parseOptions(args []string, getenv func(string) string, w io.Writer) (options, error) {
	o := options{ascii: !speaksUTF8(getenv), colour: getenv("NO_COLOR") == "", cursor: getenv("TERM") != "dumb"}
	f := flag.NewFlagSet("candor-demo", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&o.rate, "rate", usualRate, "`seconds` in the house for one second here")
	f.Int64Var(&o.seed, "seed", usualSeed, "`number` of the house; the same number gives the same life in it")
	f.StringVar(&o.keep, "keep", "", "new or empty `directory` to work in, left as it is at the end")
	err := f.Parse(args)
	if err == flag.ErrHelp {
		f.SetOutput(w)
		fmt.Fprint(w, usage)
		f.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("%w; see -h", err)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected %q; everything is given by flags, see -h", f.Arg(0))
	}
	if o.rate < 1 || o.rate > maxRate {
		return o, fmt.Errorf("-rate %d won't do; from 1 to %d", o.rate, maxRate)
	}
	o.length, err = demoSeconds(getenv("DEMO_SECONDS"))
	return o, err
}

// demoSeconds reads DEMO_SECONDS; "" is 0.
func demoSeconds(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 1) || n > maxLength.Seconds() {
		return 0, fmt.Errorf("DEMO_SECONDS=%q won't do; it is a number of seconds from 1 to %d", text, int(maxLength.Seconds()))
	}
	return time.Duration(n * float64(time.Second)), nil
}

// speaksUTF8 asks the locale in the order of POSIX.
func speaksUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ReplaceAll(strings.ToLower(v), "-", "")
			return strings.Contains(v, "utf8")
		}
	}
	return false
}
