package wire

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// The examples are from RFC 8949 appendix A, in the notation of section 8 with text in ASCII; bignums are shown as what
// they are on the wire.
func TestNotationOfTheExamplesOfTheRFC(t *testing.T) {
	for bytes, want := range map[string]string{
		"00": "0", "17": "23", "1818": "24", "1903e8": "1000", "1bffffffffffffffff": "18446744073709551615",
		"20": "-1", "3903e7": "-1000", "3bffffffffffffffff": "-18446744073709551616", "3bfffffffffffffffe": "-18446744073709551615",
		"c249010000000000000000": "2(h'010000000000000000')",
		"f90000":                 "0.0", "f98000": "-0.0", "f93c00": "1.0", "fb3ff199999999999a": "1.1", "f93e00": "1.5", "f97bff": "65504.0",
		"fa47c35000": "100000.0", "fa7f7fffff": "3.4028234663852886e+38", "fb7e37e43c8800759c": "1.0e+300", "f90001": "5.960464477539063e-8",
		"f90400": "0.00006103515625", "f9c400": "-4.0", "fbc010666666666666": "-4.1", "f97c00": "Infinity", "f97e00": "NaN", "f9fc00": "-Infinity",
		"f4": "false", "f5": "true", "f6": "null", "f7": "undefined", "f0": "simple(16)", "f8ff": "simple(255)",
		"c11a514b67b0": "1(1363896240)", "d818456449455446": "24(h'6449455446')", "40": "h''", "4401020304": "h'01020304'",
		"60": `""`, "6449455446": `"IETF"`, "62225c": `"\"\\"`, "62c3bc": `"\u00fc"`, "64f0908591": `"\ud800\udd51"`, "630a7f09": `"\n\u007f\t"`,
		"80": "[]", "8301820203820405": "[1, [2, 3], [4, 5]]", "a0": "{}", "a201020304": "{1: 2, 3: 4}",
		"5f42010243030405ff": "(_ h'0102', h'030405')", "7f657374726561646d696e67ff": `(_ "strea", "ming")`, "5fff": "''_", "7fff": `""_`,
		"9fff": "[_ ]", "9f018202039f0405ffff": "[_ 1, [2, 3], [_ 4, 5]]", "bf6346756ef563416d7421ff": `{_ "Fun": true, "Amt": -2}`,
		"1800": "0", "5900020102": "h'0102'",
	} {
		data, err := hex.DecodeString(bytes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := notation(data)
		if string(got) != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", bytes, got, err, want)
		}
	}
}

// agree holds notation and ItemLength against a general CBOR package.
func agree(t *testing.T, data []byte) {
	t.Helper()
	for _, b := range data {
		if b >= 0xc0 && b <= 0xc3 || b >= 0xd8 && b <= 0xdb {
			return // perhaps a tag whose content the other knows, and checks or shows as a number
		}
	}
	dec, err := cbor.DecOptions{MaxNestedLevels: 16, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	n, err := ItemLength(data)
	if errors.Is(err, ErrLimit) {
		return // how deep is deep differs by a tag
	}
	var item cbor.RawMessage
	rest, theirs := dec.UnmarshalFirst(data, &item)
	if (err == nil) != (theirs == nil) || err == nil && n != len(data)-len(rest) {
		t.Fatalf("%x: %d bytes, %v, want %d, %v", data, n, err, len(data)-len(rest), theirs)
	}
	got, err := notation(data)
	diag, err2 := cbor.DiagOptions{MaxNestedLevels: 16, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30}.DiagMode()
	if err2 != nil {
		t.Fatal(err2)
	}
	want, theirs := diag.Diagnose(data)
	if (err == nil) != (theirs == nil) || err == nil && string(got) != want {
		t.Fatalf("%x is\n%s, %v, want\n%s, %v", data, got, err, want, theirs)
	}
}

func FuzzNotation(f *testing.F) {
	for _, v := range []string{"fb0000000000000001", "fb3e45798ee2308c3a", "fbc47ae147ae147ae1", "f97e01", "fa00000001", "9f5f41ff7f61e9ffff", "c082bf00ff",
		"d81880", "5f5f", "ff", "f818", "1c", "df00", "9bffffffffffffffff"} {
		data, err := hex.DecodeString(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(strings.Repeat("\x81", 16) + "\x00"))
	f.Add([]byte(strings.Repeat("\x81", 17) + "\x00"))
	f.Add([]byte(strings.Repeat("\xc1", 17) + "\x00"))
	f.Fuzz(agree)
}

func TestItemLength(t *testing.T) {
	item := []byte("\xa2\x01\x9f\x42ab\x7f\x61c\xff\xff\x19\x01\x00\xf9\x3c\x00")
	for n := range item {
		if _, err := ItemLength(item[:n]); !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes of %d: %v, want %v", n, len(item), err, ErrTruncated)
		}
	}
	if n, err := ItemLength(append(item, 0xff, 0)); n != len(item) || err != nil {
		t.Errorf("%d bytes, %v, want %d", n, err, len(item))
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = ItemLength(item) }); n > 4 {
		t.Errorf("%v allocations", n)
	}
}
