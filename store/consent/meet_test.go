package consent

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
)

// agreedTo answers every purpose of a policy with yes, as its receipt would keep it.
func agreedTo(t testing.TB, p *Policy, charter Charter, sources []SourceFields) []Answer {
	t.Helper()
	plan, _ := Compile(Inputs{Policy: p, Sources: sources, Charter: charter})
	var answers []Answer
	for i, q := range plan.Purposes() {
		if q.State != Refused {
			answers = append(answers, Answer{State: Given, Access: q.Access, Basis: q.Basis, Grant: Grant{ID: GrantID(i + 1), Purpose: q.ID, Extent: q.Extent, Terms: q.Terms()}})
		}
	}
	return answers
}

func offer(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := ParsePolicy("policy.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTermsComeBack(t *testing.T) {
	rules := aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nround = 0.5\nleast = 3\nleast_coverage = 2") +
		aRule("room.humidity", "action = \"clamp\"\nmin = 20\nmax = 80\nround = 5") + aRule("room.motion", "action = \"threshold\"\nthreshold = 1") +
		aRule("room.mode", "action = \"keep\"\nlabels = [\"eco\", \"comfort <2>\"]") + aRule("room.badge", "action = \"pseudonym\"")
	p := policy(t, "1h", rules)
	p.Purposes[0].Tags, p.Purposes[0].Room = []string{"b", "a"}, &Room{Rows: 10, Bytes: 512}
	charter := Charter{Version: 3, Never: []string{"contact"}, MaxRetention: 90 * day, MaxBits: 10_000_000, MaxBitsRecipient: 20_000_000}
	sources := room(t)
	sources[0].Every = sensors.Minute
	plan, _ := Compile(Inputs{Policy: p, Sources: sources, Charter: charter})
	b := plan.Purposes()[0].Terms()
	terms, err := ParseTerms(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(terms.Bytes(), b) || terms.extent() != plan.Purposes()[0].Extent {
		t.Error("what was read back is not what was written")
	}
	again, _ := Compile(Inputs{Policy: p, Sources: sources, Charter: charter, Answers: agreedTo(t, p, charter, sources)})
	q := again.Purposes()[0]
	if q.State != Given || len(q.Changes) > 0 || q.Offered != nil || q.Digest != plan.Purposes()[0].Digest {
		t.Errorf("nothing has changed: state %s, %d changes", q.State, len(q.Changes))
	}
	for i := range b {
		damaged := slices.Clone(b)
		damaged[i] ^= 1
		if got, err := ParseTerms(damaged); err == nil && bytes.Equal(got.Bytes(), b) {
			t.Fatalf("with byte %d flipped it reads as the same terms", i)
		}
	}
	for _, bad := range []string{"", "{}", "null", string(b) + " ", strings.Replace(string(b), `"v":1`, `"v":2`, 1), strings.Replace(string(b), `"action":"mean","window":3600000000,`, `"action":"mean",`, 1),
		strings.Replace(string(b), `"action":"mean"`, `"action":"unanswered"`, 1)} {
		if _, err := ParseTerms([]byte(bad)); err == nil {
			t.Errorf("read: %.60s", bad)
		}
	}
}

// TestMeet goes through what an update may do to a yes.
func TestMeet(t *testing.T) {
	base := fmt.Sprintf(frame, "1h", aRule("room.temperature", "action = \"max\"\nwindow = \"1h\"\nround = 0.5")+aRule("room.motion", "action = \"sum\"\nwindow = \"1h\""))
	swap := func(old, now string) string {
		if !strings.Contains(base, old) {
			t.Fatalf("no %q in the policy", old)
		}
		return strings.Replace(base, old, now, 1)
	}
	motion := aRule("room.motion", "action = \"sum\"\nwindow = \"1h\"")
	tests := []struct {
		name, now string
		state     State
		pending   bool
		fields    string // what leaves
		changes   string
	}{
		{"nothing", base, Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", ""},
		{"another title", swap(`en = "Trends"`, `en = "Tendencies"`), Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "title reworded"},
		{"a coarser step", swap("round = 0.5", "round = 1.5"), Given, false, "room.temperature: max 1h, round 1.5; room.motion: sum 1h", "rule room.temperature narrows"},
		{"a step that does not nest", swap("round = 0.5", "round = 0.7"), Given, true, "room.motion: sum 1h", "rule room.temperature differs"},
		{"a finer step", swap("round = 0.5", "round = 0.1"), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "rule room.temperature widens"},
		{"another aggregate", swap(`"max"`, `"min"`), Given, true, "room.motion: sum 1h", "rule room.temperature differs"},
		{"a longer window", swap("window = \"1h\"\nround", "window = \"6h\"\nround"), Given, false, "room.motion: sum 1h; room.temperature: max 6h, round 0.5", "rule room.temperature narrows"},
		{"a field goes", strings.Replace(base, motion, "", 1), Given, false, "room.temperature: max 1h, round 0.5", "rule room.motion narrows"},
		{"a field is dropped", swap("action = \"sum\"\nwindow = \"1h\"", `action = "drop"`), Given, false, "room.temperature: max 1h, round 0.5", "rule room.motion narrows"},
		{"a field comes", base + aRule("room.humidity", `action = "keep"`), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "rule room.humidity widens"},
		{"kept shorter", swap(`retention = "30d"`, `retention = "20d"`), Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "retention narrows"},
		{"kept longer", swap(`retention = "30d"`, `retention = "40d"`), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "retention widens"},
		{"a coarser time", swap(`time = "1h"`, `time = "6h"`), Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "time narrows, upload narrows"},
		{"a finer time", swap(`time = "1h"`, `time = "30m"`), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "time widens, upload widens"},
		{"a shorter epoch", swap(`time = "1h"`, "time = \"1h\"\nepoch = \"10d\""), Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "epoch narrows"},
		{"an epoch that does not nest", swap(`time = "1h"`, "time = \"1h\"\nepoch = \"7d\""), Changed, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "epoch differs"},
		{"another recipient", swap("[[recipient]]\nid = \"acme\"\nname = \"Acme Objets SAS\"", "[[recipient]]\nid = \"acme\"\nname = \"Other\""), Changed, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "recipient differs"},
		{"passed on", swap(`role = "controller"`, "role = \"controller\"\nonward = [\"broker\"]"), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "onward widens"},
		{"a promise of where", swap(`role = "controller"`, "role = \"controller\"\nstored_in = [\"FR\"]"), Given, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "stored_in narrows"},
		{"another use", swap(`time = "1h"`, "time = \"1h\"\ntags = [\"marketing\"]"), Given, true, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", "tags widens"},
		{"another basis", swap(`basis = "consent"`, `basis = "contract"`), Refused, false, "room.temperature: max 1h, round 0.5; room.motion: sum 1h", ""},
	}
	answers := agreedTo(t, offer(t, base), Charter{}, room(t))
	t.Run("cover", func(t *testing.T) { meetCover(t, swap) })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, _ := Compile(Inputs{Policy: offer(t, tt.now), Sources: room(t), Answers: answers})
			p := plan.Purposes()[0]
			if p.State != tt.state || p.Pending() != tt.pending {
				t.Errorf("state %s (%s), pending %v; want %s, %v", p.State, p.Reason, p.Pending(), tt.state, tt.pending)
			}
			if got := strings.Join(p.FieldsInWords(), "; "); got != tt.fields {
				t.Errorf("leaves %q, want %q", got, tt.fields)
			}
			var changes []string
			for _, c := range p.Changes {
				changes = append(changes, strings.Join(strings.Fields(c.Key+" "+c.Field+" "+string(c.Effect)), " "))
				if c.In(c.Old, "fr") == c.In(c.New, "fr") && tt.name != "another title" {
					t.Errorf("%s: old and new read the same: %q", c.Key, c.In(c.New, "fr"))
				}
			}
			if got := strings.Join(changes, ", "); got != tt.changes {
				t.Errorf("changes %q, want %q", got, tt.changes)
			}
		})
	}
}

func TestGroundsAreForLife(t *testing.T) {
	base := fmt.Sprintf(frame, "1h", aRule("room.temperature", `action = "keep"`))
	yes := agreedTo(t, offer(t, base), Charter{}, room(t))[0]
	other := offer(t, strings.Replace(base, `basis = "consent"`, `basis = "legitimate-interests"`, 1))
	for _, state := range []State{Given, Withdrawn, Expired, Remembered} {
		a := yes
		a.State = state
		plan, _ := Compile(Inputs{Policy: other, Sources: room(t), Answers: []Answer{a}})
		if p := plan.Purposes()[0]; p.State != Refused || !strings.Contains(p.Reason, "grounds") {
			t.Errorf("after an answer that is %s the same purpose on another basis is %s (%s)", state, p.State, p.Reason)
		}
		a.Terms = nil // a receipt older than the terms, with its grounds
		plan, _ = Compile(Inputs{Policy: other, Sources: room(t), Answers: []Answer{a}})
		if p := plan.Purposes()[0]; p.State != Refused {
			t.Errorf("without terms, after an answer that is %s, it is %s", state, p.State)
		}
	}
	if plan, _ := Compile(Inputs{Policy: other, Sources: room(t)}); plan.Purposes()[0].State != Asked {
		t.Error("never answered, and refused all the same: this test could not fail")
	}
}

func TestCeilings(t *testing.T) {
	base := fmt.Sprintf(frame, "1h", aRule("room.temperature", "action = \"max\"\nwindow = \"1h\""))
	low := Charter{MaxRetention: 30 * day, Never: []string{"presence"}}
	answers := agreedTo(t, offer(t, base), low, room(t))
	wider := offer(t, strings.Replace(base, `"30d"`, `"60d"`, 1)+aRule("room.motion", `action = "keep"`))

	raised, _ := Compile(Inputs{Policy: wider, Sources: room(t), Answers: answers, Charter: Charter{MaxRetention: 90 * day}})
	p := raised.Purposes()[0]
	if p.State != Given || p.Retention != 30 || len(p.Groups) != 1 || !p.Pending() {
		t.Errorf("under a raised charter the old yes goes on as it was: %s, %d days, %d groups, pending %v", p.State, p.Retention, len(p.Groups), p.Pending())
	}
	if q := p.Asks(); q.State != Asked || q.Retention != 60 || len(q.Groups) != 2 {
		t.Errorf("what is asked anew: %s, %d days, %d groups", q.State, q.Retention, len(q.Groups))
	}
	asks := 0
	for _, c := range p.Changes {
		if strings.HasPrefix(c.Key, "charter.") && c.Effect == Widens {
			asks++
		}
	}
	if asks != 2 {
		t.Errorf("%d ceilings are shown as raised, want both: %+v", asks, p.Changes)
	}
	lowered, _ := Compile(Inputs{Policy: offer(t, base), Sources: room(t), Answers: answers, Charter: Charter{MaxRetention: 20 * day}})
	if p := lowered.Purposes()[0]; p.State != Refused {
		t.Errorf("a lower ceiling binds at once; the purpose is %s", p.State)
	}
	// The ceiling of the yes still binds a sensor that comes later, whatever the charter says by then.
	none := []SourceFields{}
	absent := agreedTo(t, offer(t, base), Charter{Never: []string{"environment"}}, none)
	later, _ := Compile(Inputs{Policy: offer(t, base), Sources: room(t), Answers: absent})
	if p := later.Purposes()[0]; len(p.Groups) != 0 || !p.Pending() {
		t.Errorf("a sensor that came after the yes: %d groups leave, pending %v", len(p.Groups), p.Pending())
	}
	// So does that of a yes which does not say what the fields were.
	before, _ := Compile(Inputs{Policy: offer(t, base), Sources: room(t), Answers: unsensed(t, absent)})
	if p := before.Purposes()[0]; p.State != Refused {
		t.Errorf("the charter of the yes said never; the purpose is %s", p.State)
	}
}

// TestTheWayIsPartOfTheYes: a yes to a recipient that could not tell which object speaks does not go on over a connection that
// names it.
func TestTheWayIsPartOfTheYes(t *testing.T) {
	p := offer(t, fmt.Sprintf(frame, "1h", aRule("room.temperature", `action = "keep"`)))
	by := func(r Reach, answers ...Answer) *Purpose {
		plan, _ := Compile(Inputs{Policy: p, Sources: room(t), Answers: answers, Reach: map[string]Reach{"acme": r}})
		return plan.Purposes()[0]
	}
	yes := func(r Reach) Answer {
		q := by(r)
		return Answer{State: Given, Access: q.Access, Basis: q.Basis, Grant: Grant{ID: 1, Purpose: q.ID, Extent: q.Extent, Terms: q.Terms()}}
	}
	own, fleet := Reach{Credential: true}, Reach{Credential: true, Fleet: true}
	for _, tt := range []struct {
		name     string
		was, now Reach
		want     State
	}{
		{"a certificate comes", Reach{}, Reach{Certificate: true}, Changed}, {"a token of its own comes", fleet, own, Changed},
		{"a token of the fleet comes", Reach{}, fleet, Given}, {"it was named before", own, Reach{Certificate: true}, Given}, {"it is not named any more", own, fleet, Given},
	} {
		q := by(tt.now, yes(tt.was))
		if q.State != tt.want || (tt.want == Changed) != (len(q.Changes) == 1 && q.Changes[0].Key == "linkability") {
			t.Errorf("%s: %s, %+v", tt.name, q.State, q.Changes)
		}
		if q := by(tt.now, yes(tt.now)); q.State != Given || len(q.Changes) > 0 {
			t.Errorf("%s, answered anew: %s", tt.name, q.State)
		}
	}
	if q := by(own, unsensed(t, []Answer{yes(own)})...); q.State != Given {
		t.Errorf("a yes of before: %s", q.State)
	}
}

// unsensed makes of answers what they were before terms said what the fields were.
func unsensed(t *testing.T, answers []Answer) []Answer {
	t.Helper()
	out := slices.Clone(answers)
	for i := range out {
		terms, err := ParseTerms(out[i].Terms)
		if err != nil {
			t.Fatal(err)
		}
		terms.Sensed, terms.Named = nil, false
		out[i].Terms = terms.Bytes()
		if strings.Contains(string(out[i].Terms), "sensed") {
			t.Fatal("terms of before say what the fields were")
		}
	}
	return out
}

// TestAFieldIsMoreThanItsName: under a name that was agreed to, the configuration brings another quantity, calls it less than
// it is, or has a sensor that was not there. Nothing of it leaves until it is asked, and the rest goes on.
func TestAFieldIsMoreThanItsName(t *testing.T) {
	kind := func(name string) sensors.Kind {
		k, ok := sensors.KindNamed(name)
		if !ok {
			t.Fatalf("no kind %q", name)
		}
		return k
	}
	fields := func(measured string, class sensors.Class) []SourceFields {
		f := sensors.NewField("room", "temperature", kind(measured))
		if class != "" {
			f.Class = class
		}
		return []SourceFields{{Name: "room", Fields: []sensors.Field{f, sensors.NewField("room", "motion", kind("motion"))}, Every: sensors.Hour}}
	}
	p := offer(t, fmt.Sprintf(frame, "1h", aRule("room.temperature", "action = \"round\"\nround = 1")+aRule("room.motion", "action = \"sum\"\nwindow = \"1h\"")))
	answers := agreedTo(t, p, Charter{}, fields("temperature", ""))
	without := agreedTo(t, p, Charter{}, []SourceFields{{Name: "room", Fields: fields("temperature", "")[0].Fields[1:]}})
	every := func(every sensors.Micros) []SourceFields {
		s := fields("temperature", "")
		s[0].Every = every
		return s
	}
	both := "room.temperature: round 1; room.motion: sum 1h"
	for _, tt := range []struct {
		name    string
		now     []SourceFields
		answers []Answer
		leaves  string
		old     string
	}{
		{"as it was", fields("temperature", ""), answers, both, ""},
		{"people counted as a temperature", fields("people", ""), answers, "room.motion: sum 1h", "temperature, environment, every 1 hour"},
		{"another class", fields("temperature", sensors.Health), answers, "room.motion: sum 1h", "temperature, environment, every 1 hour"},
		{"read more often, which a window does not tell", every(sensors.Second), answers, "room.motion: sum 1h", "temperature, environment, every 1 hour"},
		{"read whenever it likes", every(0), answers, "room.motion: sum 1h", "temperature, environment, every 1 hour"},
		{"read less often", every(6 * sensors.Hour), answers, both, ""},
		{"a sensor that was not there", fields("temperature", ""), without, "room.motion: sum 1h", ""},
		{"a yes of before", fields("people", ""), unsensed(t, answers), both, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, _ := Compile(Inputs{Policy: p, Sources: tt.now, Answers: tt.answers})
			q := plan.Purposes()[0]
			got := q.FieldsInWords()
			slices.Sort(got)
			want := strings.Split(tt.leaves, "; ")
			slices.Sort(want)
			asks := tt.leaves != both
			if q.State != Given || !slices.Equal(got, want) || q.Pending() != asks {
				t.Fatalf("%s, leaves %q, pending %v; want %q, %v", q.State, got, q.Pending(), want, asks)
			}
			if !asks {
				return
			}
			c := q.Changes[0]
			if len(q.Changes) != 1 || c.Label("fr") != "room.temperature" || c.Effect != Differs || c.Old["en"] != tt.old || c.New["en"] == tt.old {
				t.Errorf("it is shown as %+v", q.Changes)
			}
			again, _ := Compile(Inputs{Policy: p, Sources: tt.now, Answers: agreedTo(t, p, Charter{}, tt.now)})
			if q := again.Purposes()[0]; len(q.FieldsInWords()) != 2 || q.Pending() {
				t.Errorf("answered anew: %q leaves, pending %v", q.FieldsInWords(), q.Pending())
			}
		})
	}
}

