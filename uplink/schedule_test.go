package uplink

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		upload := sensors.Micros(rapid.SampledFrom([]int64{1, 60, 3600, 86400, 7 * 86400}).Draw(t, "upload")) * sensors.Second
		now := sensors.Micros(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "now"))
		name := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "name"))
		next := slotAfter(now, upload, name)
		if next <= now || next-now > upload {
			t.Fatalf("the slot after %d is %d", now, next)
		}
		if slotAfter(next, upload, name) != next+upload || slotAfter(next-1, upload, name) != next {
			t.Fatal("slots are not one schedule apart")
		}
		n := rapid.Int64Range(0, 1000).Draw(t, "later")
		if got := slotsIn(now, now+sensors.Micros(n)*upload, upload, name); got != n {
			t.Fatalf("%d slots in %d schedules", got, n)
		}
	})
}

// Where streams send is spread over the schedule.
func TestSlotsAreSpread(t *testing.T) {
	var tenths [10]int
	for i := range 1000 {
		tenths[phase([16]byte{byte(i), byte(i >> 8)}, sensors.Hour)*10/sensors.Hour]++
	}
	for i, n := range tenths {
		if n < 60 || n > 150 {
			t.Errorf("%d of 1000 streams send in tenth %d of the hour", n, i)
		}
	}
}

func TestOwed(t *testing.T) {
	p := &consent.Purpose{Upload: sensors.Hour, Epoch: 30 * sensors.Day, Grant: consent.Grant{From: 1000 * sensors.Hour}}
	s := &ledger.Stream{Epoch: 1, OpenedAt: 1000 * sensors.Hour}
	tests := []struct {
		after sensors.Micros // hours since it was opened
		cut   uint64
		want  int64
	}{{1, 0, 1}, {2, 1, 1}, {10, 1, 9}, {10, 9, 1}, {10, 10, 1}, {1, 500, 1}, {-5, 0, 1}}
	for _, tt := range tests {
		if got := owed(s, p, (1000+tt.after)*sensors.Hour, tt.cut+1); got != tt.want {
			t.Errorf("%d hours, %d cut: %d owed, want %d", tt.after, tt.cut, got, tt.want)
		}
	}
}

// inSlot fails when a batch was sent outside the slots of its stream; the loop may be a moment late.
func (g *rig) inSlot(m message, upload sensors.Micros) {
	g.t.Helper()
	at := sensors.Micros(m.at.UnixMicro())
	slot := slotAfter(at, upload, m.stream) - upload
	if late := at - slot; late > 100*sensors.Millisecond {
		g.t.Errorf("batch %d was sent %v after its slot", m.seq, time.Duration(late)*time.Microsecond)
	}
}

func TestUploadsKeepToTheirSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
		stop := g.run()
		g.sense(5*60, time.Minute)
		slot, ok := g.up.NextSlot(g.number("trends").Number)
		if !ok {
			t.Fatal("the next slot is not known")
		}
		stop()
		before := len(g.lines["acme"].all("batch"))
		g.reopen()
		stop = g.run()
		time.Sleep(time.Second)
		if again, _ := g.up.NextSlot(g.number("trends").Number); !again.Equal(slot) {
			t.Errorf("the next slot was %v, and %v after a restart", slot, again)
		}
		for range 100 {
			g.up.Wake() // makes nothing leave before its time
			time.Sleep(time.Second)
		}
		g.sense(3*60, time.Minute)
		stop()
		batches := g.lines["acme"].all("batch")
		if before < 4 || len(batches) < before+3 {
			t.Fatalf("%d batches in 5 hours, %d in 8", before, len(batches))
		}
		for _, m := range batches {
			g.inSlot(m, sensors.Hour)
		}
	})
}

// A stream opens with its first row. What comes after the loop has looked for one does not wait until it looks again in a minute.
func TestTheFirstRowKeepsToTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
		defer g.run()()
		time.Sleep(5 * time.Second) // the loop has found nothing
		begun := time.Now()
		g.sense(4, time.Second)
		all := g.lines["acme"].all("batch")
		if len(all) == 0 {
			t.Fatal("nothing was sent within four seconds, at an upload a second")
		}
		if late := all[0].at.Sub(begun); late > 3*time.Second {
			t.Errorf("the first row was sent after %v", late)
		}
	})
}

