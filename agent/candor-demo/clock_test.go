package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var seven = time.Date(2026, 3, 4, 7, 0, 0, 0, time.UTC)

func TestClockRunsAtItsRate(t *testing.T) {
	for _, rate := range []int{1, 600, 1200, 7200} {
		synctest.Test(t, func(t *testing.T) {
			c := newClock(seven, rate)
			if now := c.Now(); !now.Equal(seven) {
				t.Errorf("rate %d: begins at %s", rate, now)
			}
			time.Sleep(90 * time.Second)
			if got, want := c.Now().Sub(seven), time.Duration(rate)*90*time.Second; got != want {
				t.Errorf("rate %d: %s went by, not %s", rate, got, want)
			}
		})
	}
}

func TestClockAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(seven, 1200)
		for _, d := range []time.Duration{1, time.Millisecond, time.Second, 7 * time.Minute, 3 * time.Hour} {
			due, began := c.Now().Add(d), time.Now()
			at := <-c.After(d)
			if at.Before(due) || c.Now().Before(due) {
				t.Errorf("After(%s) came %s early", d, due.Sub(at))
			}
			if took := time.Since(began); took > d/1200+1 {
				t.Errorf("After(%s) took %s", d, took)
			}
		}
		for _, d := range []time.Duration{0, -time.Hour} {
			select {
			case <-c.After(d):
			default:
				t.Errorf("After(%s) has to come at once", d)
			}
		}
	})
}

func TestClockStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock(seven, 600)
		before := c.After(time.Hour)
		time.Sleep(time.Second)
		c.Stop()
		stood, late := c.Now(), c.After(time.Second)
		time.Sleep(time.Hour)
		if now := c.Now(); !now.Equal(stood) || !stood.Equal(seven.Add(10*time.Minute)) {
			t.Errorf("stopped at %s, and an hour later it shows %s", stood, now)
		}
		select {
		case <-before:
			t.Error("what lay ahead came although time stands still")
		case <-late:
			t.Error("what was asked for later came although time stands still")
		default:
		}
		<-c.After(0)
	})
}

func TestClockNeverGoesBack(t *testing.T) {
	c := newClock(seven, maxRate)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			last := c.Now()
			for range 2000 {
				now := c.Now()
				if now.Before(last) {
					t.Errorf("%s after %s", now, last)
					return
				}
				last = now
			}
		})
	}
	time.Sleep(time.Millisecond)
	c.Stop()
	all.Wait()
}

func TestClockName(t *testing.T) {
	for rate, want := range map[int]string{
		1: "One second here is 1 second in the house.", 600: "One second here is 10 minutes in the house.",
		3600: "One second here is 1 hour in the house.", 5461: "One second here is 1 hour 31 minutes 1 second in the house.",
	} {
		if got := newClock(seven, rate).name(); got != want {
			t.Errorf("%d: %q, not %q", rate, got, want)
		}
	}
	if got := spell(time.Millisecond); got != "0 seconds" {
		t.Errorf("a millisecond is %q", got)
	}
}
