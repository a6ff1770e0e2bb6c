package wire

import (
	"strconv"
	"strings"
)

// Exact decimals: n / 10^scale as text and back, without a float in between.

// appendDecimal writes n/10^scale in the shortest plain form, "-0.05", "23.1".
func appendDecimal(dst []byte, n int64, scale int) []byte {
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if n < 0 {
		dst = append(dst, '-')
	}
	var buf [20]byte
	digits := strconv.AppendUint(buf[:0], abs(n), 10)
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[len(digits)-scale:]...)
	}
	return dst
}

// decimal is the number m * 10^e.
type decimal struct {
	m int64
	e int
}

// parseDecimal reads a JSON number. It fails when it is not one or has more
// digits than an exact value can have.
func parseDecimal(text string) (d decimal, ok bool) {
	number, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	if hasExponent {
		e, err := strconv.Atoi(exponent)
		if err != nil || e < -maxExponent || e > maxExponent {
			return d, false
		}
		d.e = e
	}
	digits, negative := strings.CutPrefix(number, "-")
	whole, part, _ := strings.Cut(digits, ".")
	m, err := strconv.ParseUint(whole+part, 10, 63)
	if err != nil || len(part) > maxExponent {
		return d, false
	}
	d.m = int64(m)
	if negative {
		d.m = -d.m
	}
	d.e -= len(part)
	return d, true
}

// maxExponent bounds what is worth reading: a value has at most 16 digits.
const maxExponent = 40

// scaled returns the number as n/10^scale, exactly or not at all, n being at
// most MaxValue in size.
func (d decimal) scaled(scale int) (int64, bool) {
	if d.m == 0 {
		return 0, true
	}
	m, exp := d.m, d.e+scale
	for ; exp < 0; exp++ {
		if m%10 != 0 {
			return 0, false
		}
		m /= 10
	}
	for ; exp >= 0; exp-- {
		if m > MaxValue || m < -MaxValue {
			return 0, false
		}
		if exp > 0 {
			m *= 10
		}
	}
	return m, true
}