// update is one policy of a generated sequence.
func update(t *rapid.T, label string) string {
	rules := ""
	for _, field := range []string{"room.temperature", "room.motion", "room.mode"} {
		if r := genRule(t, label, field); r != "" {
			rules += aRule(field, r)
		}
	}
	tick := rapid.SampledFrom([]string{"15m", "30m", "1h"}).Draw(t, label+" time")
	return fmt.Sprintf(frame, tick, rules)
}

func genRule(t *rapid.T, label, field string) string {
	one := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label+" "+field+" "+what) }
	action := map[string][]string{
		"room.temperature": {"", "drop", "keep", "round", "clamp", "bucket", "threshold", "min", "max", "sum", "mean", "count"},
		"room.motion":      {"", "local", "keep", "mean", "sum", "count"},
		"room.mode":        {"", "keep", "pseudonym", "count"},
	}[field]
	switch a := one("action", action...); a {
	case "":
		return ""
	case "keep":
		if field == "room.mode" {
			return `action = "keep"` + "\nlabels = " + one("labels", `["eco"]`, `["eco", "off"]`)
		}
		return `action = "keep"`
	case "round":
		return "action = \"round\"\nround = " + one("step", "0.5", "1", "1.5", "2")
	case "clamp":
		text := "action = \"clamp\"\nmin = " + one("min", "-1", "0") + "\nmax = " + one("max", "1", "1.5")
		if s := one("step", "", "0.5", "1"); s != "" {
			text += "\nround = " + s
		}
		return text
	case "bucket":
		return "action = \"bucket\"\nedges = " + one("edges", "[0]", "[1]", "[0, 1]", "[0, 1, 1.5]")
	case "threshold":
		return "action = \"threshold\"\nthreshold = " + one("threshold", "0", "1") + one("hysteresis", "", "\nhysteresis = 0.5")
	case "drop", "local", "pseudonym":
		return fmt.Sprintf("action = %q", a)
	default:
		text := fmt.Sprintf("action = %q\nwindow = %q", a, one("window", "15m", "30m", "1h"))
		if s := one("step", "", "", "0.5", "1"); s != "" && a != "count" && field == "room.temperature" {
			text += "\nround = " + s
		}
		if one("least", "", "", "2") != "" {
			text += "\nleast = 2"
		}
		return text
	}
}

