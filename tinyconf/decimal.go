package tinyconf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bounds of a Decimal. Eighteen digits always fit an int64.
const (
	maxDigits   = 18
	maxExponent = 18
)

// Decimal is an exact decimal number: a mantissa times a power of ten, with at most
// 18 digits. 0.1 is 0.1 and not the binary fraction nearest to it. It is written as an
// integer, a number, or a text. Two Decimals of the same value are equal under ==.
// The zero value is zero.
type Decimal struct {
	mantissa int64
	exponent int8
}

// ParseDecimal reads digits with an optional sign, point and exponent, as
// strconv does, exactly or not at all.
func ParseDecimal(s string) (Decimal, error) {
	mantissa, exp, hasExp := strings.Cut(strings.ToLower(s), "e")
	exponent := 0
	if hasExp {
		n, err := strconv.Atoi(exp)
		if err != nil || n > 1000 || n < -1000 {
			return Decimal{}, badDecimal(s)
		}
		exponent = n
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") || strings.HasPrefix(mantissa, "+") {
		sign, mantissa = mantissa[:1], mantissa[1:]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if digits(whole) != len(whole) || digits(fraction) != len(fraction) || whole == "" || point && fraction == "" {
		return Decimal{}, badDecimal(s)
	}
	exponent -= len(fraction)
	all := strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(all, "0")
	exponent += len(all) - len(trimmed)
	if trimmed == "" {
		return Decimal{}, nil
	}
	if len(trimmed) > maxDigits || exponent > maxExponent || exponent < -maxExponent {
		return Decimal{}, fmt.Errorf("found the number %s, at most %d digits and powers of ten from -%d to %d are kept", short(s), maxDigits, maxExponent, maxExponent)
	}
	n, err := strconv.ParseInt(sign+trimmed, 10, 64)
	if err != nil {
		return Decimal{}, badDecimal(s)
	}
	return Decimal{mantissa: n, exponent: int8(exponent)}, nil
}

func badDecimal(s string) error {
	return fmt.Errorf("found %s, a number is needed as in 0.5", short(s))
}

// Scaled gives the number times ten to the power of scale, as in 500 for 0.5 at
// scale 3 (milli). Its error is for the person who wrote the number: it is finer than the
// scale, or out of the range of an int64.
func (d Decimal) Scaled(scale int) (int64, error) {
	n, shift := d.mantissa, int(d.exponent)+scale
	if n == 0 {
		return 0, nil
	}
	if shift < 0 {
		// The mantissa has no trailing zero, so any digit cut is a real one.
		return 0, fmt.Errorf("found %s, finer than the %s that is kept", d, Decimal{mantissa: 1, exponent: int8(max(-scale, math.MinInt8))})
	}
	for range shift {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return 0, fmt.Errorf("found %s, out of range at %d decimals", d, scale)
		}
		n *= 10
	}
	return n, nil
}

// Parts gives mantissa and exponent: the number is mantissa times ten to the
// power of exponent. The mantissa has no trailing zeros; zero has exponent 0.
func (d Decimal) Parts() (mantissa int64, exponent int) { return d.mantissa, int(d.exponent) }

// Sign gives -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.mantissa < 0:
		return -1
	case d.mantissa > 0:
		return 1
	}
	return 0
}

// String gives the number without exponent, as in -0.05 or 1200.
func (d Decimal) String() string {
	text := strconv.FormatInt(d.mantissa, 10)
	if d.exponent >= 0 {
		return text + strings.Repeat("0", int(d.exponent))
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if short := -int(d.exponent) + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	point := len(text) + int(d.exponent)
	return sign + text[:point] + "." + text[point:]
}

// UnmarshalText reads what [ParseDecimal] reads.
func (d *Decimal) UnmarshalText(text []byte) error {
	parsed, err := ParseDecimal(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// UnmarshalTOML reads an integer, a text, or a float64, of which it takes the
// shortest decimal that gives it. [Load] does better and takes the digits of the file.
func (d *Decimal) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		return d.UnmarshalText([]byte(v))
	case int64:
		return d.UnmarshalText(strconv.AppendInt(nil, v, 10))
	case float64:
		return d.UnmarshalText(strconv.AppendFloat(nil, v, 'f', -1, 64))
	}
	return fmt.Errorf("found %s, a number is needed as in 0.5", found(value))
}

// MarshalText gives String.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
