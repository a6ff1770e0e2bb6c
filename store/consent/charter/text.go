package charter

import (
	"encoding/json"
	"errors"
	"strings"
)

// Text is the same thing said in French and in English. Outside this package there is no way to make one, and inside only
// with both: a text that lacks one is the zero Text, which is not printed.
type Text struct{ both string } // French, a zero byte, English: half the size of two strings, and the device's binary is small

// both makes a text.
func both(fr, en string) Text {
	if strings.TrimSpace(fr) == "" || strings.TrimSpace(en) == "" || strings.Contains(fr, "\x00") {
		return Text{}
	}
	return Text{fr + "\x00" + en}
}

func (t Text) fr() string { s, _, _ := strings.Cut(t.both, "\x00"); return s }
func (t Text) en() string { _, s, _ := strings.Cut(t.both, "\x00"); return s }

// same is what is written alike in both languages: a name, a number.
func same(text string) Text { return both(text, text) }

// bracketed is a text with another in brackets behind it.
func bracketed(t, in Text) Text {
	return both(t.fr()+" ("+in.fr()+")", t.en()+" ("+in.en()+")")
}

// In is the text in French for "fr" and tags under it, else in English. French has no-break spaces (U+00A0) where a line must
// not break.
func (t Text) In(language string) string {
	if isFrench(language) {
		return unbroken(t.fr())
	}
	return t.en()
}

func isFrench(language string) bool { return strings.HasPrefix(language, "fr") }

// missing tells the zero Text.
func (t Text) missing() bool { return t.both == "" }

// unbroken glues French signs to their words: a space before : ; ? ! % and inside of « » does not break. Nor does one between the
// digits of a number.
func unbroken(s string) string {
	const glue = "\u00a0"
	s = strings.NewReplacer(" :", glue+":", " ;", glue+";", " ?", glue+"?", " !", glue+"!", " »", glue+"»", "« ", "«"+glue, " %", glue+"%", " °", glue+"°").Replace(s)
	b := []byte(nil)
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' && i > 0 && digit(s[i-1]) && i+1 < len(s) && digit(s[i+1]) {
			b = append(b, glue...)
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// twoTexts is a Text as JSON.
type twoTexts struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// MarshalJSON implements json.Marshaler: {"fr": …, "en": …}. The zero Text has no form.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.missing() {
		return nil, errors.New("a text in no language")
	}
	return json.Marshal(twoTexts{t.In("fr"), t.In("en")})
}

// UnmarshalJSON implements json.Unmarshaler. A text that lacks a language is refused.
func (t *Text) UnmarshalJSON(b []byte) error {
	var two twoTexts
	if err := json.Unmarshal(b, &two); err != nil {
		return err
	}
	if *t = both(two.FR, two.EN); t.missing() {
		return errors.New("a text in one language only")
	}
	return nil
}
