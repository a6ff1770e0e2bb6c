package consent

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// fixedKeys gives every grant, epoch and class a key of its own that a test can predict.
type fixedKeys struct{}

func (fixedKeys) PseudonymKey(g GrantID, epoch uint64, class sensors.Class) ([]byte, error) {
	return fmt.Appendf(nil, "%-32s", fmt.Sprintf("%d/%d/%s", g, epoch, class)), nil
}

func kind(t fatal, name string) sensors.Kind {
	t.Helper()
	k, ok := sensors.KindNamed(name)
	if !ok {
		t.Fatalf("no kind %q", name)
	}
	return k
}

// room is a source with one field of each form: temperature, humidity, motion, badge, plate (a label).
func room(t fatal) []SourceFields {
	return []SourceFields{{Name: "room", Fields: []sensors.Field{
		sensors.NewField("room", "temperature", kind(t, "temperature")),
		sensors.NewField("room", "humidity", kind(t, "humidity")),
		sensors.NewField("room", "motion", kind(t, "motion")),
		sensors.NewField("room", "badge", kind(t, "badge")),
		sensors.NewField("room", "mode", kind(t, "label")),
	}}}
}

const frame = `
version = 3
[controller]
name = "Acme Objets SAS"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme Objets SAS"
country = "FR"
role = "controller"
[[purpose]]
id = "trends"
title = { fr = "Tendances", en = "Trends" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "%s"
%s
`

