package cli

import (
	"cmp"
	"strings"
)

// plain is text as the terminal of this locale can show it: where LC_ALL, LC_CTYPE or LANG, the first that is set, does not name
// UTF-8, accents are left out and what has no other form becomes "?".
func (g *global) plain(text string) string {
	locale := strings.ToLower(cmp.Or(g.env.Getenv("LC_ALL"), g.env.Getenv("LC_CTYPE"), g.env.Getenv("LANG")))
	if strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8") {
		return text
	}
	const accents, letters = "àâäáãåçéèêëíìîïñóòôöõúùûüýÿÀÂÄÁÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÖÕÚÙÛÜÝ’‘«»–—·…", "aaaaaaceeeeiiiinooooouuuuyyAAAAAACEEEEIIIINOOOOOUUUUY''\"\"--.."
	return strings.Map(func(r rune) rune {
		if r < 0x80 {
			return r
		}
		i := 0
		for _, a := range accents {
			if a == r {
				return rune(letters[i])
			}
			i++
		}
		return '?'
	}, text)
}
