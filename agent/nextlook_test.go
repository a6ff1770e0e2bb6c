package agent

import (
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// A yes is looked at in the moment it lapses, and the next one too, however soon it follows.
func TestLooksComeWhenAYesLapses(t *testing.T) {
	var n nextLook
	const now = sensors.Micros(1_800_000_000_000_000)
	for _, step := range []struct {
		now, lapse sensors.Micros
		want       time.Duration
	}{
		{now, 0, recheck},
		{now, now + 2*sensors.Hour, recheck},
		{now, now + 30*sensors.Second, 30 * time.Second},
		{now + 30*sensors.Second, now + 31*sensors.Second, time.Second},
		{now + 31*sensors.Second, now + 31*sensors.Second + 1, time.Microsecond},
		{now + 31*sensors.Second + 1, 0, recheck},
	} {
		if got := n.wait(step.now, step.lapse); got != step.want {
			t.Errorf("at %d for a lapse at %d it waits %v, want %v", step.now-now, step.lapse-now, got, step.want)
		}
	}
}

// A clock that stands still just before a yes lapses is not looked at without end; one that comes a little late costs no more than that.
func TestAClockThatStandsStillIsNotLookedAtWithoutEnd(t *testing.T) {
	var n nextLook
	const now = sensors.Micros(1_800_000_000_000_000)
	looks := 0
	for passed := time.Duration(0); passed < time.Hour; looks++ {
		passed += n.wait(now, now+3)
	}
	if looks > 60+20 {
		t.Errorf("%d looks in an hour in which the clock stood still", looks)
	}
	if n.wait(now+3, now+5*sensors.Second) != 5*time.Second-3*time.Microsecond {
		t.Error("the next moment is not waited for as any other")
	}
	if late := n.wait(now+5*sensors.Second-2, now+5*sensors.Second); late > 10*time.Millisecond {
		t.Errorf("a look 2 µs too early costs %v", late)
	}
}
