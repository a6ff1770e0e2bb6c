package charter

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// mineClaims are what can be said of the history that the object keeps for the person. The object alone speaks here: nobody
// else has a part in it.
func mineClaims() []claim {
	return []claim{
		{"mine.why", Why, Object, "Garder pour vous ce que l'objet mesure, et une copie lisible de ce qui est parti.",
			"To keep for you what the object measures, and a readable copy of what left.", mineHere},
		{"mine.return", Return, Object, "Vous pouvez revoir vos mesures, les exporter et vérifier ce qui est parti.",
			"You can look at your readings again, export them, and check what left.", mineHere},
		{"mine.what", What, Object, "{1} : chaque valeur, telle que mesurée.", "{1}: every value, as measured.",
			func(s *subject, say sayer) string {
				for _, src := range s.m.Sources {
					for i := range src.Fields {
						say(src.Fields[i].Name, s.fieldWords(src.Fields[i].Name))
					}
				}
				return "nothing is measured here"
			}},
		{"mine.where", Where, Object, "Sur cet objet seulement. Rien n'en part, pour personne.", "On this object only. Nothing of it leaves, for anyone.", mineHere},
		{"mine.long", Long, Object, "{1}, puis effacé.", "{1}, then erased.", func(s *subject, say sayer) string {
			if s.m.Days > 0 {
				say("", span(sensors.Micros(s.m.Days)*sensors.Day))
			}
			return "no length is set"
		}},
		{"mine.longer", Long, Object, "Il est demandé de garder {1} ; cela attend un nouveau oui.", "{1} are asked for now, which waits for a new yes.",
			func(s *subject, say sayer) string {
				if s.m.State == consent.Given && s.m.Asked > s.m.Days {
					say("", span(sensors.Micros(s.m.Asked)*sensors.Day))
				}
				return "no longer keeping is asked for"
			}},
		{"mine.much", Much, Object, "Pour les autres, rien : 0 bit.", "For others nothing: 0 bits.", mineHere},
		{"mine.who", Who, Object, "Vous, et qui a l'objet en main avec vos droits.", "You, and whoever holds the object with your rights.", mineHere},
		{"mine.ground", Ground, Object, "Votre accord.", "Your agreement.", mineHere},
		{"mine.no", No, Object, "Sans votre oui, les mesures brutes ne restent qu'en mémoire vive et disparaissent à l'arrêt.",
			"Without your yes raw readings stay in working memory only and are gone when the object stops.", mineHere},
		{"mine.back", No, Object, "Vous reprenez votre oui d'un geste (candor consent withdraw mine). L'historique est alors détruit, sauf si vous le gardez.",
			"You take your yes back in one gesture (candor consent withdraw mine). The history is then destroyed, unless you keep it.", mineHere},
	}
}

// mineHere holds where the object has something to keep.
func mineHere(s *subject, say sayer) string {
	if len(s.m.Sources) > 0 {
		say("")
	}
	return "nothing is measured here"
}
