package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

func newConsentDiff(g *global) *cobra.Command {
	o := &showOptions{}
	cmd := &cobra.Command{
		Use:   "diff [PURPOSE]",
		Short: "show how what is asked now differs from what you agreed to",
		Long: `Shows, for each purpose you answered and whose policy or charter has changed
since, what you agreed to and what is asked now, side by side.

What an update narrows is narrower at once. What it widens waits for your answer,
and what you agreed to goes on until then.`,
		Example: `  candor consent diff
  candor consent diff trends --lang fr`,
		Args: takes("[PURPOSE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.purposes(cmd, o, args, func(c *control.Consent, list []control.ConsentPurpose) error {
				if o.json {
					return printJSON(g.out, list)
				}
				printDiff(g.out, c, list)
				return nil
			})
		},
	}
	langFlag(cmd, &o.lang)
	jsonFlag(cmd, &o.json)
	return cmd
}

// purposes asks for what stands, and hands on all purposes or the one that args names.
func (g *global) purposes(cmd *cobra.Command, o *showOptions, args []string, show func(*control.Consent, []control.ConsentPurpose) error) error {
	if err := checkLang(cmd, o.lang); err != nil {
		return err
	}
	return g.with(cmd.Context(), func(s *session) error {
		c, err := s.Consent(cmd.Context(), o.lang)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return show(&c, c.Purposes)
		}
		for i := range c.Purposes {
			if c.Purposes[i].ID == args[0] {
				return show(&c, c.Purposes[i:i+1])
			}
		}
		return failf("candor consent show", "the policy has no purpose %q", args[0])
	})
}

// diffWords are the words around a diff.
type diffWords struct {
	same, agreed, asked, bits, cannot, colon string
	effects                                  map[consent.Effect]string
}

func diffWordsIn(language string) diffWords {
	if strings.HasPrefix(language, "fr") {
		return diffWords{
			same: "Rien n'a changé depuis ce que vous avez accepté.", agreed: "accepté", asked: "demandé maintenant", bits: "combien", cannot: "ne peut pas être demandé : ", colon: " : ",
			effects: map[consent.Effect]string{consent.Narrows: "moins, dès maintenant", consent.Widens: "davantage, attend votre réponse",
				consent.Differs: "autre chose, ne part pas sans votre réponse", consent.Reworded: "dit autrement"},
		}
	}
	return diffWords{
		same: "Nothing has changed since what you agreed to.", agreed: "agreed to", asked: "asked now", bits: "how much", cannot: "can't be asked: ", colon: ": ",
		effects: map[consent.Effect]string{consent.Narrows: "less, at once", consent.Widens: "more, waits for your answer",
			consent.Differs: "something else, does not leave without your answer", consent.Reworded: "said in other words"},
	}
}

func printDiff(w io.Writer, c *control.Consent, list []control.ConsentPurpose) {
	l, any := diffWordsIn(c.Language), false
	for i := range list {
		p := &list[i]
		if len(p.Changes) == 0 {
			continue
		}
		if any {
			_, _ = fmt.Fprintln(w)
		}
		any = true
		paragraph(w, "", p.ID+" - "+p.Title)
		if p.Reason != "" {
			paragraph(w, "  ", p.Reason)
		}
		columns(w, "", l.agreed, l.asked)
		for _, x := range p.Changes {
			columns(w, x.Label, x.Old, x.New)
			paragraph(w, "    -> ", l.effects[x.Effect])
		}
		if p.AskedBits != "" {
			columns(w, l.bits, p.Bits, p.AskedBits)
		}
		switch {
		case p.AskedNot != "":
			paragraph(w, "  ", l.cannot+p.AskedNot)
		case p.Pending || p.State == consent.Changed:
			paragraph(w, "  ", labelsIn(c.Language).yes+l.colon+"candor consent grant "+p.ID)
		}
	}
	if !any {
		_, _ = fmt.Fprintln(w, l.same)
	}
}

// columns writes a label and two texts side by side, each wrapped in its own column.
func columns(w io.Writer, label, left, right string) {
	const lead, column = 20, 29
	a, b, c := wrap(label, lead-1), wrap(left, column), wrap(right, column)
	for i := range max(len(a), len(b), len(c)) {
		at := func(list []string) string {
			if i < len(list) {
				return list[i]
			}
			return ""
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight("  "+pad(at(a), lead-2)+pad(at(b), column)+" "+at(c), " "))
	}
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1)) }

// wrap cuts text into lines of less than n columns; a word that is longer is cut.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(clean(text)) {
		for utf8.RuneCountInString(word) >= n {
			cut := []rune(word)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, string(cut[:n-1])), string(cut[n-1:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) < n:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
