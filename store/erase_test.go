package store

import (
	"errors"
	"slices"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

// Erasing a day takes rows in memory, chunks and uploads of it, names every key that has to go, and leaves the rest.
func TestEraseDays(t *testing.T) {
	for name, c := range map[string]struct {
		first, last int64
		outgoing    int   // uploads left of each stream; they are of day 100
		left        []int // rows left to cut; 30 to 39 are of day 101
		days        []int64
	}{
		"before": {90, 99, 3, count0(30, 10), nil},
		"after":  {102, 200, 0, count0(30, 10), []int64{100}}, // an upload may reach into any day behind its own
		"first":  {100, 100, 0, count0(30, 10), []int64{100}},
		"both":   {100, 101, 0, nil, []int64{100, 101}},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := seeded(t)
			called := false
			got, err := s.EraseDays(c.first, c.last, func(e Erased) error {
				called = true
				for _, d := range e.Days {
					h.keys.destroyDay(d.Grant, d.Day)
				}
				return nil
			})
			if err != nil || !called {
				t.Fatalf("called %v, %v", called, err)
			}
			var want []GrantDay
			for g := consent.GrantID(1); g <= 2; g++ {
				for _, d := range c.days {
					want = append(want, GrantDay{g, d})
				}
			}
			if !slices.Equal(got.Days, want) {
				t.Errorf("days %v, want %v", got.Days, want)
			}
			check := func(s *Store, left []int) {
				t.Helper()
				for _, id := range []uint32{100, 200} {
					if n := len(s.Outgoing(id)); n != c.outgoing {
						t.Errorf("stream %d: %d uploads, want %d", id, n, c.outgoing)
					}
					if rows := h.peek(s, id); !slices.Equal(rows, left) {
						t.Errorf("stream %d: rows %v, want %v", id, rows, left)
					}
				}
			}
			h.flush(s)
			check(s, c.left)
			check(h.copy().after(), c.left)
		})
	}
}

// What could not be destroyed is the caller's to know; in memory it is gone all the same.
func TestEraseDaysWhoseKeysStay(t *testing.T) {
	_, s := seeded(t)
	failed := errors.New("the disk refuses")
	if _, err := s.EraseDays(0, 1000, func(Erased) error { return failed }); !errors.Is(err, failed) {
		t.Fatalf("got %v", err)
	}
	if len(s.Outgoing(100)) != 0 {
		t.Error("uploads are still there")
	}
}
