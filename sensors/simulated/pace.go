package simulated

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// normal is a speed of 1x; speeds are in millionths.
const normal = 1_000_000

// maxLag is how late a reading may be and still be caught up with. A clock that is further on was set, not slow.
const maxLag = 15 * time.Minute

// pacer says when, on a clock, the readings of another time are due. The first one is due at once.
type pacer struct {
	clock sensors.Clock
	speed int64 // millionths; 0 does not wait at all

	started bool
	base    time.Time      // when on the clock
	first   sensors.Micros // was due
	last    sensors.Micros // the reading before
}

// newPacer reads a pace: "" and "1x" are as it was, "60x" is sixty times as fast, "max" does not wait. A clock is needed
// for all but max.
func newPacer(pace string, clock sensors.Clock) (*pacer, error) {
	if pace == "max" {
		return &pacer{}, nil
	}
	if clock == nil {
		return nil, errors.New("there is no clock to keep the pace on")
	}
	if pace == "" {
		return &pacer{clock: clock, speed: normal}, nil
	}
	number, isTimes := strings.CutSuffix(pace, "x")
	speed, ok := decimal([]byte(number), 6)
	if !isTimes || !ok || speed <= 0 || speed > normal*normal {
		return nil, fmt.Errorf("pace: %q is no pace; use 1x, a number of times like 60x or 0.5x, or max", pace)
	}
	return &pacer{clock: clock, speed: speed}, nil
}

// wait returns when the reading of time t is due, or with ctx's error if it had to wait and ctx was done first.
func (p *pacer) wait(ctx context.Context, t sensors.Micros) error {
	if p.speed == 0 {
		return nil
	}
	early, wasSet := p.early(t)
	if wasSet {
		p.anchor(t, early)
	}
	p.last = t
	if early <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.clock.After(early):
		return nil
	}
}

// early says how long to wait for the reading of time t. wasSet says that the clock does not run on from where it was,
// that the times of the readings jumped back, or that this is the first reading; then the wait is the one from the
// reading before.
func (p *pacer) early(t sensors.Micros) (wait time.Duration, wasSet bool) {
	if !p.started {
		return 0, true
	}
	now := p.clock.Now().Round(0) // the wall's time: what the agent believes may jump, and this follows
	step := p.span(t - p.last)
	wait = p.span(t-p.first) - now.Sub(p.base)
	if wait < -maxLag || wait > step+time.Second {
		return max(step, 0), true
	}
	return wait, false
}

// anchor makes t due in that time from now, and the times after it relative to that.
func (p *pacer) anchor(t sensors.Micros, in time.Duration) {
	p.base, p.first, p.started = p.clock.Now().Round(0).Add(in), t, true
}

// span is how long d takes at this speed, at most 100 years either way.
func (p *pacer) span(d sensors.Micros) time.Duration {
	const longest = 100 * 365 * 24 * time.Hour
	if d < 0 {
		if d == math.MinInt64 {
			return -longest
		}
		return -p.span(-d)
	}
	high, low := bits.Mul64(uint64(d), normal*1000)
	if high >= uint64(p.speed) {
		return longest
	}
	nanos, _ := bits.Div64(high, low, uint64(p.speed))
	return time.Duration(min(nanos, uint64(longest)))
}
