package consent

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/candor-edge/candor/sensors"
)

func mineSources(t *testing.T) []SourceFields {
	t.Helper()
	temperature, ok := sensors.KindNamed("temperature")
	token, ok2 := sensors.KindNamed("label")
	if !ok || !ok2 {
		t.Fatal("kinds are missing")
	}
	return []SourceFields{{Name: "hall", Fields: []sensors.Field{
		{Name: "hall.temperature", Kind: temperature, Class: sensors.Environment},
		{Name: "hall.label", Kind: token, Class: sensors.Usage},
		{Name: "hall.owner", Kind: token, Class: sensors.Contact},
	}}}
}

func mineReading() *sensors.Reading {
	return &sensors.Reading{Source: "hall", Time: 50, Taken: 100, Values: []sensors.Value{
		sensors.Number(-21_500), sensors.Token("jean@example.org"), sensors.Token("jean@example.org")}}
}

// Nothing is kept without a yes, before it, or of a source nobody knows; and what is kept is as it was measured.
func TestMineKeepsOnlyUnderAYes(t *testing.T) {
	in := MineInputs{Sources: mineSources(t), Keep: 30}
	asked := CompileMine(in)
	if _, _, ok := asked.Keep(mineReading(), nil); ok || asked.State != Asked {
		t.Fatal("a reading was kept that nobody agreed to")
	}
	in.Answer = &Answer{State: Given, Grant: Grant{ID: 3, Purpose: MineID, From: 100, Extent: asked.Extent}}
	m := CompileMine(in)
	k, refused, ok := m.Keep(mineReading(), nil)
	if !ok || len(refused) != 1 || refused[0] != "hall.label" || k.Cells()[0] != (Cell{Num: -21_500, Set: true}) {
		t.Fatalf("kept %v, refused %v", ok, refused)
	}
	if k.Cells()[1].Set || k.Cells()[2].Token != "jean@example.org" {
		t.Error("contact data belongs into fields that are declared so, and into no other")
	}
	early := mineReading()
	early.Taken = 99
	if _, _, ok := m.Keep(early, nil); ok {
		t.Error("a reading from before the yes was kept")
	}
	other := mineReading()
	other.Source = "attic"
	if _, _, ok := m.Keep(other, nil); ok {
		t.Error("a reading of an unknown source was kept")
	}
	in.Answer.State = Withdrawn
	if _, _, ok := CompileMine(in).Keep(mineReading(), nil); ok {
		t.Error("a reading was kept after the withdrawal")
	}
}

// A longer retention in the configuration waits for a new answer; a shorter one holds at once.
func TestMineRetentionWidensOnlyWithAnAnswer(t *testing.T) {
	for _, c := range []struct{ keep, agreed, want int }{{30, 30, 30}, {366, 30, 30}, {7, 30, 7}} {
		in := MineInputs{Keep: c.keep, Agreed: c.agreed}
		in.Answer = &Answer{State: Given, Grant: Grant{ID: 1, Purpose: MineID, Extent: mineExtent()}}
		if got := CompileMine(in).Days; got != c.want {
			t.Errorf("keep %d, agreed %d: %d days, want %d", c.keep, c.agreed, got, c.want)
		}
	}
}

func TestPolicyMayNotNameMine(t *testing.T) {
	_, err := LoadPolicy(mineFile(MineID), "policy.toml")
	if err == nil || !strings.Contains(err.Error(), "history kept for the person") {
		t.Fatalf("a policy named a purpose mine: %v", err)
	}
	if _, err := LoadPolicy(mineFile("trends"), "policy.toml"); err != nil {
		t.Fatal(err)
	}
}

const minePolicy = `
version = 1
[controller]
name = "Acme"
[[recipient]]
id = "acme"
name = "Acme"
[[purpose]]
id = "ID"
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1h"
  [[purpose.rule]]
  field = "hall.temperature"
  action = "keep"
`

func mineFile(id string) func(string) (fs.File, error) {
	files := fstest.MapFS{"policy.toml": {Data: []byte(strings.ReplaceAll(minePolicy, "ID", id))}}
	return files.Open
}
