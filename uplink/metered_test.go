package uplink

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/uplink/transport"
)

// A budget holds over the day, restarts included; the rest goes on the next day, and deletion requests go at once.
func TestAByteBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const budget = 20 << 10
		limits := map[string]transport.Limits{"acme": {PerDay: budget}}
		g := newRig(t, offer("trends", "acme", "1m", "1h", "room = { rows = 60, bytes = 700 }"), offer("air", "acme", "1m", "1h", ""))
		g.limits = limits
		g.reopen()
		line := g.lines["acme"]
		stop := g.run()
		g.sense(6*60, time.Minute)
		stop()
		g.reopen()
		stop = g.run()
		defer func() { stop() }()
		g.sense(11*60, time.Minute)
		used := 0
		for _, m := range line.all("") {
			used += max(len(m.body), 300) + overhead
		}
		if used > budget+2*overhead || used < budget/2 {
			t.Errorf("%d bytes in a day, of %d", used, budget)
		}
		waiting := false
		for _, r := range g.up.Routes() {
			if r.Recipient == "acme" {
				waiting = r.State == "waiting" && r.Circuit == "open" && r.Failures == 0 && r.NextTry.Equal(time.Now().UTC().Truncate(24*time.Hour).Add(24*time.Hour))
			}
		}
		if !waiting {
			t.Errorf("the route does not say that it waits for tomorrow: %+v", g.up.Routes())
		}
		g.withdraw("air")
		time.Sleep(2 * time.Second)
		if len(line.all("deletion")) == 0 {
			t.Error("the deletion request waits for bytes")
		}
		before := len(line.all("batch"))
		time.Sleep(8 * time.Hour)
		if len(line.all("batch")) == before {
			t.Error("nothing is sent the next day")
		}
	})
}

// Outside the windows nothing is sent but deletion requests; inside, what has waited.
func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", ""), offer("air", "acme", "1m", "1h", ""))
		g.limits = map[string]transport.Limits{"acme": {Windows: []transport.Window{{From: 23 * time.Hour, To: time.Hour}, {From: 5 * time.Hour, To: 6 * time.Hour}}}}
		g.reopen()
		line := g.lines["acme"]
		stop := g.run()
		defer stop()
		g.sense(30*60, time.Minute)
		g.withdraw("air")
		g.sense(60, time.Minute)
		batches := line.all("batch")
		for _, m := range batches {
			if h := m.at.UTC().Hour(); h != 23 && h != 0 && h != 5 {
				t.Errorf("a batch at %v", m.at.UTC())
			}
		}
		if len(batches) == 0 || line.rows() < 20*60 {
			t.Errorf("%d batches, %d rows", len(batches), line.rows())
		}
		if d := line.all("deletion"); len(d) == 0 || d[0].at.UTC().Hour() != 6 {
			t.Errorf("the deletion request waited for a window: %v", d)
		}
	})
}

func TestWindowsOfARoute(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 4, hour, minute, 0, 0, time.UTC) }
	r := transport.Route{Windows: []string{"22:30-01:00", "12:00-12:30"}, Budget: "5MiB/d"}
	l, err := r.Limits()
	must(t, err)
	if l.PerDay != 5<<20 {
		t.Error(l.PerDay)
	}
	for now, want := range map[time.Time]time.Time{at(0, 59): at(0, 59), at(1, 0): at(12, 0), at(12, 15): at(12, 15), at(12, 30): at(22, 30), at(23, 0): at(23, 0)} {
		if got := l.Open(now); !got.Equal(want) {
			t.Errorf("at %v: %v, want %v", now, got, want)
		}
	}
	for _, bad := range []transport.Route{{Budget: "5MiB"}, {Budget: "x/d"}, {Budget: "1B/d"}, {Windows: []string{"1-2"}}, {Windows: []string{"01:00-01:00"}}, {Windows: []string{"25:00-26:00"}}} {
		if _, err := bad.Limits(); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
