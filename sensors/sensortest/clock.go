package sensortest

import (
	"sync"
	"time"
)

// Clock is a [sensors.Clock] that moves only when somebody waits on it, and then at once to the end of the wait. It is
// safe for use by several goroutines, though one that waits moves the time of all.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now implements [sensors.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After implements [sensors.Clock]: d has passed when it returns.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(max(d, 0))
	passed := make(chan time.Time, 1)
	passed <- c.now
	return passed
}

// Set puts the clock to now, forwards or back, as somebody who sets a clock does.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}
