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

// ibanShaped: two letters, two digits, then 11 to 30 letters or digits (ISO 13616), blanks and hyphens ignored.
func ibanShaped(t string) bool {
	t = strings.NewReplacer(" ", "", "-", "").Replace(t)
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

// plateShaped: what European number plates look like. L is a letter, D a digit, - a blank or a hyphen.
//
// With separators in any case: letters, digits and letters ("AB-123-CD", Italy too), or digits, letters, digits ("1234 AB 69").
// In capitals only, since small letters make ordinary words of them: Germany ("B-AB 1234"), Spain ("1234 BCD"), the United
// Kingdom ("AB12 CDE"), France without separators ("AB123CD").
func plateShaped(t string) bool {
	if len(t) < 7 || len(t) > 11 {
		return false
	}
	shape, capitals := plateShape(t)
	switch shape {
	case "DDDD-LLL", "LLDD-LLL", "LLDDDLL":
		return capitals
	}
	groups := strings.Split(shape, "-")
	if len(groups) != 3 {
		return false
	}
	kinds := ""
	for _, g := range groups {
		switch {
		case g == strings.Repeat("L", len(g)) && len(g) >= 1 && len(g) <= 3:
			kinds += "L"
		case g == strings.Repeat("D", len(g)) && len(g) >= 1 && len(g) <= 4:
			kinds += "D"
		default:
			return false
		}
	}
	return kinds == "LDL" || kinds == "DLD" || kinds == "LLD" && capitals && len(groups[1]) <= 2
}

// plateShape writes a text as letters, digits and separators; "" when it has anything else.
func plateShape(t string) (shape string, capitals bool) {
	out := make([]byte, 0, len(t))
	capitals = true
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case letter(c):
			capitals = capitals && c <= 'Z'
			out = append(out, 'L')
		case digit(c):
			out = append(out, 'D')
		case c == '-' || c == ' ':
			if len(out) == 0 || out[len(out)-1] != '-' {
				out = append(out, '-')
			}
		default:
			return "", false
		}
	}
	return strings.Trim(string(out), "-"), capitals
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
