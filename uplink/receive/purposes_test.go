package receive

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

func readMeanings(t *testing.T, dir string) map[string][]meaning {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "purposes.json"))
	must(t, err)
	var m map[string][]meaning
	must(t, json.Unmarshal(text, &m))
	return m
}

func TestPurposesAreDescribed(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	one, same := newObject(t, 1, nil), newObject(t, 2, nil)
	coarse := newObject(t, 3, func(a *wire.Announcement) {
		a.Plan[0]++
		a.Groups[0].Window = 7200_000_000
		a.Groups[0].Fields = a.Groups[0].Fields[:1]
		a.Groups[0].Fields[0].Step = 500
	})
	other := newObject(t, 4, func(a *wire.Announcement) { a.Purpose = "trends" })
	for _, o := range []*object{one, same, coarse, other} {
		must(t, o.announce(s))
	}
	must(t, s.Close())
	m := readMeanings(t, dir)
	if len(m) != 2 || len(m["service"]) != 2 || len(m["trends"]) != 1 {
		t.Fatalf("%+v", m)
	}
	fine, round := m["service"][0].Fields, m["service"][1].Fields["room.temperature"]
	if f := fine["room.temperature"]; f.Unit != "Cel" || string(f.Step) != "0.001" || string(f.Min) != "-40" || string(f.Max) != "85" || f.Window != nil {
		t.Errorf("%+v", f)
	}
	if fine["room.mode"].Labels[0] != "day" || fine["room.badge"].Type != "pseudonym" || fine["room.open"].Step != nil {
		t.Errorf("%+v", fine)
	}
	if string(round.Step) != "0.5" || string(round.Window) != "7200" {
		t.Errorf("%+v", round)
	}
	// It comes back when somebody removes it.
	must(t, os.Remove(filepath.Join(dir, "purposes.json")))
	mustOpen(t, dir)
	if again := readMeanings(t, dir); len(again["service"]) != 2 {
		t.Errorf("%+v", again)
	}
}
