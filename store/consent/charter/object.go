package charter

import (
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// objectClaims are what can be said of the whole object, in the order it is said.
func objectClaims() []claim {
	return slices.Concat(nowClaims(), senseClaims(), neverClaims(), totalClaims(), protectClaims(), thiefClaims())
}

func totalClaims() []claim {
	return []claim{
		{"much.recipient", Much, Object, "{1}, tous usages ensemble : au plus {2} bits par jour, {3}.", "{1}, all uses together: at most {2} bits a day, {3}.", func(s *subject, say sayer) string {
			s.recipients(func(r *consent.Recipient, _ []*consent.Purpose) {
				if x := s.share(r.ID); x != nil && x.Bits.Known && x.Bits.Day > 0 {
					say(r.ID, same(r.Name), number(x.Bits.Day), scale(x.Bits.Day))
				}
			})
			return "nothing can leave, or nothing bounds how often a sensor speaks"
		}},
		{"much.ceiling", Much, Object, "La charte ne permet pas plus de {1} bits par jour et par usage.", "The charter allows no more than {1} bits a day for a use.", ceiling(func(c *consent.Charter) int64 { return c.MaxBits })},
		{"much.ceiling.presence", Much, Object, "Dont au plus {1} sur votre présence.", "Of these at most {1} about your presence.", ceiling(func(c *consent.Charter) int64 { return c.MaxBitsPresent })},
		{"much.ceiling.recipient", Much, Object, "Et pas plus de {1} bits par jour pour un même destinataire.", "And no more than {1} bits a day for one recipient.", ceiling(func(c *consent.Charter) int64 { return c.MaxBitsRecipient })},
		{"long.ceiling", Long, Object, "La charte refuse toute demande de les garder plus de {1}.", "The charter refuses any request to keep them longer than {1}.",
			func(s *subject, say sayer) string {
				if s.Ceilings.MaxRetention > 0 {
					say("", span(sensors.Micros(s.Ceilings.MaxRetention/1000)))
				}
				return "the charter sets no such ceiling"
			}},
	}
}

// ceiling is a number of the charter that the compiler holds every purpose against.
func ceiling(of func(c *consent.Charter) int64) proof {
	return func(s *subject, say sayer) string {
		if n := of(&s.Ceilings); n > 0 {
			say("", number(n))
		}
		return "the charter sets no such ceiling"
	}
}

func nowClaims() []claim {
	return []claim{
		{"now.paused", Now, Object, "En pause : rien ne sort, et ce qui est mesuré pendant ce temps ne partira jamais.", "Paused: nothing leaves, and what is measured meanwhile never will.",
			when(func(s *subject) bool { return s.State.Known && s.State.Paused }, "it is not paused")},
		{"now.nothing", Now, Object, "Aucune mesure ne sort de cet objet : vous n'avez dit oui à rien.", "No reading leaves this object: you have said yes to nothing.",
			when(func(s *subject) bool { return s.State.Known && !s.State.Paused && len(s.given()) == 0 }, "a yes is in force, or it is paused")},
		{"now.leaves", Now, Object, "Des mesures sortent pour : {1}. Environ {2} envois par jour, vers {3}.", "Readings leave for: {1}. About {2} uploads a day, to {3}.",
			func(s *subject, say sayer) string {
				var titles, names []Text
				uploads := int64(0)
				for _, p := range s.given() {
					titles = append(titles, titleOf(p))
					uploads += int64((sensors.Day + p.Upload - 1) / max(p.Upload, 1))
					if n := same(p.Recipient.Name); !slices.Contains(names, n) {
						names = append(names, n)
					}
				}
				if s.State.Known && !s.State.Paused && len(titles) > 0 {
					say("", joined(titles), number(uploads), joined(names))
				}
				return "no yes is in force, or it is paused"
			}},
		{"now.last", Now, Object, "Dernier envoi : il y a {1}, {2} octets, vers {3}.", "Last upload: {1} ago, {2} bytes, to {3}.", func(s *subject, say sayer) string {
			if last := s.State.Last; last != nil {
				say("", ago(last.Ago), number(last.Bytes), same(last.Recipient))
			}
			return "nothing has left yet"
		}},
		{"now.light", Now, Object, "Un voyant s'allume pendant un envoi, et seulement alors.", "A light is on while something is being sent, and only then.",
			when(func(s *subject) bool { return s.State.Known && s.State.Light }, "the object has no such light, or it does not work")},
	}
}

// ago is a time passed, in its largest whole unit.
func ago(m sensors.Micros) Text {
	for _, unit := range []sensors.Micros{sensors.Day, sensors.Hour, sensors.Minute} {
		if m >= unit {
			m = m.Floor(unit)
			break
		}
	}
	m = max(m.Floor(sensors.Second), sensors.Second)
	return both(consent.Span(m, "fr"), consent.Span(m, "en"))
}

func titleOf(p *consent.Purpose) Text {
	if t := both(p.Title["fr"], p.Title["en"]); !t.missing() {
		return t
	}
	return same(p.ID)
}

// things are what objects can be made to sense, by the kinds that sense it. None of them is sensed where no sensor has such a kind.
const things = `latitude longitude altitude speed area|votre position|your position
occupancy motion contact people|la présence et les allées et venues|presence, comings and goings
badge identity email phone address|qui vous êtes|who you are
heart-rate weight|votre santé|your health
sound-level|le bruit|noise
illuminance|la lumière|light`

func senseClaims() []claim {
	sensed := func(s *subject) bool { return len(s.Sources) > 0 }
	return []claim{
		{"sense.source", Sense, Object, "{1} : {2}.", "{1}: {2}.", func(s *subject, say sayer) string {
			for _, src := range s.Sources {
				var kinds []Text
				for i := range src.Fields {
					if k := lookUp(kindWords, src.Fields[i].Kind.Name); !slices.Contains(kinds, k) {
						kinds = append(kinds, k)
					}
				}
				say(src.Name, same(src.Name), joined(kinds))
			}
			return "it is not known what it can sense"
		}},
		{"sense.simulated", Sense, Object, "Simulé ou rejoué, pas mesuré maintenant : {1}.", "Simulated or replayed, not measured now: {1}.",
			name(func(s *subject) string { return strings.Join(s.State.Simulated, ", ") })},
		{"sense.form", Sense, Object, "Ce sont des nombres, des oui ou non et de courts textes. Candor n'enregistre ni son ni image.",
			"These are numbers, yes or no, and short texts. Candor records neither sound nor pictures.", when(sensed, "it is not known what it can sense")},
		{"sense.cannot", Sense, Object, "Aucun capteur déclaré ne perçoit : {1}.", "No declared sensor senses: {1}.", func(s *subject, say sayer) string {
			var absent []Text
			for line := range strings.Lines(things) {
				kinds, _, _ := strings.Cut(line, "|")
				if sensed(s) && !s.senses(strings.Fields(kinds)) {
					absent = append(absent, lookUp(things, kinds))
				}
			}
			say("", joined(absent))
			return "it senses all of this, or it is not known what it can sense"
		}},
	}
}

// senses tells whether a source has a field of one of these kinds.
func (s *subject) senses(kinds []string) bool {
	for _, src := range s.Sources {
		for i := range src.Fields {
			if slices.Contains(kinds, src.Fields[i].Kind.Name) {
				return true
			}
		}
	}
	return false
}

func neverClaims() []claim {
	return []claim{
		{"never.charter", Never, Object, "Quoi que demande la politique, ceci ne part sous aucune forme : {1}.", "Whatever the policy asks for, this leaves in no form: {1}.",
			func(s *subject, say sayer) string {
				say("", looked(classWords, s.Ceilings.Never))
				return "the charter forbids nothing"
			}},
		{"never.readable", Never, Object, "Ceci ne part jamais lisible : {1}.", "This never leaves readable: {1}.",
			func(s *subject, say sayer) string {
				say("", looked(classWords, s.Ceilings.NeverReadable))
				return "the charter forbids nothing to be readable"
			}},
		{"never.unasked", Never, Object, "Personne ne le demande, donc rien n'en part : {1}.", "Nobody asks for it, so nothing of it leaves: {1}.", func(s *subject, say sayer) string {
			var fields []Text
			for _, src := range s.Sources {
				for i := range src.Fields {
					if f := src.Fields[i].Name; !s.asked(f) {
						fields = append(fields, s.fieldWords(f))
					}
				}
			}
			say("", joined(fields))
			return "every field is asked for, or it is not known what there is"
		}},
		{"never.before", Never, Object, "Rien de ce qui a été mesuré avant votre oui ne part.", "Nothing that was measured before your yes leaves.",
			when(func(s *subject) bool { return len(s.purposes()) > 0 }, "nothing is asked for")},
		{"never.default", Never, Object, "Sans votre oui, rien ne part. Un capteur nouveau, une règle inconnue ou illisible : rien ne part.",
			"Without your yes nothing leaves. A new sensor, an unknown rule, one that can't be read: nothing leaves.",
			when(func(s *subject) bool { return s.Plan != nil }, "no plan is in force")},
	}
}

// asked tells whether some purpose would let a field out.
func (s *subject) asked(field string) bool {
	for _, p := range s.purposes() {
		for _, q := range []*consent.Purpose{p, p.Asks()} {
			if s.about(q).any(func(_ *consent.Group, f *consent.FieldForm) bool { return f.Field == field }) {
				return true
			}
		}
	}
	return false
}

func protectClaims() []claim {
	known := func(holds func(s *subject) bool) func(s *subject) bool {
		return func(s *subject) bool { return s.State.Known && holds(s) }
	}
	mineGiven := func(s *subject) bool { return s.State.Mine != nil && s.State.Mine.State == consent.Given }
	return []claim{
		{"whose.use", Whose, Maker, "{1} dit s'en servir pour ceci et rien d'autre : {2}.", "{1} says that it uses them for this and nothing else: {2}.",
			func(s *subject, say sayer) string {
				var titles []Text
				for _, p := range s.purposes() {
					titles = append(titles, titleOf(p))
				}
				say("", same(s.controller().Name), joined(titles))
				return "the policy names no use"
			}},
		{"whose.here", Whose, Object, "Toutes les mesures que l'objet garde, vous pouvez les voir, les copier et les effacer ici, gratuitement et sans demander à personne.",
			"All readings that the object keeps you can see, copy and erase here, free of charge and without asking anyone.", when(known(func(*subject) bool { return true }), "nothing is known of the object")},
		{"protect.sealed", Protect, Object, "Ce qui attend de partir est chiffré dans l'objet.", "What waits to leave is encrypted on the object.",
			when(known(func(s *subject) bool { return s.State.Sealed }), "what waits is not encrypted, or it is not known")},
		{"protect.apart", Protect, Object, "Les clés sont rangées à part : une copie des données sans elles est illisible.", "The keys lie apart: a copy of the data without them can't be read.",
			when(known(func(s *subject) bool { return s.State.Sealed && s.State.Apart }), "the keys lie with the data, or it is not known")},
		{"protect.memory", Protect, Object, "Les mesures brutes restent en mémoire vive : elles ne sont pas écrites dans l'objet.", "Raw readings stay in working memory: they are not written on the object.",
			when(known(func(s *subject) bool {
				return !mineGiven(s) && !s.State.Kept && !slices.ContainsFunc(s.given(), func(p *consent.Purpose) bool { return s.about(p).any(exact) })
			}), "a history is kept, or what waits to leave is as it was measured")},
		{"protect.history", Protect, Object, "Votre historique est chiffré, reste {1} sur cet objet, et n'en part pas.", "Your history is encrypted, stays {1} on this object, and never leaves it.",
			func(s *subject, say sayer) string {
				if s.State.Known && mineGiven(s) && s.State.Mine.Days > 0 {
					say("", span(sensors.Micros(s.State.Mine.Days)*sensors.Day))
				}
				return "no history is kept for the person"
			}},
		{"protect.rules", Protect, Object, "Les règles sont signées : un fichier modifié par un autre que le fabricant ne compte pas.", "The rules are signed: a file changed by anyone but the maker does not count.",
			when(known(func(s *subject) bool { return s.State.Signed }), "the policy is not signed")},
		{"protect.unsigned", Protect, Object, "Les règles ne sont pas signées : qui peut écrire leur fichier peut changer ce qui vous est demandé.",
			"The rules are not signed: whoever can write their file can change what you are asked.", when(known(func(s *subject) bool { return !s.State.Signed && s.Policy != nil }), "the policy is signed, or there is none")},
		{"protect.ceilings", Protect, Object, "Les plafonds de la charte sont signés, avec une autre clé que les règles.", "The charter's ceilings are signed, with another key than the rules.",
			when(known(func(s *subject) bool { return s.State.Pledged }), "the charter is not signed")},
		{"protect.root", Protect, Object, "Qui a les droits d'administrateur sur l'objet peut changer ce programme ; rien ici ne l'en empêche.",
			"Whoever has administrator rights on the object can change this program; nothing here prevents that.", when(known(func(*subject) bool { return true }), "nothing is known of the object")},
	}
}

func thiefClaims() []claim {
	software := func(s *subject) bool { return s.State.Known && s.State.Erasure == "software" }
	return []claim{
		{"thief.waiting", Thief, Object, "Les clés sont dans l'objet : qui vole l'objet entier peut lire ce qui attend de partir.", "The keys are in the object: whoever steals the whole object can read what waits to leave.",
			when(func(s *subject) bool { return software(s) && len(s.given()) > 0 }, "nothing waits to leave, or it is not known")},
		{"thief.history", Thief, Object, "Il peut lire aussi l'historique gardé pour vous.", "They can read the history kept for you as well.",
			when(func(s *subject) bool { return software(s) && s.State.Kept }, "no history is kept, or it is not known")},
		{"thief.nothing", Thief, Object, "Qui vole l'objet n'y trouve aucune mesure : il n'y en a pas.", "Whoever steals the object finds no reading in it: there is none.",
			when(func(s *subject) bool { return software(s) && len(s.given()) == 0 && !s.State.Kept }, "readings may lie on the object, or it is not known")},
		{"thief.answers", Thief, Object, "Il peut lire vos réponses et la liste de ce qui est parti.", "They can read your answers and the list of what left.",
			when(software, "nothing is known of the object")},
	}
}
