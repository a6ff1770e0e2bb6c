package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/ledger"
)

// told is a source that emits what it is given, once.
type told struct {
	name   string
	fields []sensors.Field
}

func (s *told) Name() string                                           { return s.name }
func (s *told) Fields() []sensors.Field                                { return s.fields }
func (s *told) Run(context.Context, func(sensors.Reading) error) error { return nil }
func field(t *testing.T, source, quantity, kind string) sensors.Field {
	t.Helper()
	k, ok := sensors.KindNamed(kind)
	if !ok {
		t.Fatal(kind)
	}
	return sensors.NewField(source, quantity, k)
}

// lived makes the sensors of a home in which this was measured, by source.
func lived(t *testing.T, history map[string][][]sensors.Value) []*running {
	t.Helper()
	all := []*running{
		{source: &told{"room", []sensors.Field{field(t, "room", "temperature", "temperature"), field(t, "room", "co2", "co2")}}, state: "running"},
		{source: &told{"door", []sensors.Field{field(t, "door", "open", "contact")}}, state: "running"},
		{source: &told{"badge", []sensors.Field{field(t, "badge", "id", "badge")}}, state: "running"},
		{source: &told{"place", []sensors.Field{field(t, "place", "latitude", "latitude")}}, state: "running"},
	}
	at := time.Unix(1e9, 0)
	for _, r := range all {
		for i, values := range history[r.source.Name()] {
			r.seen.take(&sensors.Reading{Values: values}, at.Add(time.Duration(i)*time.Second))
		}
	}
	return all
}

// TestVerdictsTellNothingOfPeople: two homes with the same temperature and different people look the same once somebody
// agreed to something; in the workshop they do not.
func TestVerdictsTellNothingOfPeople(t *testing.T) {
	n := sensors.Number
	empty := map[string][][]sensors.Value{
		"room": {{n(20_000), n(400_00)}, {n(21_000), n(400_00)}}, "door": {{n(0)}, {n(0)}}, "badge": {{{}}, {{}}}, "place": {{{}}, {{}}},
	}
	party := map[string][][]sensors.Value{
		"room": {{n(20_000), n(900_00)}, {n(21_000), n(2500_00)}}, "door": {{n(0)}, {n(1)}}, "badge": {{{}}, {sensors.Token("04a1")}}, "place": {{{}}, {n(45_0000000)}},
	}
	looks := func(history map[string][][]sensors.Value, workshop bool) string {
		a := &Agent{opts: defaults(Options{Clock: fixed{}})}
		var all []control.Look
		for _, r := range lived(t, history) {
			all = append(all, a.lookAt(r, workshop))
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if a, b := looks(empty, false), looks(party, false); a != b {
		t.Errorf("who was there can be told:\n%s\n%s", a, b)
	} else if strings.Contains(a, `"value"`) || !strings.Contains(a, `"room.temperature","unit":"Cel","present":"yes","in_range":"yes","moving":"yes","spread":"normal"`) {
		t.Errorf("%s", a)
	}
	if a, b := looks(empty, true), looks(party, true); a == b || !strings.Contains(b, `"value":"2500.00 ppm"`) {
		t.Errorf("the workshop shows no values: %s", b)
	}
}

type fixed struct{ sensors.SystemClock }

func (fixed) Now() time.Time { return time.Unix(1e9+5, 0) }

// TestTheWorkshopEnds: with the first yes of any kind values and transcripts are over, also after it was taken back.
func TestTheWorkshopEnds(t *testing.T) {
	cfg, err := LoadConfig(writeConfig(t, "[[sensor]]\nname = \"hall\"\ndriver = \"simulated\"\nroom = \"hall\"\nevery = \"1s\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if looks, err := LookAtSensors(t.Context(), cfg, nil, Options{}); err != nil || !looks.Workshop || looks.Sensors[0].Fields[0].Value == "" {
		t.Errorf("%+v %v", looks, err)
	}
	if _, err := os.Stat(cfg.Device.State); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a look has made the state directory: %v", err)
	}
	a, err := Open(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.keys.NewGrant(1, "trends"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.book.Give(ledger.Answer{Purpose: "trends", Given: 1, Until: 2}, 1); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.keys.Destroy(1), a.book.Withdraw(1, 2, "person", "")); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	looks, err := LookAtSensors(t.Context(), cfg, []string{"hall"}, Options{})
	if err != nil || looks.Workshop || looks.Sensors[0].Fields[0].Value != "" || looks.Sensors[0].Fields[0].Present != yes {
		t.Errorf("%+v %v", looks, err)
	}
	if err := RecordSensor(t.Context(), cfg, "hall", 1, nil, Options{}); !errors.Is(err, control.ErrNotAllowed) {
		t.Errorf("a transcript after the first yes: %v", err)
	}
}