func policy(t testing.TB, tick, rules string) *Policy {
	t.Helper()
	p, err := ParsePolicy("policy.toml", fmt.Appendf(nil, frame, tick, rules))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// granted compiles the policy and answers every purpose with yes from the given moment.
func granted(t testing.TB, p *Policy, sources []SourceFields, from sensors.Micros) *Plan {
	t.Helper()
	asked, _ := Compile(Inputs{Policy: p, Sources: sources})
	var answers []Answer
	for i, q := range asked.Purposes() {
		answers = append(answers, Answer{State: Given, Grant: Grant{ID: GrantID(i + 1), Purpose: q.ID, From: from, Extent: q.Extent}})
	}
	plan, findings := Compile(Inputs{Policy: p, Sources: sources, Answers: answers})
	for _, f := range findings {
		if f.Refuses {
			t.Fatal(f)
		}
	}
	return plan
}

func reading(at sensors.Micros, values ...sensors.Value) *sensors.Reading {
	return &sensors.Reading{Source: "room", Time: at, Taken: at, Values: values}
}

// show renders rows so that a table can hold them: group@time:cells/coverage.
func show(rows []Cleared) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d@%d:", r.Group(), r.Time())
		for i, c := range r.Cells() {
			if i > 0 {
				b.WriteByte(',')
			}
			switch {
			case !c.Set:
				b.WriteByte('-')
			case c.Token != "":
				fmt.Fprintf(&b, "%x", c.Token)
			default:
				fmt.Fprint(&b, c.Num)
			}
		}
		if r.Coverage() >= 0 {
			fmt.Fprintf(&b, "/%d", r.Coverage())
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func aRule(field, rest string) string {
	return fmt.Sprintf("[[purpose.rule]]\nfield = %q\n%s\n", field, rest)
}

func TestActionsOnOneReading(t *testing.T) {
	at := 100*sensors.Hour + 17*sensors.Minute
	values := []sensors.Value{sensors.Number(-1234), sensors.Number(4567), sensors.Number(1), sensors.Token("badge 17"), sensors.Token("eco")}
	tests := []struct{ name, rule, want string }{
		{"keep", aRule("room.temperature", `action = "keep"`), "0@100:-1234"},
		{"round goes down, below zero too", aRule("room.temperature", "action = \"round\"\nround = 0.5"), "0@100:-1500"},
		{"step is round", aRule("room.humidity", "action = \"round\"\nstep = 5"), "0@100:4500"},
		{"clamp", aRule("room.humidity", "action = \"clamp\"\nmin = 50\nmax = 60"), "0@100:5000"},
		{"clamp then round", aRule("room.temperature", "action = \"clamp\"\nmin = -1\nmax = 30\nround = 2"), "0@100:-2000"},
		{"bucket", aRule("room.humidity", "action = \"bucket\"\nedges = [30, 45.67, 60]"), "0@100:2"},
		{"bucket below all", aRule("room.temperature", "action = \"bucket\"\nedges = [0, 10]"), "0@100:0"},
		{"drop", aRule("room.temperature", `action = "drop"`) + aRule("room.motion", `action = "keep"`), "0@100:1"},
		{"local", aRule("room.temperature", `action = "local"`), ""},
		{"label", aRule("room.mode", "action = \"keep\"\nlabels = [\"eco\", \"comfort\"]"), "0@100:65636f"},
		{"label not declared", aRule("room.mode", "action = \"keep\"\nlabels = [\"comfort\"]"), ""},
		{"two fields, one row", aRule("room.temperature", `action = "keep"`) + aRule("room.motion", `action = "keep"`), "0@100:-1234,1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := granted(t, policy(t, "1h", tt.rule), room(t), 0)
			if got := show(plan.Clear(NewWindows(fixedKeys{}), reading(at, values...), nil)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWindows(t *testing.T) {
	n := sensors.Number
	temperature := func(v int64) []sensors.Value { return []sensors.Value{n(v), {}, n(v % 2), {}, {}} }
	minutes := func(m int) sensors.Micros { return 10*sensors.Hour + sensors.Micros(m)*sensors.Minute }
	feed := []struct {
		minute int
		value  int64
	}{{0, 20001}, {20, 20002}, {40, 20004}, {61, 30000}, {59, 99999} /* late */, {185, 10001}}
	tests := []struct{ name, rule, want string }{
		{"mean is floored", aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\""), "0@10:20002/4 0@11:30000/4 0@13:10001/0"},
		{"mean rounded", aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nround = 0.5"), "0@10:20000/4 0@11:30000/4 0@13:10000/0"},
		{"min", aRule("room.temperature", "action = \"min\"\nwindow = \"1h\""), "0@10:20001/4 0@11:30000/4 0@13:10001/0"},
		{"max", aRule("room.temperature", "action = \"max\"\nwindow = \"1h\""), "0@10:20004/4 0@11:30000/4 0@13:10001/0"},
		{"sum", aRule("room.temperature", "action = \"sum\"\nwindow = \"1h\""), "0@10:60007/4 0@11:30000/4 0@13:10001/0"},
		{"count", aRule("room.temperature", "action = \"count\"\nwindow = \"1h\""), "0@10:3/4 0@11:1/4 0@13:1/0"},
		{"least", aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nleast = 2"), "0@10:20002/4"},
		{"share of time", aRule("room.motion", "action = \"mean\"\nwindow = \"1h\""), "0@10:333/4 0@11:0/4 0@13:1000/0"},
		{"two windows, two groups", aRule("room.temperature", "action = \"max\"\nwindow = \"1h\"") + aRule("room.motion", "action = \"sum\"\nwindow = \"2h\""),
			"0@10:20004/4 0@11:30000/4 1@10:2/4 0@13:10001/0 1@12:1/4"}, // the late one is in time for two hours
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := granted(t, policy(t, "1h", tt.rule), room(t), 0)
			w := NewWindows(fixedKeys{})
			var got []string
			for _, f := range feed {
				if s := show(plan.Clear(w, reading(minutes(f.minute), temperature(f.value)...), nil)); s != "" {
					got = append(got, s)
				}
			}
			if s := show(plan.CloseSource(w, "room", nil)); s != "" {
				got = append(got, s)
			}
			// the last window of two hours was watched from 12:00 (the source was there) to 13:05
			want := strings.Replace(tt.want, "1@12:1/4", "1@12:1/2", 1)
			if all := strings.Join(got, " "); all != want {
				t.Errorf("got  %q\nwant %q", all, want)
			}
		})
	}
}

// TestErasedDaysLeaveOpenWindows: what was read of a day that is erased does not come back in the window that was open.
func TestErasedDaysLeaveOpenWindows(t *testing.T) {
	at := func(minute int, v int64) *sensors.Reading {
		return reading(sensors.Day+10*sensors.Hour+sensors.Micros(minute)*sensors.Minute, sensors.Number(v), sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Value{})
	}
	for _, tt := range []struct {
		name        string
		first, last int64
		want        string
	}{
		{"the day before", 0, 0, "0@136:9/4"},
		{"this day", 1, 1, "0@136:2/1"},
		{"days around it", 0, 5, "0@136:2/1"},
		{"the day after", 2, 3, "0@136:9/4"},
	} {
		plan := granted(t, policy(t, "15m", aRule("room.temperature", "action = \"max\"\nwindow = \"1h\"")), room(t), 0)
		w := NewWindows(fixedKeys{})
		plan.Clear(w, at(-30, 1), nil)
		plan.Clear(w, at(1, 9), nil)
		w.EraseDays(tt.first, tt.last)
		plan.Clear(w, at(45, 2), nil)
		if got := show(plan.Clear(w, at(61, 5), nil)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestCoverageOfAFirstWindow: coverage counts quarters of the window, but whole ticks only, so that it does not tell when
// within a tick somebody said yes.
func TestCoverageOfAFirstWindow(t *testing.T) {
	values := []sensors.Value{sensors.Number(1), {}, {}, {}, {}}
	for _, tt := range []struct{ tick, want string }{
		{"1m", "0@0:1/1"},  // from 0:31: 29 minutes, one whole quarter
		{"15m", "0@0:1/1"}, // from 0:45
		{"30m", "0@0:1/0"}, // from 1:00: nothing of it
		{"1h", "0@0:1/0"},
	} {
		plan := granted(t, policy(t, tt.tick, aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"")), room(t), 0)
		w := NewWindows(fixedKeys{})
		plan.Clear(w, reading(31*sensors.Minute, values...), nil)
		if got := show(plan.Clear(w, reading(60*sensors.Minute, values...), nil)); got != tt.want {
			t.Errorf("time %s, watched from 0:31: got %q, want %q", tt.tick, got, tt.want)
		}
	}
}

func TestPseudonyms(t *testing.T) {
	p := policy(t, "1h", aRule("room.badge", `action = "pseudonym"`))
	plan := granted(t, p, room(t), 0)
	w := NewWindows(fixedKeys{})
	one := func(at sensors.Micros, badge string) string {
		return show(plan.Clear(w, reading(at, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Token(badge)), nil))
	}
	a, b, c := one(0, "alice"), one(0, "bob"), one(1, "alice")
	if len(a) != len("0@0:")+32 || a != c || a == b {
		t.Errorf("a pseudonym is 16 bytes, the same for the same badge and another for another: %q %q %q", a, b, c)
	}
	later := one(31*sensors.Day, "alice")
	if strings.TrimPrefix(later, "0@744:") == strings.TrimPrefix(a, "0@0:") {
		t.Error("the pseudonym of one badge is the same in the next epoch")
	}
	if strings.Contains(a, fmt.Sprintf("%x", "alice")) {
		t.Error("the badge shows in its pseudonym")
	}
}

func TestNothingLeavesByDefault(t *testing.T) {
	rules := aRule("room.temperature", `action = "keep"`)
	values := []sensors.Value{sensors.Number(20000), {}, {}, {}, {}}
	p := policy(t, "1h", rules)
	asked, _ := Compile(Inputs{Policy: p, Sources: room(t)})
	yes := Answer{State: Given, Grant: Grant{ID: 1, Purpose: "trends", From: 0, Extent: asked.Purposes()[0].Extent}}
	with := func(change func(*Answer)) []Answer { a := yes; change(&a); return []Answer{a} }
	other := policy(t, "1h", aRule("room.temperature", "action = \"round\"\nround = 1"))
	tests := []struct {
		name string
		in   Inputs
		want State
	}{
		{"no policy", Inputs{Sources: room(t), Answers: []Answer{yes}}, ""},
		{"no answer", Inputs{Policy: p, Sources: room(t)}, Asked},
		{"withdrawn", Inputs{Policy: p, Sources: room(t), Answers: with(func(a *Answer) { a.State = Withdrawn })}, Withdrawn},
		{"lapsed", Inputs{Policy: p, Sources: room(t), Now: 10, Answers: with(func(a *Answer) { a.Until = 10 })}, Expired},
		{"lapses by the moment of capture", Inputs{Policy: p, Sources: room(t), Answers: with(func(a *Answer) { a.Until = 5 })}, Given},
		{"taken before the yes", Inputs{Policy: p, Sources: room(t), Answers: with(func(a *Answer) { a.From = 100 })}, Given},
		{"another policy than was agreed to", Inputs{Policy: other, Sources: room(t), Answers: []Answer{yes}}, Changed},
		{"the charter forbids the class", Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}, Charter: Charter{Never: []string{"environment"}}}, Refused},
		{"the charter forbids the field", Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}, Charter: Charter{Never: []string{"room.temperature"}}}, Refused},
		{"the charter forbids it readable", Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}, Charter: Charter{NeverReadable: []string{"room.temperature"}}}, Refused},
		{"the charter caps the retention", Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}, Charter: Charter{MaxRetention: day}}, Refused},
		{"the charter caps the bits and nothing bounds them", Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}, Charter: Charter{MaxBits: 1000}}, Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, _ := Compile(tt.in)
			if tt.want != "" && plan.Purpose("trends").State != tt.want {
				t.Errorf("state %q, want %q", plan.Purpose("trends").State, tt.want)
			}
			w := NewWindows(fixedKeys{})
			r := reading(7*sensors.Minute, values...)
			r.Taken = 50
			if rows := plan.Clear(w, r, nil); len(rows) > 0 {
				t.Errorf("%d rows left", len(rows))
			}
			if len(w.Withheld()) == 0 {
				t.Error("nothing was counted as withheld")
			}
		})
	}
	plan, _ := Compile(Inputs{Policy: p, Sources: room(t), Answers: []Answer{yes}})
	if rows := plan.Clear(NewWindows(fixedKeys{}), reading(7*sensors.Minute, values...), nil); len(rows) != 1 {
		t.Fatal("the yes itself lets nothing out: this test could not fail")
	}
}

