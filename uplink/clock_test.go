package uplink

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/uplink/timeline"
	"github.com/candor-edge/candor/uplink/wire"
)

// kernelOf is a machine whose wall clock is off and not set until synced says so.
func kernelOf(off *time.Duration, synced *bool) timeline.Kernel {
	began := time.Now()
	return timeline.Kernel{Wall: func() time.Time { return time.Now().Add(*off) }, Since: func() time.Duration { return time.Since(began) + time.Minute },
		Synced: func() bool { return *synced }, Boot: [8]byte{1}}
}

// follow has the rig count time as an object with such a machine does.
func follow(t *testing.T, g *rig, off *time.Duration, synced *bool) {
	t.Helper()
	k, err := timeline.Open(timeline.Options{Kernel: kernelOf(off, synced), Load: g.book.Clock, Save: g.book.SetClock, Rand: rand.Reader})
	must(t, err)
	g.up.Time, g.up.Clock, g.count = k, k, k
}

// Rows of a clock that nothing has set leave with what is known: the boot, their order, and a guess where there is one; and
// with their right time once the clock is set. Nothing waits for that.
func TestBatchesSayWhatTheyKnow(t *testing.T) {
	for name, tt := range map[string]struct {
		off   time.Duration
		guess bool
	}{"1970": {-40 * 365 * 24 * time.Hour, false}, "ten years ahead": {10 * 365 * 24 * time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(27 * 365 * 24 * time.Hour) // from 2000 to about 2027
				off, synced := tt.off, false
				g := newRig(t, offer("trends", "acme", "1m", "1h", ""), offer("other", "other", "1m", "1h", ""))
				follow(t, g, &off, &synced)
				g.close()
				g.open()
				follow(t, g, &off, &synced)
				for _, a := range g.book.Answers() { // the yes is given by the same clock
					g.withdraw(a.Purpose)
				}
				for _, p := range g.plan.Purposes() {
					g.grant(p)
				}
				stop := g.run()
				g.sense(3*60, time.Minute)
				stop()
				before := g.lines["acme"].all("batch")
				if len(before) == 0 {
					t.Fatal("an untrusted clock holds uploads up")
				}
				var boot [8]byte
				order := int64(-1)
				for _, m := range before {
					c, rows := clockOf(t, g, m)
					if !c.Untrusted || c.Anchored != tt.guess || tt.guess && c.Error < 24*60 {
						t.Errorf("%+v", c)
					}
					if boot != ([8]byte{}) && c.Boot != boot {
						t.Error("two names of one boot in a stream")
					}
					boot = c.Boot
					for _, at := range rows {
						if at < order {
							t.Error("the order is lost")
						}
						order = at
					}
				}
				for _, m := range g.lines["other"].all("batch") {
					if c, _ := clockOf(t, g, m); c.Boot == boot {
						t.Error("one name of a boot in two streams")
					}
				}
				recorded := time.Now()
				g.sense(30, time.Minute)
				off, synced = 0, true
				time.Sleep(2 * time.Second)
				if _, ok := g.count.Trusted(); !ok {
					t.Fatal("a clock that was set is not trusted")
				}
				must(t, g.drain(time.Minute))
				late := 0
				for _, m := range g.lines["acme"].all("batch")[len(before):] {
					c, rows := clockOf(t, g, m)
					for _, at := range rows {
						tick, miss, ok := c.WallTick(at)
						if wall := time.Unix(tick*60, 0); ok && wall.After(recorded.Add(-time.Hour-2*time.Minute)) && wall.Before(time.Now().Add(2*time.Minute)) && miss <= 2 {
							late++
						}
					}
				}
				if late < 30 {
					t.Errorf("%d rows with their right time after the clock was set, want 30", late)
				}
			})
		})
	}
}

// A clock that was years ahead was believed at a start and is right since: the object relies on none, and a real recipient takes what it sends
// and keeps it for no longer than what was taken today.
func TestAClockThatWasAheadHoldsNothing(t *testing.T) {
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	line, there := againstReceiver(t, g, nil)
	off, synced := 2*365*24*time.Hour, true
	follow(t, g, &off, &synced)
	g.sense(10, 0)
	must(t, g.drain(5*time.Second))
	must(t, g.count.Save(true))
	before := there.rows(t, "trends")
	if _, ok := g.count.Trusted(); !ok || before != 10 {
		t.Fatalf("a clock that was set is not trusted, or %d rows arrived, want 10", before)
	}
	g.reopen()
	off = 0
	follow(t, g, &off, &synced)
	g.up.routes["acme"].line = line
	if _, ok := g.count.Trusted(); ok {
		t.Fatal("a clock that says an earlier time than was seen is trusted")
	}
	g.sense(10, 0)
	must(t, g.drain(5*time.Second))
	text, err := os.ReadFile(filepath.Join(there.dir, "trends.jsonl"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 20 {
		t.Fatalf("%d rows at the recipient, want 20", len(lines))
	}
	latest := time.Now().AddDate(0, 0, g.plan.Purposes()[0].Retention+3).Format(time.DateOnly)
	for _, l := range lines[before:] {
		var row struct {
			Boot     string `json:"boot"`
			DeleteBy string `json:"delete_by"`
		}
		must(t, json.Unmarshal([]byte(l), &row))
		if row.Boot == "" || row.DeleteBy > latest {
			t.Errorf("a row of boot %q is kept until %s, want %s at the latest", row.Boot, row.DeleteBy, latest)
		}
	}
}

// clockOf opens a batch: what it says of its clock, and the times of its rows.
func clockOf(t *testing.T, g *rig, m message) (wire.Clock, []int64) {
	t.Helper()
	b := g.decoded(m)
	if int64(b.DeleteBy) < 0 || len(b.Groups) != 1 {
		t.Fatalf("%+v", b)
	}
	return b.Clock, b.Groups[0].Time
}

func TestEdges(t *testing.T) {
	minute := int64(sensors.Minute)
	a := &wire.Announcement{Tick: 15 * minute, Groups: []wire.Group{{Window: 60 * minute}, {Window: 5 * minute}, {Window: 90 * minute}, {}}}
	if got := edgeOf(a); got != 180*sensors.Minute {
		t.Errorf("%d", got)
	}
}
