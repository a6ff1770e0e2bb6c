package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/sensors/chip"
)

// lamp is an output that remembers what it showed.
type lamp struct {
	mu     sync.Mutex
	shown  []bool
	broken error
	closed bool
}

func (l *lamp) Set(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if n := len(l.shown); n == 0 || l.shown[n-1] != on {
		l.shown = append(l.shown, on)
	}
	return nil
}

func (l *lamp) Close() error { l.closed = true; return l.Set(false) }

func (l *lamp) now() []bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.shown)
}

// TestLight: it is on while something is on its way and only then, a short upload is a flash, and it goes off at the end.
func TestLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &lamp{}
		tries := 0
		l := newLight("GPIO22", func(o bus.LineOptions) (output, error) {
			if tries++; tries < 3 {
				return nil, &sensors.FaultError{Bus: "gpio", Operation: "opening", Kind: sensors.Permission, Cause: errors.New("group gpio")}
			}
			return shown, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = l.run(ctx, time.After) })
		synctest.Wait()
		if err := l.get(); err == nil || !strings.Contains(err.Error(), "group gpio") {
			t.Errorf("a line that can't be had gives %v", err)
		}
		time.Sleep(time.Minute)
		if err := l.get(); err != nil || tries != 3 {
			t.Errorf("after %d tries: %v", tries, err)
		}
		for _, step := range []struct {
			tell []bool
			want []bool
		}{{nil, []bool{false}}, {[]bool{true}, []bool{false, true}}, {[]bool{false}, []bool{false, true, false}},
			{[]bool{true, false}, []bool{false, true, false, true, false}}} {
			for _, on := range step.tell {
				l.tell(on)
			}
			synctest.Wait()
			if got := shown.now(); !slices.Equal(got, step.want) {
				t.Errorf("told %v: %v, want %v", step.tell, got, step.want)
			}
		}
		l.tell(true)
		synctest.Wait()
		cancel()
		all.Wait()
		if got := shown.now(); got[len(got)-1] || !shown.closed {
			t.Errorf("at the end the light shows %v", got)
		}
	})
}

// wired is a button's line.
type wired struct {
	edges chan bus.Edge
	lost  chan error
}

func (w *wired) Read() (bool, error) { return false, nil }
func (w *wired) Close() error        { return nil }
func (w *wired) Edges(ctx context.Context, each func(bus.Edge)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.edges:
			each(e)
		case err := <-w.lost:
			return err
		}
	}
}

// TestButton: how long it was held says what is meant, a line that was lost is taken up again, and what was down at the start is no press.
func TestButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wired{edges: make(chan bus.Edge), lost: make(chan error)}
		opened, meant := 0, ""
		b := &button{line: "GPIO23", press: func(context.Context) { meant += "press " }, hold: func() { meant += "hold " }, open: func(o bus.LineOptions) (chip.Line, error) {
			if o.Name != "GPIO23" || !o.ActiveLow || o.Bias != bus.PullUp || o.Debounce != bounce {
				t.Errorf("%+v", o)
			}
			opened++
			return w, nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = b.run(ctx, time.After) })
		at := time.Hour // of the kernel's clock
		for _, step := range []struct {
			held time.Duration // negative: the beginning was not seen
			want string
		}{{50 * time.Millisecond, "press "}, {4999 * time.Millisecond, "press "}, {5 * time.Second, "hold "}, {30 * time.Second, "hold "},
			{30*time.Second + 1, ""}, {time.Hour, ""}, {-1, ""}, {time.Second, "press "}} {
			meant = ""
			if at += time.Minute; step.held >= 0 {
				w.edges <- bus.Edge{Rising: true, At: at}
				if synctest.Wait(); meant != "" {
					t.Errorf("it was taken for a %sbefore it was let go", meant)
				}
			}
			at += max(step.held, 0)
			w.edges <- bus.Edge{At: at}
			if synctest.Wait(); meant != step.want {
				t.Errorf("held for %v: %q, want %q", step.held, meant, step.want)
			}
		}
		meant = ""
		w.edges <- bus.Edge{Rising: true, At: at}
		w.lost <- sensors.Gone
		synctest.Wait()
		if b.get() == nil {
			t.Error("a line that is lost is no trouble")
		}
		w.edges <- bus.Edge{At: at + time.Second} // let go while nobody looked
		synctest.Wait()
		if meant != "" || opened != 2 || b.get() != nil {
			t.Errorf("%q, opened %d times, %v", meant, opened, b.get())
		}
		cancel()
		all.Wait()
	})
}

// TestThePauseButton: a press pauses the object, survives a restart, shows in the status; the next press ends it; and a
// light or button that does not work is said.
func TestThePauseButton(t *testing.T) {
	cfg, err := LoadConfig(writeConfig(t, "[signals]\nsending = \"GPIO22\"\npause = \"GPIO23\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Agent {
		a, err := Open(cfg, Options{Detached: true})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	paused := func(a *Agent) bool {
		s, err := a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return !s.Paused.IsZero() && strings.HasPrefix(s.Truth, "Paused")
	}
	a := open()
	if a.button == nil || a.light == nil || len(a.signalTasks()) != 2 {
		t.Fatal("the signals of the configuration are not there")
	}
	if a.button.press(t.Context()); !paused(a) {
		t.Error("a press pauses nothing")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = open()
	if !paused(a) {
		t.Error("the pause did not survive a restart")
	}
	if a.button.press(t.Context()); paused(a) {
		t.Error("the next press does not end the pause")
	}
	a.light.set(errors.New("no line GPIO22"))
	if s, err := a.Status(t.Context()); err != nil || !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, "no line GPIO22") }) {
		t.Errorf("%v %v", s.Warnings, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSignalsHaveLinesOfTheirOwn: one line can't be two things.
func TestSignalsHaveLinesOfTheirOwn(t *testing.T) {
	for tables, want := range map[string]string{
		"[signals]\nsending = \"GPIO22\"\npause = \"GPIO22\"\n":                                                 "is the light's line already",
		"[signals]\npause = \"GPIO23\"\n[[sensor]]\nname = \"door\"\ndriver = \"contact\"\nline = \"GPIO23\"\n": "the sensor \"door\" has the line GPIO23",
		"[signals]\nsendin = \"GPIO22\"\n":                                                                      "sending",
	} {
		if _, err := LoadConfig(writeConfig(t, tables)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", tables, err)
		}
	}
}
