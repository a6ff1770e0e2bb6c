package charter

import (
	"strconv"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// number is a number with its digits in groups of three from ten thousand on.
func number(n int64) Text {
	digits := strconv.FormatInt(n, 10)
	fr, en := digits, digits
	for i := len(digits) - 3; i > 0 && n >= 10_000; i -= 3 {
		fr, en = fr[:i]+" "+fr[i:], en[:i]+","+en[i:]
	}
	return both(fr, en)
}

// joined lists texts with commas.
func joined(list []Text) Text {
	fr, en := make([]string, len(list)), make([]string, len(list))
	for i, t := range list {
		fr[i], en[i] = t.fr(), t.en()
	}
	return both(strings.Join(fr, ", "), strings.Join(en, ", "))
}

// span is a length of time in words, every how often; from two months on the months are said as well.
func span(m sensors.Micros) Text {
	fr, en := consent.Span(m, "fr"), consent.Span(m, "en")
	if months := (m/sensors.Day*12 + 182) / 365; months >= 2 {
		n := strconv.Itoa(int(months))
		fr, en = fr+" (environ "+n+" mois)", en+" (about "+n+" months)"
	}
	return both(fr, en)
}

func every(m sensors.Micros) Text { return both(consent.Every(m, "fr"), consent.Every(m, "en")) }

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
	fr, en = "à peu près "+count.fr()+" "+fr+" d'écriture", "about "+count.en()+" "+en+" of writing"
	if bits >= 2*pageBits {
		fr, en = fr+", un journal intime", en+", a diary"
	}
	return both(fr, en)
}
