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
	"github.com/candor-edge/candor/store/consent/charter"
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
		newDecision(g, withdrawVerb), newPause(g, true), newPause(g, false), newService(g))
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
	asks, more, given, until, yes, no, withheld, all string
	// of the charter and its card
	charter, made, worked, card, noBox, yesBox, maker, byName string
	voices                                                    map[charter.Voice]string
	states, mine                                              map[consent.State]string
}

func labelsIn(language string) labels {
	if strings.HasPrefix(language, "fr") {
		return labels{
			asks: "demande, et vous décidez", more: "en attente", given: "oui du", until: "jusqu'au",
			mine: map[consent.State]string{consent.Asked: "pas encore répondu : rien n'est gardé", consent.Given: "oui : gardé ici", consent.Withdrawn: "non : plus rien n'est gardé", consent.Declined: "non : rien n'est gardé"},
			yes:  "dire oui", no: "dire non", withheld: "Ce qui n'est pas parti", all: "Pour tout cela",
			charter: "Vos données, cet objet et vous", made: "Écrit par l'objet d'après les règles qu'il applique. Politique %d, empreinte %s.",
			worked: "Calculé d'après la politique %d, empreinte des règles %s.",
			card:   "CE QUE CET OBJET DIT DE VOUS, ET À QUI", noBox: "non", yesBox: "oui", maker: "promesse du responsable ; l'objet ne peut pas la vérifier",
			byName: "Ce que mesurent les capteurs est déduit de leurs noms.",
			voices: map[charter.Voice]string{charter.Object: "Cet objet le garantit :", charter.Maker: "%s le promet ; d'ici, cela ne se vérifie pas :", charter.Law: "La loi vous le donne :"},
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
		yes:  "say yes", no: "say no", withheld: "What did not leave", all: "For all of this",
		charter: "Your data, this object and you", made: "Written by the object from the rules it applies. Policy %d, fingerprint %s.",
		worked: "Worked out from policy %d, fingerprint of its rules %s.",
		card:   "WHAT THIS OBJECT TELLS ABOUT YOU, AND TO WHOM", noBox: "no", yesBox: "yes", maker: "the controller's promise; the object can't check it",
		byName: "What the sensors measure is taken from their names.",
		voices: map[charter.Voice]string{charter.Object: "This object guarantees:", charter.Maker: "%s promises, which can't be checked from here:", charter.Law: "The law gives you:"},
		states: map[consent.State]string{
			consent.Asked: "not answered yet: nothing leaves", consent.Given: "yes", consent.Withdrawn: "no: taken back, nothing leaves",
			consent.Expired: "lapsed: nothing leaves", consent.Declined: "no: nothing leaves",
			consent.Changed: "what is asked has changed: answer anew", consent.Refused: "refused by the charter: nothing leaves",
		},
	}
}

// of puts the controller's name where it speaks.
func (l labels) of(controller string) *labels {
	l.voices[charter.Maker] = fmt.Sprintf(l.voices[charter.Maker], controller)
	return &l
}

func printConsent(w io.Writer, c *control.Consent) {
	l := labelsIn(c.Language).of(c.Controller)
	if c.Controller != "" {
		paragraph(w, "", c.Controller+" "+l.asks+".")
	}
	for _, q := range c.Prompts {
		paragraph(w, "* ", q.Text)
	}
	for i := range c.Purposes {
		printPurpose(w, &c.Purposes[i], l)
	}
	printForAll(w, c, l)
	printWithheld(w, c, l)
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
	printVoices(w, "  ", parted(p.Notice, false, nil), l)
	line := func(label, text string) {
		if text != "" {
			paragraph(w, fmt.Sprintf("  %-*s", labelWidth, label), text)
		}
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

// parted are the lines of a notice that are about all purposes, or those that are not: of the way, of erasing and of rights it says much
// the same each time. What is in said already is left out; the result goes on from it.
func parted(notice []control.NoticeLine, forAll bool, said []control.NoticeLine) []control.NoticeLine {
	for _, n := range notice {
		fresh := true
		for i := range said {
			fresh = fresh && (!forAll || said[i].Text != n.Text)
		}
		switch n.Part {
		case charter.Protect, charter.Thief, charter.Erase, charter.Rights, charter.Whose:
			fresh = fresh && forAll
		default:
			fresh = fresh && !forAll
		}
		if fresh {
			said = append(said, n)
		}
	}
	return said
}

// printForAll prints what is about all purposes, each sentence once.
func printForAll(w io.Writer, c *control.Consent, l *labels) {
	var all []control.NoticeLine
	for i := range c.Purposes {
		all = parted(c.Purposes[i].Notice, true, all)
	}
	if len(all) > 0 {
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", l.all)
		printVoices(w, "  ", all, l)
	}
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func printWithheld(w io.Writer, c *control.Consent, l *labels) {
	list := c.Withheld
	if len(list) == 0 {
		return
	}
	list = slices.Clone(list)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Field < list[j].Field })
	_, _ = fmt.Fprintf(w, "\n%s\n", l.withheld)
	tw := newTable(w)
	for _, x := range list {
		row(tw, "  "+x.Field, x.Purpose, reasonIn(x.Reason, c.Language), fmt.Sprint(x.Count))
	}
	_ = tw.Flush()
}
