package consent

import (
	"fmt"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// TestWhatIsCompleteTellsNoFinerTime moves one reading inside its tick and asks, minute by minute, what may leave: the answer
// changes at the boundaries of the tick only.
func TestWhatIsCompleteTellsNoFinerTime(t *testing.T) {
	rules := aRule("room.temperature", `action = "keep"`) + aRule("room.humidity", "action = \"mean\"\nwindow = \"2h\"")
	plan := granted(t, policy(t, "1h", rules), room(t), 0)
	values := []sensors.Value{sensors.Number(20000), sensors.Number(5000), {}, {}, {}}
	// answers lists, for both groups, what is complete at each minute of four hours, for a reading at a minute of the third.
	answers := func(minute sensors.Micros, before ...sensors.Micros) []string {
		w := NewWindows(fixedKeys{})
		var out []string
		for now := sensors.Micros(0); now < 300*sensors.Minute; now += sensors.Minute {
			for _, at := range append(before, 120+minute) {
				if at*sensors.Minute == now {
					plan.Clear(w, reading(now, values...), nil)
				}
			}
			out = append(out, fmt.Sprint(plan.CompleteBefore(w, 1, 0, now), " ", plan.CompleteBefore(w, 1, 1, now)))
		}
		return out
	}
	for _, before := range [][]sensors.Micros{{5}, {50}, {20, 90}, {119}} {
		first := answers(0, before...)
		for _, minute := range []sensors.Micros{1, 20, 59} {
			for now, other := range answers(minute, before...) {
				if other != first[now] {
					t.Errorf("readings at %v: at minute %d it shows whether the next came at 120 or at %d: %s and %s", before, now, 120+minute, first[now], other)
					break
				}
			}
		}
	}
	w := NewWindows(fixedKeys{}) // and it does end
	plan.Clear(w, reading(50*sensors.Minute, values...), nil)
	plan.Clear(w, reading(125*sensors.Minute, values...), nil)
	for _, tt := range []struct {
		minute         sensors.Micros
		bucket, window int64
	}{{119, 0, 0}, {130, 1, 0}, {179, 1, 0}, {180, 2, 2}, {239, 2, 2}, {240, 3, 2}} {
		if b, o := plan.CompleteBefore(w, 1, 0, tt.minute*sensors.Minute), plan.CompleteBefore(w, 1, 1, tt.minute*sensors.Minute); b != tt.bucket || o != tt.window {
			t.Errorf("at minute %d buckets before %d and windows before %d are complete, want %d and %d", tt.minute, b, o, tt.bucket, tt.window)
		}
	}
}

// TestAfterAStartWhatWaitsIsNotHeldForLong: a memory that was just made lets go of the buckets that are surely over.
func TestAfterAStartWhatWaitsIsNotHeldForLong(t *testing.T) {
	plan := granted(t, policy(t, "1h", aRule("room.temperature", `action = "keep"`)+aRule("room.humidity", "action = \"mean\"\nwindow = \"1h\"")), room(t), 0)
	w := NewWindows(fixedKeys{})
	if b, o := plan.CompleteBefore(w, 1, 0, 620*sensors.Minute), plan.CompleteBefore(w, 1, 1, 620*sensors.Minute); b != 10 || o != 9 {
		t.Errorf("in the hour of the start buckets before %d and windows before %d are complete, want 10 and 9", b, o)
	}
	if b, o := plan.CompleteBefore(w, 1, 0, 661*sensors.Minute), plan.CompleteBefore(w, 1, 1, 661*sensors.Minute); b != Forever || o != Forever {
		t.Errorf("in the hour after, %d and %d, want all", b, o)
	}
}

// TestBitCeilings holds what a purpose can tell a day against the charter: what is over it is refused, and what is at it is not.
func TestBitCeilings(t *testing.T) {
	for _, tt := range []struct {
		name, field string
		charter     func(bits int64) Charter
		bits        func(Bits) int64
	}{
		{"all", "room.humidity", func(n int64) Charter { return Charter{MaxBits: n} }, func(b Bits) int64 { return b.Day }},
		{"presence", "room.motion", func(n int64) Charter { return Charter{MaxBitsPresent: n} }, func(b Bits) int64 { return b.Presence }},
		{"a recipient", "room.humidity", func(n int64) Charter { return Charter{MaxBitsRecipient: n} }, func(b Bits) int64 { return b.Day }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy(t, "1h", aRule(tt.field, "action = \"max\"\nwindow = \"1h\""))
			free, _ := Compile(Inputs{Policy: p, Sources: room(t)})
			told := tt.bits(free.Purposes()[0].Bits)
			if told < 2 {
				t.Fatalf("it tells %d bits a day: nothing to hold", told)
			}
			at, _ := Compile(Inputs{Policy: p, Sources: room(t), Charter: tt.charter(told)})
			over, _ := Compile(Inputs{Policy: p, Sources: room(t), Charter: tt.charter(told - 1)})
			if s := at.Purposes()[0].State; s != Asked {
				t.Errorf("at the ceiling it is %s", s)
			}
			if s := over.Purposes()[0].State; s != Refused {
				t.Errorf("one bit over the ceiling it is %s", s)
			}
		})
	}
}

// TestFactsAreToldToOneGrant: what is cleared for one grant comes under that grant alone.
func TestFactsAreToldToOneGrant(t *testing.T) {
	two := fmt.Sprintf(frame, "1h", aRule("room.temperature", `action = "keep"`)) + `
[[purpose]]
id = "care"
title = { fr = "Soin", en = "Care" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1h"
` + aRule("room.temperature", `action = "keep"`)
	p, err := ParsePolicy("policy.toml", []byte(two))
	if err != nil {
		t.Fatal(err)
	}
	plan := granted(t, p, room(t), 0)
	r := reading(sensors.Hour, sensors.Number(20000), sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Value{})
	if n := len(plan.Clear(NewWindows(fixedKeys{}), r, nil)); n != 2 {
		t.Fatalf("%d rows of two grants: this test could not fail", n)
	}
	for grant, want := range map[GrantID]int{0: 0, 1: 1, 2: 1, 3: 0} {
		rows := plan.Only(grant).Clear(NewWindows(fixedKeys{}), r, nil)
		if len(rows) != want || want == 1 && rows[0].Purpose().Grant.ID != grant {
			t.Errorf("for grant %d alone: %d rows", grant, len(rows))
		}
	}
}
