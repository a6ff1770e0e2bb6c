package charter

import (
	"github.com/candor-edge/candor/store/consent"
)

// groundClaims are on what ground it is read and used, in the maker's words, with the article that allows it.
func groundClaims() []claim {
	basis := func(id, fr, en string) claim {
		return claim{"ground." + id, Ground, Maker, fr, en, when(func(s *subject) bool { return s.p.Basis == id }, "it rests on another ground")}
	}
	return []claim{
		basis("consent", "Votre accord (RGPD, art. 6(1)(a)).", "Your agreement (GDPR art. 6(1)(a))."),
		basis("contract", "Un contrat avec vous (RGPD, art. 6(1)(b)).", "A contract with you (GDPR art. 6(1)(b))."),
		basis("legal-obligation", "Une obligation légale (RGPD, art. 6(1)(c)).", "A legal obligation (GDPR art. 6(1)(c))."),
		basis("vital-interests", "Des intérêts vitaux (RGPD, art. 6(1)(d)).", "Vital interests (GDPR art. 6(1)(d))."),
		basis("public-task", "Une mission d'intérêt public (RGPD, art. 6(1)(e)).", "A task in the public interest (GDPR art. 6(1)(e))."),
		basis("legitimate-interests", "Un intérêt légitime (RGPD, art. 6(1)(f)).", "A legitimate interest (GDPR art. 6(1)(f))."),
		{"ground.interest", Ground, Maker, "L'intérêt poursuivi : {1}", "The interest pursued: {1}", quote(func(p *consent.Purpose) map[string]string { return p.Interest() })},
		{"access.consent", Ground, Maker, "L'objet est lu avec votre accord (directive ePrivacy, art. 5(3)).", "The object is read with your agreement (ePrivacy directive, art. 5(3)).",
			when(func(s *subject) bool { return s.p.Access == "consent" }, "the object is read on another ground")},
		{"access.service", Ground, Maker, "L'objet est lu parce que le service « {1} », que vous avez demandé, en a besoin (directive ePrivacy, art. 5(3)).",
			"The object is read because the service \"{1}\", which you asked for, needs it (ePrivacy directive, art. 5(3)).",
			name(func(s *subject) string {
				if s.p.Access != "strictly-necessary" {
					return ""
				}
				return s.p.Service
			})},
	}
}

// noClaims are what a no does, and how a yes is taken back.
func noClaims() []claim {
	return []claim{
		{"no.nothing", No, Object, "Sans votre oui, rien de tout cela ne part, et {1} n'apprend pas votre non.", "Without your yes nothing of this leaves, and {1} does not learn of your no.",
			func(s *subject, say sayer) string {
				if leaves(s) {
					say("", same(s.p.Recipient.Name))
				}
				return nothingLeaves
			}},
		{"no.quiet", No, Object, "Après un non, on ne vous le redemande pas avant {1}.", "After a no you are not asked again for {1}.", func(s *subject, say sayer) string {
			if s.State.Known && s.State.Quiet > 0 {
				say("", span(s.State.Quiet))
			}
			return "nothing is known of how the object asks"
		}},
		{"no.free", No, Object, "Dire non n'éteint rien d'autre dans cet objet.", "A no switches nothing else on this object off.",
			when(func(s *subject) bool { return s.p.Access == "consent" && s.p.Service == "" }, "a service hangs on it")},
		{"no.service", No, Maker, "Dire non éteint le service « {1} ».", "A no switches the service \"{1}\" off.", name(func(s *subject) string { return s.p.Service })},
		{"no.otherwise", No, Maker, "{1}", "{1}", quote(func(p *consent.Purpose) map[string]string { return p.Otherwise() })},
		{"no.back", No, Object, "Vous reprenez votre oui d'un geste, ici ou par candor consent withdraw {1}. Plus rien ne part, ce qui attendait est détruit, et l'objet demande à {2} d'effacer ce qu'il a, jusqu'à ce qu'il le confirme.",
			"You take your yes back in one gesture, here or with candor consent withdraw {1}. Nothing leaves any more, what was waiting is destroyed, and the object asks {2} to erase what it has until it confirms.",
			func(s *subject, say sayer) string {
				if s.p.State != consent.Refused {
					say("", same(s.p.ID), same(s.p.Recipient.Name))
				}
				return "there can be no yes to it: " + s.p.Reason
			}},
	}
}