func TestAClockThatIsSet(t *testing.T) {
	for name, shift := range map[string]time.Duration{"back a day": -24 * time.Hour, "back an hour": -time.Hour, "forward": 36 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(45 * 24 * time.Hour) // the middle of an epoch
				g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
				stop := g.run()
				defer stop()
				g.sense(3*60, time.Minute)
				before := len(g.lines["acme"].all("batch"))
				g.clock.shift.Store(int64(shift))
				time.Sleep(2 * time.Minute)
				if after := len(g.lines["acme"].all("batch")); after > before+1 {
					t.Errorf("%d batches within two minutes of setting the clock", after-before)
				}
				slot, _ := g.up.NextSlot(g.number("trends").Number)
				if wait := slot.Sub(g.clock.Now()); wait < 0 || wait > time.Hour {
					t.Errorf("the next slot is %v away", wait)
				}
			})
		})
	}
}

// A stream with a room sends as many uploads, of one size, whatever is measured.
func TestARoomTellsNothing(t *testing.T) {
	const room = "room = { rows = 4, bytes = 600 }"
	pattern := func(perHour int) (at []time.Time) {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, offer("trends", "acme", "1m", "1h", room))
			stop := g.run()
			g.sense(1, time.Minute) // so that the randomness is used alike
			for range 6 {
				if perHour == 0 {
					time.Sleep(time.Hour)
				} else {
					g.sense(perHour, time.Hour/time.Duration(perHour))
				}
			}
			stop()
			for _, m := range g.lines["acme"].all("batch") {
				if len(m.body) != wire.PaddedSize(600) {
					t.Errorf("an upload of %d bytes", len(m.body))
				}
				g.inSlot(m, sensors.Hour)
				at = append(at, m.at)
			}
		})
		return at
	}
	quiet, some, busy := pattern(0), pattern(3), pattern(60)
	if len(quiet) < 5 || len(quiet) > 7 || len(some) != len(quiet) || len(busy) != len(quiet) {
		t.Errorf("in 6 hours %d uploads when nothing is measured, %d for 3 rows an hour, %d for 60", len(quiet), len(some), len(busy))
	}
	for i := range quiet {
		if !some[i].Equal(quiet[i]) || !busy[i].Equal(quiet[i]) {
			t.Errorf("upload %d was sent at %v, %v and %v: the instant depends on what was measured", i, quiet[i], some[i], busy[i])
		}
	}
}

// After an outage a stream with a room makes up for the slots it missed, back to back, also across a restart, and for
// those only.
func TestARoomCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "room = { rows = 4, bytes = 600 }"))
		line := g.lines["acme"]
		line.says(func(context.Context, message) error { return errDown })
		stop := g.run()
		g.sense(10*3, 20*time.Minute)
		stop()
		g.reopen()
		line.says(nil)
		stop = g.run()
		defer stop()
		start := time.Now()
		time.Sleep(time.Hour + time.Minute)
		batches := 0
		seen := map[uint64]bool{}
		for _, m := range line.all("batch") {
			if m.at.After(start) {
				batches++
				seen[m.seq] = true
			}
		}
		if batches != len(seen) || batches < 10 || batches > 12 {
			t.Errorf("%d uploads (%d numbers) after 10 hours of outage and an hour", batches, len(seen))
		}
		if left := g.store.Status().BufferedRows; left > 3 {
			t.Errorf("%d rows are still buffered", left)
		}
	})
}

func TestEmptyUploadsBeforeTheFirstRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "room = { rows = 4, bytes = 600 }"), offer("plain", "acme", "1m", "1h", ""))
		stop := g.run()
		time.Sleep(3*time.Hour + time.Minute)
		stop()
		batches := g.lines["acme"].all("batch")
		if len(batches) < 2 || len(batches) > 4 {
			t.Fatalf("%d uploads in 3 hours without a reading", len(batches))
		}
		for _, m := range batches {
			if b := g.decoded(m); b.Rows() != 0 || b.Groups != nil {
				t.Error("an upload of nothing has rows")
			}
		}
	})
}
