package tinyconf_test

import (
	"encoding"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/tinyconf"
	"pgregory.net/rapid"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "26w": 4368 * time.Hour, "0s": 0, "0d": 0,
		"1w2d3h4ms": 219*time.Hour + 4*time.Millisecond, "1.5h": 90 * time.Minute, "15250w": 15250 * 168 * time.Hour,
	} {
		if got, err := tinyconf.ParseDuration(text); err != nil || got.Std() != want {
			t.Errorf("%q is %v (%v), want %v", text, got.Std(), err, want)
		}
	}
	for text, want := range map[string]string{
		"":                      `found no text, a duration such as "10s" or "30d" is needed`,
		"10":                    `found "10" without a unit, write it as in "10s" (ms, s, m, h, d, w)`,
		"2 years":               `found "2 years", months and years have no fixed length, write days or weeks as in "30d" or "26w"`,
		"3mo":                   `found "3mo", months and years have no fixed length, write days or weeks as in "30d" or "26w"`,
		"-1d":                   `found "-1d", a duration has no sign`,
		"1d-1h":                 `found "1d-1h", a duration has no sign`,
		"+1h":                   `found "+1h", a duration has no sign`,
		"1d1w":                  `found "1d1w", a duration is needed as in "10s", "1h30m", "30d" or "26w" (weeks before days before the rest)`,
		"1.5d":                  `found "1.5d", a duration is needed as in "10s", "1h30m", "30d" or "26w" (weeks before days before the rest)`,
		"15251w":                `found "15251w", longer than 292 years`,
		"15250w100d2562047h":    `found "15250w100d2562047h", longer than 292 years`,
		"99999999999999999999d": `found "99999999999999999999d", longer than 292 years`,
		strings.Repeat("x", 50): `found "` + strings.Repeat("x", 40) + `"…, a duration is needed as in "10s", "1h30m", "30d" or "26w" (weeks before days before the rest)`,
	} {
		if got, err := tinyconf.ParseDuration(text); err == nil || err.Error() != want {
			t.Errorf("%q is %v, error %v, want %s", text, got, err, want)
		}
	}
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m30s", 336 * time.Hour: "2w", 36 * time.Hour: "1d12h", 0: "0s", time.Hour: "1h", 1500 * time.Microsecond: "1.5ms",
	} {
		if got := tinyconf.Duration(d).String(); got != want {
			t.Errorf("%v prints as %q, want %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := tinyconf.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "d"))
		if back, err := tinyconf.ParseDuration(d.String()); err != nil || back != d {
			t.Fatalf("%d prints as %s and reads as %d (%v)", d, d, back, err)
		}
	})
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"512": 512, "0": 0, "256MiB": 256 << 20, "64KiB": 64 << 10, "10MB": 10_000_000, "10mb": 10_000_000, "1 GiB": 1 << 30, "3B": 3, "1TB": 1e12, "2TiB": 2 << 40, "1kB": 1000,
	} {
		if got, err := tinyconf.ParseSize(text); err != nil || got.Bytes() != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1.5GB", "10M", "10  MB", "10MBs", "9223372036854775808", "8388608TiB", "0x10"} {
		if got, err := tinyconf.ParseSize(text); err == nil || !strings.HasPrefix(err.Error(), "found ") {
			t.Errorf("%q is %d, error %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := tinyconf.Size(rapid.Int64Range(0, math.MaxInt64).Draw(t, "s"))
		if rapid.Bool().Draw(t, "round") {
			s = s / (1 << 30) * 1000 * 1000
		}
		if back, err := tinyconf.ParseSize(s.String()); err != nil || back != s {
			t.Fatalf("%d prints as %s and reads as %d (%v)", int64(s), s, back, err)
		}
	})
}

func TestAddress(t *testing.T) {
	for n := range int64(300) {
		var a tinyconf.Address
		err := a.UnmarshalTOML(n)
		if valid := n >= 0x03 && n <= 0x77; (err == nil) != valid || valid && int64(a) != n {
			t.Errorf("%#x is %v, error %v", n, a, err)
		}
		if err != nil {
			continue
		}
		if back, err := tinyconf.ParseAddress(a.String()); err != nil || back != a {
			t.Errorf("%v reads back as %v (%v)", a, back, err)
		}
	}
	if got := tinyconf.Address(0x76).String(); got != "0x76" {
		t.Errorf("prints as %s", got)
	}
	if _, err := tinyconf.ParseAddress("-118"); err == nil || !strings.Contains(err.Error(), "found -118,") {
		t.Errorf("a negative address: %v", err)
	}
}

func TestDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0.1": "0.1", "-0.05": "-0.05", "+12": "12", "1200": "1200", "12e2": "1200", "1E-3": "0.001", "0.500": "0.5", "0": "0", "-0.0": "0",
		"123456789012345678": "123456789012345678", "1e18": "1000000000000000000", "000.1": "0.1", "0e999": "0",
	} {
		if got, err := tinyconf.ParseDecimal(text); err != nil || got.String() != want {
			t.Errorf("%q is %v (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".5", "5.", "1e", "0x1", "inf", "nan", "1_0", "1 ", "--1", "+-1", "1.2.3", "1e9999999", "1234567890123456789", "1e19", "1e-19", "é"} {
		if got, err := tinyconf.ParseDecimal(text); err == nil || !strings.HasPrefix(err.Error(), "found ") {
			t.Errorf("%q is %v, error %v", text, got, err)
		}
	}
	for _, tc := range []struct {
		text  string
		scale int
		want  int64
		err   string
	}{
		{"0.5", 3, 500, ""}, {"-0.05", 2, -5, ""}, {"21", 3, 21000, ""}, {"1200", -2, 12, ""}, {"0", -100, 0, ""},
		{"0.05", 1, 0, "found 0.05, finer than the 0.1 that is kept"},
		{"1250", -2, 0, "found 1250, finer than the 100 that is kept"},
		{"1e18", 1, 0, "found 1000000000000000000, out of range at 1 decimals"},
		{"-1e18", 100, 0, "found -1000000000000000000, out of range at 100 decimals"},
	} {
		d, err := tinyconf.ParseDecimal(tc.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Scaled(tc.scale)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s at %d is %d (%v), want %d (%s)", tc.text, tc.scale, got, err, tc.want, tc.err)
		}
	}
}

// A Decimal is the very number that was written: held against big.Rat.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?(e-?[0-9])?`).Draw(t, "text")
		want, isNumber := new(big.Rat).SetString(text)
		d, err := tinyconf.ParseDecimal(text)
		if err != nil || !isNumber {
			t.Fatalf("%q: %v", text, err)
		}
		printed, isNumber := new(big.Rat).SetString(d.String())
		if !isNumber || printed.Cmp(want) != 0 || d.Sign() != want.Sign() {
			t.Fatalf("%q prints as %s", text, d)
		}
		if again, err := tinyconf.ParseDecimal(d.String()); err != nil || again != d {
			t.Fatalf("%s reads back as %v (%v)", d, again, err)
		}
		scale := rapid.IntRange(-3, 9).Draw(t, "scale")
		ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil))
		if scale < 0 {
			ten.Inv(ten)
		}
		scaled := new(big.Rat).Mul(want, ten)
		n, err := d.Scaled(scale)
		if fits := scaled.IsInt() && scaled.Num().IsInt64(); fits != (err == nil) || fits && n != scaled.Num().Int64() {
			t.Fatalf("%q at %d is %d (%v)", text, scale, n, err)
		}
	})
}

func TestDecimalFromFloat(t *testing.T) {
	for f, want := range map[float64]string{0.1: "0.1", 0.3: "0.3", 1e-7: "0.0000001", -2.5: "-2.5", 1e15: "1000000000000000"} {
		var d tinyconf.Decimal
		if err := d.UnmarshalTOML(f); err != nil || d.String() != want {
			t.Errorf("%v is %v (%v)", f, d, err)
		}
	}
	for _, v := range []any{math.NaN(), math.Inf(1), true} {
		var d tinyconf.Decimal
		if err := d.UnmarshalTOML(v); err == nil {
			t.Errorf("%v is %v", v, d)
		}
	}
	mantissa, exponent := tinyconf.Decimal{}.Parts()
	if mantissa != 0 || exponent != 0 {
		t.Errorf("zero is %de%d", mantissa, exponent)
	}
}

func TestLocalized(t *testing.T) {
	text := tinyconf.Localized{"fr": "bonjour", "en": "hello"}
	for lang, want := range map[string]string{"fr": "bonjour", "en": "hello", "de": "hello"} {
		if got := text.In(lang); got != want {
			t.Errorf("in %s: %q, want %q", lang, got, want)
		}
	}
	if got := (tinyconf.Localized{"fr": "oui"}).In("de") + (tinyconf.Localized)(nil).In("fr"); got != "oui" {
		t.Errorf("fallback: %q", got)
	}
}

// All values keep through JSON, which --json uses.
func TestTextBothWays(t *testing.T) {
	d, _ := tinyconf.ParseDecimal("0.5")
	in := struct {
		D tinyconf.Duration
		S tinyconf.Size
		A tinyconf.Address
		N tinyconf.Decimal
	}{tinyconf.Duration(36 * time.Hour), 64 << 10, 0x76, d}
	text, err := json.Marshal(in)
	if want := `{"D":"1d12h","S":"64KiB","A":"0x76","N":"0.5"}`; err != nil || string(text) != want {
		t.Fatalf("%s (%v), want %s", text, err, want)
	}
	out := in
	out.D, out.S, out.A, out.N = 0, 0, 0, tinyconf.Decimal{}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%+v (%v), want %+v", out, err, in)
	}
	for _, bad := range []encoding.TextUnmarshaler{&out.D, &out.S, &out.A, &out.N} {
		if err := bad.UnmarshalText([]byte("x")); err == nil {
			t.Errorf("%T takes x", bad)
		}
	}
	if out != in {
		t.Errorf("a text that is refused changed a value: %+v", out)
	}
}
