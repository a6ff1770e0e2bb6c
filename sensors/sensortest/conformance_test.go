package sensortest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// made is a source whose every part can be replaced. It ends after ten readings, resumes, and counts.
type made struct {
	name   string
	fields []sensors.Field
	run    func(m *made, ctx context.Context, emit func(sensors.Reading) error) error
	faults []sensors.FaultCount
	resume uint64
}

func good() *made {
	number, _ := sensors.KindNamed("temperature")
	text, _ := sensors.KindNamed("badge")
	return &made{name: "room", run: (*made).ten,
		fields: []sensors.Field{sensors.NewField("room", "temperature", number), sensors.NewField("room", "badge", text)}}
}

func (m *made) ten(ctx context.Context, emit func(sensors.Reading) error) error {
	values := make([]sensors.Value, 2)
	for i := m.resume; i < 10; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		values[0], values[1] = sensors.Number(int64(i)), sensors.Token("card")
		if err := emit(sensors.Reading{Source: m.name, Time: sensors.Micros(i), Position: i + 1, Values: values}); err != nil {
			return err
		}
	}
	return nil
}

func (m *made) Name() string                 { return m.name }
func (m *made) Fields() []sensors.Field      { return m.fields }
func (m *made) Ends() bool                   { return true }
func (m *made) Recording() string            { return "tape" }
func (m *made) Resume(position uint64)       { m.resume = position }
func (m *made) Faults() []sensors.FaultCount { return m.faults }
func (m *made) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	return m.run(m, ctx, emit)
}

// with returns a good source that does something to each reading before it is emitted.
func with(change func(r *sensors.Reading)) func() sensors.Source {
	return func() sensors.Source {
		m := good()
		m.run = func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
			return m.ten(ctx, func(r sensors.Reading) error {
				change(&r)
				return emit(r)
			})
		}
		return m
	}
}

// value returns a good source whose first field has the value v.
func value(v sensors.Value) func() sensors.Source {
	return with(func(r *sensors.Reading) { r.Values[0] = v })
}

// runs returns a good source with another Run.
func runs(run func(m *made, ctx context.Context, emit func(sensors.Reading) error) error) func() sensors.Source {
	return func() sensors.Source {
		m := good()
		m.run = run
		return m
	}
}

// changed returns a good source that was changed.
func changed(change func(m *made)) func() sensors.Source {
	return func() sensors.Source {
		m := good()
		change(m)
		return m
	}
}

func TestConformancePasses(t *testing.T) {
	Conformance(t, func() sensors.Source { return good() })
}

