package uplink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

func trends() string { return offer("trends", "acme", "1m", "1h", "") }

// kinds lists what the line was given, in order.
func kinds(l *fakeLine) (out []string) {
	for _, m := range l.all("") {
		out = append(out, m.kind)
	}
	return out
}

func (g *rig) drain(patience time.Duration) error {
	return g.up.Drain(g.t.Context(), patience)
}

func TestAnnouncementComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(func(_ context.Context, m message) error {
			if m.kind == "announcement" && len(line.all("")) < 3 {
				return refusal(503)
			}
			return nil
		})
		g.sense(2500, time.Second)
		must(t, g.drain(time.Hour))
		got := kinds(line)
		if first := slices.Index(got, "batch"); first != 3 || slices.Contains(got[first:], "announcement") {
			t.Errorf("got %q, want the announcement until it is acknowledged, then batches", got)
		}
		g.reopen()
		g.sense(10, time.Minute)
		must(t, g.drain(time.Hour))
		if n := len(line.all("announcement")); n != 3 {
			t.Errorf("announced %d times, a restart included", n)
		}
	})
}

// What the recipient gets is what was cleared, each row once, oldest batch first, at most inFlight at a time.
func TestEverythingArrivesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(func(context.Context, message) error { time.Sleep(time.Second); return nil })
		g.sense(12_000, 10*time.Second)
		must(t, g.drain(time.Hour))
		var values []int64
		last := uint64(0)
		for i, m := range line.all("batch") {
			if m.seq > uint64(i+1+inFlight) || m.seq+inFlight < last {
				t.Errorf("batch %d was sent as number %d: not oldest first", m.seq, i+1)
			}
			last = m.seq
			for _, r := range rowsOf(g.decoded(m)) {
				values = append(values, r.Cells[0].Num)
			}
		}
		slices.Sort(values)
		if len(values) != 12_000 || values[0] != 20_000 || values[11_999] != 31_999 || len(slices.Compact(values)) != 12_000 {
			t.Errorf("%d values arrived", len(values))
		}
		if line.most != inFlight {
			t.Errorf("%d requests at a time, want %d", line.most, inFlight)
		}
		if s := g.store.Status(); s.BufferedRows+s.OutgoingBatches+s.WaitingRows != 0 {
			t.Errorf("left: %d rows, %d uploads", s.BufferedRows+s.WaitingRows, s.OutgoingBatches)
		}
	})
}

// A bucket leaves as a whole although half of it was written to disk before the other half came, and the newest waits.
func TestABucketIsNotTornByAFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1h", "1h", ""))
		stop := g.run()
		for range 4 * 60 { // a flush each 7 minutes, and whatever falls between waits in memory
			g.feed(sensors.Number(20_000))
			time.Sleep(time.Minute)
			if time.Now().Minute()%7 == 0 {
				must(t, g.store.Flush())
			}
		}
		stop()
		perHour := map[int64]int{}
		for _, m := range g.lines["acme"].all("batch") {
			for _, r := range rowsOf(g.decoded(m)) {
				if perHour[r.Time] > 0 && perHour[r.Time] != 60 {
					t.Fatal("a bucket is in two batches")
				}
			}
			for _, r := range rowsOf(g.decoded(m)) {
				perHour[r.Time]++
			}
			for hour, n := range perHour {
				if n != 60 && n != 59 && n != 61 {
					t.Fatalf("a batch left with %d of the 60 rows of hour %d", n, hour)
				}
			}
		}
		if len(perHour) < 2 {
			t.Fatalf("%d hours left: the test shows nothing", len(perHour))
		}
	})
}

func TestARetryIsTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(func(_ context.Context, m message) error {
			if m.kind == "batch" {
				return errDown
			}
			return nil
		})
		g.sense(3*60, time.Minute)
		stop := g.run()
		time.Sleep(3 * time.Hour)
		stop()
		g.reopen()
		stop = g.run()
		time.Sleep(time.Hour)
		line.says(nil)
		time.Sleep(time.Hour)
		stop()
		bodies := map[uint64]map[string]int{}
		for _, m := range line.all("batch") {
			if bodies[m.seq] == nil {
				bodies[m.seq] = map[string]int{}
			}
			bodies[m.seq][m.body]++
		}
		for seq, b := range bodies {
			if len(b) != 1 {
				t.Errorf("batch %d was sent as %d different messages", seq, len(b))
			}
		}
		for _, n := range bodies[1] {
			if n < 10 {
				t.Errorf("batch 1 was tried %d times in 4 hours", n)
			}
		}
		if left := g.store.Status().OutgoingBatches; left != 0 {
			t.Errorf("%d uploads are left", left)
		}
		g.once("trends")
	})
}

