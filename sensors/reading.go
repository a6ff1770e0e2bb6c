package sensors

import (
	"fmt"
	"log/slog"
)

// Micros is a point in time in microseconds since 1970-01-01T00:00:00Z, or, where a comment says so, a length of
// time in microseconds. An int64 reaches 292,000 years either way.
type Micros int64

// Second, Minute, Hour and Day are lengths of time in [Micros].
const (
	Millisecond Micros = 1_000
	Second      Micros = 1_000_000
	Minute             = 60 * Second
	Hour               = 60 * Minute
	Day                = 24 * Hour
)

// Floor returns the latest multiple of step, counted from 1970, that is not after m; correct before 1970 too.
// step must be positive.
func (m Micros) Floor(step Micros) Micros {
	r := m % step
	if r < 0 {
		r += step
	}
	return m - r
}

// DayNumber is the number of whole days since 1970-01-01 (UTC); negative before.
func (m Micros) DayNumber() int64 { return int64(m.Floor(Day) / Day) }

// Quality says what a value is worth. Only OK values are ever cleared; the others are counted.
type Quality uint8

// The qualities of a value. The zero value is Absent: not measured, which is not zero and not a fault.
const (
	Absent     Quality = iota // no value in this reading
	OK                        // measured now and plausible
	Stale                     // the part answered, but with a value it had before
	OutOfRange                // outside the kind's plausible range
	Fault                     // the part answered with something that is no value
)

// String returns the quality as design and documents write it.
func (q Quality) String() string {
	switch q {
	case Absent:
		return "absent"
	case OK:
		return "ok"
	case Stale:
		return "stale"
	case OutOfRange:
		return "out-of-range"
	case Fault:
		return "fault"
	}
	return fmt.Sprintf("quality(%d)", uint8(q))
}

// MaxToken is the longest token in bytes; a longer one is a fault.
const MaxToken = 64

// Value is what one field measured in one reading. The zero value is absent.
//
// A Value may be personal: it has no text form, and fmt, slog and the encoders of the standard library show
// "[value]" in its place. Read its parts through the fields, and only to compute with them.
type Value struct {
	Num     int64   // in the kind's unit and scale; 0 for tokens
	Token   string  // a token field's text, at most MaxToken bytes; "" for numbers
	Quality Quality // Absent, unless set
}

// Number is a plausible numeric value. n is in the kind's unit and scale.
func Number(n int64) Value { return Value{Num: n, Quality: OK} }

// Token is a plausible token value.
func Token(text string) Value { return Value{Token: text, Quality: OK} }

const hidden = "[value]"

// Format implements fmt.Formatter: whatever the verb, the value is not shown.
func (Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue implements slog.LogValuer: the value is not shown.
func (Value) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler so that no encoder reaches the fields by reflection.
func (Value) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Reading is one look at one source.
//
// Time is when it was taken according to the source: for a live part the agent's clock, for a recorded file the
// recorded time. Taken is the moment the agent took it in; consent, retention and expiry look at Taken only, so that
// recorded or late data can't slip past a decision.
type Reading struct {
	Source   string  // name of the source, as configured
	Time     Micros  // event time
	Taken    Micros  // moment of capture; the agent sets it, sources leave it 0
	Position uint64  // for recorded sources: rows of the recording used up with this reading; 0 for live ones
	Values   []Value // one per field, in the order of Source.Fields; valid until emit returns
}

// Format implements fmt.Formatter: source and stamp, never values.
func (r Reading) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "reading of %s (%d values)", r.Source, len(r.Values))
}

// LogValue implements slog.LogValuer: the source only.
func (r Reading) LogValue() slog.Value { return slog.StringValue("reading of " + r.Source) }
