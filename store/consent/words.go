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

// WordsIn says what the rule does to its field in a sentence's part that a person understands, in French for "fr", else in
// English. Steps and bounds are in the field's unit.
func (r *Rule) WordsIn(language string) string {
	f := strings.HasPrefix(language, "fr")
	pick := func(en, fr string) string {
		if f {
			return fr
		}
		return en
	}
	window := Span(micros(r.Window), language)
	var parts []string
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
		parts = append(parts, fmt.Sprintf(pick("only whether it has reached %s", "seulement si %s est atteint"), r.Threshold))
		if r.Hysteresis != nil && r.Hysteresis.Sign() > 0 {
			parts = append(parts, fmt.Sprintf(pick("until it falls by more than %s below", "jusqu'à plus de %s en dessous"), r.Hysteresis))
		}
	case "bucket":
		texts := make([]string, len(r.Edges))
		for i := range r.Edges {
			texts[i] = r.Edges[i].String()
		}
		parts = append(parts, pick("only between which of these it lies: ", "seulement entre lesquels de ces seuils : ")+strings.Join(texts, ", "))
	case "round", "clamp":
		parts = append(parts, pick("every value", "chaque valeur"))
	default:
		parts = append(parts, aggregateWords(r.Action, f)+" "+window)
	}
	if r.Min != nil {
		parts = append(parts, fmt.Sprintf(pick("cut off below %s and above %s", "bornée entre %s et %s"), r.Min, r.Max))
	}
	if r.Round != nil {
		parts = append(parts, fmt.Sprintf(pick("rounded down to steps of %s", "arrondie par pas de %s vers le bas"), r.Round))
	}
	if r.Least > 0 {
		parts = append(parts, fmt.Sprintf(pick("from %d values on", "à partir de %d valeurs"), r.Least))
	}
	if r.Coverage > 0 {
		parts = append(parts, fmt.Sprintf(pick("when at least %d quarters of it were watched", "si au moins %d quarts ont été observés"), r.Coverage))
	}
	return strings.Join(parts, ", ")
}

func aggregateWords(action string, french bool) string {
	words := map[string][2]string{
		"mean": {"the mean of each", "la moyenne sur"}, "min": {"the lowest of each", "le plus bas sur"}, "max": {"the highest of each", "le plus haut sur"},
		"sum": {"the sum of each", "la somme sur"}, "count": {"how many values in each", "le nombre de valeurs sur"},
	}[action]
	if french {
		return words[1]
	}
	return words[0]
}