// once fails when something accepted has two lines in the ledger, or none.
func (g *rig) once(purpose string) {
	g.t.Helper()
	lines := map[string]int{}
	for _, s := range g.sent(purpose) {
		lines[fmt.Sprint(s.Stream, s.Seq, s.Control)]++
	}
	for what, n := range lines {
		if n != 1 {
			g.t.Errorf("%d lines about %s", n, what)
		}
	}
}

func TestAnAnnouncementThatTheRecipientLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		g.sense(60, time.Minute)
		must(t, g.drain(time.Hour))
		knows := false
		line.says(func(_ context.Context, m message) error {
			knows = knows || m.kind == "announcement"
			if !knows {
				return refusal(428)
			}
			return nil
		})
		g.sense(60, time.Minute)
		started := time.Now()
		must(t, g.drain(time.Hour))
		if n := len(line.all("announcement")); n != 2 {
			t.Errorf("announced %d times, want once more", n)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("going on took %v", took)
		}
		line.says(refuse(428)) // for ever: no storm
		g.sense(60, time.Minute)
		before := len(line.all(""))
		stop := g.run()
		time.Sleep(3 * time.Hour)
		stop()
		if n := len(line.all("")) - before; n > 120 || n < 10 {
			t.Errorf("%d messages in 3 hours to a recipient that answers 428 to everything", n)
		}
	})
}

func TestAWithdrawalThatTheRecipientKnows(t *testing.T) {
	for _, kind := range []string{"batch", "announcement"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, trends(), offer("more", "acme", "1m", "1h", ""))
				line := g.lines["acme"]
				line.says(func(_ context.Context, m message) error {
					if m.kind == kind && len(line.all(kind)) == 1 {
						return refusal(410)
					}
					return nil
				})
				g.sense(60, time.Minute)
				must(t, g.drain(time.Hour))
				if len(g.withdrawn) != 1 {
					t.Fatalf("%d grants were withdrawn", len(g.withdrawn))
				}
				gone, _ := g.book.Answer(g.withdrawn[0])
				other := map[string]string{"trends": "more", "more": "trends"}[gone.Purpose]
				if n := len(g.sent(other)); n != 2 {
					t.Errorf("%d lines about the other purpose, want announcement and batch", n)
				}
				if line.rows() > 120 {
					t.Error("rows were sent again after the 410")
				}
				must(t, g.drain(time.Hour))
				if s := g.store.Status(); s.BufferedRows+s.OutgoingBatches != 0 {
					t.Errorf("%d rows, %d uploads left", s.BufferedRows, s.OutgoingBatches)
				}
			})
		})
	}
}

func TestPoisonIsPutAside(t *testing.T) {
	for _, status := range []int{409, 413, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, trends())
				line := g.lines["acme"]
				var once sync.Once
				line.says(func(_ context.Context, m message) (err error) {
					if m.kind == "batch" && m.seq == 2 {
						once.Do(func() { err = refusal(status) })
					}
					return err
				})
				g.sense(4000, 10*time.Second)
				must(t, g.drain(time.Hour))
				s := g.store.Status()
				if s.Parked != 1 || s.OutgoingBatches+s.BufferedRows != 0 {
					t.Fatalf("parked %d, left %d uploads and %d rows", s.Parked, s.OutgoingBatches, s.BufferedRows)
				}
				if reason := g.store.Parked()[0].Reason; !strings.Contains(reason, fmt.Sprint(status)) {
					t.Errorf("the reason is %q", reason)
				}
				results := map[string]int{}
				for _, l := range g.sent("trends") {
					if l.Control == "" {
						results[l.Result]++
					}
				}
				if results[ledger.ResultRefused] != 1 || results[ledger.ResultAccepted] != len(line.all("batch"))-1 {
					t.Errorf("the ledger says %v of %d batches: what was refused has left too", results, len(line.all("batch")))
				}
				if again := line.rows(); again != 4000 {
					t.Errorf("%d rows were sent, want each of the 4000 once", again)
				}
			})
		})
	}
}

// A number that is taken at the recipient, as after a buffer that was lost, gives the stream a fresh name.
func TestANumberThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(refuse(409))
		for range 4 {
			g.sense(60, time.Minute)
			_ = g.drain(time.Second)
		}
		if n := len(g.book.Streams()); n != 2 {
			t.Errorf("%d streams for a recipient that answers 409 to everything, want a fresh name once a day", n)
		}
		line.says(nil)
		g.sense(60, time.Minute)
		must(t, g.drain(time.Hour))
		batches := line.all("batch")
		if last := batches[len(batches)-1]; last.stream != wire.StreamID(g.number("trends").Name) || last.stream == batches[0].stream {
			t.Error("the last batch did not go out under the fresh name")
		}
	})
}

