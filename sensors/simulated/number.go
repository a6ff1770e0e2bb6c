package simulated

import (
	"bytes"
	"math"
)

// maxExponent bounds the exponent of a decimal text. It is far beyond the longest line, so that a clamped exponent
// gives the same result as the real one: zero, or too large.
const maxExponent = 1 << 28

// decimal reads a decimal text ("21.5", "-0.0001", "+3", ".5", "1e3") as an integer in units of 10^-scale, floored. ok
// is false when the text is no decimal number or does not fit. scale is 0 to 18. It does not allocate.
func decimal(text []byte, scale int) (n int64, ok bool) {
	negative := false
	rest := text
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		negative = rest[0] == '-'
		rest = rest[1:]
	}
	var (
		m      uint64 // digits taken so far
		seen   bool   // a digit was there
		point  bool
		digits int // digits after the point that m holds
		lost   bool
	)
	for _, c := range rest {
		switch {
		case c >= '0' && c <= '9':
			seen = true
			if point && digits == scale {
				lost = lost || c != '0'
				continue
			}
			if m > (math.MaxUint64-9)/10 {
				return wide(rest, negative, scale)
			}
			m = m*10 + uint64(c-'0')
			if point {
				digits++
			}
		case c == '.' && !point:
			point = true
		case (c == 'e' || c == 'E') && seen:
			return wide(rest, negative, scale)
		default:
			return 0, false
		}
	}
	if !seen {
		return 0, false
	}
	for ; digits < scale; digits++ {
		if m > math.MaxUint64/10 {
			return 0, false
		}
		m *= 10
	}
	return signed(m, negative, lost)
}

// signed gives m its sign. lost says that digits were cut off, which takes a negative number down by one.
func signed(m uint64, negative, lost bool) (int64, bool) {
	if !negative {
		return int64(m), m <= math.MaxInt64
	}
	if lost {
		m++ // m is at most MaxUint64 only when it overflows below anyway
	}
	if m == 0 || m > 1<<63 {
		return 0, m == 0 && !lost
	}
	return -int64(m-1) - 1, true
}

// wide is decimal for texts with an exponent or more digits than an integer holds. text has no sign.
func wide(text []byte, negative bool, scale int) (int64, bool) {
	mantissa, exponent, ok := splitExponent(text)
	if !ok {
		return 0, false
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	if !allDigits(whole) || !allDigits(fraction) || len(whole)+len(fraction) == 0 {
		return 0, false
	}
	keep := len(whole) + exponent + scale // how many of the digits stand before the floor
	var m uint64
	lost := false
	for i := range len(whole) + len(fraction) {
		c := digitAt(whole, fraction, i)
		if i >= keep {
			lost = lost || c != 0
			continue
		}
		if m > (math.MaxUint64-9)/10 {
			return 0, false
		}
		m = m*10 + c
	}
	for i := len(whole) + len(fraction); i < keep && m != 0; i++ {
		if m > math.MaxUint64/10 {
			return 0, false
		}
		m *= 10
	}
	return signed(m, negative, lost)
}

func digitAt(whole, fraction []byte, i int) uint64 {
	if i < len(whole) {
		return uint64(whole[i] - '0')
	}
	return uint64(fraction[i-len(whole)] - '0')
}

// splitExponent takes "12.5e-3" apart. The exponent is clamped to maxExponent either way.
func splitExponent(text []byte) (mantissa []byte, exponent int, ok bool) {
	at := bytes.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, true
	}
	mantissa, power := text[:at], text[at+1:]
	negative := false
	if len(power) > 0 && (power[0] == '-' || power[0] == '+') {
		negative = power[0] == '-'
		power = power[1:]
	}
	if len(power) == 0 || !allDigits(power) {
		return nil, 0, false
	}
	for _, c := range power {
		exponent = min(exponent*10+int(c-'0'), maxExponent)
	}
	if negative {
		exponent = -exponent
	}
	return mantissa, exponent, true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// truth reads 0, 1, true and false; 0 and 1 may have zeros after a point, and case does not matter.
func truth(text []byte) (n int64, ok bool) {
	switch {
	case len(text) == 1 && (text[0] == '0' || text[0] == '1'):
		return int64(text[0] - '0'), true
	case bytes.EqualFold(text, []byte("true")):
		return 1, true
	case bytes.EqualFold(text, []byte("false")):
		return 0, true
	case len(text) < 3 || text[1] != '.' || len(bytes.Trim(text[2:], "0")) > 0:
		return 0, false
	}
	return int64(text[0] - '0'), text[0] == '0' || text[0] == '1'
}
