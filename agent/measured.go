package agent

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// seen is the last that a source measured, and within which bounds it went of late. It lies in RAM only and is for
// whoever has to mend the sensor. The zero value is ready; it is safe for use by several goroutines.
type seen struct {
	mu     sync.Mutex
	at     time.Time
	values []sensors.Value
	hour   int64 // of now, since 1970
	now    []bounds
	before []bounds
}

// bounds is within what a field went for an hour.
type bounds struct {
	low, high int64
	count     int
}

func (b *bounds) take(n int64) {
	if b.count == 0 {
		b.low, b.high = n, n
	}
	b.low, b.high = min(b.low, n), max(b.high, n)
	b.count++
}

// take takes in a reading that the source emitted at now.
func (s *seen) take(r *sensors.Reading, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.now) != len(r.Values) {
		s.now, s.before = make([]bounds, len(r.Values)), make([]bounds, len(r.Values))
	}
	if hour := now.Unix() / 3600; hour != s.hour {
		s.now, s.before = s.before, s.now
		clear(s.now)
		if hour != s.hour+1 {
			clear(s.before)
		}
		s.hour = hour
	}
	s.at = now
	s.values = append(s.values[:0], r.Values...)
	for i, v := range r.Values {
		if v.Quality == sensors.OK {
			s.now[i].take(v.Num)
		}
	}
}

// last is the newest value of field i and when it was measured; false before the first.
func (s *seen) last(i int) (v sensors.Value, at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.values) {
		return sensors.Value{}, s.at, false
	}
	return s.values[i], s.at, true
}

// span is within what field i went in this hour and the last, and of how many values.
func (s *seen) span(i int) (low, high int64, count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all bounds
	for _, of := range [][]bounds{s.now, s.before} {
		if i < len(of) && of[i].count > 0 {
			all.take(of[i].low)
			all.take(of[i].high)
			count += of[i].count
		}
	}
	return all.low, all.high, count
}

const (
	yes      = "yes"
	no       = "no"
	notKnown = "not known yet"
	notTold  = "not told"
)

// spreadOf puts how far a field went into one of four words, by the range of its kind, so that it says whether the part
// lives and not what the room is like.
func spreadOf(k sensors.Kind, low, high int64) string {
	wide, whole := uint64(high)-uint64(low), uint64(k.Max)-uint64(k.Min)
	switch {
	case wide == 0:
		return "none"
	case wide < whole/1000:
		return "small"
	case wide <= whole/10:
		return "normal"
	}
	return "wide"
}

// inWords is a value with its unit, as it is shown in the workshop.
func inWords(k sensors.Kind, v sensors.Value) string {
	switch {
	case v.Quality == sensors.Absent || v.Quality == sensors.Fault:
		return "none"
	case k.Type == sensors.Text:
		return strconv.Quote(v.Token)
	}
	text := decimals(v.Num, k.Scale)
	if k.Unit != "" && k.Unit != "/" && k.Unit != "1" {
		text += " " + k.Unit
	}
	return text
}

// decimals is n / 10^scale with all its digits.
func decimals(n int64, scale int) string {
	text, sign := strconv.FormatUint(magnitude(n), 10), ""
	if n < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + text
	}
	if missing := scale + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	return sign + text[:len(text)-scale] + "." + text[len(text)-scale:]
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
