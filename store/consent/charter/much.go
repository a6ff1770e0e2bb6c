package charter

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// muchClaims are how much a purpose tells, and under which name.
func muchClaims() []claim {
	return []claim{
		{"much.bits", Much, Object, "Au plus {1} bits par jour : {2}.",
			"At most {1} bits a day: {2}.", func(s *subject, say sayer) string {
				if leaves(s) && s.p.Bits.Known {
					say("", number(s.p.Bits.Day), scale(s.p.Bits.Day))
				}
				return "nothing leaves, or nothing bounds how often the sensor speaks"
			}},
		{"much.presence", Much, Object, "Dont {1} bits peuvent dire si quelqu'un est là.", "{1} of these bits may tell whether somebody is at home.",
			func(s *subject, say sayer) string {
				if s.p.Bits.Known && s.p.Bits.Presence > 0 {
					say("", number(s.p.Bits.Presence))
				}
				return "no part of it tells who is at home, or nothing bounds it"
			}},
		{"much.unknown", Much, Object, "Sans limite connue : rien ne borne combien de fois le capteur parle.", "Without a known limit: nothing bounds how often the sensor speaks.",
			when(func(s *subject) bool { return leaves(s) && !s.p.Bits.Known }, "it is bounded")},
		{"much.note", Much, Object, "Ce nombre dit combien, pas à quel point c'est intime.", "The number says how much, not how private it is.",
			when(func(s *subject) bool { return leaves(s) && s.p.Bits.Known }, "no number is said")},
		{"much.together", Much, Object, "{1} reçoit aussi d'autres usages ; tous ensemble, au plus {2} bits par jour.", "{1} gets other uses as well; all together, at most {2} bits a day.",
			func(s *subject, say sayer) string {
				if x := s.share(s.p.Recipient.ID); x != nil && x.Bits.Known && x.Bits.Day > s.p.Bits.Day {
					say("", same(s.p.Recipient.Name), number(x.Bits.Day))
				}
				return "the recipient gets nothing else, or nothing bounds it"
			}},

		{"name.number", Name, Object, "Un numéro tiré au hasard, changé {1}.", "A number drawn at random, changed {1}.", func(s *subject, say sayer) string {
			if x := s.share(s.p.Recipient.ID); x != nil && x.Level != consent.L0 {
				say("", every(s.p.Epoch))
			}
			return "the recipient knows which object it is, whatever the number"
		}},
		{"name.unknown", Name, Object, "Par les envois eux-mêmes, {1} ne peut relier que ceux d'un même numéro ; par la connexion, on ne peut pas le dire d'ici.",
			"By the uploads themselves {1} can link only those of one number; whether by the connection, can't be told from here.", func(s *subject, say sayer) string {
				if x := s.share(s.p.Recipient.ID); x != nil && x.Level == consent.L2 && !s.reached(x.Recipient) {
					say("", same(s.p.Recipient.Name))
				}
				return "it is known how the recipient is reached, or the uploads themselves tell more"
			}},
		{"name.period", Name, Object, "{1} peut relier les envois d'un même numéro, et pas d'un numéro au suivant : {2}.",
			"{1} can link the uploads of one number, and not one number with the next: {2}.", level(consent.L2)},
		{"name.lasting", Name, Object, "{1} peut relier tous les envois de cet usage, même quand le numéro change : {2}.",
			"{1} can link all uploads of this use, even when the number changes: {2}.", level(consent.L1)},
		{"name.known", Name, Object, "{1} sait de quel objet, ou de qui, viennent les envois : {2}.", "{1} knows which object, or whom, the uploads come from: {2}.", level(consent.L0)},
		{"name.address", Name, Object, "{1}, ou qui relaie l'envoi, voit votre adresse IP.", "{1}, or whoever passes the upload on, sees your IP address.",
			func(s *subject, say sayer) string {
				if leaves(s) {
					say("", same(s.p.Recipient.Name))
				}
				return nothingLeaves
			}},
		{"name.claim", Name, Maker, "{1} annonce ne pas relier davantage que : {2}.", "{1} states that it links no more than: {2}.", func(s *subject, say sayer) string {
			if r := s.offered(s.p.Recipient.ID); r.Linkability != "" {
				say("", same(r.Name), lookUp(levelWords, r.Linkability))
			}
			return "the policy claims nothing about linking"
		}},
	}
}

const levelWords = `L0|cet objet (L0)|this object (L0)
L1|tous les envois d'un usage (L1)|all uploads of one use (L1)
L2|les envois d'un même numéro (L2)|the uploads of one number (L2)`

