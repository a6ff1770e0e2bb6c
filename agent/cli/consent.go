package cli

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

func newConsent(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "consent",
		Short: "see what is asked, say yes or no, take it back",
		Example: `  candor consent show
  candor consent grant trends
  candor consent withdraw trends`,
	}
	cmd.AddCommand(newConsentShow(g), newConsentExplain(g), newConsentDiff(g), newDecision(g, grantVerb), newDecision(g, refuseVerb),
		newDecision(g, withdrawVerb), newPause(g, true), newPause(g, false))
	group(cmd)
	return cmd
}

type showOptions struct {
	lang string
	json bool
}

func newConsentShow(g *global) *cobra.Command {
	o := &showOptions{}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "show every purpose in full, and what did not leave",
		Long: `Shows each purpose the policy has: who wants what, why, in which form, how often
and for how long, and what you answered. Then what was sensed and did not leave,
with the reason.`,
		Example: `  candor consent show
  candor consent show --lang fr`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLang(cmd, o.lang); err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				c, err := s.Consent(cmd.Context(), o.lang)
				if err != nil {
					return err
				}
				if o.json {
					return printJSON(g.out, c)
				}
				printConsent(g.out, &c)
				return nil
			})
		},
	}
	langFlag(cmd, &o.lang)
	jsonFlag(cmd, &o.json)
	return cmd
}

func langFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "lang", "", "`LANGUAGE` of the texts: fr or en (default the object's own)")
}

func checkLang(cmd *cobra.Command, lang string) error {
	if lang != "" && lang != "fr" && lang != "en" {
		return usagef(cmd, "--lang is fr or en, not %q", lang)
	}
	return nil
}

// labels are the words around a notice, in the language of the notice.
type labels struct {
	asks, more, given, until, yes, no, withheld string
	states, mine                                map[consent.State]string
}

func labelsIn(language string) labels {
	if strings.HasPrefix(language, "fr") {
		return labels{
			asks: "demande, et vous décidez", more: "en attente", given: "oui du", until: "jusqu'au",
			mine: map[consent.State]string{consent.Asked: "pas encore répondu : rien n'est gardé", consent.Given: "oui : gardé ici", consent.Withdrawn: "non : plus rien n'est gardé", consent.Declined: "non : rien n'est gardé"},
			yes:  "dire oui", no: "dire non", withheld: "Ce qui n'est pas parti",
			states: map[consent.State]string{
				consent.Asked: "pas encore répondu : rien ne part", consent.Given: "oui", consent.Withdrawn: "non : retiré, rien ne part",
				consent.Expired: "échu : rien ne part", consent.Declined: "non : rien ne part",
				consent.Changed: "la demande a changé : à redire", consent.Refused: "refusé par la charte : rien ne part",
			},
		}
	}
	return labels{
		asks: "asks, and you decide", more: "waits", given: "yes since", until: "until",
		mine: map[consent.State]string{consent.Asked: "not answered yet: nothing is kept", consent.Given: "yes: kept here", consent.Withdrawn: "no: nothing more is kept", consent.Declined: "no: nothing is kept"},
		yes:  "say yes", no: "say no", withheld: "What did not leave",
		states: map[consent.State]string{
			consent.Asked: "not answered yet: nothing leaves", consent.Given: "yes", consent.Withdrawn: "no: taken back, nothing leaves",
			consent.Expired: "lapsed: nothing leaves", consent.Declined: "no: nothing leaves",
			consent.Changed: "what is asked has changed: answer anew", consent.Refused: "refused by the charter: nothing leaves",
		},
	}
}

func printConsent(w io.Writer, c *control.Consent) {
	l := labelsIn(c.Language)
	if c.Controller != "" {
		paragraph(w, "", c.Controller+" "+l.asks+".")
	}
	for _, q := range c.Prompts {
		paragraph(w, "* ", q.Text)
	}
	for i := range c.Purposes {
		printPurpose(w, &c.Purposes[i], &l)
	}
	printWithheld(w, c.Withheld, &l)
}

func printPurpose(w io.Writer, p *control.ConsentPurpose, l *labels) {
	_, _ = fmt.Fprintln(w)
	paragraph(w, "", p.ID+" - "+p.Title)
	state := l.states[p.State]
	if p.ID == consent.MineID {
		state = l.mine[p.State]
	}
	if state == "" {
		state = string(p.State)
	}
	paragraph(w, "  ", joined(state, p.Reason))
	line := func(label, text string) {
		if text != "" {
			paragraph(w, fmt.Sprintf("  %-14s", label), text)
		}
	}
	for _, n := range p.Notice {
		line(n.Label, n.Text)
	}
	line(l.given, day(p.Given))
	line(l.until, day(p.Until))
	if p.Pending {
		line(l.more, "candor consent diff "+p.ID)
	}
	switch p.State {
	case consent.Given:
		line(l.no, "candor consent withdraw "+p.ID)
	case consent.Refused:
	default:
		line(l.yes, "candor consent grant "+p.ID)
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func printWithheld(w io.Writer, list []consent.Withheld, l *labels) {
	if len(list) == 0 {
		return
	}
	list = slices.Clone(list)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Field < list[j].Field })
	_, _ = fmt.Fprintf(w, "\n%s\n", l.withheld)
	tw := newTable(w)
	for _, x := range list {
		row(tw, "  "+x.Field, x.Purpose, string(x.Reason), fmt.Sprint(x.Count))
	}
	_ = tw.Flush()
}
