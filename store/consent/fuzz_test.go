package consent

import (
	"strings"
	"testing"

	"github.com/candor-edge/candor/sensors"
)

// FuzzPolicy gives the loader any text. It must not panic, every error must name the file, and what it accepts must
// compile, clear a reading and let nothing out while nobody has said yes.
func FuzzPolicy(f *testing.F) {
	for _, rules := range []string{
		aRule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nround = 0.5"),
		aRule("room.humidity", "action = \"bucket\"\nedges = [30, 45.67, 60]"),
		aRule("room.mode", "action = \"keep\"\nlabels = [\"eco\"]") + aRule("room.badge", "action = \"pseudonym\""),
		aRule("room.temperature", "action = \"clamp\"\nmin = -9e9\nmax = 9e9\nround = 1e-3"),
	} {
		f.Add(strings.NewReplacer("%s\n%s", "1h\"\n"+rules).Replace(frame))
		f.Add(strings.Replace(strings.Replace(frame, "%s", "1h", 1), "%s", rules, 1))
	}
	f.Add("version = 1\n[[purpose]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePolicy("policy.toml", []byte(text))
		if err != nil {
			if !strings.Contains(err.Error(), "policy.toml") {
				t.Fatalf("an error that names no file: %v", err)
			}
			return
		}
		values := []sensors.Value{sensors.Number(-1234), sensors.Number(9999), sensors.Number(1), sensors.Token("x"), sensors.Token("eco")}
		asked, findings := Compile(Inputs{Policy: p, Sources: room(t)})
		w := NewWindows(fixedKeys{})
		if rows := asked.Clear(w, reading(0, values...), nil); len(rows) > 0 {
			t.Fatal("rows left without a yes")
		}
		var answers []Answer
		for i, q := range asked.Purposes() {
			answers = append(answers, Answer{State: Given, Grant: Grant{ID: GrantID(i + 1), Purpose: q.ID, Extent: q.Extent}})
		}
		plan, _ := Compile(Inputs{Policy: p, Sources: room(t), Answers: answers})
		rows := plan.Clear(w, reading(0, values...), nil)
		rows = append(rows, plan.CloseSource(w, "room", nil)...)
		for _, r := range rows {
			checkForm(t, r, findings)
		}
	})
}

// checkForm holds a row against the form its purpose announces: the alphabet that receivers check.
func checkForm(t *testing.T, r Cleared, findings []Finding) {
	t.Helper()
	group := r.Purpose().Groups[r.Group()]
	if len(r.Cells()) != len(group.Fields) {
		t.Fatalf("%d cells for %d fields (%v)", len(r.Cells()), len(group.Fields), findings)
	}
	for i, c := range r.Cells() {
		f := group.Fields[i]
		if !c.Set || c.Token != "" {
			continue
		}
		if c.Num < f.Min || c.Num > f.Max || c.Num%f.Step != 0 {
			t.Fatalf("field %s (%s): a value outside its announced form [%d, %d] step %d", f.Field, f.Actions, f.Min, f.Max, f.Step)
		}
	}
}
