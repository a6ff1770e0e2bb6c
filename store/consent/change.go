package consent

import (
	"fmt"
	"maps"
	"strings"

	"github.com/candor-edge/candor/tinyconf"
)

// Effect is what a change of an offer does to an answer that was given before.
type Effect string

// The effects. Widens and Differs wait for a new answer.
const (
	Narrows  Effect = "narrows"  // in force at once
	Widens   Effect = "widens"   // what was agreed to goes on until it is answered
	Differs  Effect = "differs"  // neither more nor less: nothing of it leaves until it is answered
	Reworded Effect = "reworded" // only what is said about it, or what tells nothing
)

// Change is one difference between what was agreed to and what is offered now, in the words of the languages a person
// here reads. An empty text is nothing: the field did not leave, the ceiling was not there.
type Change struct {
	Key    string            `json:"key"`             // the key of the policy: rule, retention, time, onward …; charter.… for a ceiling; sensed: what a field is
	Field  string            `json:"field,omitempty"` // for rule and sensed
	Effect Effect            `json:"effect"`
	Old    map[string]string `json:"old"`
	New    map[string]string `json:"new"`
}

// Label names what has changed, in French for "fr", else in English.
func (c *Change) Label(language string) string {
	if c.Key == "rule" || c.Key == "sensed" {
		return c.Field
	}
	return keyWords(c.Key, language)
}

// In is a text of a change in a language, "-" where there is nothing.
func (c *Change) In(texts map[string]string, language string) string {
	for _, l := range []string{language, "en"} {
		if t := strings.TrimSpace(texts[l]); t != "" {
			return t
		}
	}
	return "-"
}

// keyWords says a key of the policy as a person would.
func keyWords(key, language string) string {
	words := map[string][2]string{
		"controller": {"controller", "responsable"}, "recipient": {"recipient", "destinataire"}, "dpv": {"purpose", "finalité"},
		"access": {"ground for access", "fondement de l'accès"}, "service": {"service", "service"}, "basis": {"legal basis", "base légale"},
		"safeguard": {"safeguard outside the EEA", "garantie hors de l'EEE"}, "otherwise": {"without it", "sans cela"},
		"interest": {"interest pursued", "intérêt poursuivi"}, "logic": {"how the profile is made", "comment le profil est fait"},
		"stored_in": {"countries of storage", "pays de stockage"}, "onward": {"passed on to", "transmis à"}, "tags": {"uses", "usages"},
		"retention": {"kept for", "conservé"}, "time": {"finest time", "temps le plus fin"}, "upload": {"sent every", "envoi, chaque"},
		"epoch": {"names change every", "changement de nom"}, "expires": {"a yes lasts", "un oui dure"}, "linkability": {"can be linked", "peut être relié"}, "room": {"size of an upload", "taille d'un envoi"},
		"cover": {"empty uploads when there is nothing", "envois vides quand il n'y a rien"},
		"title": {"title", "titre"}, "why": {"why", "pourquoi"}, "benefit": {"for you", "pour vous"},
		"charter.never": {"charter: never leaves", "charte : ne part jamais"}, "charter.never_readable": {"charter: never readable", "charte : jamais lisible"},
		"charter.max_retention": {"charter: longest keeping", "charte : conservation maximale"}, "charter.max_bits_per_day": {"charter: bits a day for a purpose", "charte : bits par jour pour une finalité"},
		"charter.max_bits_per_day_presence":  {"charter: bits a day about presence", "charte : bits par jour sur la présence"},
		"charter.max_bits_per_day_recipient": {"charter: bits a day for a recipient", "charte : bits par jour pour un destinataire"},
	}[key]
	switch {
	case words[0] == "":
		return key
	case strings.HasPrefix(language, "fr"):
		return words[1]
	}
	return words[0]
}

// plain is a text that is the same in every language.
//
//go:noinline
func plain(text string) map[string]string { return map[string]string{"en": text, "fr": text} }

func listWords(list []string) map[string]string { return plain(strings.Join(list, ", ")) }

func named(name, country string) string {
	if country == "" {
		return name
	}
	return name + " (" + country + ")"
}

func recipientWords(r *Recipient) string {
	words := named(r.Name, r.Country)
	if r.Role != "" {
		words += ", " + r.Role
	}
	return words + " [" + r.ID + "]"
}

// yesNo says it in both languages.
func yesNo(yes bool) map[string]string {
	if yes {
		return map[string]string{"en": "yes", "fr": "oui"}
	}
	return map[string]string{"en": "no", "fr": "non"}
}

func roomWords(r *Room) map[string]string {
	return map[string]string{"en": fmt.Sprintf("%d rows, %d bytes", r.Rows, r.Bytes), "fr": fmt.Sprintf("%d lignes, %d octets", r.Rows, r.Bytes)}
}

func spanWords(d tinyconf.Duration) map[string]string {
	if d == 0 {
		return plain("")
	}
	return map[string]string{"en": Span(micros(d), "en"), "fr": Span(micros(d), "fr")}
}

// ruleWords are the words of a rule; none when it lets nothing out.
func ruleWords(r *Rule) map[string]string {
	if r.quiet() {
		return plain("")
	}
	return map[string]string{"en": r.WordsIn("en"), "fr": r.WordsIn("fr")}
}

func sameTexts(a, b map[string]string) bool { return maps.Equal(a, b) }
