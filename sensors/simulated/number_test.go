package simulated

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		want  int64
		ok    bool
	}{
		{"0", 3, 0, true},
		{"21.5", 3, 21_500, true},
		{"437.333333333333", 3, 437_333, true},
		{"572.666666666667", 2, 572_66, true},
		{"-0.0001", 3, -1, true},
		{"-0.0000", 3, 0, true},
		{"-0", 0, 0, true},
		{"-1.5", 0, -2, true},
		{"-1.500", 1, -15, true},
		{"+3", 2, 300, true},
		{".5", 1, 5, true},
		{"5.", 1, 50, true},
		{"1e3", 0, 1_000, true},
		{"1E+3", 3, 1_000_000, true},
		{"12.5e-1", 2, 125, true},
		{"12.5e-3", 2, 1, true},
		{"-12.5e-3", 2, -2, true},
		{"1e-400", 3, 0, true},
		{"-1e-400", 3, -1, true},
		{"0e99999999999", 3, 0, true},
		{"0.00000000000000000000000001e26", 0, 1, true},
		{"00000000000000000000000000000000007", 0, 7, true},
		{"9223372036854775807", 0, 9_223_372_036_854_775_807, true},
		{"9223372036854775807.9", 0, 9_223_372_036_854_775_807, true},
		{"-9223372036854775808", 0, -9_223_372_036_854_775_808, true},
		{"-9223372036854775807.1", 0, -9_223_372_036_854_775_808, true},
		{"-9223372036854775808.1", 0, 0, false},
		{"9223372036854775808", 0, 0, false},
		{"18446744073709551616", 0, 0, false},
		{"99999999999999999999", 0, 0, false},
		{"9223372036854775.808", 3, 0, false},
		{"1e19", 0, 0, false},
		{"-1e99999999999", 3, 0, false},
		{"1e18", 3, 0, false},
		{"", 3, 0, false},
		{"-", 3, 0, false},
		{".", 3, 0, false},
		{"-.", 3, 0, false},
		{"e5", 3, 0, false},
		{".e5", 3, 0, false},
		{"1e", 3, 0, false},
		{"1e-", 3, 0, false},
		{"1e1.5", 3, 0, false},
		{"1.2.3", 3, 0, false},
		{"1.2.3e1", 3, 0, false},
		{"--1", 3, 0, false},
		{"1 2", 3, 0, false},
		{"1_000", 3, 0, false},
		{"0x10", 3, 0, false},
		{"NaN", 3, 0, false},
		{"Inf", 3, 0, false},
		{"-inf", 3, 0, false},
		{"٣", 3, 0, false},
	} {
		got, ok := decimal([]byte(c.text), c.scale)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("decimal(%q, %d) = %d, %v; want %d, %v", c.text, c.scale, got, ok, c.want, c.ok)
		}
	}
}

// TestDecimalIsFloor compares with exact rational numbers.
func TestDecimalIsFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[-+]?([0-9]{1,12}(\.[0-9]{0,25})?|\.[0-9]{1,25})(e[-+]?[0-9]{1,2})?`).Draw(t, "text")
		scale := rapid.IntRange(0, 9).Draw(t, "scale")
		want, fits := floorOf(text, scale)
		got, ok := decimal([]byte(text), scale)
		if ok != fits || ok && got != want {
			t.Fatalf("decimal(%q, %d) = %d, %v; want %d, %v", text, scale, got, ok, want, fits)
		}
	})
}

// floorOf is what decimal has to return for a text that is a decimal number.
func floorOf(text string, scale int) (int64, bool) {
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	floor := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclid's, and the denominator is positive
	return floor.Int64(), floor.IsInt64()
}

func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"21.5", "-0.0001", "1e3", ".5", "12.5e-3", "9223372036854775808", "NaN", "1e", "0x1p4"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, scale int) {
		if scale < 0 || scale > 18 || len(text) > 40 {
			return
		}
		if at := strings.IndexAny(text, "eE"); at >= 0 && len(text)-at > 4 {
			return // the oracle would compute for ever
		}
		got, ok := decimal([]byte(text), scale)
		if strings.Trim(text, "+-.0123456789eE") != "" {
			if ok {
				t.Fatalf("%q is taken for a decimal number", text)
			}
			return
		}
		want, fits := floorOf(text, scale)
		if ok != fits || ok && got != want {
			t.Fatalf("decimal(%q, %d) = %d, %v; want %d, %v", text, scale, got, ok, want, fits)
		}
	})
}

func TestTruth(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1, "0.0": 0, "1.0": 1, "1.000": 1, "true": 1, "false": 0,
		"True": 1, "FALSE": 0} {
		if got, ok := truth([]byte(text)); !ok || got != want {
			t.Errorf("truth(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "2", "-1", "0.5", "1.01", "1.", "0.", "00", "10", "yes", "on", "t", "1e0", "NaN"} {
		if got, ok := truth([]byte(text)); ok {
			t.Errorf("truth(%q) = %d; want that it is none", text, got)
		}
	}
}
