package receive

import (
	"strings"

	"github.com/candor-edge/candor/uplink/wire"
)

// contactFree refuses an announcement whose texts look like a way to reach a
// person. Labels are declared once for all objects, so that an address among
// them is a fault or an attempt, and no row may carry it.
func contactFree(g *wire.Group) error {
	texts := []string{g.Source}
	for i := range g.Fields {
		texts = append(texts, g.Fields[i].Name, g.Fields[i].Unit)
		texts = append(texts, g.Fields[i].Labels...)
	}
	for _, t := range texts {
		if contactShaped(t) {
			return refuse(CodeContact, "a source, field, unit or label looks like an e-mail address, a link or a telephone number")
		}
	}
	return nil
}

// contactFreeTokens refuses pseudonyms that are no pseudonyms: 16 random bytes
// practically never read as an address, a text put in their place may.
func contactFreeTokens(a *wire.Announcement, b *wire.Batch) error {
	for i := range b.Groups {
		g := &b.Groups[i]
		for c := range g.Columns {
			f := &a.Groups[g.Group].Fields[c]
			last := ""
			for row, t := range g.Columns[c].Tokens {
				if t == last || f.Type != wire.Pseudonym || !printable(t) || !contactShaped(t) {
					continue
				}
				err := &wire.ValueError{Group: g.Group, Field: f.Name, Row: row, Why: "looks like an e-mail address, a link or a telephone number"}
				return refuse(CodeContact, err.Error())
			}
		}
	}
	return nil
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// contactShaped says whether a text could reach somebody: an e-mail address, a
// link, or eight digits and more with nothing but separators. A quantity of
// that many digits belongs in a number column.
func contactShaped(s string) bool {
	lower := strings.ToLower(s)
	for _, p := range [...]string{"mailto:", "tel:", "sip:", "http://", "https://", "www."} {
		if strings.Contains(lower, p) {
			return true
		}
	}
	if at := strings.IndexByte(s, '@'); at > 0 && strings.Contains(s[at:], ".") {
		return true
	}
	digits := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune(" +-./()\u00a0\u202f", c):
			return false
		}
	}
	return digits >= 8
}
