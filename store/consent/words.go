package consent

import (
	"fmt"
	"strconv"
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
	amount := func(d *tinyconf.Decimal) string {
		if d == nil {
			return ""
		}
		return strings.TrimRight(Decimal(d, language)+"\u00a0"+unitWord(unit), "\u00a0") // a line does not end before a unit
	}
	text := r.action(language, boolean)
	add := func(yes bool, key string, args ...string) {
		if yes {
			text += ", " + ruleWord(key, language, args...)
		}
	}
	if r.Action == "threshold" {
		text = ruleWord(r.Action, language, amount(r.Threshold))
		add(r.Hysteresis != nil && r.Hysteresis.Sign() > 0, "hysteresis", amount(r.Hysteresis))
	}
	for i := range r.Edges {
		if i > 0 {
			text += ruleWord("and", language)
		}
		text += amount(&r.Edges[i])
	}
	add(r.Min != nil, "between", amount(r.Min), amount(r.Max))
	add(r.Round != nil, "steps", amount(r.Round))
	add(r.Least > 0, "least", strconv.Itoa(r.Least))
	add(r.Coverage > 0, "coverage", strconv.Itoa(r.Coverage))
	return text
}

// action says what is done, without the parameters that several actions share.
func (r *Rule) action(language string, boolean bool) string {
	key := r.Action
	switch {
	case key == "keep" && len(r.Labels) > 0:
		return ruleWord("label", language) + strings.Join(r.Labels, ", ")
	case key == "grid":
		return ruleWord(key, language) + gridWords(r.Level, language)
	case r.Window == 0:
		return ruleWord(key, language)
	case boolean && key != "count":
		key += " yes"
	}
	each, window := "each", Span(micros(r.Window), language)
	if one, ok := strings.CutPrefix(window, "1 "); ok {
		each, window = "each one", one
	}
	return ruleWord(key, language, ruleWord(each, language)+window)
}

// ruleWord finds words in the table and puts arguments in the place of @.
func ruleWord(key, language string, args ...string) string {
	for rest := ruleWordTable; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		words, ok := strings.CutPrefix(line, key+"|")
		if !ok {
			continue
		}
		text, french, _ := strings.Cut(words, "|")
		if strings.HasPrefix(language, "fr") {
			text = french
		}
		for _, a := range args {
			text = strings.Replace(text, "@", a, 1)
		}
		return text
	}
	return key
}

// ruleWordTable says rules: a word for the code, English, French.
const ruleWordTable = `drop|does not leave|ne part pas
local|stays on the object|reste sur l'objet
keep|every value, exactly|chaque valeur, exacte
label|as it is, when it is one of: |tel quel, si c'est l'un de : 
pseudonym|under an invented name that changes with each period|sous un nom inventé, changé à chaque période
grid|the square it is in, |le carré où il se trouve, 
threshold|only whether it has reached @|seulement si @ est atteint
hysteresis|until it falls by more than @ below|jusqu'à plus de @ en dessous
bucket|only between which of these it lies: |seulement entre lesquels de ces seuils : 
and|, | ; 
round|every value|chaque valeur
clamp|every value|chaque valeur
between|cut off below @ and above @|limité entre @ et @
steps|rounded down to steps of @|arrondi vers le bas par pas de @
least|from @ values on|à partir de @ valeurs
coverage|when at least @ quarters of it were watched|si au moins @ quarts ont été observés
each|each |chaque tranche de 
each one|each |chaque 
mean|the mean of @|la moyenne de @
min|the lowest of @|le plus bas de @
max|the highest of @|le plus haut de @
sum|the sum of @|le total de @
count|how many values in @|le nombre de valeurs pendant @
mean yes|the share of @ in which it was so|la part de @ où c'était le cas
min yes|whether it was so all through @|si c'était le cas tout au long de @
max yes|whether it was ever so in @|si c'est arrivé pendant @
sum yes|how often it was so in @|combien de fois c'était le cas pendant @
`

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
