package consent

import "strings"

// contactShaped tells whether a text looks like an e-mail address, a phone number, an IBAN or a number plate. Such a
// text in a field that is not declared identity or contact is refused: a label reader that suddenly delivers
// addresses must not become a leak (PRV-22). It errs on the side of refusing.
func contactShaped(text string) bool {
	t := strings.TrimSpace(text)
	return emailShaped(t) || phoneShaped(t) || ibanShaped(t) || plateShaped(t)
}

func emailShaped(t string) bool {
	at := strings.IndexByte(t, '@')
	return at > 0 && at < len(t)-1
}

// phoneShaped: 8 to 15 digits (E.164 allows 15) with only separators between, starting with + or 0.
func phoneShaped(t string) bool {
	if t == "" || t[0] != '+' && t[0] != '0' && t[0] != '(' {
		return false
	}
	digits := 0
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case c >= '0' && c <= '9':
			digits++
		case strings.IndexByte("+ -./()", c) < 0:
			return false
		}
	}
	return digits >= 8 && digits <= 15
}

// ibanShaped: two letters, two digits, then 11 to 30 letters or digits (ISO 13616), blanks ignored.
func ibanShaped(t string) bool {
	t = strings.ReplaceAll(t, " ", "")
	if len(t) < 15 || len(t) > 34 || !letter(t[0]) || !letter(t[1]) || !digit(t[2]) || !digit(t[3]) {
		return false
	}
	digits := 2
	for i := 4; i < len(t); i++ {
		if digit(t[i]) {
			digits++
		} else if !letter(t[i]) {
			return false
		}
	}
	return digits*2 >= len(t)
}

// plateShaped: letters, digits and letters again or digits, letters, digits, in groups as European plates have them
// ("AB-123-CD", "1234 AB 69"), with separators between the groups.
func plateShaped(t string) bool {
	groups := strings.FieldsFunc(t, func(r rune) bool { return r == '-' || r == ' ' })
	if len(groups) != 3 || len(t) < 7 || len(t) > 11 {
		return false
	}
	kinds := ""
	for _, g := range groups {
		letters, digits := 0, 0
		for i := 0; i < len(g); i++ {
			switch {
			case letter(g[i]):
				letters++
			case digit(g[i]):
				digits++
			default:
				return false
			}
		}
		switch {
		case digits == 0 && letters <= 3:
			kinds += "L"
		case letters == 0 && digits <= 4:
			kinds += "D"
		default:
			return false
		}
	}
	return kinds == "LDL" || kinds == "DLD"
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
