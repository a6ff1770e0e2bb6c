package charter

import (
	"strconv"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// purposeClaims are what can be said of a purpose, in the order it is said.
func purposeClaims() []claim {
	return []claim{
		{"why", Why, Maker, "{1}", "{1}", func(s *subject, say sayer) string { return quote(s.p.Why, say) }},
		{"return", Return, Maker, "{1}", "{1}", func(s *subject, say sayer) string { return quote(s.p.Benefit, say) }},

		{"what.field", What, Object, "{1} : {2}", "{1}: {2}", eachField},
		{"what.nothing", What, Object,
			"Rien : aucun capteur de cet objet ne mesure ce qui est demandé.", "Nothing: no sensor of this object measures what is asked for.",
			func(s *subject, say sayer) string {
				if len(s.p.Groups) > 0 {
					return "something of it can be sensed"
				}
				say("")
				return ""
			}},
		{"what.else", What, Object, "Rien d'autre ne part pour cet usage.", "Nothing else leaves for this use.",
			func(s *subject, say sayer) string {
				if len(s.p.Groups) == 0 {
					return "nothing leaves for it at all"
				}
				say("")
				return ""
			}},

		{"when.stamp", When, Object, "L'heure qui part est arrondie : {1}, pas plus fin.", "The time that leaves is rounded: {1}, no finer.",
			func(s *subject, say sayer) string { return lasting(s.p.Tick, say) }},
		{"when.upload", When, Object, "Un envoi toutes les {1}, à un moment tiré au hasard dans cet intervalle.", "One upload every {1}, at a moment within it drawn at random.",
			func(s *subject, say sayer) string { return lasting(s.p.Upload, say) }},
	}
}

func quote(l tinyconf.Localized, say sayer) string {
	say("", quoted(l))
	return "the policy does not say"
}

func lasting(m sensors.Micros, say sayer) string {
	if m > 0 {
		say("", span(m))
	}
	return "the policy gives no length"
}

// fields calls do for each field that would leave.
func (s *subject) fields(do func(g *consent.Group, f *consent.FieldForm)) {
	for i := range s.p.Groups {
		g := &s.p.Groups[i]
		for j := range g.Fields {
			do(g, &g.Fields[j])
		}
	}
}

func eachField(s *subject, say sayer) string {
	s.fields(func(_ *consent.Group, f *consent.FieldForm) {
		say(f.Field, s.fieldWords(f.Field), both(f.WordsIn("fr"), f.WordsIn("en")))
	})
	return "no sensor here has a field of it"
}

// fieldWords name a field as a person would, its own name beside it.
func (s *subject) fieldWords(name string) Text {
	for _, src := range s.Sources {
		for i := range src.Fields {
			if f := &src.Fields[i]; f.Name == name {
				kind := kindText(f.Kind.Name)
				return both(kind.fr+" ("+name+")", kind.en+" ("+name+")")
			}
		}
	}
	return same(name)
}

func number[N ~int | ~int64](n N) Text { return same(strconv.FormatInt(int64(n), 10)) }

func listed(words []string) Text { return same(strings.Join(words, ", ")) }