func TestBadValuesDoNotLeave(t *testing.T) {
	p := policy(t, "1h", aRule("room.temperature", `action = "keep"`)+aRule("room.mode", "action = \"keep\"\nlabels = [\"jean@example.org\"]"))
	plan := granted(t, p, room(t), 0)
	for _, q := range []sensors.Quality{sensors.Stale, sensors.OutOfRange, sensors.Fault} {
		w := NewWindows(fixedKeys{})
		if rows := plan.Clear(w, reading(0, sensors.Value{Num: 1, Quality: q}), nil); len(rows) > 0 {
			t.Errorf("a value of quality %v left", q)
		}
	}
	w := NewWindows(fixedKeys{})
	if rows := plan.Clear(w, reading(0, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Value{}, sensors.Token("jean@example.org")), nil); len(rows) > 0 {
		t.Error("an e-mail address left as a label")
	}
	for _, line := range w.Withheld() {
		if line.Reason == Contactish && line.Field == "room.mode" {
			return
		}
	}
	t.Error("the e-mail address was not counted")
}

func TestWithdrawalForgetsOpenWindows(t *testing.T) {
	p := policy(t, "1h", aRule("room.temperature", "action = \"sum\"\nwindow = \"1h\""))
	on := granted(t, p, room(t), 0)
	off, _ := Compile(Inputs{Policy: p, Sources: room(t)})
	w := NewWindows(fixedKeys{})
	values := []sensors.Value{sensors.Number(5), {}, {}, {}, {}}
	on.Clear(w, reading(0, values...), nil)
	off.Clear(w, reading(1*sensors.Minute, values...), nil)
	again, _ := Compile(Inputs{Policy: p, Sources: room(t), Answers: []Answer{{State: Given, Grant: Grant{ID: 2, Purpose: "trends", Extent: on.Purposes()[0].Extent}}}})
	again.Clear(w, reading(2*sensors.Minute, values...), nil)
	if got := show(again.CloseSource(w, "room", nil)); got != "0@0:5/0" {
		t.Errorf("the sum of the new grant is %q; it must hold the one reading taken since", got)
	}
}

