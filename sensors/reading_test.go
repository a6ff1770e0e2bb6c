package sensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestValuesAreNotShown prints a value every way there is and looks for it.
func TestValuesAreNotShown(t *testing.T) {
	const token = "lea-0417"
	number, text := Number(7731), Token(token)
	reading := Reading{Source: "hall", Values: []Value{number, text}}
	shown := func(how, out string) {
		for _, secret := range []string{token, "7731", "0417", "1e33", "6c65612d30343137"} {
			if strings.Contains(out, secret) {
				t.Errorf("%s shows %s", how, out)
			}
		}
	}
	things := map[string]any{"number": number, "text": text, "pointer": &text, "reading": reading,
		"pointer to a reading": &reading, "slice": reading.Values, "map": map[string]Value{"a": text},
		"struct": struct{ V Value }{text}}
	for name, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%08d"} {
			shown(name+" as "+verb, fmt.Sprintf(verb, thing))
		}
		shown(name+" with Sprint", fmt.Sprint(thing))
		shown(name+" in an error", fmt.Errorf("bad: %v", thing).Error())
		encoded, err := json.Marshal(thing)
		if err != nil {
			t.Errorf("%s as JSON: %v", name, err)
		}
		shown(name+" as JSON", string(encoded))
		var log bytes.Buffer
		timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // a moment may have the digits too
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}
		slog.New(slog.NewTextHandler(&log, timeless)).Info("x", "thing", thing)
		slog.New(slog.NewJSONHandler(&log, timeless)).Info("x", "thing", thing)
		shown(name+" in a log", log.String())
	}
}

func TestMicrosFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Micros(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "time"))
		step := Micros(rapid.Int64Range(1, 1<<50).Draw(t, "step"))
		f := m.Floor(step)
		if f > m || m-f >= step || f%step != 0 {
			t.Fatalf("%d.Floor(%d) = %d", int64(m), int64(step), int64(f))
		}
	})
	for at, want := range map[Micros]int64{0: 0, Day - 1: 0, Day: 1, -1: -1, -Day: -1, -Day - 1: -2} {
		if got := at.DayNumber(); got != want {
			t.Errorf("%d is in day %d, want %d", int64(at), got, want)
		}
	}
}

func TestQualityString(t *testing.T) {
	for q, want := range map[Quality]string{Absent: "absent", OK: "ok", Stale: "stale", OutOfRange: "out-of-range",
		Fault: "fault", 9: "quality(9)"} {
		if q.String() != want {
			t.Errorf("%d is called %s, want %s", uint8(q), q, want)
		}
	}
	for typ, want := range map[Type]string{Numeric: "number", Boolean: "boolean", Text: "token"} {
		if typ.String() != want {
			t.Errorf("%d is called %s, want %s", uint8(typ), typ, want)
		}
	}
}
