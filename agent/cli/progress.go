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
	line := fmt.Sprintf("%s: %d of %d", p.what, done, of)
	_, _ = fmt.Fprintf(p.g.env.Stderr, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// end takes the line away.
func (p *progress) end() {
	if p.shown > 0 {
		_, _ = fmt.Fprintf(p.g.env.Stderr, "\r%*s\r", p.shown, "")
	}
}