// lawClaims are what the law gives. About one purpose they name what hangs on its ground.
func lawClaims() []claim {
	general := func(id, fr, en string) claim {
		return claim{"law." + id, Rights, Law, fr, en, when(func(s *subject) bool { return s.inEurope() && len(s.purposes()) > 0 },
			"the policy names no controller in the European Economic Area, or asks for nothing")}
	}
	onBasis := func(id, fr, en string, bases ...string) claim {
		return claim{"law." + id, Rights, Law, fr, en, when(func(s *subject) bool { return s.inEurope() && s.rests(bases) }, "no purpose rests on such a ground")}
	}
	tagged := func(id, tag, fr, en string) claim {
		return claim{"law." + id, Rights, Law, fr, en, when(func(s *subject) bool { return s.inEurope() && s.tagged(tag) }, "no purpose is tagged "+tag)}
	}
	return []claim{
		{"whose.law", Whose, Law, "La loi ne dit pas à qui sont ces données ; elle vous donne des droits sur elles (RGPD, art. 12 à 22).",
			"The law does not say who owns these data; it gives you rights over them (GDPR art. 12 to 22).",
			when(func(s *subject) bool { return s.inEurope() && len(s.purposes()) > 0 }, "the policy names no controller in the European Economic Area, or asks for nothing")},
		general("see", "Voir ce qu'ils ont sur vous et en avoir copie (RGPD, art. 15).", "See what they have about you and get a copy (GDPR art. 15)."),
		general("correct", "Faire corriger (RGPD, art. 16).", "Have it corrected (GDPR art. 16)."),
		general("erase", "Faire effacer (RGPD, art. 17).", "Have it erased (GDPR art. 17)."),
		general("limit", "Faire suspendre l'usage (RGPD, art. 18).", "Have its use suspended (GDPR art. 18)."),
		onBasis("carry", "Emporter vos données ailleurs (RGPD, art. 20).", "Take your data elsewhere (GDPR art. 20).", "consent", "contract"),
		onBasis("withdraw", "Reprendre votre accord à tout moment, sans motif, aussi simplement que vous l'avez donné (RGPD, art. 7(3)).",
			"Take your agreement back at any time, without a reason, as easily as you gave it (GDPR art. 7(3)).", "consent"),
		onBasis("object", "Vous opposer (RGPD, art. 21(1)).", "Object (GDPR art. 21(1)).", "legitimate-interests", "public-task"),
		tagged("marketing", "marketing", "Refuser toute prospection, à tout moment (RGPD, art. 21(2)).", "Refuse marketing at any time (GDPR art. 21(2))."),
		tagged("profile", "profiling", "Ne pas être l'objet d'une décision entièrement automatique (RGPD, art. 22).", "Not be decided about by machines alone (GDPR art. 22)."),
		general("object-data", "Avoir les données de l'objet et les faire donner à qui vous voulez ; les petits fabricants en sont dispensés (règlement UE 2023/2854, art. 4, 5 et 7).",
			"Have the object's data, and have them given to whom you like; small makers are exempt (Regulation (EU) 2023/2854, art. 4, 5 and 7)."),
		{"law.complain", Rights, Law, "Vous plaindre à l'autorité de contrôle : {1} (RGPD, art. 77).", "Complain to the authority: {1} (GDPR art. 77).", func(s *subject, say sayer) string {
			if s.inEurope() {
				say("", same(s.controller().Authority))
			}
			return "the policy names no authority, or no controller in the European Economic Area"
		}},
		{"rights.contact", Rights, Maker, "Pour exercer ces droits : {1}.", "To use these rights: {1}.", name(func(s *subject) string { return s.controller().Contact })},
		{"rights.address", Rights, Maker, "Adresse : {1}, {2}.", "Address: {1}, {2}.", func(s *subject, say sayer) string {
			c := s.controller()
			say("", same(c.Name), same(c.Address))
			return "the policy gives no address"
		}},
	}
}

// inEurope tells whether the controller is established where the GDPR holds (art. 3(1), and the EEA agreement).
func (s *subject) inEurope() bool { return consent.InEEA(s.controller().Country) }

// rests tells whether a purpose rests on one of these grounds.
func (s *subject) rests(bases []string) bool {
	for _, p := range s.purposes() {
		for _, b := range bases {
			if p.Basis == b {
				return true
			}
		}
	}
	return false
}

func (s *subject) tagged(tag string) bool {
	for _, p := range s.purposes() {
		for _, t := range p.Tags {
			if t == tag {
				return true
			}
		}
	}
	return false
}
