package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
)

type charterOptions struct {
	lang, policy, charter string
	card, json            bool
}

func newCharter(g *global) *cobra.Command {
	o := &charterOptions{}
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "say what this object does with your data, and who stands for it",
		Long: `Says, in French or English, what the object can sense, what it lets out for which
purpose, how it is protected and what could be guessed from it: what the object
guarantees, what the controller promises, what the law gives. Every sentence is
computed from the rules in force; one they don't bear out is not there, and
--json lists it with the reason.

With --card it prints a label for the object's box, from the policy alone: no
daemon and no object is needed.`,
		Example: `  candor charter
  candor charter --lang fr
  candor charter --card --policy policy.toml --charter charter.toml`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLang(cmd, o.lang); err != nil {
				return err
			}
			switch {
			case o.card:
				return printCard(g, o, cmd.Flags().Changed("config"))
			case o.policy != "" || o.charter != "":
				return usagef(cmd, "--policy and --charter are for --card; what this object does rests on the policy of candor.toml")
			}
			return g.with(cmd.Context(), func(s *session) error { return printCharter(cmd, g, o, s) })
		},
	}
	cmd.Flags().SortFlags = false
	langFlag(cmd, &o.lang)
	cmd.Flags().BoolVar(&o.card, "card", false, "print a label of one page, from the policy alone")
	cmd.Flags().StringVar(&o.policy, "policy", "", "with --card: the policy's `FILE` (default that of candor.toml)")
	cmd.Flags().StringVar(&o.charter, "charter", "", "with --card: the charter's `FILE` (default that of candor.toml, for its own policy)")
	jsonFlag(cmd, &o.json)
	return cmd
}

func printCharter(cmd *cobra.Command, g *global, o *charterOptions, s *session) error {
	d, err := s.Charter(cmd.Context())
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, d)
	}
	lang := o.lang
	if lang == "" {
		cfg, err := g.load()
		if err != nil {
			return err
		}
		lang = cfg.Device.Language
	}
	l, w := labelsIn(lang).of(d.Controller), g.out
	paragraph(w, "", l.charter)
	printVoices(w, "  ", linesOf(d.Of(""), lang), l)
	for _, p := range d.Purposes {
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", p.ID+" - "+p.Title.In(lang))
		state := l.states[p.State]
		if p.ID == consent.MineID {
			state = l.mine[p.State]
		}
		paragraph(w, "  ", state)
		printVoices(w, "  ", linesOf(d.Of(p.ID), lang), l)
	}
	_, _ = fmt.Fprintln(w)
	paragraph(w, "", fmt.Sprintf(l.made, d.Version, d.Plan))
	return nil
}

// linesOf are fragments in one language.
func linesOf(said []charter.Fragment, language string) []control.NoticeLine {
	out := make([]control.NoticeLine, len(said))
	for i := range said {
		f := &said[i]
		out[i] = control.NoticeLine{Voice: f.Voice, Part: f.Part, Label: f.Label.In(language), Text: f.Text.In(language)}
	}
	return out
}

// labelWidth is the room for a label: the longest has 16 letters.
const labelWidth = 17

// printVoices prints lines, each voice under its own head; what answers one question stands together, its label only once.
func printVoices(w io.Writer, indent string, lines []control.NoticeLine, l *labels) {
	for _, voice := range []charter.Voice{charter.Object, charter.Maker, charter.Law, ""} {
		headed := voice == ""
		for i := range lines {
			first := true
			for k := range i {
				first = first && (lines[k].Label != lines[i].Label || lines[k].Voice != lines[i].Voice)
			}
			if lines[i].Voice != voice || !first {
				continue
			}
			if !headed {
				paragraph(w, indent, l.voices[voice])
				headed = true
			}
			label := lines[i].Label
			for k := i; k < len(lines); k++ {
				if lines[k].Voice == voice && lines[k].Label == lines[i].Label {
					paragraph(w, fmt.Sprintf("%s  %-*s", indent, labelWidth, clean(label)), lines[k].Text)
					label = ""
				}
			}
		}
	}
}

// printCard prints a label from a policy. A configuration need not be there, unless it was asked for or nothing names a policy.
func printCard(g *global, o *charterOptions, asked bool) error {
	file, ceilings := o.policy, o.charter
	lang := o.lang
	cfg, err := g.load()
	switch {
	case err != nil && (file == "" || asked):
		return err
	case err != nil:
		cfg = nil
	case file == "":
		file = cfg.Policy.File
		if ceilings == "" {
			ceilings = cfg.Policy.Charter
		}
	}
	if lang == "" {
		lang = "en"
		if cfg != nil {
			lang = cfg.Device.Language
		}
	}
	card, err := agent.Card(file, ceilings, cfg)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, card)
	}
	drawCard(g.out, &card, lang)
	return nil
}

// drawCard draws a card as a frame of [width] columns. What is true of every purpose alike stands once, below.
func drawCard(w io.Writer, c *agent.PolicyCard, lang string) {
	l := labelsIn(lang)
	rule := "+" + strings.Repeat("-", width-2) + "+"
	b := &strings.Builder{}
	framed := func() {
		for line := range strings.Lines(b.String()) {
			_, _ = fmt.Fprintf(w, "| %-*s |\n", width-4, strings.TrimRight(line, "\n"))
		}
		_, _ = fmt.Fprintln(w, rule)
		b.Reset()
	}
	_, _ = fmt.Fprintln(w, rule)
	within(b, "", l.card)
	within(b, "", c.Controller)
	framed()
	common := map[string]int{} // how many purposes say it
	for _, f := range c.Fragments {
		common[f.ID+f.Text.In("")]++
	}
	alike := func(f *charter.Fragment) bool {
		return len(c.Purposes) > 1 && common[f.ID+f.Text.In("")] == len(c.Purposes)
	}
	for _, p := range c.Purposes {
		within(b, "", p.Title.In(lang)+"  [ ] "+l.noBox+"  [ ] "+l.yesBox)
		if p.State == consent.Refused {
			within(b, "  ", l.states[p.State])
		}
		cardLines(b, c, p.ID, lang, func(f *charter.Fragment) bool { return !alike(f) })
		framed()
	}
	if len(c.Purposes) > 1 {
		cardLines(b, c, c.Purposes[0].ID, lang, alike)
	}
	cardLines(b, c, "", lang, func(*charter.Fragment) bool { return true })
	framed()
	within(b, "* ", l.maker)
	if c.ByName {
		within(b, "", l.byName)
	}
	within(b, "", fmt.Sprintf(l.worked, c.Version, c.Plan))
	framed()
}

// cardLines writes the fragments of a purpose that are wanted; what the controller promises has a star.
func cardLines(b *strings.Builder, c *agent.PolicyCard, purpose, lang string, wanted func(*charter.Fragment) bool) {
	last := ""
	for i := range c.Fragments {
		f := &c.Fragments[i]
		if f.Purpose != purpose || !wanted(f) {
			continue
		}
		label, text := f.Label.In(lang), f.Text.In(lang)
		if f.Voice == charter.Maker {
			text += "\u00a0*"
		}
		if label == last {
			label = ""
		} else {
			last = label
		}
		within(b, fmt.Sprintf("  %-*s", labelWidth, clean(label)), text)
	}
}
