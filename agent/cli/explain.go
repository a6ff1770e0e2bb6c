package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
)

func newConsentExplain(g *global) *cobra.Command {
	o := &showOptions{}
	cmd := &cobra.Command{
		Use:   "explain FIELD|PURPOSE",
		Short: "say what happens to one field, or what one purpose does",
		Long: `Says in sentences what happens to one field for every purpose, or what one
purpose does, on what ground, and what it rests on. Every sentence is computed
from the rules in force.`,
		Example: `  candor consent explain hall.temperature
  candor consent explain trends --lang fr`,
		Args: takes("FIELD|PURPOSE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.purposes(cmd, o, nil, func(c *control.Consent, list []control.ConsentPurpose) error {
				e := explain(c, list, args[0])
				if len(e.Lines) == 0 {
					return failf("candor consent show", "there is no purpose %q, and no field of that name is asked for or was sensed", args[0])
				}
				if o.json {
					return printJSON(g.out, e)
				}
				for _, line := range e.Lines {
					paragraph(g.out, "", line)
				}
				return nil
			})
		},
	}
	langFlag(cmd, &o.lang)
	jsonFlag(cmd, &o.json)
	return cmd
}

// explanation is what `consent explain` says.
type explanation struct {
	About    string   `json:"about"`
	Language string   `json:"language"`
	Lines    []string `json:"lines"`
}

func explain(c *control.Consent, list []control.ConsentPurpose, about string) explanation {
	e := explanation{About: about, Language: c.Language, Lines: []string{}}
	french := strings.HasPrefix(c.Language, "fr")
	for i := range list {
		if list[i].ID == about {
			e.purpose(&list[i], french)
			return e
		}
	}
	for i := range list {
		e.field(&list[i], about, french)
	}
	for _, x := range c.Withheld {
		if x.Field != about {
			continue
		}
		text := fmt.Sprintf("Withheld here: %s (%d times", x.Reason, x.Count)
		if french {
			text = fmt.Sprintf("Retenu ici : %s (%d fois", reasonIn(x.Reason, c.Language), x.Count)
		}
		if x.Purpose != "" {
			text += ", " + x.Purpose
		}
		e.Lines = append(e.Lines, text+").")
	}
	return e
}

func (e *explanation) say(french bool, en, fr string, args ...any) {
	if french {
		en = fr
	}
	e.Lines = append(e.Lines, fmt.Sprintf(en, args...))
}

// field says what one purpose does with a field.
func (e *explanation) field(p *control.ConsentPurpose, field string, french bool) {
	find := func(list []string) (string, bool) {
		for _, f := range list {
			for _, colon := range []string{": ", " : "} {
				if words, ok := strings.CutPrefix(f, field+colon); ok {
					return words, true
				}
			}
		}
		return "", false
	}
	words, here := find(p.Fields)
	switch {
	case here && p.ID == consent.MineID:
		e.say(french, "In your history on this object: %s.", "Dans votre historique, sur cet objet : %s.", labelsIn(e.Language).mine[p.State])
	case here && p.State == consent.Given:
		e.say(french, "For %s it leaves, to %s: %s.", "Pour %s, il part vers %s : %s.", p.ID, p.Recipient, words)
	case here:
		e.say(french, "For %s it does not leave (%s); it would: %s.", "Pour %s, il ne part pas (%s) ; il partirait : %s.", p.ID, labelsIn(e.Language).states[p.State], words)
	}
	if asked, ok := find(p.Asked); ok && asked != words {
		e.say(french, "What %s asks now, and waits for an answer: %s.", "Ce que %s demande maintenant, en attente de réponse : %s.", p.ID, asked)
	}
}

// purpose says what one purpose does.
func (e *explanation) purpose(p *control.ConsentPurpose, french bool) {
	e.say(french, "%s (%s), for %s: %s.", "%s (%s), pour %s : %s.", p.Title, p.ID, p.Recipient, labelsIn(e.Language).states[p.State])
	if p.Reason != "" {
		e.Lines = append(e.Lines, p.Reason+".")
	}
	for _, f := range p.Fields {
		e.Lines = append(e.Lines, "- "+f)
	}
	e.say(french, "Stamps are told no finer than %s; it is sent every %s and kept there for %s.",
		"Les instants ne sont pas dits plus finement que : %s ; envoi : %s ; conservé : %s.", p.Time, p.Upload, p.Retention)
	e.say(french, "It can tell %s.", "Il peut dire %s.", p.Bits)
	for _, n := range p.Notice {
		if n.Part == charter.Ground || n.Part == charter.No || n.Part == charter.How && n.Voice == charter.Maker || n.ID == "where.safeguard" {
			e.Lines = append(e.Lines, n.Text)
		}
	}
	if p.Linkability != "" {
		e.say(french, "What the recipient can link: %s.", "Ce que le destinataire peut relier : %s.", p.Linkability)
	}
	if p.Pending {
		e.say(french, "More is asked now, and waits: candor consent diff %s.", "Davantage est demandé, et attend : candor consent diff %s.", p.ID)
	}
}

// reasonIn is why something was withheld, in words of a language.
func reasonIn(r consent.Reason, language string) string {
	if !strings.HasPrefix(language, "fr") {
		return string(r)
	}
	words := map[consent.Reason]string{
		consent.NoRule: "aucune finalité ne le demande", consent.NoGrant: "pas accepté", consent.Dropped: "la règle l'écarte", consent.LocalOnly: "reste sur l'objet",
		consent.BeforeYes: "pris avant le oui", consent.Late: "sa tranche de temps était close", consent.Invalid: "valeur non plausible", consent.Contactish: "ressemble à des coordonnées",
		consent.Lapsed: "le oui est échu", consent.Unanswered: "demandé, pas encore répondu", consent.Failed: "la règle n'a pas pu s'appliquer",
		consent.Paused: "pris pendant une pause", consent.Ahead: "daté après l'heure de l'objet, ou avant 1970",
	}[r]
	if words == "" {
		return string(r)
	}
	return words
}
