package timeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/candor-edge/candor/sensors"
)

// MaxSpans is how many spans are kept.
const MaxSpans = 256

// Span is a stretch of time, on the object's own count, within one boot and without a trusted clock.
type Span struct {
	Start, End sensors.Micros // on the object's count; rows in between are from this span
	Guess      bool           // Start was taken from the wall clock, so the count is the best guess of the wall's time
	Off        sensors.Micros // how far off the guess may be, as far as the object can tell: since when no clock was trusted
	Resolved   bool           // a trusted clock has said what Start was
	Shift      sensors.Micros // what to add to the count for the wall's time; 0 unless Resolved
	latest     sensors.Micros // no moment of the span was later than this, by a trusted clock; 0 while that is not known
	boot       [8]byte
	secret     [16]byte
	mono       sensors.Micros // since the boot, at Start
}

// Name is the boot as one stream calls it: random, and another for each stream, so that it links no two.
func (s *Span) Name(stream [16]byte) (name [8]byte) {
	mac := hmac.New(sha256.New, s.secret[:])
	_, _ = mac.Write(stream[:])
	copy(name[:], mac.Sum(nil))
	return name
}

// Error is how far off the wall's time of a row of the span may be, as far as the object can tell.
func (s *Span) Error() sensors.Micros {
	switch {
	case !s.Resolved:
		return s.Off
	case s.Shift < 0 && -s.Shift <= s.End-s.Start:
		return -s.Shift // its end was counted a second time by a trusted clock
	}
	return 0
}

// holds tells whether a moment of the object's count is in the span.
func (s *Span) holds(at sensors.Micros) bool { return s.Start <= at && at <= s.End }

const (
	stateVersion = 1
	spanSize     = 8*6 + 1 + 8 + 16
)

// encode is version, high-water mark, spans; each number 8 bytes, big-endian.
func encode(high sensors.Micros, spans []Span) []byte {
	out := binary.BigEndian.AppendUint64([]byte{stateVersion}, uint64(high))
	for i := range spans {
		s := &spans[i]
		for _, n := range []sensors.Micros{s.Start, s.End, s.Off, s.Shift, s.latest, s.mono} {
			out = binary.BigEndian.AppendUint64(out, uint64(n))
		}
		flags := byte(0)
		if s.Guess {
			flags |= 1
		}
		if s.Resolved {
			flags |= 2
		}
		out = append(append(append(out, flags), s.boot[:]...), s.secret[:]...)
	}
	return out
}

var errState = errors.New("what is kept about clocks can't be read")

// decode reads what encode wrote; nothing is a state too.
func decode(b []byte) (high sensors.Micros, spans []Span, err error) {
	if len(b) == 0 {
		return 0, nil, nil
	}
	if b[0] != stateVersion || len(b) < 9 || (len(b)-9)%spanSize != 0 || (len(b)-9)/spanSize > MaxSpans {
		return 0, nil, errState
	}
	high = sensors.Micros(binary.BigEndian.Uint64(b[1:]))
	for b = b[9:]; len(b) > 0; b = b[spanSize:] {
		var s Span
		for i, n := range []*sensors.Micros{&s.Start, &s.End, &s.Off, &s.Shift, &s.latest, &s.mono} {
			*n = sensors.Micros(binary.BigEndian.Uint64(b[8*i:]))
		}
		flags := b[48]
		s.Guess, s.Resolved = flags&1 != 0, flags&2 != 0
		copy(s.boot[:], b[49:])
		copy(s.secret[:], b[57:])
		if s.End < s.Start || flags > 3 {
			return 0, nil, errState
		}
		spans = append(spans, s)
	}
	return high, spans, nil
}
