package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink"
)

// watchedSource is a part whose state a test sets.
type watchedSource struct{ seen sensors.PartStatus }

func (s *watchedSource) Name() string                                           { return "cellar" }
func (s *watchedSource) Fields() []sensors.Field                                { return nil }
func (s *watchedSource) Run(context.Context, func(sensors.Reading) error) error { return nil }
func (s *watchedSource) Status() sensors.PartStatus                             { return s.seen }

// TestHealth: health is that data flows, source by source and way by way.
func TestHealth(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	part := &watchedSource{}
	r := &running{source: part, config: sensors.Config{Name: "cellar", Driver: "bme280", Every: tinyconf.Duration(10 * time.Second)}, state: "running"}
	for _, c := range []struct {
		name string
		seen sensors.PartStatus
		up   time.Duration
		well bool
	}{
		{"reads", sensors.PartStatus{State: sensors.Working, LastGood: now.Add(-20 * time.Second)}, time.Hour, true},
		{"reads, but not in time", sensors.PartStatus{State: sensors.Working, LastGood: now.Add(-91 * time.Second)}, time.Hour, false},
		{"is missing", sensors.PartStatus{State: sensors.Missing, Last: errors.New("no such bus")}, time.Hour, false},
		{"hangs", sensors.PartStatus{State: sensors.Unresponsive}, time.Hour, false},
		{"comes up", sensors.PartStatus{State: sensors.Missing, Last: errors.New("no such bus")}, time.Second, true},
		{"was never tried", sensors.PartStatus{}, time.Hour, false},
	} {
		part.seen = c.seen
		if why := r.ailment(now, c.up); (why == "") != c.well {
			t.Errorf("a part that %s: %q", c.name, why)
		}
	}
	for state, well := range map[string]bool{"running": true, "ended": true, "failed": false, "waiting": false} {
		r := &running{source: brokenSource{"hall", nil}, state: state, err: errors.New("no line GPIO17")}
		if why := r.ailment(now, time.Hour); (why == "") != well {
			t.Errorf("a source that is %s: %q", state, why)
		}
	}
	// A line that speaks when something happens is well however long nothing has.
	part.seen = sensors.PartStatus{State: sensors.Working, LastGood: now.Add(-30 * 24 * time.Hour)}
	line := &running{source: part, config: sensors.Config{Name: "door", Driver: "contact"}, state: "running"}
	if why := line.ailment(now, time.Hour); why != "" {
		t.Error(why)
	}
}

// TestHealthOfAnAgent: without a daemon nothing flows; with one that runs it does; with a source that failed it does not.
func TestHealthOfAnAgent(t *testing.T) {
	clock := &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	a := openAt(t, writeConfig(t, "[[sensor]]\nname = \"hall\"\ndriver = \"simulated\"\nroom = \"hall\"\nevery = \"10s\"\n"), clock)
	defer func() { _ = a.Close() }()
	ask := func() control.Health {
		t.Helper()
		h, err := a.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := ask(); h.OK || h.Sensing || !h.Sending || h.Parts[0].Why != "no daemon runs" {
		t.Errorf("%+v", h)
	}
	a.daemon = true
	a.sources[0].set("running", nil)
	if h := ask(); !h.OK || len(h.Parts) != 3 || h.Parts[1] != (control.PartHealth{Kind: "sensor", Name: "hall", OK: true}) {
		t.Errorf("%+v", h)
	}
	a.sources[0].set("failed", errors.New("it broke"))
	if h := ask(); h.OK || h.Sensing || h.Parts[1].Why != "it broke" {
		t.Errorf("%+v", h)
	}
}

// TestBlockage: a way that fails is left to its retries for an hour.
func TestBlockage(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		failures int
		failing  time.Duration
		well     bool
	}{{0, 0, true}, {1, time.Minute, true}, {40, time.Hour, true}, {40, time.Hour + time.Second, false}} {
		r := uplink.RouteStatus{State: "unreachable", Reason: "no such host", Failures: c.failures, Failing: now.Add(-c.failing)}
		if why := blockage(&r, now); (why == "") != c.well {
			t.Errorf("%d failures in %s: %q", c.failures, c.failing, why)
		}
	}
}
