package tinyconf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Duration is a span of time, written as in Go ("10s", "1h30m") or with days of 24
// hours and weeks before that ("30d", "26w", "1d12h"). Months and years do not exist, as
// they have no fixed length. From a file it is never negative, and more than
// nothing unless the field is tagged zero. The largest is about 292 years.
type Duration time.Duration

// Std gives the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String gives the shortest form that [ParseDuration] reads back: "90s" is
// "1m30s", "14d" is "2w", nothing is "0s".
func (d Duration) String() string {
	left := time.Duration(d)
	if left < 0 { // only made in a program; the forms for files don't have it
		return left.String()
	}
	var b strings.Builder
	if left >= week && left%week == 0 {
		return fmt.Sprintf("%dw", left/week)
	}
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if left >= u.size {
			fmt.Fprintf(&b, "%d%s", left/u.size, u.name)
			left %= u.size
		}
	}
	if left > 0 || b.Len() == 0 {
		b.WriteString(left.String())
	}
	return b.String()
}

// ParseDuration reads a duration of nothing or more. Its errors say what was
// found and what would do.
func ParseDuration(s string) (Duration, error) {
	rest, total := s, time.Duration(0)
	for _, u := range []struct {
		size time.Duration
		name byte
	}{{week, 'w'}, {day, 'd'}} {
		n := digits(rest)
		if n == 0 || n == len(rest) || rest[n] != u.name {
			continue
		}
		count, err := strconv.ParseInt(rest[:n], 10, 64)
		if err != nil || count > int64((math.MaxInt64-total)/u.size) {
			return 0, tooLong(s)
		}
		total += time.Duration(count) * u.size
		rest = rest[n+1:]
	}
	if rest == "" && s != "" {
		return Duration(total), nil
	}
	if strings.HasPrefix(rest, "+") || strings.Contains(rest, "-") {
		return 0, fmt.Errorf("found %s, a duration has no sign", short(s))
	}
	tail, err := time.ParseDuration(rest)
	if err != nil {
		return 0, badDuration(s, rest)
	}
	if tail > math.MaxInt64-total {
		return 0, tooLong(s)
	}
	return Duration(total + tail), nil
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func tooLong(s string) error {
	return fmt.Errorf("found %s, longer than 292 years", short(s))
}

// badDuration says what is wrong with a text that is no duration.
func badDuration(s, rest string) error {
	n := digits(rest)
	unit := strings.ToLower(strings.TrimSpace(rest[n:]))
	switch {
	case s == "":
		return errors.New(`found no text, a duration such as "10s" or "30d" is needed`)
	case n > 0 && unit == "":
		return fmt.Errorf("found %s without a unit, write it as in \"%ss\" (ms, s, m, h, d, w)", short(s), rest)
	case n > 0 && (strings.HasPrefix(unit, "mo") || strings.HasPrefix(unit, "y")):
		return fmt.Errorf("found %s, months and years have no fixed length, write days or weeks as in \"30d\" or \"26w\"", short(s))
	}
	return fmt.Errorf("found %s, a duration is needed as in \"10s\", \"1h30m\", \"30d\" or \"26w\" (weeks before days before the rest)", short(s))
}

// UnmarshalText reads what [ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// UnmarshalTOML reads a text; a bare number is refused, as its unit is a guess.
func (d *Duration) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		return d.UnmarshalText([]byte(v))
	case int64:
		return fmt.Errorf("found %s without a unit, write it as in \"%ds\" (ms, s, m, h, d, w)", found(v), v)
	}
	return fmt.Errorf("found %s, a duration is needed as in \"10s\" or \"30d\"", found(value))
}

// MarshalText gives String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
