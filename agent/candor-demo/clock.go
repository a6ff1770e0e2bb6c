package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// clock runs rate times as fast as the machine's and can be stopped for good. It implements [sensors.Clock] and is safe
// for concurrent use.
type clock struct {
	start time.Time     // what it showed
	base  time.Time     // at this moment of the machine's monotonic clock
	rate  time.Duration // seconds here in one second there

	mu      sync.Mutex
	stopped bool
	at      time.Time // what it shows once stopped
}

var _ sensors.Clock = (*clock)(nil)

// newClock starts a clock that shows start. rate is at least 1.
func newClock(start time.Time, rate int) *clock {
	return &clock{start: start.Round(0), base: time.Now(), rate: time.Duration(rate)}
}

// Now implements [sensors.Clock]. It never goes back.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *clock) now() time.Time {
	if c.stopped {
		return c.at
	}
	return c.start.Add(time.Since(c.base) * c.rate)
}

// After implements [sensors.Clock]. Once the clock is stopped nothing that lies ahead ever comes.
func (c *clock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- c.Now()
		return ch
	}
	// Rounded up, so that whoever wakes finds that the time has come.
	time.AfterFunc((d-1)/c.rate+1, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.stopped {
			ch <- c.now()
		}
	})
	return ch
}

// Stop makes time stand still.
func (c *clock) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.stopped = c.now(), true
}

// name is how the clock is called on the screen and in the agent's status.
func (c *clock) name() string {
	return fmt.Sprintf("One second here is %s in the house.", spell(time.Second*c.rate))
}

// spell writes a length of time in words: "1 hour 20 minutes". Parts of a second are left out.
func spell(d time.Duration) string {
	var parts []string
	for _, u := range []struct {
		length time.Duration
		word   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		n := d / u.length
		d -= n * u.length
		switch {
		case n == 1:
			parts = append(parts, "1 "+u.word)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, u.word))
		}
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts, " ")
}
