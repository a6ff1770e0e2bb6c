package charter

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// routeClaims are what can be said of the way to each recipient, of what lies there, and of erasing: of all recipients, or of
// the one of a purpose.
func routeClaims() []claim {
	way := func(id, fr, en, why string, holds func(r Route, there bool) bool) claim {
		return claim{id, Protect, Object, fr, en, func(s *subject, say sayer) string {
			s.recipients(func(r *consent.Recipient, _ []*consent.Purpose) {
				if x, there, known := s.route(r.ID); known && holds(x, there) {
					say(r.ID, same(r.Name))
				}
			})
			return why
		}}
	}
	return []claim{
		way("protect.way", "Jusqu'à {1}, les envois sont chiffrés (TLS).", "On the way to {1} uploads are encrypted (TLS).", "no route is encrypted",
			func(r Route, there bool) bool { return there && r.TLS }),
		way("protect.open", "Jusqu'à {1}, le trajet lui-même n'est pas chiffré.", "The way to {1} is not itself encrypted.", "every route is encrypted, or there is none",
			func(r Route, there bool) bool { return there && !r.TLS }),
		way("protect.eyes", "Seul {1} peut ouvrir les envois : ils sont scellés avec sa clé.", "Only {1} can open the uploads: they are sealed with its key.", "no route has the recipient's key",
			func(r Route, there bool) bool { return there && r.Sealed }),
		way("protect.broker", "Un relais les fait suivre à {1} et peut les lire.", "A relay passes them on to {1} and can read them.", "no relay can read them",
			func(r Route, there bool) bool { return there && r.Broker && !r.Sealed }),
		way("protect.pinned", "L'objet vérifie qu'il parle bien à {1}, par une clé ou une autorité choisie d'avance.", "The object checks that it speaks to {1}, by a key or an authority chosen beforehand.",
			"no route names a key or an authority", func(r Route, there bool) bool { return there && r.TLS && r.Pinned }),
		way("protect.nowhere", "Aucun chemin ne mène à {1} : rien ne lui parvient.", "No way leads to {1}: nothing reaches it.", "a route leads to each recipient, or routes are not known",
			func(_ Route, there bool) bool { return !there }),

		{"thief.base", Thief, Object, "Qui vole la base du destinataire ({1}) y trouve au plus : {2}, sur {3}.", "Whoever steals the recipient's database ({1}) finds at most: {2}, over {3}.", func(s *subject, say sayer) string {
			s.recipients(func(r *consent.Recipient, purposes []*consent.Purpose) {
				fields, days := s.lying(purposes)
				say(r.ID, same(r.Name), joined(fields), span(sensors.Micros(days)*sensors.Day))
			})
			return "nothing can leave for any recipient"
		}},
		{"thief.nameless", Thief, Object, "Rien de ce que cet objet envoie à {1} ne contient votre nom, votre courriel, votre téléphone ou votre adresse.",
			"Nothing that this object sends to {1} holds your name, e-mail, phone number or address.", func(s *subject, say sayer) string {
				s.recipients(func(r *consent.Recipient, purposes []*consent.Purpose) {
					if x := s.share(r.ID); x != nil && s.State.Known && x.Level != consent.L0 && !s.names(purposes) {
						say(r.ID, same(r.Name))
					}
				})
				return "a recipient knows or may know which object it is, or a field that names somebody leaves readable"
			}},
		{"thief.named", Thief, Object, "{1} sait de quel objet, ou de qui, cela vient : un voleur aussi.", "{1} knows which object, or whom, it comes from: so does a thief.", func(s *subject, say sayer) string {
			s.recipients(func(r *consent.Recipient, _ []*consent.Purpose) {
				if x := s.share(r.ID); x != nil && x.Level == consent.L0 {
					say(r.ID, same(r.Name))
				}
			})
			return "no recipient knows which object it is"
		}},

		{"erase.software", Erase, Object, "Effacer ici détruit les clés, par logiciel : d'anciennes cellules de la carte mémoire peuvent en garder des traces.",
			"Erasing here destroys the keys, by software: old cells of the memory card may keep traces of them.",
			when(func(s *subject) bool { return s.State.Known && s.State.Erasure == "software" }, "another assurance of erasing holds, or none is known")},
		{"erase.there", Erase, Object, "Chez {1}, l'objet ne peut que demander l'effacement ; il insiste jusqu'à une confirmation signée et vous montre où cela en est.",
			"At {1} the object can only ask for erasure; it insists until a signed confirmation and shows you how it stands.", func(s *subject, say sayer) string {
				s.recipients(func(r *consent.Recipient, _ []*consent.Purpose) {
					if _, there, known := s.route(r.ID); there && known {
						say(r.ID, same(r.Name))
					}
				})
				return "no route leads to a recipient"
			}},
	}
}

// lying are the fields that a recipient can have of some purposes, and for how many days.
func (s *subject) lying(purposes []*consent.Purpose) (fields []Text, days int) {
	seen := map[string]bool{}
	for _, p := range purposes {
		s.about(p).fields(func(_ *consent.Group, f *consent.FieldForm) {
			if !seen[f.Field] {
				seen[f.Field] = true
				fields = append(fields, s.fieldWords(f.Field))
			}
			days = max(days, p.Retention)
		})
	}
	return fields, days
}

// names tells whether a field that names or reaches somebody leaves readable.
func (s *subject) names(purposes []*consent.Purpose) bool {
	for _, p := range purposes {
		if s.about(p).any(func(_ *consent.Group, f *consent.FieldForm) bool {
			return f.Class == sensors.Contact || f.Class == sensors.Identity && f.Type != consent.FormPseudonym && f.Action() != "count"
		}) {
			return true
		}
	}
	return false
}
