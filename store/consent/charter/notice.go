package charter

import (
	"crypto/sha256"
	"strings"

	"github.com/candor-edge/candor/store/consent"
)

// Template names how the text of a notice is made, for receipts: whoever has the rules and a program that knows this template
// makes the same bytes. "candor notice 1" had no voices, and its words were others; its digests stay what they are.
const Template = "candor notice 2"

// Notice is what a person is told before answering: the purpose, the way to its recipient, and the rights. It looks at nothing
// that the person decided elsewhere, so that equal rules and routes give equal notices on every object.
func Notice(in *Inputs, p *consent.Purpose) []Fragment {
	w, s := &writer{tables: unpack()}, &subject{Inputs: told(in), p: p}
	w.write("purpose", s)
	w.write("route", s)
	w.write("law", s)
	return w.out.Fragments
}

// told are inputs without what the person decided.
func told(in *Inputs) *Inputs {
	out := *in
	out.State = State{Known: in.State.Known, Routes: in.State.Routes, Erasure: in.State.Erasure, Quiet: in.State.Quiet}
	return &out
}

// MineNotice is the notice of the history for the person; nothing without one.
func MineNotice(in *Inputs) []Fragment {
	if in.State.Mine == nil {
		return nil
	}
	w := &writer{tables: unpack()}
	w.write("mine", &subject{Inputs: in, m: in.State.Mine})
	w.write("route", &subject{Inputs: told(&Inputs{State: in.State}), m: in.State.Mine})
	return w.out.Fragments
}

// MineTitle is what the history for the person is called.
func MineTitle() Text { return both("Votre historique, sur cet objet", "Your history, on this object") }

// Canonical is the exact text of a notice in one language, whose digest a receipt names: the template, then the id and title
// of the purpose, then a line for each fragment with its voice, label and text. Lines end with a line feed.
func Canonical(id, title string, notice []Fragment, language string) string {
	var b strings.Builder
	b.WriteString(Template + "\n" + id + " - " + title + "\n")
	for i := range notice {
		f := &notice[i]
		b.WriteString(string(f.Voice) + ": " + f.Label.In(language) + ": " + f.Text.In(language) + "\n")
	}
	return b.String()
}

// Digest is the SHA-256 of the canonical text.
func Digest(id, title string, notice []Fragment, language string) [sha256.Size]byte {
	return sha256.Sum256([]byte(Canonical(id, title, notice, language)))
}
