package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault says what kind of thing is wrong. It is an error of its own, to be
// used with [errors.Is]; the errors returned carry place and detail as well.
type Fault uint8

// The faults. Their texts are part of the vectors, so they do not change.
const (
	ErrTruncated  Fault = iota + 1 // the input ends too early
	ErrTrailing                    // there is more after the end
	ErrForm                        // not well-formed, or not the one allowed form of CBOR
	ErrType                        // another type of item was expected
	ErrVersion                     // a version this package does not know
	ErrUnknownKey                  // a key below 32 that does not exist
	ErrMissingKey                  // a key that must be there is not
	ErrLimit                       // more than the format allows
	ErrOverflow                    // arithmetic would leave the range of values
	ErrValue                       // a value the format does not allow here
	ErrSignature                   // signed by another key, as another kind, or altered
	ErrSeal                        // sealed to another key or for another place, or altered
	ErrTooLarge                    // does not fit the size asked for
	ErrAlphabet                    // a row says what its announcement does not allow
	ErrNoTime                      // a row has no wall-clock time that SenML could carry
)

// Error returns the kind in words.
func (f Fault) Error() string {
	switch f {
	case ErrTruncated:
		return "truncated"
	case ErrTrailing:
		return "trailing bytes"
	case ErrForm:
		return "not deterministic CBOR"
	case ErrType:
		return "wrong type"
	case ErrVersion:
		return "unknown version"
	case ErrUnknownKey:
		return "unknown key"
	case ErrMissingKey:
		return "missing key"
	case ErrLimit:
		return "over a limit"
	case ErrOverflow:
		return "overflow"
	case ErrValue:
		return "value not allowed"
	case ErrSignature:
		return "signature does not verify"
	case ErrSeal:
		return "seal does not open"
	case ErrTooLarge:
		return "too large"
	case ErrAlphabet:
		return "not in the announced alphabet"
	case ErrNoTime:
		return "no wall-clock time"
	}
	return "fault " + strconv.Itoa(int(f))
}

// Error is a message that cannot be read or written. It names the place and
// never a value of a row.
type Error struct {
	Fault  Fault
	Where  []string // from the outside in, for example "batch", "group 0", "column 3"
	Byte   int      // offset in the payload, -1 when there is none (encoding)
	Detail string   // what was found or would do, may be empty
}

// Error returns place, kind and detail in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wire: ")
	if len(e.Where) > 0 {
		b.WriteString(strings.Join(e.Where, ", "))
		b.WriteString(": ")
	}
	b.WriteString(e.Fault.Error())
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	if e.Byte >= 0 {
		fmt.Fprintf(&b, " (byte %d)", e.Byte)
	}
	return b.String()
}

// Unwrap returns the kind of fault, for [errors.Is].
func (e *Error) Unwrap() error { return e.Fault }

// TooLargeError is a batch that does not fit. Fewer rows will.
type TooLargeError struct {
	Need int // bytes the signed message would have with the least padding
	Size int // bytes it may have
}

// Error returns both sizes.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("wire: batch too large: needs %d bytes signed, room is %d; cut it with fewer rows", e.Need, e.Size)
}

// Unwrap returns [ErrTooLarge].
func (e *TooLargeError) Unwrap() error { return ErrTooLarge }

// ValueError is a row outside the announced alphabet. It tells where, never
// what the value was: the text may end in a log.
type ValueError struct {
	Group int    // index in the announcement, -1 when the whole batch is meant
	Field string // field name, "time" or "coverage", empty when the group is meant
	Row   int    // -1 when no single row is meant
	Why   string
}

// Error names group, field, row and reason.
func (e *ValueError) Error() string {
	var b strings.Builder
	b.WriteString("wire: ")
	if e.Group >= 0 {
		fmt.Fprintf(&b, "group %d, ", e.Group)
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "field %s, ", e.Field)
	}
	if e.Row >= 0 {
		fmt.Fprintf(&b, "row %d, ", e.Row)
	}
	return strings.TrimSuffix(b.String(), ", ") + ": " + e.Why
}

// Unwrap returns [ErrAlphabet].
func (e *ValueError) Unwrap() error { return ErrAlphabet }

// The functions below are called in a hundred places, and an error is never made often: inlined they
// would cost the device binary 30 KB.

// faultf makes an error without a place in the input.
//
//go:noinline
func faultf(f Fault, format string, args ...any) error {
	return &Error{Fault: f, Byte: -1, Detail: fmt.Sprintf(format, args...)}
}

// in puts a place before those an error already names. Nil stays nil.
//
//go:noinline
func in(err error, place string) error {
	if e, ok := err.(*Error); ok {
		e.Where = append([]string{place}, e.Where...)
	}
	return err
}

// atByte adds an offset to an error that was made without one.
//
//go:noinline
func atByte(err error, at int) error {
	if e, ok := err.(*Error); ok {
		e.Byte = at
	}
	return err
}

// inN is in for a counted place.
//
//go:noinline
func inN(err error, place string, n int) error {
	if err == nil {
		return nil
	}
	return in(err, place+" "+strconv.Itoa(n))
}
