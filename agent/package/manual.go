package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manual is what the pages of one program have in common.
type manual struct {
	version string
	date    string // 2026-11-25
}

// exits is the table of exit codes, the same for every verb, as the page of help on them has it: a number and what it says.
func exits(root *cobra.Command) string {
	var b strings.Builder
	for _, c := range root.Commands() {
		if c.Name() != "exit-codes" {
			continue
		}
		for line := range strings.Lines(c.Long) {
			if code, words, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(code), roff(strings.TrimSpace(words)))
			}
		}
	}
	return b.String()
}

// pages writes a page for the program and for each verb, by file name as candor-consent-grant.1.
func (m manual) pages(root *cobra.Command) map[string][]byte {
	out := map[string][]byte{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		out[pageName(cmd)+".1"] = m.page(cmd)
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				walk(c)
			}
		}
	}
	walk(root)
	return out
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func (m manual) page(cmd *cobra.Command) []byte {
	cmd.InitDefaultHelpFlag()
	var b bytes.Buffer
	m.head(&b, pageName(cmd), "1", cmd.Short)
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " VERB [flags]"
	}
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(use))
	about := cmd.Long
	if about == "" {
		about = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	fmt.Fprint(&b, ".SH DESCRIPTION\n")
	paragraphs(&b, about)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(&b, ".SH VERBS\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(pageName(c)), roff(c.Short))
			}
		}
	}
	flags(&b, "OPTIONS", cmd.LocalFlags())
	flags(&b, "OPTIONS OF EVERY VERB", cmd.InheritedFlags())
	if cmd.Example != "" {
		fmt.Fprint(&b, ".SH EXAMPLES\n")
		verbatim(&b, cmd.Example)
	}
	fmt.Fprint(&b, ".SH EXIT STATUS\n"+exits(cmd.Root()))
	m.foot(&b, cmd)
	return b.Bytes()
}

// head begins a page.
func (m manual) head(w io.Writer, name, section, what string) {
	fmt.Fprintf(w, ".\\\" Made from the program; changes here are lost.\n.TH %q %s %s %q Candor\n.SH NAME\n%s \\- %s\n",
		strings.ToUpper(name), section, m.date, "candor "+m.version, roff(name), roff(what))
}

// foot ends a page of a verb: its files, and what else to read.
func (m manual) foot(w io.Writer, cmd *cobra.Command) {
	fmt.Fprint(w, ".SH FILES\n.TP\n.I /etc/candor/candor.toml\ndescribes the object; see\n.BR candor.toml (5)\n"+
		".TP\n.I /var/lib/candor\nwhat waits to be sent, and the ledger\n.TP\n.I /var/lib/candor\\-keys\nthe keys that open it\n.SH SEE ALSO\n")
	if cmd.HasParent() {
		fmt.Fprintf(w, ".BR %s (1),\n", roff(pageName(cmd.Parent())))
	}
	fmt.Fprint(w, ".BR candor.toml (5),\n.BR candor\\-policy.toml (5)\n")
}

// reference is a page of section 5: a file with every key, commented.
func (m manual) reference(name, what, text string) []byte {
	var b bytes.Buffer
	m.head(&b, name, "5", what)
	fmt.Fprint(&b, ".SH DESCRIPTION\nA file with every key, commented; what it shows is the default or an example. A key that is not in it is an error.\n")
	verbatim(&b, text)
	fmt.Fprint(&b, ".SH SEE ALSO\n.BR candor (1),\n.BR candor\\-config\\-check (1),\n.BR candor\\-policy\\-check (1)\n")
	return b.Bytes()
}

func flags(w io.Writer, title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, ".SH %s\n", title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(w, ".TP\n.B %s", roff(name))
		if value != "" {
			fmt.Fprintf(w, " \\fI%s\\fR", roff(value))
		}
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
			usage += " (default " + d + ")"
		}
		fmt.Fprintf(w, "\n%s\n", roff(usage))
	})
}

// paragraphs writes a text whose paragraphs are apart by an empty line; what is indented stays as it is.
func paragraphs(w io.Writer, text string) {
	for _, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(p, " ") {
			verbatim(w, p)
			continue
		}
		fmt.Fprintf(w, ".PP\n%s\n", roff(p))
	}
}

func verbatim(w io.Writer, text string) {
	fmt.Fprintf(w, ".PP\n.nf\n%s\n.fi\n", roff(strings.Trim(text, "\n")))
}

// roff writes text so that roff prints it as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