// TestConformanceFinds breaks one thing of a good source at a time and expects the finding.
func TestConformanceFinds(t *testing.T) {
	var opened int64
	for _, c := range []struct {
		name string
		open func() sensors.Source
		want string
	}{
		{"bad name", changed(func(m *made) { m.name = "the room" }), "names: name: \"the room\" has a character"},
		{"no fields", changed(func(m *made) { m.fields = nil }), "there are no fields"},
		{"field of another", changed(func(m *made) { m.fields[0].Name = "hall.temperature" }), "does not start with the source's"},
		{"field twice", changed(func(m *made) { m.fields[1].Name = m.fields[0].Name }), "is there twice"},
		{"dot in a quantity", changed(func(m *made) { m.fields[0].Name = "room.a.b" }), "has a character"},
		{"made-up kind", changed(func(m *made) { m.fields[0].Kind.Scale = 5 }), "is not one of the table"},
		{"made-up class", changed(func(m *made) { m.fields[0].Class = "secret" }), "is not one of the list"},
		{"other source", with(func(r *sensors.Reading) { r.Source = "hall" }), "not the one that emits it"},
		{"taken", with(func(r *sensors.Reading) { r.Taken = 1 }), "when it was taken"},
		{"too few values", with(func(r *sensors.Reading) { r.Values = r.Values[:1] }), "1 values for 2 fields"},
		{"position stands", with(func(r *sensors.Reading) { r.Position = 1 }), "its position does not come after"},
		{"absent zero", value(sensors.Value{Num: 5}), "absent and still there is a value"},
		{"fault with a value", value(sensors.Value{Num: 5, Quality: sensors.Fault}), "fault and still there is a value"},
		{"no quality", value(sensors.Value{Quality: 9}), "quality(9) is no quality"},
		{"too hot", value(sensors.Number(900_000)), "the quality is ok and the value outside the range"},
		{"in range all the same", value(sensors.Value{Num: 1, Quality: sensors.OutOfRange}), "the value is in range"},
		{"token in a number", value(sensors.Token("x")), "it is a number and has a token"},
		{"empty token", with(func(r *sensors.Reading) { r.Values[1] = sensors.Token("") }), "it is no token of 1 to 64 bytes"},
		{"long token", with(func(r *sensors.Reading) { r.Values[1] = sensors.Token(strings.Repeat("x", 65)) }), "it is no token"},
		{"draws lots", func() sensors.Source {
			opened++
			return value(sensors.Number(opened))()
		}, "reading 0 differs in a second run"},
		{"relies on values", relies(), "readings: reading 1: field \"room.badge\""},
		{"error at the end", runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
			return errors.Join(m.ten(ctx, emit), errors.New("no more paper"))
		}), "running a source that ends: no more paper"},
		{"goes on after emit failed", runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
			return m.ten(ctx, func(r sensors.Reading) error { _ = emit(r); return nil })
		}), "emit was called again after it had failed"},
		{"hides the error of emit", runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
			_ = m.ten(ctx, emit)
			return nil
		}), "not the error of emit"},
		{"can't resume", runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
			m.resume = 0
			return m.ten(ctx, emit)
		}), "after Resume with the position of reading 0, reading 0"},
		{"fault without a name", changed(func(m *made) { m.faults = []sensors.FaultCount{{Count: 1}} }), "a fault has no name"},
		{"fault twice", changed(func(m *made) {
			m.faults = []sensors.FaultCount{{What: "bad", Count: 1}, {What: "bad", Count: 2}}
		}), `the fault "bad" at "" is there twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if found := findings(c.open); !strings.Contains(found, c.want) {
				t.Errorf("found:\n%s\nwant a line with: %s", found, c.want)
			}
		})
	}
}

// TestConformanceFindsSlow has the faults that take their time to be found: each is looked for by one check.
func TestConformanceFindsSlow(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	deaf := runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
		err := m.ten(ctx, emit) // it may hear there that it is to stop
		<-release
		return err
	})
	if err := checkCancel(deaf); err == nil || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("a source that does not hear its context: %v", err)
	}
	leaks := runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
		go func() { <-release }()
		return m.ten(ctx, emit)
	})
	if err := checkEmitFails(leaks); err == nil || !strings.Contains(err.Error(), "goroutines are left") {
		t.Errorf("a source that leaves a goroutine: %v", err)
	}
	early := runs(func(*made, context.Context, func(sensors.Reading) error) error { return errors.New("tripped") })
	if err := checkCancel(early); err == nil || !strings.Contains(err.Error(), "before anything stopped it") {
		t.Errorf("a source that fails at once: %v", err)
	}
	wrong := runs(func(m *made, ctx context.Context, _ func(sensors.Reading) error) error {
		<-ctx.Done()
		return errors.New("somebody pulled the plug")
	})
	for _, check := range []func(func() sensors.Source) error{checkCancel, checkCancelledBefore} {
		if err := check(wrong); err == nil || !strings.Contains(err.Error(), "the context's error is right") {
			t.Errorf("a source with an error of its own: %v", err)
		}
	}
}

// relies returns a source that sets a value once and expects to find it again.
func relies() func() sensors.Source {
	return runs(func(m *made, ctx context.Context, emit func(sensors.Reading) error) error {
		values := []sensors.Value{sensors.Number(1), sensors.Token("card")}
		for i := range uint64(3) {
			values[0] = sensors.Number(int64(i))
			if err := emit(sensors.Reading{Source: m.name, Position: i + 1, Values: values}); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

func findings(open func() sensors.Source) string {
	var found strings.Builder
	for _, c := range checks() {
		if err := c.check(open); err != nil {
			found.WriteString(c.name + ": " + err.Error() + "\n")
		}
	}
	return found.String()
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	c := NewClock(start)
	if got := <-c.After(time.Hour); !got.Equal(start.Add(time.Hour)) || !c.Now().Equal(got) {
		t.Errorf("after an hour it is %v, and the clock says %v", got, c.Now())
	}
	if got := <-c.After(-time.Hour); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("a wait of less than nothing moved the clock to %v", got)
	}
	c.Set(start)
	if !c.Now().Equal(start) {
		t.Errorf("set to %v, it says %v", start, c.Now())
	}
}
