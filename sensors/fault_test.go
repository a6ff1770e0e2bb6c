package sensors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestFaultErrorText(t *testing.T) {
	wire := &FaultError{Bus: "i2c-1", Address: 0x76, Operation: "write 1, read 8", Kind: NoAnswer, Cause: syscall.ENXIO}
	for want, err := range map[string]*FaultError{
		"i2c-1 0x76: write 1, read 8: no answer: " + syscall.ENXIO.Error(): wire,
		`sensor "hall" (bme280): sense: i2c-1 0x76: write 1, read 8: no answer: ` + syscall.ENXIO.Error(): {Source: "hall", Driver: "bme280",
			Bus: "i2c-1", Address: 0x76, Operation: "sense", Kind: NoAnswer, Cause: wire},
		`sensor "hall": sense: bme280: i2c-1 0x0b: CRC: corrupt answer`: {Source: "hall", Driver: "bme280", Bus: "i2c-1", Address: 0x0b,
			Operation: "sense", Kind: Corrupt, Cause: &FaultError{Driver: "bme280", Bus: "i2c-1", Address: 0x0b, Operation: "CRC", Kind: Corrupt}},
		`sensor "hall": busy: i2c-1 0x76: write 1, read 8: no answer: ` + syscall.ENXIO.Error(): {Source: "hall", Kind: Busy, Cause: wire},
		"gone":                                   {Kind: Gone, Cause: Gone},
		`sensor "door": i2c-2: other fault: odd`: {Source: "door", Bus: "i2c-2", Cause: errors.New("odd")},
		"0x42: timeout":                          {Address: 0x42, Kind: Timeout},
	} {
		if err.Error() != want {
			t.Errorf("%s\nwant %s", err, want)
		}
	}
}

func TestFaultErrorIs(t *testing.T) {
	err := fmt.Errorf("around: %w", &FaultError{Kind: Timeout, Cause: &FaultError{Kind: NoAnswer, Cause: syscall.ENXIO}})
	for _, target := range []error{Timeout, NoAnswer, syscall.ENXIO} {
		if !errors.Is(err, target) {
			t.Errorf("it is no %v", target)
		}
	}
	for _, target := range []error{Other, Gone, syscall.EIO} {
		if errors.Is(err, target) {
			t.Errorf("it is %v", target)
		}
	}
}

func TestFaultOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want FaultKind
	}{
		{&FaultError{Kind: Busy, Cause: &FaultError{Kind: Gone}}, Busy},
		{fmt.Errorf("around: %w", &FaultError{Kind: Corrupt}), Corrupt},
		{fmt.Errorf("around: %w", WrongPart), WrongPart},
		{fmt.Errorf("around: %w", context.DeadlineExceeded), Timeout},
		{context.Canceled, Other},
		{errors.New("odd"), Other},
	} {
		if got := FaultOf(c.err); got != c.want {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
	}
}

func TestFaultKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range FaultKinds() {
		if k.String() == "" || seen[k.String()] || k.Error() != k.String() || strings.HasPrefix(k.String(), "fault kind") {
			t.Errorf("kind %d is called %q", uint8(k), k)
		}
		seen[k.String()] = true
		if (hintFor(k) == "") != (k == Other) {
			t.Errorf("the hint for %v is %q", k, hintFor(k))
		}
	}
	if len(seen) != 10 || FaultKind(99).String() != "fault kind 99" {
		t.Errorf("there are %d kinds, and 99 is %v", len(seen), FaultKind(99))
	}
}