// level holds where the recipient can link that much, and says on what that rests.
func level(l consent.Level) proof {
	return func(s *subject, say sayer) string {
		if x := s.share(s.p.Recipient.ID); x != nil && x.Level == l && (l != consent.L2 || s.reached(x.Recipient)) {
			say("", same(s.p.Recipient.Name), both(x.WhyIn("fr"), x.WhyIn("en")))
		}
		return "it can link more, or less, or it is not known how it is reached"
	}
}

// A scale for bits a day, in writing. A word of English text carries about 12 bits (C. E. Shannon, Prediction and Entropy of
// Printed English, 1951: 11.82); a line is taken as 12 words, a page as 30 lines.
const (
	wordBits = 12
	lineBits = 12 * wordBits
	pageBits = 30 * lineBits
)

// scale says bits as so much writing.
func scale(bits int64) Text {
	size, fr, en := int64(pageBits), "page", "page"
	switch {
	case bits < lineBits:
		size, fr, en = wordBits, "mot", "word"
	case bits < pageBits:
		size, fr, en = lineBits, "ligne", "line"
	}
	n := max((bits+size/2)/size, 1)
	if n > 1 {
		fr, en = fr+"s", en+"s"
	}
	count := number(n)
	text := both("à peu près "+count.fr+" "+fr+" d'écriture", "about "+count.en+" "+en+" of writing")
	if bits >= 2*pageBits {
		text.fr, text.en = text.fr+", un journal intime", text.en+", a diary"
	}
	return text
}

// guessClaims say what could be guessed, by class and form of what leaves. A field is in each that holds for it.
func guessClaims() []claim {
	type is = func(g *consent.Group, f *consent.FieldForm) bool
	counted := func(f *consent.FieldForm) bool { return f.Action() == "count" }
	readable := func(f *consent.FieldForm) bool { return f.Type != consent.FormPseudonym && !counted(f) }
	in := func(c sensors.Class, wanted bool) is {
		return func(g *consent.Group, f *consent.FieldForm) bool {
			return f.Class == c && readable(f) && fine(g) == wanted
		}
	}
	of := func(c sensors.Class) is {
		return func(_ *consent.Group, f *consent.FieldForm) bool { return f.Class == c && readable(f) }
	}
	guess := func(id, fr, en string, holds is) claim {
		return claim{"guess." + id, Guess, Object, "{1} : " + fr, "{1}: " + en, someFields(holds)}
	}
	return []claim{
		guess("presence.fine", "quand quelqu'un est là, dort ou sort.", "when somebody is at home, sleeps or goes out.", in(sensors.Presence, true)),
		guess("presence.coarse", "combien on est là, pas à quelle heure.", "how much somebody is at home, not at what hour.", in(sensors.Presence, false)),
		guess("implied", "assez fin pour deviner quand quelqu'un est là ou dort.", "fine enough to guess when somebody is at home or asleep.",
			func(g *consent.Group, f *consent.FieldForm) bool {
				return f.Class != sensors.Presence && tellsPresence(g, f)
			}),
		guess("environment.fine", "quand vous chauffez, aérez ou éclairez.", "when you heat, air or light the room.", in(sensors.Environment, true)),
		guess("environment.coarse", "le climat de la pièce, pas ce que vous y faites à une heure donnée.", "the climate of the room, not what you do there at a given hour.", in(sensors.Environment, false)),
		guess("usage.fine", "vos habitudes : ce dont vous vous servez, et quand.", "your habits: what you use, and when.", in(sensors.Usage, true)),
		guess("usage.coarse", "votre niveau de consommation, pas vos heures.", "how much you use, not when.", in(sensors.Usage, false)),
		guess("location", "où vous vivez, ou par où vous passez, aussi précisément que dit plus haut.", "where you live or where you go, as precisely as said above.", of(sensors.Location)),
		guess("identity.pseudonym", "que le même revient pendant une période, pas qui c'est.", "that the same one comes back within a period, not who it is.",
			func(_ *consent.Group, f *consent.FieldForm) bool { return f.Type == consent.FormPseudonym }),
		guess("identity.readable", "qui c'est.", "who it is.", of(sensors.Identity)),
		guess("contact", "comment vous joindre, donc qui vous êtes.", "how to reach you, and so who you are.", of(sensors.Contact)),
		guess("health", "votre état de santé.", "how your health is.", of(sensors.Health)),
		guess("count", "combien de fois, pas quoi.", "how often, not what.", func(_ *consent.Group, f *consent.FieldForm) bool { return counted(f) }),
		{"guess.time", Guess, Object, "Au fil des semaines, même des chiffres grossiers dessinent des habitudes.", "Over weeks, even coarse figures draw habits.", when(leaves, nothingLeaves)},
	}
}
