package tinyconf

import "strings"

// Localized is a text for people, by language code ("fr", "en"). From a file it
// has French and English, which the law and our promise ask for; others may be added.
type Localized map[string]string

// Check asks for fr and en, for texts that are not blank, and for plain codes.
func (l *Localized) Check(ctx *Context) {
	for _, lang := range []string{"fr", "en"} {
		if _, ok := (*l)[lang]; !ok {
			ctx.Fault(lang, "missing, the text in %s is needed", languageName(lang))
		}
	}
	for _, lang := range sorted(*l) {
		switch {
		case !isLanguage(lang):
			ctx.Fault(Quote(lang), "no language code, use two or three small letters as in \"fr\"")
		case strings.TrimSpace((*l)[lang]) == "":
			ctx.Fault(lang, "empty, the text in %s is needed", languageName(lang))
		}
	}
}

// In gives the text in lang, else in English, else in French, else nothing.
func (l Localized) In(lang string) string {
	for _, code := range []string{lang, "en", "fr"} {
		if text := l[code]; text != "" {
			return text
		}
	}
	return ""
}

func languageName(lang string) string {
	switch lang {
	case "fr":
		return "French"
	case "en":
		return "English"
	}
	return "this language"
}

// isLanguage tells ISO 639 codes of two or three letters by form.
func isLanguage(code string) bool {
	if len(code) < 2 || len(code) > 3 {
		return false
	}
	return strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") == ""
}