func TestBackoff(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		counts [2]int // tries in the first hour, at least and at most
		state  string
	}{
		{"401", refusal(401), [2]int{8, 20}, "refused"},
		{"403", refusal(403), [2]int{8, 20}, "refused"},
		{"400", refusal(400), [2]int{8, 20}, "refused"},
		{"415", refusal(415), [2]int{8, 20}, "refused"},
		{"500", refusal(500), [2]int{8, 20}, "refused"},
		{"down", errDown, [2]int{8, 20}, "unreachable"},
		{"portal", fmt.Errorf("recipient acme: %w", transport.ErrNoProof), [2]int{8, 20}, "unreachable"},
		{"503 after 40 minutes", &transport.Refusal{Status: 503, RetryAfter: 40 * time.Minute}, [2]int{2, 2}, "refused"},
		{"429 after a second", &transport.Refusal{Status: 429, RetryAfter: time.Second}, [2]int{8, 20}, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, trends())
				line := g.lines["acme"]
				g.sense(60, time.Minute)
				must(t, g.store.Flush())
				line.says(func(context.Context, message) error { return tt.err })
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := g.up.Drain(ctx, 24*time.Hour); err == nil {
					t.Error("nothing is left")
				}
				tries := line.all("")
				if n := len(tries); n < tt.counts[0] || n > tt.counts[1] {
					t.Errorf("%d tries in an hour", n)
				}
				for i := 1; i < len(tries); i++ {
					if wait := tries[i].at.Sub(tries[i-1].at); wait > 40*time.Minute || wait > 15*time.Minute && tt.counts[1] > 2 {
						t.Errorf("try %d came after %v", i+1, wait)
					}
				}
				for _, r := range g.up.Routes() {
					if r.Recipient == "acme" && (r.State != tt.state || r.Failures != len(tries) || r.Reason == "" || r.NextTry.IsZero() || !r.Failing.Equal(tries[0].at)) {
						t.Errorf("the route says %+v", r)
					}
				}
				line.says(nil)
				must(t, g.drain(time.Hour))
				for _, r := range g.up.Routes() {
					if !r.Failing.IsZero() {
						t.Errorf("it got through, and the route says %+v", r)
					}
				}
				if line.rows() != 60 || g.store.Status().Parked != 0 {
					t.Errorf("%d rows arrived, %d uploads are parked", line.rows(), g.store.Status().Parked)
				}
			})
		})
	}
}

// Waits are spread between nothing and the bound.
func TestJitter(t *testing.T) {
	for _, tt := range []struct {
		failures int
		bound    time.Duration
	}{{1, time.Second}, {2, 2 * time.Second}, {5, 16 * time.Second}, {10, 512 * time.Second}, {11, 15 * time.Minute}, {1 << 30, 15 * time.Minute}} {
		low := (&Uplink{Options: Options{Jitter: func(int64) int64 { return 0 }}}).backoff(tt.failures)
		high := (&Uplink{Options: Options{Jitter: func(n int64) int64 { return n - 1 }}}).backoff(tt.failures)
		if low != leastWait || high != tt.bound-1 {
			t.Errorf("after %d failures between %v and %v, want up to %v", tt.failures, low, high, tt.bound)
		}
	}
}

// The trouble of one stream is not that of the others, nor of the processor.
func TestOneStreamInTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "acme", "1m", "1h", ""))
		line := g.lines["acme"]
		var once sync.Once
		var bad message
		line.says(func(_ context.Context, m message) error { // the first announcement is refused for good
			if m.kind != "announcement" {
				return nil
			}
			once.Do(func() { bad = m })
			if m.at.Equal(bad.at) || len(line.all("announcement"))%2 == 1 && len(line.all("batch")) == 0 {
				return refusal(422)
			}
			return nil
		})
		stop := g.run()
		g.sense(4*60, time.Minute)
		stop()
		if n := len(line.all("batch")); n < 3 {
			t.Errorf("%d batches of the stream that has no trouble", n)
		}
		if n := len(line.all("announcement")); n > 60 {
			t.Errorf("%d announcements in 4 hours", n)
		}
	})
}

func TestWhatAnUploadThatCannotBeReadCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(refuse(500))
		g.sense(4000, time.Minute)
		_ = g.drain(time.Second)
		out := g.store.Outgoing(g.number("trends").Number)
		if len(out) < 3 {
			t.Fatalf("%d uploads wait", len(out))
		}
		must(t, g.store.Acknowledge(out[:1])) // it goes between the list and the look
		done, err := g.up.sendSome(t.Context(), g.up.routes["acme"], ptr(g.number("trends")), []store.Outgoing{out[0]})
		if done.progress || err != nil {
			t.Errorf("an upload that is gone: %+v, %v", done, err)
		}
		line.says(nil)
		must(t, g.drain(time.Hour))
	})
}

func ptr[T any](v T) *T { return &v }
