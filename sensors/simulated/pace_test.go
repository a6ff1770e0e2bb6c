package simulated

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/sensortest"
)

// TestReplayPace plays at several paces on a clock that notes how long it was waited on.
func TestReplayPace(t *testing.T) {
	const text = "t_ms,temp\n0,1\n60000,1\n60500,1\n30000,1\n90000,1\n"
	start := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	for pace, want := range map[string]string{
		"":       "0s 1m0s 1m0.5s 1m0.5s 1m30s",
		"1x":     "0s 1m0s 1m0.5s 1m0.5s 1m30s",
		"60x":    "0s 1s 1.008333333s 1.008333333s 1.5s",
		"0.5x":   "0s 2m0s 2m1s 2m1s 3m0s",
		"max":    "0s 0s 0s 0s 0s",
		"2.500x": "0s 24s 24.2s 24.2s 36s",
	} {
		clock := sensortest.NewClock(start)
		env := files(map[string]string{"room.csv": text})
		env.Clock = clock
		source, err := openReplay(sensors.Config{Name: "room", File: "room.csv", Pace: pace}, env)
		if err != nil {
			t.Fatal(err)
		}
		var at []string
		if err := source.Run(context.Background(), func(sensors.Reading) error {
			at = append(at, clock.Now().Sub(start).String())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(at, " "); got != want {
			t.Errorf("pace %q: emitted at %s; want %s", pace, got, want)
		}
	}
	for _, pace := range []string{"fast", "x", "0x", "-1x", "60", "60X", "1e99x", "NaNx", "2000000x"} {
		if _, err := newPacer(pace, sensortest.NewClock(start)); err == nil || !strings.Contains(err.Error(), "pace") {
			t.Errorf("pace %q: %v", pace, err)
		}
	}
}

// TestPaceClockSet sets the clock while a recording plays: it goes on, neither in a rush nor for ever late.
func TestPaceClockSet(t *testing.T) {
	start := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		by   time.Duration
		want time.Duration // that the third reading is waited for, after the clock was set at the second
	}{
		"on time":            {0, time.Minute},
		"a little late":      {20 * time.Second, 40 * time.Second},
		"too late to wait":   {5 * time.Minute, 0},
		"forward by years":   {20_000 * time.Hour, time.Minute},
		"back by half a day": {-12 * time.Hour, time.Minute},
		"back by years":      {-20_000 * time.Hour, time.Minute},
	} {
		clock := sensortest.NewClock(start)
		p := &pacer{clock: clock, speed: normal}
		for i := range sensors.Micros(2) {
			if err := p.wait(context.Background(), i*sensors.Minute); err != nil {
				t.Fatal(err)
			}
		}
		set := clock.Now().Add(c.by)
		clock.Set(set)
		if err := p.wait(context.Background(), 2*sensors.Minute); err != nil {
			t.Fatal(err)
		}
		if waited := clock.Now().Sub(set); waited != c.want {
			t.Errorf("%s: waited %v, want %v", name, waited, c.want)
		}
	}
}

// TestPaceTimesJump: a day back in the recording starts a new count, and a gap is waited for.
func TestPaceTimesJump(t *testing.T) {
	start := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	clock := sensortest.NewClock(start)
	p := &pacer{clock: clock, speed: normal}
	for _, step := range []struct {
		t    sensors.Micros
		want time.Duration
	}{
		{10 * sensors.Day, 0}, {10*sensors.Day + sensors.Hour, time.Hour}, {sensors.Day, time.Hour},
		{sensors.Day + sensors.Minute, time.Hour + time.Minute}, {2 * sensors.Day, 25 * time.Hour},
	} {
		if err := p.wait(context.Background(), step.t); err != nil {
			t.Fatal(err)
		}
		if at := clock.Now().Sub(start); at != step.want {
			t.Errorf("the reading of %d is emitted after %v, want %v", step.t, at, step.want)
		}
	}
}

func TestPaceSpan(t *testing.T) {
	for _, c := range []struct {
		speed int64
		d     sensors.Micros
		want  time.Duration
	}{
		{normal, 1, time.Microsecond}, {normal, -1, -time.Microsecond}, {3 * normal, 1, 333}, {1, 1, time.Second},
		{1, math.MaxInt64, 876_000 * time.Hour}, {normal, math.MinInt64, -876_000 * time.Hour},
		{normal * normal, math.MaxInt64, 9_223_372_036_854_775},
	} {
		if got := (&pacer{speed: c.speed}).span(c.d); got != c.want {
			t.Errorf("span(%d) at %d = %v, want %v", c.d, c.speed, got, c.want)
		}
	}
}

func TestPaceCancel(t *testing.T) {
	p := &pacer{clock: sensors.SystemClock{}, speed: normal}
	ctx, cancel := context.WithCancel(context.Background())
	if err := p.wait(ctx, 0); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.wait(ctx, sensors.Day); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait of a day ended with %v", err)
	}
}
