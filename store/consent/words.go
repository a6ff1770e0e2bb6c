package consent

import (
	"fmt"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// Span says a length of time in words, in French for "fr", else in English: "15 minutes", "1 jour".
func Span(m sensors.Micros, language string) string {
	french := strings.HasPrefix(language, "fr")
	for _, u := range []struct {
		size   sensors.Micros
		en, fr string
	}{{sensors.Day, "day", "jour"}, {sensors.Hour, "hour", "heure"}, {sensors.Minute, "minute", "minute"}, {sensors.Second, "second", "seconde"}} {
		if m < u.size || m%u.size != 0 {
			continue
		}
		n, word := int64(m/u.size), u.en
		if french {
			word = u.fr
		}
		if n > 1 {
			word += "s"
		}
		return fmt.Sprintf("%d %s", n, word)
	}
	return tinyconf.Duration(int64(m) * 1000).String()
}

// Every says how often, in French for "fr", else in English: "every 6 hours", "chaque jour".
func Every(m sensors.Micros, language string) string {
	text := Span(m, language)
	rest, one := strings.CutPrefix(text, "1 ")
	french := strings.HasPrefix(language, "fr")
	switch {
	case one && french:
		return "chaque " + rest
	case one:
		return "every " + rest
	case french && strings.HasSuffix(text, "jours"):
		return "tous les " + text
	case french:
		return "toutes les " + text
	}
	return "every " + text
}

// Decimal is a number as it is written in a language: French has a comma.
func Decimal(d *tinyconf.Decimal, language string) string {
	if strings.HasPrefix(language, "fr") {
		return strings.Replace(d.String(), ".", ",", 1)
	}
	return d.String()
}

// WordsIn says what the rule does to its field in a sentence's part that a person understands, in French for "fr", else in
// English. Steps and bounds are numbers without a unit.
func (r *Rule) WordsIn(language string) string { return r.wordsIn(language, "", false) }

// wordsIn writes a unit behind steps and bounds, and knows of a yes or no.
func (r *Rule) wordsIn(language, unit string, boolean bool) string {
	f := strings.HasPrefix(language, "fr")
	pick := func(en, fr string) string {
		if f {
			return fr
		}
		return en
	}
	amount := func(d *tinyconf.Decimal) string {
		return strings.TrimRight(Decimal(d, language)+"\u00a0"+unitWord(unit), "\u00a0") // a line does not end before a unit
	}
	parts := []string{r.action(pick, amount, language, boolean)}
	if r.Action == "threshold" && r.Hysteresis != nil && r.Hysteresis.Sign() > 0 {
		parts = append(parts, fmt.Sprintf(pick("until it falls by more than %s below", "jusqu'à plus de %s en dessous"), amount(r.Hysteresis)))
	}
	if r.Min != nil {
		parts = append(parts, fmt.Sprintf(pick("cut off below %s and above %s", "limité entre %s et %s"), amount(r.Min), amount(r.Max)))
	}
	if r.Round != nil {
		parts = append(parts, fmt.Sprintf(pick("rounded down to steps of %s", "arrondi vers le bas par pas de %s"), amount(r.Round)))
	}
	if r.Least > 0 {
		parts = append(parts, fmt.Sprintf(pick("from %d values on", "à partir de %d valeurs"), r.Least))
	}
	if r.Coverage > 0 {
		parts = append(parts, fmt.Sprintf(pick("when at least %d quarters of it were watched", "si au moins %d quarts ont été observés"), r.Coverage))
	}
	return strings.Join(parts, ", ")
}

// action says what is done, without the parameters that several actions share.
func (r *Rule) action(pick func(en, fr string) string, amount func(*tinyconf.Decimal) string, language string, boolean bool) string {
	switch r.Action {
	case "drop":
		return pick("does not leave", "ne part pas")
	case "local":
		return pick("stays on the object", "reste sur l'objet")
	case "keep":
		if len(r.Labels) > 0 {
			return pick("as it is, when it is one of: ", "tel quel, si c'est l'un de : ") + strings.Join(r.Labels, ", ")
		}
		return pick("every value, exactly", "chaque valeur, exacte")
	case "pseudonym":
		return pick("under an invented name that changes with each period", "sous un nom inventé, changé à chaque période")
	case "grid":
		return pick("the square it is in, ", "le carré où il se trouve, ") + gridWords(r.Level, language)
	case "threshold":
		return fmt.Sprintf(pick("only whether it has reached %s", "seulement si %s est atteint"), amount(r.Threshold))
	case "bucket":
		texts := make([]string, len(r.Edges))
		for i := range r.Edges {
			texts[i] = amount(&r.Edges[i])
		}
		return pick("only between which of these it lies: ", "seulement entre lesquels de ces seuils : ") + strings.Join(texts, pick(", ", " ; "))
	case "round", "clamp":
		return pick("every value", "chaque valeur")
	}
	window := Span(micros(r.Window), language)
	each := pick("each ", "chaque tranche de ")
	if one, ok := strings.CutPrefix(window, "1 "); ok {
		window, each = one, pick("each ", "chaque ")
	}
	if boolean {
		return strings.Replace(booleanWords(r.Action, pick), "@", each+window, 1)
	}
	return aggregateWords(r.Action, pick) + " " + each + window
}

// unitWord is a SenML unit as people write it.
func unitWord(unit string) string {
	for _, u := range strings.Fields(unitWords) {
		if senml, word, _ := strings.Cut(u, ":"); senml == unit {
			return word
		}
	}
	return unit
}

// unitWords are the units of RFC 8428 that are not written as people do.
const unitWords = "Cel:°C %RH:% ug/m3:µg/m³ m/s2:m/s² beat/min:/min count: /: 1: lat:° lon:° deg:°"

func aggregateWords(action string, pick func(en, fr string) string) string {
	switch action {
	case "mean":
		return pick("the mean of", "la moyenne de")
	case "min":
		return pick("the lowest of", "le plus bas de")
	case "max":
		return pick("the highest of", "le plus haut de")
	case "sum":
		return pick("the sum of", "le total de")
	}
	return pick("how many values in", "le nombre de valeurs dans")
}

// booleanWords are aggregateWords of a yes or no; @ stands for the window.
func booleanWords(action string, pick func(en, fr string) string) string {
	switch action {
	case "mean":
		return pick("the share of @ in which it was so", "la part de @ où c'était le cas")
	case "min":
		return pick("whether it was so all through @", "si c'était le cas tout au long de @")
	case "max":
		return pick("whether it was ever so in @", "si c'est arrivé dans @")
	}
	return pick("how often it was so in @", "combien de fois c'était le cas dans @")
}
