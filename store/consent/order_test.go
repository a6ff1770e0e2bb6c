package consent

import (
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

func dec(t *testing.T, text string) *tinyconf.Decimal {
	t.Helper()
	d, err := tinyconf.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

// TestOrder holds what generated updates reach rarely; TestNoUpdateRevealsMore holds the rest against what really leaves.
func TestOrder(t *testing.T) {
	hour := tinyconf.Duration(3600 * 1e9)
	sum := func(w tinyconf.Duration) Rule { return Rule{Action: "sum", Window: w} }
	threshold := func(at, h string) Rule {
		r := Rule{Action: "threshold", Threshold: dec(t, at)}
		if h != "" {
			r.Hysteresis = dec(t, h)
		}
		return r
	}
	tests := []struct {
		name           string
		rule, agreed   Rule
		tick           tinyconf.Duration
		noMore, noLess bool
	}{
		{"coarser cells", Rule{Action: "grid", Level: 3}, Rule{Action: "grid", Level: 5}, hour, true, false},
		{"the same cells", Rule{Action: "grid", Level: 3}, Rule{Action: "grid", Level: 3}, hour, true, true},
		{"a cell and the place", Rule{Action: "grid", Level: 3}, Rule{Action: "keep"}, hour, false, false},
		{"hysteresis against another", threshold("1", "0.5"), threshold("1", "0.4"), hour, false, false},
		{"hysteresis against the value", threshold("1", "0.5"), Rule{Action: "keep"}, hour, false, false},
		{"a plain threshold against the value", threshold("1", ""), Rule{Action: "keep"}, hour, true, false},
		{"a plain threshold is a bucket", threshold("1", ""), Rule{Action: "bucket", Edges: []tinyconf.Decimal{*dec(t, "1")}}, hour, true, true},
		{"windows whose stamps don't tell which hour", sum(2 * hour), sum(hour), 24 * hour, false, false},
		{"windows whose stamps do", sum(2 * hour), sum(hour), hour, true, false},
		{"fewer values are enough", Rule{Action: "sum", Window: hour, Least: 2}, Rule{Action: "sum", Window: hour, Least: 5}, hour, false, true},
		{"less watching is enough", Rule{Action: "sum", Window: hour, Coverage: 2}, Rule{Action: "sum", Window: hour, Coverage: 4}, hour, false, true},
		{"a count that says zero", Rule{Action: "count", Window: hour}, Rule{Action: "count", Window: hour, Least: 1}, hour, false, true},
		{"how many tokens", Rule{Action: "count", Window: hour, Least: 1}, Rule{Action: "pseudonym"}, hour, true, false},
		{"how many tokens, and when none", Rule{Action: "count", Window: hour}, Rule{Action: "pseudonym"}, hour, false, false},
		{"how many of all, not of the declared", Rule{Action: "count", Window: hour}, Rule{Action: "keep", Labels: []string{"a"}}, hour, false, false},
		{"a pseudonym and a label", Rule{Action: "pseudonym"}, Rule{Action: "keep", Labels: []string{"a"}}, hour, false, false},
		{"anything and nothing", Rule{Action: "count", Window: hour}, Rule{Action: "local"}, hour, false, true},
	}
	for _, tt := range tests {
		if got := tt.rule.tellsNoMore(&tt.agreed, tt.tick); got != tt.noMore {
			t.Errorf("%s: tells no more: %v", tt.name, got)
		}
		if got := tt.agreed.tellsNoMore(&tt.rule, tt.tick); got != tt.noLess {
			t.Errorf("%s, the other way: tells no more: %v", tt.name, got)
		}
	}
}

func TestDecimalsThatDoNotFit(t *testing.T) {
	huge, tiny, other := dec(t, "1e18"), dec(t, "1e-18"), dec(t, "-1e18")
	if compare(huge, tiny) != 1 || compare(tiny, huge) != -1 || compare(other, tiny) != -1 || compare(tiny, tiny) != 0 {
		t.Error("numbers too far apart are compared wrongly")
	}
	if divides(tiny, huge) {
		t.Error("what can't be computed exactly counts as nested")
	}
}

// TestGrid walks over the globe: a coarser cell is a function of the finer one, cells nest, and their sides are as announced.
func TestGrid(t *testing.T) {
	walk := func(visit func(lat, lon int64)) {
		for lat := -northPole; lat <= northPole; lat += 61_234_567 {
			for lon := -dateLine; lon <= dateLine; lon += 97_654_321 {
				visit(lat, lon)
			}
		}
		for _, lat := range []int64{-northPole, -80_0000000, -1, 0, 59_9999999, 60_0000000, 69_9999999, 70_0000000, 80_0000000, northPole} {
			for _, lon := range []int64{-dateLine, -1, 0, 1, dateLine - 1, dateLine} {
				visit(lat, lon)
			}
		}
	}
	walk(func(lat, lon int64) {
		for level := 1; level <= gridLevels; level++ {
			south, west := gridCell(level, lat, lon)
			side := gridSide(level)
			wide := side * gridWiden(south)
			if south > lat || lat-south > side || west > lon && lon < dateLine || lon < dateLine && lon-west >= wide {
				t.Fatalf("level %d: %d, %d is not in the cell at %d, %d", level, lat, lon, south, west)
			}
			if south < -northPole || south > northPole-side || west < -dateLine || west > dateLine-side || south%side != 0 || west%side != 0 || 2*dateLine%wide != 0 {
				t.Fatalf("level %d: the corner %d, %d is not of the announced alphabet", level, south, west)
			}
			if level > 1 {
				a, b := gridCell(level-1, lat, lon)
				// any point of the finer cell gives the same coarser cell, its corner and its far end too
				for _, p := range [][2]int64{{south, west}, {south + side - 1, west + wide - 1}} {
					if x, y := gridCell(level-1, p[0], p[1]); x != a || y != b {
						t.Fatalf("level %d at %d, %d: the coarser cell is %d, %d, and from the finer cell %d, %d", level, lat, lon, a, b, x, y)
					}
				}
			}
		}
	})
	if s, w := gridCell(7, 45_4525956, 14_0181940); s != 45_4500000 || w != 14_0100000 {
		t.Errorf("a known place: %d, %d", s, w)
	}
	if s, w := gridCell(7, -33_8567844, 151_2152967); s != -33_8600000 || w != 151_2100000 {
		t.Errorf("floor, not towards zero: %d, %d", s, w)
	}
}

func gps(t fatal) []SourceFields {
	return []SourceFields{{Name: "gps", Fields: []sensors.Field{sensors.NewField("gps", "lat", kind(t, "latitude")), sensors.NewField("gps", "lon", kind(t, "longitude"))}}}
}

func TestGridNeedsBothCoordinates(t *testing.T) {
	grid := func(level string) string { return "action = \"grid\"\nlevel = " + level }
	both := aRule("gps.lat", grid("7")) + aRule("gps.lon", grid("7"))
	plan := granted(t, policy(t, "1h", both), gps(t), 0)
	w := NewWindows(nil)
	at := func(lat, lon sensors.Value) string {
		return show(plan.Clear(w, &sensors.Reading{Source: "gps", Values: []sensors.Value{lat, lon}}, nil))
	}
	if got := at(sensors.Number(45_4525956), sensors.Number(14_0181940)); got != "0@0:454500000,140100000" {
		t.Errorf("got %q", got)
	}
	for name, got := range map[string]string{"no longitude": at(sensors.Number(45_4525956), sensors.Value{}), "a bad latitude": at(sensors.Value{Num: 1, Quality: sensors.Fault}, sensors.Number(1))} {
		if got != "" {
			t.Errorf("%s: half a place left: %q", name, got)
		}
	}
	for name, rules := range map[string]string{
		"one alone": aRule("gps.lat", grid("7")), "two levels": aRule("gps.lat", grid("7")) + aRule("gps.lon", grid("6")),
		"one exact": aRule("gps.lat", grid("7")) + aRule("gps.lon", `action = "keep"`),
	} {
		plan, _ := Compile(Inputs{Policy: policy(t, "1h", rules), Sources: gps(t)})
		if p := plan.Purposes()[0]; p.State != Refused {
			t.Errorf("%s: %s", name, p.State)
		}
	}
	plan2, _ := Compile(Inputs{Policy: policy(t, "1h", aRule("room.temperature", grid("3"))), Sources: room(t)})
	if plan2.Purposes()[0].State != Refused {
		t.Error("a temperature on a grid")
	}
}

func TestThreshold(t *testing.T) {
	feed := []int64{20000, 24999, 25000, 24600, 24500, 24499, 24999, 26000}
	for rule, want := range map[string]string{
		"action = \"threshold\"\nthreshold = 25":                        "00100001",
		"action = \"threshold\"\nthreshold = 25\nhysteresis = 0.5":      "00111001",
		"action = \"threshold\"\nthreshold = 25\nhysteresis = 0":        "00100001",
		"action = \"threshold\"\nthreshold = 20.0001\nhysteresis = 0.1": "x",
	} {
		plan, _ := Compile(Inputs{Policy: policy(t, "1h", aRule("room.temperature", rule)), Sources: room(t)})
		if want == "x" { // finer than the field
			if plan.Purposes()[0].State != Refused {
				t.Errorf("%s: not refused", rule)
			}
			continue
		}
		plan = granted(t, policy(t, "1h", aRule("room.temperature", rule)), room(t), 0)
		f := plan.Purposes()[0].Groups[0].Fields[0]
		if f.Type != FormBoolean || f.Min != 0 || f.Max != 1 {
			t.Errorf("%s: announced as %+v", rule, f.Type)
		}
		w, got := NewWindows(nil), ""
		for _, v := range feed {
			for _, c := range plan.Clear(w, reading(0, sensors.Number(v)), nil) {
				got += string(rune('0' + c.Cells()[0].Num))
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", rule, got, want)
		}
	}
}

func TestLeastCoverage(t *testing.T) {
	plan := granted(t, policy(t, "15m", aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nleast_coverage = 3")), room(t), 0)
	for start, want := range map[int]string{0: "0@0:1/4", 10: "0@0:1/3", 20: ""} {
		w := NewWindows(nil)
		plan.Clear(w, reading(sensors.Micros(start)*sensors.Minute, sensors.Number(1)), nil)
		if got := show(plan.Clear(w, reading(sensors.Hour, sensors.Number(1)), nil)); got != want {
			t.Errorf("watched from minute %d: got %q, want %q", start, got, want)
		}
	}
}

// TestAStampFarAhead: one reading from the future must not make those that follow late, but a recording may be of any time.
func TestAStampFarAhead(t *testing.T) {
	plan := granted(t, policy(t, "1h", aRule("room.temperature", `action = "keep"`)), room(t), 0)
	w := NewWindows(nil)
	ahead := reading(100*sensors.Hour, sensors.Number(1))
	ahead.Time += 2 * sensors.Hour
	if rows := plan.Clear(w, ahead, nil); len(rows) != 0 {
		t.Error("a reading from two hours ahead left")
	}
	if rows := plan.Clear(w, reading(101*sensors.Hour, sensors.Number(1)), nil); len(rows) != 1 {
		t.Error("the reading after it did not leave")
	}
	if list := w.Withheld(); len(list) != 5 || list[4] != (Withheld{"room.temperature", "trends", Ahead, 1}) {
		t.Errorf("counted as %+v", list)
	}
	ahead.Position = 1
	if rows := plan.Clear(w, ahead, nil); len(rows) != 1 {
		t.Error("a recorded reading did not leave for its stamp")
	}
}

func TestSilentFieldsAreCounted(t *testing.T) {
	base := policy(t, "1h", aRule("room.temperature", `action = "keep"`)+aRule("room.motion", `action = "drop"`)+aRule("room.mode", `action = "local"`))
	answers := agreedTo(t, base, Charter{}, room(t))
	wider := policy(t, "1h", aRule("room.temperature", `action = "keep"`)+aRule("room.motion", `action = "keep"`)+aRule("room.mode", `action = "local"`)+aRule("room.humidity", `action = "keep"`))
	plan, _ := Compile(Inputs{Policy: wider, Sources: room(t), Answers: answers})
	w := NewWindows(nil)
	for range 3 {
		plan.Clear(w, reading(0, sensors.Number(1), sensors.Number(2), sensors.Number(1), sensors.Token("b"), sensors.Token("eco")), nil)
	}
	want := map[string]Reason{"room.motion": Unanswered, "room.humidity": Unanswered, "room.mode": LocalOnly, "room.badge": NoRule}
	for _, l := range w.Withheld() {
		if want[l.Field] != l.Reason || l.Count != 3 {
			t.Errorf("%s: %d, %s; want 3, %s", l.Field, l.Count, l.Reason, want[l.Field])
		}
		delete(want, l.Field)
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
}
