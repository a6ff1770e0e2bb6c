package cli

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// progress tells on standard error how far long work is, where that is a terminal; elsewhere it says nothing.
type progress struct {
	g     *global
	what  string
	quiet bool
	done  int // as last counted
	shown int // characters of the line that stands there
}

func newProgress(g *global, what string) *progress {
	f, ok := g.env.Stderr.(*os.File)
	return &progress{g: g, what: what, quiet: !ok || !term.IsTerminal(int(f.Fd()))}
}

// show writes how many are done of how many over what was written before.
func (p *progress) show(done, of int) {
	if p.quiet {
		return
	}
	p.line(fmt.Sprintf("%s: %d of %d", p.what, done, of))
}

// count writes how many are done where nobody knows of how many, every thousand of them.
func (p *progress) count(done int) {
	if !p.quiet && done/1000 != p.done/1000 {
		p.line(fmt.Sprintf("%s: %d", p.what, done))
	}
	p.done = done
}

func (p *progress) line(line string) {
	_, _ = fmt.Fprintf(p.g.env.Stderr, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// end takes the line away.
func (p *progress) end() {
	if p.shown > 0 {
		_, _ = fmt.Fprintf(p.g.env.Stderr, "\r%*s\r", p.shown, "")
	}
}