func TestAPlanThatGoesOnKeepsItsWindows(t *testing.T) {
	p := policy(t, "1h", aRule("room.temperature", "action = \"sum\"\nwindow = \"1h\""))
	w := NewWindows(fixedKeys{})
	values := []sensors.Value{sensors.Number(5), {}, {}, {}, {}}
	granted(t, p, room(t), 0).Clear(w, reading(0, values...), nil)
	same := granted(t, p, room(t), 0)
	same.Clear(w, reading(1*sensors.Minute, values...), nil)
	if got := show(same.CloseSource(w, "room", nil)); got != "0@0:10/0" {
		t.Errorf("got %q, want the sum of both readings", got)
	}
}

func TestSkipTo(t *testing.T) {
	plan := granted(t, policy(t, "1h", aRule("room.temperature", `action = "keep"`)), room(t), 0)
	w := NewWindows(fixedKeys{})
	w.SkipTo(1, "room", 2)
	got := 0
	for i := uint64(1); i <= 4; i++ {
		r := reading(sensors.Micros(i), sensors.Number(1))
		r.Position = i
		got += len(plan.Clear(w, r, nil))
	}
	if got != 2 {
		t.Errorf("%d rows, want the two after position 2", got)
	}
}

func TestClearedCanNotBePrinted(t *testing.T) {
	plan := granted(t, policy(t, "1h", aRule("room.temperature", `action = "keep"`)), room(t), 0)
	rows := plan.Clear(NewWindows(fixedKeys{}), reading(0, sensors.Number(171717)), nil)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v %+v %#v %s %d %v %v", rows, rows, rows, rows, rows, rows[0].Cells(), &rows[0])
	if strings.Contains(b.String(), "171717") {
		t.Errorf("printed: %s", b.String())
	}
}

