package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// How candor speaks when something fails, all in this file: one sentence after "candor: ", no capital at its start, no full
// stop at its end, saying what failed and where; then "hint: " and what to type next, if anything helps. Faults of a file
// stand alone, one a line, so that editors can jump to them. No value a sensor measured is ever in it.

// failure is an error with its exit code and hint.
type failure struct {
	err  error
	code int
	hint string
}

// Error returns the text.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap returns the error itself.
func (f *failure) Unwrap() error { return f.err }

// failf makes an error that ends with exit code 1.
func failf(hint, format string, args ...any) error {
	return &failure{fmt.Errorf(format, args...), exitFailed, hint}
}

// usagef makes an error about how a verb was called.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &failure{fmt.Errorf(format, args...), exitWrongUse, cmd.CommandPath() + " --help"}
}

// flagError is what cobra calls when flags can't be read.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usagef(cmd, "%w", err)
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return usagef(cmd, "%s has no flag -%s", cmd.CommandPath(), name)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near, ok := tinyconf.Closest(name, known); ok {
		return usagef(cmd, "%s has no flag --%s; did you mean --%s?", cmd.CommandPath(), name, near)
	}
	return usagef(cmd, "%s has no flag --%s", cmd.CommandPath(), name)
}

// report prints an error and returns the exit code for it. Where nobody knows what to do next, otherwise is the hint.
func report(w io.Writer, err error, otherwise string) int {
	if err == nil {
		return exitDone
	}
	code, hint := judge(err, otherwise)
	var faults tinyconf.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			_, _ = fmt.Fprintln(w, f.Error())
		}
	} else {
		say(w, "candor: "+strings.TrimSpace(err.Error()))
	}
	if hint != "" {
		say(w, "hint: "+hint)
	}
	return code
}

// warn tells of what does not keep a verb from going on.
func (g *global) warn(text string) {
	w := newOutput(g.env.Stderr, g.env.Getenv)
	say(w, "candor: "+text)
	_ = w.flush() // there is nowhere left to say that it failed
}

// say writes lines, folded where w is a terminal.
func say(w io.Writer, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if o, ok := w.(*output); ok && o.people {
			paragraph(w, "", line)
			continue
		}
		_, _ = fmt.Fprintln(w, line)
	}
}

// judge finds exit code and hint of an error.
func judge(err error, otherwise string) (code int, hint string) {
	var own *failure
	var refused *control.Error
	var left *agent.LeftError
	var faults tinyconf.Faults
	switch {
	case errors.As(err, &own):
		return own.code, own.hint
	case errors.As(err, &left):
		return exitLeft, "candor status"
	case errors.As(err, &refused):
		switch refused.Code {
		case control.ErrNotAllowed:
			return exitNotAllowed, refused.Hint
		case control.ErrBadRequest:
			return exitWrongUse, refused.Hint
		}
		return exitFailed, refused.Hint
	case errors.Is(err, sensors.Permission):
		return exitNotAllowed, "do as it says above, or run this as root"
	case errors.Is(err, agent.ErrLocked):
		return exitFailed, "candor status, or wait until the other one has ended"
	case errors.As(err, &faults):
		return exitFailed, "mend what is named above; every key: candor config reference, with --policy or --charter of those files"
	case errors.Is(err, fs.ErrNotExist):
		return exitFailed, "check the name; it starts at the folder you are in, and names in candor.toml at the folder of that file"
	case errors.Is(err, fs.ErrPermission):
		return exitNotAllowed, "run this as the owner of that file, or as root"
	}
	return exitFailed, otherwise
}