// genTrace is two hours of readings, one every 5 to 20 minutes.
func genTrace(t *rapid.T) []sensors.Reading {
	var out []sensors.Reading
	for at := sensors.Micros(0); at < 2*sensors.Hour; at += sensors.Micros(rapid.IntRange(1, 4).Draw(t, "gap")) * 5 * sensors.Minute {
		out = append(out, sensors.Reading{Source: "room", Time: at, Taken: at, Values: []sensors.Value{
			sensors.Number(int64(rapid.IntRange(-4, 8).Draw(t, "temperature")) * 250), {}, sensors.Number(int64(rapid.IntRange(0, 1).Draw(t, "motion"))), {},
			sensors.Token(rapid.SampledFrom([]string{"eco", "off", "away"}).Draw(t, "mode")),
		}})
	}
	return out
}

// twin changes a trace a little.
func twin(t *rapid.T, trace []sensors.Reading) []sensors.Reading {
	out := slices.Clone(trace)
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
		v := slices.Clone(out[i].Values)
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 0:
			v[0] = sensors.Number(v[0].Num + int64(rapid.IntRange(-2, 2).Draw(t, "by"))*250)
		case 1:
			v[2] = sensors.Number(1 - v[2].Num)
		case 2:
			v[4] = sensors.Token(rapid.SampledFrom([]string{"eco", "off", "away"}).Draw(t, "to"))
		case 3: // the values of two readings change places
			j := rapid.IntRange(0, len(out)-1).Draw(t, "with")
			out[j].Values, v = v, slices.Clone(out[j].Values)
		case 4: // in one field only
			j, f := rapid.IntRange(0, len(out)-1).Draw(t, "with"), rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "field")
			w := slices.Clone(out[j].Values)
			v[f], w[f] = w[f], v[f]
			if j != i {
				out[j].Values = w
			}
		}
		out[i].Values = v
	}
	return out
}