func TestDigests(t *testing.T) {
	p := policy(t, "1h", aRule("room.temperature", `action = "keep"`))
	a, _ := Compile(Inputs{Policy: p, Sources: room(t)})
	b, _ := Compile(Inputs{Policy: p, Sources: room(t)})
	if a.Digest() != b.Digest() || a.Purposes()[0].Digest != b.Purposes()[0].Digest {
		t.Error("equal inputs give different digests")
	}
	for _, change := range []string{"2h", "1h"} {
		rules := aRule("room.temperature", `action = "keep"`)
		if change == "1h" {
			rules = aRule("room.temperature", "action = \"round\"\nround = 0.001")
		}
		c, _ := Compile(Inputs{Policy: policy(t, change, rules), Sources: room(t)})
		if c.Purposes()[0].Extent == a.Purposes()[0].Extent {
			t.Errorf("another time or rule, the same extent")
		}
	}
	fewer, _ := Compile(Inputs{Policy: p, Sources: nil})
	if fewer.Purposes()[0].Extent != a.Purposes()[0].Extent {
		t.Error("a sensor that is away changes what was agreed to")
	}
	if fewer.Purposes()[0].Digest == a.Purposes()[0].Digest {
		t.Error("a sensor that is away does not change the compiled rules")
	}
}

func TestClearAllocatesNothing(t *testing.T) {
	plan := granted(t, policy(t, "1s", aRule("room.temperature", "action = \"round\"\nround = 0.5")+aRule("room.humidity", "action = \"mean\"\nwindow = \"1h\"")+aRule("room.motion", `action = "keep"`)), room(t), 0)
	w := NewWindows(fixedKeys{})
	values := []sensors.Value{sensors.Number(20000), sensors.Number(4000), sensors.Number(1), {}, {}}
	r, dst, at := reading(0, values...), []Cleared(nil), sensors.Micros(0)
	allocs := testing.AllocsPerRun(1000, func() {
		at += sensors.Second
		r.Time, r.Taken = at, at
		dst = plan.Clear(w, r, dst[:0])
	})
	if allocs > 0 {
		t.Errorf("%.1f allocations a reading", allocs)
	}
}

func BenchmarkClear(b *testing.B) {
	plan := granted(b, policy(b, "1s", aRule("room.temperature", "action = \"round\"\nround = 0.5")+aRule("room.humidity", "action = \"mean\"\nwindow = \"1h\"")+aRule("room.motion", `action = "keep"`)), room(b), 0)
	w := NewWindows(fixedKeys{})
	values := []sensors.Value{sensors.Number(20000), sensors.Number(4000), sensors.Number(1), {}, {}}
	r, dst := reading(0, values...), []Cleared(nil)
	b.ReportAllocs()
	for i := range b.N {
		r.Time = sensors.Micros(i) * sensors.Second
		r.Taken = r.Time
		dst = plan.Clear(w, r, dst[:0])
	}
}
