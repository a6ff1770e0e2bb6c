package tinyconf

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Fault is one thing wrong at one place of a file.
type Fault struct {
	// File is the name given to [Load].
	File string
	// Line and Col count from 1; Col counts characters, not bytes. Both are 0
	// when the fault has no place in the file, as when it can't be opened.
	Line, Col int
	// Key is the whole path, as in purpose[2].rule[0].action, lists counted
	// from 0. It is empty for a fault of the file itself.
	Key string
	// Text says what was found and what would do, without a full stop.
	Text string
	// Cause is the error behind the fault, nil when there is none.
	Cause error
}

// Error gives one line: file:line:col: key: text.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Col)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	b.WriteString(": " + f.Text)
	return b.String()
}

// Unwrap gives the cause, for errors.Is and errors.As.
func (f Fault) Unwrap() error { return f.Cause }

// Faults are all faults of a file, in the order of the file. A Faults that
// [Load] returns is never empty.
type Faults []Fault

// Error gives one line a fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each fault, for errors.Is and errors.As.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// maxFaults keeps the answer to a file of the wrong kind readable.
const maxFaults = 100

// collector gathers the faults of one load.
type collector struct {
	faults Faults
	more   int
	// broken holds the keys the loader itself found at fault. What a Checker
	// says about them would only repeat it, or be drawn from a value that was
	// never read.
	broken map[string]bool
}

func (c *collector) add(f Fault) {
	if len(c.faults) >= maxFaults {
		c.more++
		return
	}
	c.faults = append(c.faults, f)
}

// isBroken tells whether key, or a table it lies in, could not be read.
func (c *collector) isBroken(key string) bool {
	if len(c.broken) == 0 {
		return false
	}
	for i := range len(key) {
		if (key[i] == '.' || key[i] == '[') && c.broken[key[:i]] {
			return true
		}
	}
	return c.broken[key]
}

// err gives the faults in the order of the file, or nil.
func (c *collector) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	sort.SliceStable(c.faults, func(i, j int) bool {
		a, b := &c.faults[i], &c.faults[j]
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
	if c.more > 0 {
		c.faults = append(c.faults, Fault{File: c.faults[0].File, Text: fmt.Sprintf("%d more faults are not shown", c.more)})
	}
	return c.faults
}

// faultsOf finds the faults in err.
func faultsOf(err error) (Faults, bool) {
	var fs Faults
	ok := errors.As(err, &fs)
	return fs, ok
}
