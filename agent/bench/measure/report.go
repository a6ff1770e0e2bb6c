package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// line is one line of the table. Without a measured text it is a heading.
type line struct{ what, measured, budget, verdict string }

// report collects the lines of the table.
type report struct{ lines []line }

func (r *report) heading(format string, args ...any) {
	r.lines = append(r.lines, line{what: fmt.Sprintf(format, args...)})
}

// only adds a figure that has no budget.
func (r *report) only(what string, v float64, format string) {
	r.lines = append(r.lines, line{what: what, measured: fmt.Sprintf(format, v)})
}

// says adds something that is no figure.
func (r *report) says(what, text string) { r.lines = append(r.lines, line{what: what, measured: text}) }

// atMost adds a figure that must not be above its budget.
func (r *report) atMost(what string, v, budget float64, format string) {
	r.judged(what, v, budget, "at most "+format, format, v <= budget)
}

// maybe is atMost where there is a budget, else only.
func (r *report) maybe(what string, v, budget float64, format string) {
	if budget == 0 {
		r.only(what, v, format)
		return
	}
	r.atMost(what, v, budget, format)
}

// atLeast adds a figure that must not be below its budget.
func (r *report) atLeast(what string, v, budget float64, format string) {
	r.judged(what, v, budget, "at least "+format, format, v >= budget)
}

func (r *report) judged(what string, v, budget float64, bound, format string, holds bool) {
	verdict := "short"
	if holds {
		verdict = "pass"
	}
	r.lines = append(r.lines, line{what, fmt.Sprintf(format, v), fmt.Sprintf(bound, budget), verdict})
}

// write writes the table.
func (r *report) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "what\tmeasured\tbudget\t")
	for _, l := range r.lines {
		if l.measured == "" {
			_, _ = fmt.Fprintf(tw, "\t\t\t\n%s\t\t\t\n", l.what)
			continue
		}
		_, _ = fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", l.what, l.measured, l.budget, l.verdict)
	}
	return tw.Flush()
}

// short counts the budgets that do not hold.
func (r *report) short() (short, all int) {
	for _, l := range r.lines {
		if l.verdict != "" {
			all++
		}
		if l.verdict == "short" {
			short++
		}
	}
	return short, all
}

// tell prints the table and saves it where that was asked for.
func (b *bench) tell(stdout io.Writer, now time.Time) error {
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "candor %s, measured %s\n%s\n\n", b.commit, now.UTC().Format("2006-01-02 15:04 UTC"), machine())
	if err := b.out.write(&text); err != nil {
		return err
	}
	short, all := b.out.short()
	_, _ = fmt.Fprintf(&text, "\n%d of %d budgets hold on this machine.\n", all-short, all)
	plain := trimLines(text.String())
	if _, err := io.WriteString(stdout, plain); err != nil {
		return err
	}
	if b.save == "" {
		return nil
	}
	if err := os.MkdirAll(b.save, 0o755); err != nil {
		return err
	}
	name := now.UTC().Format("2006-01-02") + "-" + strings.ReplaceAll(b.commit, " ", "-") + ".txt"
	return os.WriteFile(filepath.Join(b.save, name), []byte(plain), 0o644)
}

// trimLines takes the blanks off the ends of lines.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// machine tells what it was measured on, without a name that says whose it is.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // what it does not fill in stays empty
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	return fmt.Sprintf("%s %s %s, %s, %d cores, %s, other work may have run beside it",
		unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]),
		model(cpu), runtime.NumCPU(), runtime.Version())
}

// model is the name of the processor in /proc/cpuinfo.
func model(cpuinfo []byte) string {
	for l := range bytes.Lines(cpuinfo) {
		key, name, found := bytes.Cut(l, []byte(":"))
		if k := string(bytes.TrimSpace(key)); found && (k == "model name" || k == "Model") {
			return string(bytes.TrimSpace(name))
		}
	}
	return "unknown processor"
}
