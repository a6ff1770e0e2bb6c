package simulated

import (
	"math"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// TestSine compares with the real sine.
func TestSine(t *testing.T) {
	for angle := int64(-720_000); angle <= 720_000; angle += 137 {
		want := math.Sin(float64(angle)*math.Pi/180_000) * full
		if got := float64(sine(angle)); math.Abs(got-want) > 20 {
			t.Fatalf("sine(%d) = %v, want %v", angle, got, want)
		}
	}
}

// TestFade compares with the real power of two, and sees that it never rises.
func TestFade(t *testing.T) {
	const half = 25 * sensors.Minute
	last := int64(one)
	for d := -sensors.Hour; d < sensors.Day; d += 7 * sensors.Second {
		got := fade(d, half)
		want := math.Exp2(-math.Max(0, float64(d)/float64(half))) * one
		if math.Abs(float64(got)-want) > one/5_000 || got > last {
			t.Fatalf("fade(%d) = %d after %d, want %v", int64(d), got, last, want)
		}
		last = got
	}
	if fade(half, half) != one/2 || fade(31*half, half) != 0 {
		t.Errorf("after one half %d is left, after 31 %d", fade(half, half), fade(31*half, half))
	}
}

// TestWeather: summers are warm, nights are dark, and neither jumps.
func TestWeather(t *testing.T) {
	mean := func(day sensors.Micros) int64 {
		var sum int64
		for i := range sensors.Micros(240) {
			sum += outdoor(9, (day+i/24)*sensors.Day+(i%24)*sensors.Hour)
		}
		return sum / 240
	}
	for y := range sensors.Micros(50) {
		january, july := mean(y*365+20), mean(y*365+200)
		if january > 9_000 || july < 14_000 {
			t.Errorf("in year %d January has %d and July %d", y, january, july)
		}
	}
	last := outdoor(9, 0)
	for at := sensors.Micros(0); at < 20*sensors.Day; at += sensors.Minute {
		if now := outdoor(9, at); max(now-last, last-now) > 40 {
			t.Fatalf("within a minute %d turns into %d", last, now)
		} else {
			last = now
		}
		if hour := (at % sensors.Day) / sensors.Hour; (hour < 4 || hour > 20) && daylight(9, at) != 0 {
			t.Fatalf("there is light at %d in January", hour)
		}
		if hour := (at % sensors.Day) / sensors.Hour; hour == 12 && daylight(9, at) == 0 {
			t.Fatal("there is no light at noon")
		}
	}
}
