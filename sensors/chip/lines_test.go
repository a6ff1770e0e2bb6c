package chip

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
)

// wire is a line that a test moves.
type wire struct {
	mu     sync.Mutex
	active bool
	edges  chan bus.Edge
	lost   chan error
	opened []bus.LineOptions
	open   int   // lines that are open now
	fails  error // of opening
}

func newWire() *wire { return &wire{edges: make(chan bus.Edge), lost: make(chan error)} }

func (w *wire) Open(o bus.LineOptions) (Line, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, o)
	if w.fails != nil {
		return nil, w.fails
	}
	w.open++
	return w, nil
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	return nil
}

func (w *wire) Read() (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active, nil
}

func (w *wire) Edges(ctx context.Context, each func(bus.Edge)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.lost:
			return err
		case e := <-w.edges:
			each(e)
		}
	}
}

// move changes the line, after missed changes that nobody saw.
func (w *wire) move(active bool, missed uint32) {
	w.mu.Lock()
	w.active = active
	w.mu.Unlock()
	w.edges <- bus.Edge{Rising: active, Missed: missed}
}

// onWire makes the source of a row on a wire.
func onWire(t *testing.T, name string, settings map[string]string, every time.Duration, w *wire) sensors.Source {
	t.Helper()
	row, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := row.Fields("x", settings)
	if err != nil {
		t.Fatal(err)
	}
	s, err := row.Source(FollowOptions{Open: w.Open, Source: "x", Line: "GPIO17", Fields: fields, Every: every, Clock: sensors.SystemClock{}, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// watch runs the source of a row on a wire until f returns, and gives what it emitted.
func watch(t *testing.T, name string, settings map[string]string, every time.Duration, w *wire, f func(source sensors.Source)) []int64 {
	t.Helper()
	s := onWire(t, name, settings, every, w)
	return follow(t, s, w, func() { f(s) })
}

// follow runs a source on a wire until f returns, and gives what it emitted.
func follow(t *testing.T, s sensors.Source, w *wire, f func()) []int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var got []int64
	done := make(chan error)
	go func() {
		done <- s.Run(ctx, func(r sensors.Reading) error {
			if r.Source != "x" || len(r.Values) != 1 || r.Values[0].Quality != sensors.OK {
				t.Errorf("a reading of %s with %d values", r.Source, len(r.Values))
			}
			got = append(got, r.Values[0].Num)
			return nil
		})
	}()
	synctest.Wait()
	f()
	synctest.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if w.open != 0 {
		t.Errorf("%d lines are left open", w.open)
	}
	return got
}

func TestContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		got := watch(t, "contact", nil, 0, w, func(sensors.Source) {
			w.move(true, 0)
			w.move(false, 0)
			w.move(false, 2) // it was open and shut again meanwhile
			time.Sleep(time.Hour)
		})
		if !slices.Equal(got, []int64{0, 1, 0, 0}) {
			t.Errorf("it says %v", got)
		}
		want := bus.LineOptions{Name: "GPIO17", Bias: bus.PullUp, Debounce: 20 * time.Millisecond}
		if !slices.Equal(w.opened, []bus.LineOptions{want}) {
			t.Errorf("the line was opened as %+v, want %+v", w.opened, want)
		}
	})
}

// With an interval a line is told of without a change too, as it is then, even when a change went unseen.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		got := watch(t, "button", map[string]string{"debounce_ms": "3"}, time.Minute, w, func(sensors.Source) {
			time.Sleep(time.Minute + time.Second)
			w.mu.Lock()
			w.active = true
			w.mu.Unlock()
			time.Sleep(time.Minute)
		})
		if !slices.Equal(got, []int64{0, 0, 1}) {
			t.Errorf("it says %v", got)
		}
		if o := w.opened[0]; !o.ActiveLow || o.Debounce != 3*time.Millisecond {
			t.Errorf("the line was opened as %+v", o)
		}
	})
}

// A line on which nothing happens is asked all the same, and says nothing by it; one that can't be had is tried.
func TestQuietLine(t *testing.T) {
	for name, fails := range map[string]error{"contact": nil, "pulses": nil, "motion": errors.New("no such line")} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			w.fails = fails
			looks := 0
			source := onWire(t, name, nil, time.Hour, w)
			if every := source.(sensors.Beating).Beat(func() { looks++ }); every != time.Minute {
				t.Errorf("%s: a look every %s at the longest", name, every)
			}
			got := follow(t, source, w, func() { time.Sleep(10*time.Minute + time.Second) })
			if looks < 10 || len(got) > 1 {
				t.Errorf("%s: %d looks, and it says %v", name, looks, got)
			}
		})
	}
}

