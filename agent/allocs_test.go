package agent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
)

// A reading costs no allocation on its way from the source to the segment: what a run allocates does not grow with its readings,
// but for a handful a commit and a batch. (A pseudonym does: it is an HMAC.) Two runs of different length are compared, so that what a start costs does not count.
func TestNoAllocationAReading(t *testing.T) {
	measured(t)
	const few, many, most = 4_000, 34_000, 0.1
	perReading := func(purposes ...string) float64 {
		allocated := map[int]float64{}
		for _, rows := range []int{few, many} {
			objects := []*agent.Agent{}
			for range 2 { // AllocsPerRun has a round that does not count
				a := newObject(t, "http://127.0.0.1:1", rows).open()
				t.Cleanup(func() { _ = a.Close() })
				grant(t, a, purposes...)
				objects = append(objects, a)
			}
			allocated[rows] = testing.AllocsPerRun(1, func() {
				a := objects[0]
				objects = objects[1:]
				var left *agent.LeftError
				if err := a.Once(t.Context(), time.Nanosecond); !errors.As(err, &left) || left.Rows+left.Batches == 0 {
					t.Fatalf("nobody took the rows, and the run says %v", err)
				}
			})
		}
		return (allocated[many] - allocated[few]) / (many - few)
	}
	for _, purposes := range [][]string{{"who"}, {"trends", "who"}} {
		each := perReading(purposes...)
		t.Logf("%v: %.3f allocations a reading", purposes, each)
		if each > most {
			t.Errorf("%v: %.3f allocations a reading, want at most %.1f", purposes, each, most)
		}
	}
}

// measured skips what counts bytes, allocations or chances under the race detector, which makes it five times as long and adds
// allocations of its own: make test runs these without it as well.
func measured(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("a measurement: make test runs it once more without the race detector")
	}
}
