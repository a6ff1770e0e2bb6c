package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

func busyView() *view {
	return &view{
		house: seven.Add(5 * time.Hour), clock: "One second here is 20 minutes in the house.", elapsed: 16400 * time.Millisecond, length: 20 * time.Second,
		truth:  "3 purposes are granted: trends, improve, service. What their rules let through leaves, nothing else.",
		sensed: []sensed{{"living.temperature", "-19.48 °C"}, {"door.open", ""}, {"badge.id", "marc-2291 at 11:38"}}, readings: 2289,
		purposes: []offer{
			{id: "trends", title: "Follow consumption trends", state: consent.Withdrawn, deleted: 6},
			{id: "improve", title: "Improve our products", state: consent.Given, rows: 16, bytes: 1992, newest: "11:30 badge.id 2270836…"},
			{id: "relation", title: strings.Repeat("long ", 20), state: consent.Asked},
			{id: "service", title: "Heat", state: consent.Withdrawn, rows: 3, asked: true},
			{id: "more", title: "More", state: consent.Given},
			{id: "bad", title: "Bad", state: consent.Refused, reason: "the charter says no"},
		},
	}
}

func TestRenderAt80Columns(t *testing.T) {
	g := glyphsFor(false)
	got := busyView().render(80, g)
	var all strings.Builder
	bars := map[int]int{}
	for _, l := range got {
		if n := utf8.RuneCountInString(l.text); n > 80 {
			t.Errorf("%d wide: %q", n, l.text)
		}
		if before, _, ok := strings.Cut(l.text, g.bar); ok {
			bars[utf8.RuneCountInString(before)]++
		}
		if before, _, ok := strings.Cut(l.text, g.cross); ok {
			bars[utf8.RuneCountInString(before)]++
		}
		all.WriteString(l.text + "\n")
	}
	if len(bars) != 1 {
		t.Errorf("the line between the columns is not straight: %v", bars)
	}
	for _, want := range []string{
		"a simulated house", "Wed 12:00:00", "light: off   16 of 20 s", "(simulated)",
		"nothing else.", "living.temperature  -19.48 °C │", "door.open             not yet │", "marc-2291 at 11:38 │",
		"2,289 readings", "withdrawn: 6 rows deleted, 0 left", "nothing more arrives", "granted: 16 rows, 1,992 bytes",
		"11:30 badge.id 2270836…", "not granted: nothing leaves", "withdrawn: deletion asked, 3 rows there",
		"granted: nothing has come yet", "refused: the charter says no", "long …\n",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %q in:\n%s", want, all.String())
		}
	}
	if strings.Contains(all.String(), "gets through") {
		t.Error("it tells of trouble that is not there")
	}
}

func TestRenderAnyWidth(t *testing.T) {
	v := busyView()
	v.trouble = strings.Repeat("connection refused ", 20)
	for width := minWidth; width <= maxWidth; width++ {
		for _, l := range v.render(width, glyphsFor(false)) {
			if n := utf8.RuneCountInString(l.text); n > width {
				t.Fatalf("%d wide at %d: %q", n, width, l.text)
			}
		}
	}
}

func TestRenderASCII(t *testing.T) {
	v := busyView()
	v.sensed = []sensed{{"living.temperature", inWords(celsius(t), look{sensors.Number(-450), seven}, glyphsFor(true))}}
	v.purposes[1].newest = (&row{Time: seven, Values: map[string]json.RawMessage{"badge.id": json.RawMessage(`"0123456789abcdef"`)}}).words(glyphsFor(true))
	v.trouble = strings.Repeat("x", 200)
	for _, l := range v.render(80, glyphsFor(true)) {
		for _, r := range l.text {
			if r > 126 {
				t.Errorf("%q has %q", l.text, r)
			}
		}
	}
}

func TestViewMood(t *testing.T) {
	v := busyView()
	v.quiet, v.sending, v.length = true, true, 0
	got := v.render(80, glyphsFor(true))
	if got[2].style != good || !strings.HasSuffix(got[1].text, "light: on   16 s") {
		t.Errorf("%+v", got[1:3])
	}
	v.quiet = false
	if got := v.render(80, glyphsFor(true)); got[2].style != alert {
		t.Errorf("%+v", got[2])
	}
}

func celsius(t *testing.T) sensors.Field {
	t.Helper()
	k, ok := sensors.KindNamed("temperature")
	if !ok {
		t.Fatal("no temperature")
	}
	return sensors.NewField("living", "temperature", k)
}

func TestInWords(t *testing.T) {
	kind := func(name string) sensors.Field {
		k, ok := sensors.KindNamed(name)
		if !ok {
			t.Fatalf("no kind %s", name)
		}
		return sensors.NewField("x", "y", k)
	}
	for _, c := range []struct {
		kind  string
		value sensors.Value
		want  string
	}{
		{"temperature", sensors.Number(-450), "-0.45 °C"},
		{"temperature", sensors.Number(20_000), "20 °C"},
		{"humidity", sensors.Number(47_05), "47.05 %"},
		{"pressure", sensors.Number(101_300), "101300 Pa"},
		{"contact", sensors.Number(1), "yes"},
		{"contact", sensors.Number(0), "no"},
		{"badge", sensors.Token("lea-0417"), "lea-0417 at 07:00"},
	} {
		if got := inWords(kind(c.kind), look{c.value, seven}, glyphsFor(false)); got != c.want {
			t.Errorf("%s: %q, not %q", c.kind, got, c.want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		n     int64
		scale int
		want  string
	}{{0, 0, "0"}, {0, 3, "0"}, {5, 3, "0.005"}, {-5, 3, "-0.005"}, {1500, 3, "1.5"}, {12, 0, "12"}, {-1000, 3, "-1"}, {1001, 3, "1.001"}} {
		if got := decimal(c.n, c.scale); got != c.want {
			t.Errorf("%d/10^%d: %q, not %q", c.n, c.scale, got, c.want)
		}
	}
}

func TestLayoutOfText(t *testing.T) {
	g := glyphsFor(false)
	for _, c := range []struct{ got, want string }{
		{fit("abc", 5, g), "abc  "}, {fit("äöüé", 3, g), "äö…"}, {fit("abcdef", 3, glyphsFor(true)), "a.."}, {fit("abc", 1, glyphsFor(true)), "."},
		{ends("left", "right", 12, g), "left   right"}, {ends("left", "right", 8, g), "l… right"}, {ends("left", "right", 4, g), "lef…"},
		{strings.Join(wrap("one two three", 7), "|"), "one two|three"}, {strings.Join(wrap("", 7), "|"), ""}, {strings.Join(wrap("incomprehensible word", 7), "|"), "incomprehensible|word"},
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(1234567), "1,234,567"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

func TestScriptPlaysInOrder(t *testing.T) {
	s, length := newScript(), 20*time.Second
	if _, due := s.next(3999*time.Millisecond, length); due {
		t.Error("something is said while nothing leaves yet")
	}
	var said []step
	for elapsed := time.Duration(0); elapsed <= length; elapsed += 100 * time.Millisecond {
		for {
			x, due := s.next(elapsed, length)
			if !due {
				break
			}
			if want := length * time.Duration(x.at) / 100; elapsed != want {
				t.Errorf("%+v at %s, not %s", x, elapsed, want)
			}
			said = append(said, x)
		}
	}
	if len(said) != 4 || said[0] != (step{20, "trends", true}) || said[3] != (step{75, "trends", false}) {
		t.Errorf("said: %+v", said)
	}
}