// Ten pulses count ten, and each counts once.
func TestPulses(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     []int64
	}{
		{"pulses", nil, []int64{10, 0, 3}},
		{"energy", nil, []int64{10_000, 0, 3_000}},                                          // 1000 a kWh: 1 Wh each
		{"energy", map[string]string{"pulses_per_kwh": "300000"}, []int64{33, 0, 10}},       // 3.33 mWh each, and nothing is lost
		{"water", map[string]string{"millilitres_per_pulse": "250"}, []int64{2500, 0, 750}}, // a quarter of a litre each
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			got := watch(t, tc.name, tc.settings, 0, w, func(sensors.Source) {
				for range 10 {
					w.move(true, 0)
					w.move(false, 0)
				}
				time.Sleep(2*time.Minute + time.Second)
				w.move(true, 0)
				w.move(true, 3) // down, up, down went unseen
				time.Sleep(time.Minute)
			})
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s %v says %v, want %v", tc.name, tc.settings, got, tc.want)
			}
		})
	}
}

// Whatever is missed, as long as up and down take turns the count is exact; and no part of a unit is lost.
func TestPulsesExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit, per := rapid.Int64Range(1, 1_000_000).Draw(t, "unit"), rapid.Int64Range(1, 1000).Draw(t, "per")
		p := &pulses{unit: unit, per: per}
		level, ups, sum := rapid.Bool().Draw(t, "level"), int64(0), int64(0)
		p.level(level)
		for range rapid.IntRange(0, 50).Draw(t, "edges") {
			missed := rapid.Uint32Range(0, 5).Draw(t, "missed")
			for range missed + 1 {
				if level = !level; level {
					ups++
				}
			}
			p.edge(bus.Edge{Rising: level, Missed: missed})
			if rapid.Bool().Draw(t, "read") {
				sum += p.value()
			}
		}
		if sum += p.value(); sum != ups*unit/per {
			t.Fatalf("%d pulses of %d/%d make %d", ups, unit, per, sum)
		}
	})
}

// A line that is lost is opened again, later each time; what was counted before stays counted.
func TestLineLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		got := watch(t, "pulses", nil, time.Hour, w, func(s sensors.Source) {
			w.move(true, 0)
			synctest.Wait()
			w.fails = &sensors.FaultError{Bus: "GPIO17", Kind: sensors.Gone, Cause: syscall.ENODEV}
			w.lost <- syscall.ENODEV
			time.Sleep(10 * time.Minute)
			status, faults := s.(sensors.Watched).Status(), s.(sensors.Counting).Faults()
			if status.State != sensors.Missing || !errors.Is(status.Last, syscall.ENODEV) || len(faults) != 1 || faults[0].Count < 5 || faults[0].Count > 20 {
				t.Errorf("while it is lost: %v, %v, %+v", status.State, status.Last, faults)
			}
			if text := status.Last.Error(); !strings.Contains(text, "GPIO17") || !strings.Contains(text, "pulses") || strings.Count(text, "GPIO17") != 1 {
				t.Errorf("the error is %q", text)
			}
			w.mu.Lock()
			w.fails = nil
			w.mu.Unlock()
			time.Sleep(2 * time.Minute)
			if status := s.(sensors.Watched).Status(); status.State != sensors.Working || status.Last != nil {
				t.Errorf("after its return: %v, %v", status.State, status.Last)
			}
			w.move(false, 0)
			w.move(true, 0)
			time.Sleep(time.Hour)
		})
		if !slices.Equal(got, []int64{2}) {
			t.Errorf("it says %v", got)
		}
	})
}

// When the agent is busy, changes are counted as missed and none is lost from a count.
func TestSlowAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		row, _ := Named("pulses")
		fields, _ := row.Fields("x", nil)
		s, err := row.Source(FollowOptions{Open: w.Open, Source: "x", Line: "GPIO17", Fields: fields, Every: time.Second, Clock: sensors.SystemClock{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		total, free, done := int64(0), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			_ = s.Run(ctx, func(r sensors.Reading) error {
				<-free
				total += r.Values[0].Num
				return nil
			})
		}()
		time.Sleep(2 * time.Second) // the first reading is stuck in emit
		const many = 3 * waiting
		for range many {
			w.move(true, 0)
			w.move(false, 0)
		}
		close(free)
		synctest.Wait()
		w.move(true, 0)
		time.Sleep(2 * time.Second)
		cancel()
		<-done
		if total != many+1 {
			t.Errorf("%d pulses are counted, want %d", total, many+1)
		}
		if faults := s.(sensors.Counting).Faults(); len(faults) != 1 || faults[0].What != edgesMissed {
			t.Errorf("the faults are %+v", faults)
		}
	})
}

// lineKinds are all rows that follow a line.
func lineKinds(t *testing.T) []Row {
	t.Helper()
	var rows []Row
	for _, r := range Parts() {
		if r.On == GPIO {
			rows = append(rows, r)
		}
	}
	if len(rows) < 6 {
		t.Fatalf("there are %d kinds of line, want 6 at least", len(rows))
	}
	return rows
}

func TestLineConformance(t *testing.T) {
	for _, row := range lineKinds(t) {
		t.Run(row.Name, func(t *testing.T) {
			conforms(t, func() sensors.Source { return onWire(t, row.Name, nil, 5*time.Millisecond, newWire()) })
		})
	}
}
