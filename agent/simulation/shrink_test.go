//go:build linux && (amd64 || arm64)

package simulation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// promise is which promise a violation is of.
func promise(violation string) string {
	p, _, _ := strings.Cut(violation, ":")
	return p
}

// shrink looks for the shortest history that breaks the same promise: the events are taken out in ever smaller pieces, with the same
// seed, for as long as patience lasts. A life is nearly a function of its script, so what broke once is tried twice.
func shrink(t *testing.T, dir string, d *disk, s *script, broke string, patience time.Duration) (*script, *tally) {
	best, found := s, (*tally)(nil)
	end := time.Now().Add(patience)
	breaks := func(x *script) bool {
		for range 2 {
			if time.Now().After(end) {
				return false
			}
			got := live(t, dir, d, x)
			if slices.ContainsFunc(got.Violations, func(v string) bool { return promise(v) == broke }) {
				best, found = x, got
				return true
			}
		}
		return false
	}
	if !breaks(s) {
		return nil, nil
	}
	if last := found.lastEvent(best); last < len(best.Events) { // nothing after the violation matters
		x := *best
		x.Events = slices.Clone(best.Events[:last])
		breaks(&x)
	}
	for piece := (len(best.Events) + 1) / 2; piece > 0 && time.Now().Before(end); {
		shorter := false
		for from := 0; from < len(best.Events); {
			x := *best
			x.Events = slices.Delete(slices.Clone(best.Events), from, min(from+piece, len(best.Events)))
			if breaks(&x) {
				shorter = true
			} else {
				from += piece
			}
		}
		if piece == 1 && !shorter {
			break
		}
		piece = max(piece/2, 1)
	}
	return best, found
}

// lastEvent is how many events were lived before the first violation.
func (t *tally) lastEvent(s *script) int {
	if len(t.Violations) == 0 {
		return len(s.Events)
	}
	_, text, _ := strings.Cut(t.Violations[0], ": at ")
	text, _, _ = strings.Cut(text, ":")
	at, err := time.ParseDuration(text)
	if err != nil {
		return len(s.Events)
	}
	n := 0
	for n < len(s.Events) && s.Events[n].At <= at {
		n++
	}
	return n
}

// story is a script for a person to read.
func (s *script) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d days, steps of %d, uploads of one size: %v\n", s.Seed, s.Days, s.Step, s.Room)
	for _, e := range s.Events {
		fmt.Fprintf(&b, "  %v\n", e)
	}
	return b.String()
}