// seen is what a recipient learns of a trace: every row by what its numbers mean, in an order that tells nothing.
func seen(plan *Plan, trace []sensors.Reading) string {
	w := NewWindows(fixedKeys{})
	var rows []string
	show := func(list []Cleared) {
		for _, c := range list {
			p := c.Purpose()
			g := p.Groups[c.Group()]
			text := fmt.Sprintf("%d %d", sensors.Micros(c.Time())*p.Tick, g.Window)
			for i, cell := range c.Cells() {
				if cell.Set {
					text += fmt.Sprintf(" %s=%d%x", g.Fields[i].Field, cell.Num, cell.Token)
				}
			}
			rows = append(rows, text)
		}
	}
	for i := range trace {
		show(plan.Clear(w, &trace[i], nil))
	}
	end := sensors.Reading{Source: "room", Time: 3 * sensors.Hour, Taken: 3 * sensors.Hour, Values: make([]sensors.Value, 5)}
	show(plan.Clear(w, &end, nil))
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

// TestNoUpdateRevealsMore is the monotonicity of meet, as privacy-requirements PRV-11 asks: after any sequence of updates
// without a new answer, two histories that could not be told apart under what was agreed to can't be told apart under what
// is in force. It compares what leaves, and knows nothing of the order the compiler uses.
func TestNoUpdateRevealsMore(t *testing.T) {
	var alike, told int
	rapid.Check(t, func(t *rapid.T) {
		first, err := ParsePolicy("first.toml", []byte(update(t, "first")))
		if err != nil {
			t.Fatal(err)
		}
		sources := room(t)
		agreed, _ := Compile(Inputs{Policy: first, Sources: sources})
		q := agreed.Purposes()[0]
		answers := []Answer{{State: Given, Grant: Grant{ID: 1, Purpose: q.ID, Extent: q.Extent, Terms: q.Terms()}}}
		agreed, _ = Compile(Inputs{Policy: first, Sources: sources, Answers: answers})
		for n := range rapid.IntRange(1, 3).Draw(t, "updates") {
			now, err := ParsePolicy("now.toml", []byte(update(t, fmt.Sprint("update ", n))))
			if err != nil {
				t.Fatal(err)
			}
			plan, _ := Compile(Inputs{Policy: now, Sources: sources, Answers: answers})
			if p := plan.Purposes()[0]; p.State == Given && (p.Tick%agreed.Purposes()[0].Tick != 0 || p.Retention > agreed.Purposes()[0].Retention) {
				t.Fatalf("time %d, retention %d days: more than was agreed to", p.Tick, p.Retention)
			}
			for range 4 {
				a := genTrace(t)
				b := twin(t, a)
				if seen(agreed, a) != seen(agreed, b) {
					continue
				}
				alike++
				x, y := seen(plan, a), seen(plan, b)
				if x != "" {
					told++
				}
				if x != y {
					t.Fatalf("agreed to: %v\nin force: %v\nthese were alike and are told apart:\n%s\n-- and\n%s", agreed.Purposes()[0].FieldsInWords(), plan.Purposes()[0].FieldsInWords(), x, y)
				}
			}
		}
	})
	t.Logf("%d pairs were alike under what was agreed to, and of %d of them something left", alike, told)
	if told < 20 {
		t.Error("too few pairs were compared: this test could not fail")
	}
}

// fatal is what helpers need of a test.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Empty uploads that an update would leave out go on until that is answered; ones that it adds begin at once.
func meetCover(t *testing.T, swap func(old, now string) string) {
	with := func(more string) string {
		return swap(`time = "1h"`, "time = \"1h\"\nroom = { rows = 4, bytes = 512 }"+more)
	}
	covered, bare := with(""), with("\ncover = false")
	for _, c := range []struct {
		was, now       string
		cover, pending bool
	}{{covered, covered, true, false}, {covered, bare, true, true}, {bare, covered, true, false}, {bare, bare, false, false}} {
		answers := agreedTo(t, offer(t, c.was), Charter{}, room(t))
		plan, _ := Compile(Inputs{Policy: offer(t, c.now), Sources: room(t), Answers: answers})
		if p := plan.Purposes()[0]; p.State != Given || p.Cover != c.cover || p.Pending() != c.pending {
			t.Errorf("from %t to %t: state %s, cover %t, pending %t", c.was == covered, c.now == covered, p.State, p.Cover, p.Pending())
		}
	}
}
