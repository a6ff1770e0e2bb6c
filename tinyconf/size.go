package tinyconf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as a whole number with a unit ("256MiB", "64KiB",
// "10MB") or without one ("512", or the integer 512). KB, MB, GB and TB are powers of 1000,
// KiB, MiB, GiB and TiB of 1024. From a file it is never negative, and more than
// nothing unless the field is tagged zero.
type Size int64

// sizeUnit is a unit of a Size.
type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits gives the units, the largest first, each power of 1024 before the
// power of 1000 beneath it.
func sizeUnits() []sizeUnit {
	return []sizeUnit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"B", 1},
	}
}

// Bytes gives the size as an integer.
func (s Size) Bytes() int64 { return int64(s) }

// String gives a form that [ParseSize] reads back, with the largest unit that
// divides the size: "256MiB", "10MB", "513B".
func (s Size) String() string {
	for _, u := range sizeUnits() {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// ParseSize reads a size of nothing or more. The unit's case does not count, and
// one space may stand before it. Its errors say what was found and what would do.
func ParseSize(s string) (Size, error) {
	n := digits(s)
	if n == 0 {
		return 0, badSize(s)
	}
	count, err := strconv.ParseInt(s[:n], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("found %s, larger than any disk", short(s))
	}
	unit := strings.TrimPrefix(s[n:], " ")
	if unit == "" {
		return Size(count), nil
	}
	for _, u := range sizeUnits() {
		if strings.EqualFold(unit, u.name) {
			if count > math.MaxInt64/u.bytes {
				return 0, fmt.Errorf("found %s, larger than any disk", short(s))
			}
			return Size(count * u.bytes), nil
		}
	}
	return 0, badSize(s)
}

func badSize(s string) error {
	return fmt.Errorf("found %s, a size is a whole number with a unit, as in \"64KiB\", \"256MiB\" or \"10MB\"", short(s))
}

// UnmarshalText reads what [ParseSize] reads.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := ParseSize(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// UnmarshalTOML reads a text, or an integer number of bytes.
func (s *Size) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		return s.UnmarshalText([]byte(v))
	case int64:
		if v < 0 {
			return fmt.Errorf("found %s, a size is not negative", found(v))
		}
		*s = Size(v)
		return nil
	}
	return fmt.Errorf("found %s, a size is needed as in \"64KiB\" or \"256MiB\"", found(value))
}

// MarshalText gives String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
