package charter

import (
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// purposeClaims are what can be said of a purpose, in the order it is said. They look at the policy, the compiled rules and
// the route, and not at what the person decided elsewhere.
func purposeClaims() []claim {
	return slices.Concat(whyClaims(), whatClaims(), whenClaims(), whereClaims(), whoClaims(), muchClaims(), guessClaims(), groundClaims(), noClaims())
}

func whyClaims() []claim {
	return []claim{
		{"why", Why, Maker, "{1}", "{1}", quote(func(p *consent.Purpose) map[string]string { return p.Why })},
		{"why.tags", Why, Maker, "Sert aussi à : {1}.", "Also used for: {1}.", func(s *subject, say sayer) string {
			say("", looked(tagWords, s.p.Tags))
			return "the policy names no further use"
		}},
		{"why.dpv", Why, Maker, "Catégorie de la finalité : {1} (vocabulaire DPV du W3C).", "Category of the purpose: {1} (W3C Data Privacy Vocabulary).",
			name(func(s *subject) string { return s.p.DPV })},
		{"return", Return, Maker, "{1}", "{1}", quote(func(p *consent.Purpose) map[string]string { return p.Benefit })},
	}
}

func whatClaims() []claim {
	return []claim{
		{"what.field", What, Object, "{1} : {2}.", "{1}: {2}.", func(s *subject, say sayer) string {
			s.fields(func(_ *consent.Group, f *consent.FieldForm) {
				say(f.Field, s.fieldWords(f.Field), both(f.WordsIn("fr"), f.WordsIn("en")))
			})
			return "no sensor here has a field of it"
		}},
		{"what.nothing", What, Object, "Rien : aucun capteur d'ici ne mesure ce qui est demandé.", "Nothing: no sensor here measures what is asked for.",
			when(func(s *subject) bool { return len(s.p.Groups) == 0 }, "something of it can be sensed")},
		{"what.else", What, Object, "Rien d'autre ne part pour cet usage.", "Nothing else leaves for this use.", when(leaves, nothingLeaves)},
	}
}

// leaves tells whether something of the purpose can leave at all.
func leaves(s *subject) bool { return len(s.p.Groups) > 0 }

const nothingLeaves = "nothing of it can leave here"

func whenClaims() []claim {
	return []claim{
		{"when.upload", When, Object, "Un envoi {1}, à un moment tiré au hasard.", "One upload {1}, at a time drawn at random.",
			lasting(func(p *consent.Purpose) sensors.Micros { return p.Upload }, every)},
		{"when.stamp", When, Object, "L'heure des mesures est arrondie : au plus fin, {1}.", "The time of readings is rounded: {1} at the finest.",
			lasting(func(p *consent.Purpose) sensors.Micros { return p.Tick }, span)},
		{"when.alike", When, Object, "Chaque envoi a la même taille ({1} octets, {2} lignes) et part même s'il n'y a rien à dire : ni sa longueur ni son absence ne vous trahit.",
			"Each upload has the same size ({1} bytes, {2} rows) and goes even when there is nothing to tell: neither its length nor its absence gives you away.",
			func(s *subject, say sayer) string {
				if s.p.RoomBytes > 0 && s.p.Cover {
					say("", number(s.p.RoomBytes), number(s.p.RoomRows))
				}
				return "the purpose has no room, or sends nothing when there is nothing"
			}},
		{"when.room", When, Object, "Chaque envoi a la même taille ({1} octets, {2} lignes) ; s'il n'y a rien à dire, rien ne part, et cela peut se voir.",
			"Each upload has the same size ({1} bytes, {2} rows); when there is nothing to tell nothing goes, and that can be seen.",
			func(s *subject, say sayer) string {
				if s.p.RoomBytes > 0 && !s.p.Cover {
					say("", number(s.p.RoomBytes), number(s.p.RoomRows))
				}
				return "the purpose has no room, or covers it"
			}},
		{"when.length", When, Object, "Attention : la longueur des envois peut dire si quelqu'un est là.", "Mind: the length of uploads may tell whether somebody is at home.",
			when(func(s *subject) bool { return s.p.RoomBytes == 0 && s.any(tellsPresence) }, "uploads have one size, or nothing of it tells who is at home")},

		{"how.inside", How, Object, "Le calcul se fait dans l'objet. Le détail des mesures n'en sort pas.", "It is worked out inside the object. The detail of the readings does not leave it.",
			when(func(s *subject) bool { return leaves(s) && !s.any(exact) }, "some field leaves as it was measured, or none leaves")},
		{"how.exact", How, Object, "Sans arrondi : {1}.", "Without rounding: {1}.", someFields(exact)},
		{"how.pseudonym", How, Object, "À la place de {1} part un nom inventé. La clé qui le fait ne quitte pas l'objet et change {2}.",
			"In the place of {1} an invented name leaves. The key that makes it never leaves the object and changes {2}.",
			someFields(func(_ *consent.Group, f *consent.FieldForm) bool { return f.Type == consent.FormPseudonym }, func(s *subject) Text { return every(s.p.Epoch) })},
		{"how.memory", How, Object, "Tant qu'une période n'est pas finie, son calcul reste en mémoire vive.", "While a period is not over, its sums stay in working memory.",
			when(func(s *subject) bool { return s.p.WindowsOnly() }, "single readings leave, or nothing does")},
		{"how.noted", How, Object, "Chaque envoi est noté dans l'objet (candor sent).", "Each upload is noted on the object (candor sent).", when(leaves, nothingLeaves)},
		{"how.logic", How, Maker, "Comment votre profil est fait : {1}", "How your profile is made: {1}", quote(func(p *consent.Purpose) map[string]string { return p.Logic() })},
	}
}

// exact tells what leaves as it was measured, within bounds perhaps.
func exact(g *consent.Group, f *consent.FieldForm) bool {
	return g.Window == 0 && (f.Action() == "keep" || f.Action() == "clamp" && f.Step == 1)
}

// fine tells a series from which hours of the day can be told. Six hours are the compiler's limit for what implies presence.
func fine(g *consent.Group) bool { return g.Window < 6*sensors.Hour }

// tellsPresence tells a field from which it can be seen who is at home.
func tellsPresence(g *consent.Group, f *consent.FieldForm) bool {
	return f.Class == sensors.Presence || f.Implies() == sensors.Presence && fine(g)
}

func whereClaims() []claim {
	place := func(_ *consent.Group, f *consent.FieldForm) bool { return f.Class == sensors.Location }
	return []claim{
		{"where.nowhere", Where, Object, "Ni votre adresse ni votre position ne partent.", "Neither your address nor your position leaves.",
			when(func(s *subject) bool {
				return leaves(s) && !s.any(func(g *consent.Group, f *consent.FieldForm) bool { return place(g, f) || f.Class == sensors.Contact })
			}, "a place or an address leaves, or nothing does")},
		{"where.grid", Where, Object, "Seulement le carré où vous êtes : {1}.", "Only the square you are in: {1}.",
			someFields(func(g *consent.Group, f *consent.FieldForm) bool { return place(g, f) && f.Action() == "grid" })},
		{"where.area", Where, Object, "Seulement une zone déclarée : {1}.", "Only a declared area: {1}.",
			someFields(func(g *consent.Group, f *consent.FieldForm) bool { return place(g, f) && f.Type == consent.FormLabel })},
		{"where.position", Where, Object, "Votre position part : {1}.", "Your position leaves: {1}.",
			someFields(func(g *consent.Group, f *consent.FieldForm) bool {
				return place(g, f) && f.Action() != "grid" && f.Action() != "count" && f.Type == consent.FormNumber
			})},
		{"where.stored", Where, Maker, "Conservé dans ces pays : {1}.", "Stored in these countries: {1}.", func(s *subject, say sayer) string {
			say("", looked(countryWords, s.p.Recipient.StoredIn))
			return "the policy does not say where it is stored"
		}},
		{"where.unsaid", Where, Object, "La politique ne dit pas dans quel pays c'est conservé.", "The policy does not say in which country it is stored.",
			when(func(s *subject) bool { return len(s.p.Recipient.StoredIn) == 0 }, "the policy says where it is stored")},
		{"where.safeguard", Where, Maker, "Garantie hors de l'Espace économique européen : {1}.", "Safeguard outside the European Economic Area: {1}.",
			name(func(s *subject) string { return s.p.Recipient.Safeguard })},

		{"long.kept", Long, Maker, "{1} chez {2}, puis effacé.", "{1} at {2}, then erased.", func(s *subject, say sayer) string {
			if s.p.Retention > 0 {
				say("", span(sensors.Micros(s.p.Retention)*sensors.Day), same(s.p.Recipient.Name))
			}
			return "the policy gives no length"
		}},
		{"long.marked", Long, Object, "Chaque envoi porte la date où il doit être effacé.", "Each upload carries the date by which it must be erased.",
			when(func(s *subject) bool { return leaves(s) && s.p.Retention > 0 }, nothingLeaves)},
		{"long.yes", Long, Object, "Votre oui vaut {1}, puis redevient un non.", "Your yes lasts {1}, then it is a no again.",
			lasting(func(p *consent.Purpose) sensors.Micros { return p.Expires }, span)},
	}
}

func whoClaims() []claim {
	return []claim{
		{"who.recipient", Who, Maker, "{1}.", "{1}.", func(s *subject, say sayer) string {
			say("", recipientText(&s.p.Recipient))
			return "the policy does not name the recipient"
		}},
		{"who.controller", Who, Maker, "{1} décide de leur usage.", "{1} decides what they are used for.", func(s *subject, say sayer) string {
			if c := s.controller(); c.Name != s.p.Recipient.Name {
				say("", party(c.Name, c.Country))
			}
			return "the recipient decides itself"
		}},
		{"who.onward", Who, Maker, "Transmis ensuite à : {1}.", "Passed on to: {1}.", func(s *subject, say sayer) string {
			say("", same(strings.Join(s.p.Recipient.Onward, ", ")))
			return "the policy names nobody it is passed on to"
		}},
		{"who.nobody", Who, Maker, "{1} dit ne les transmettre à personne.", "{1} says that nobody else gets them.", func(s *subject, say sayer) string {
			if len(s.p.Recipient.Onward) == 0 {
				say("", same(s.p.Recipient.Name))
			}
			return "the policy names whom it is passed on to"
		}},
		{"who.contact", Who, Maker, "Contact du destinataire : {1}.", "Contact of the recipient: {1}.", name(func(s *subject) string { return s.offered(s.p.Recipient.ID).Contact })},
	}
}

// party is a legal entity with its country.
func party(name, country string) Text {
	if country == "" {
		return same(name)
	}
	words := lookUp(countryWords, country)
	return both(name+" ("+words.fr+")", name+" ("+words.en+")")
}

func recipientText(r *consent.Recipient) Text {
	t := party(r.Name, r.Country)
	if r.Role == "" {
		return t
	}
	return joined([]Text{t, lookUp(roleWords, r.Role)})
}
