package uplink

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/transport"
)

// untilCancelled keeps a request on its way until its context ends.
func untilCancelled(ctx context.Context, m message) error {
	if m.kind != "batch" {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestCancelEndsWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "other", "1m", "1h", ""))
		line := g.lines["acme"]
		line.says(untilCancelled)
		g.sense(4000, 10*time.Second)
		stop := g.run()
		defer stop()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if line.flying != inFlight {
			t.Fatalf("%d requests on their way", line.flying)
		}
		started := time.Now()
		g.withdraw("trends")
		synctest.Wait()
		if line.flying != 0 || time.Since(started) > 100*time.Millisecond {
			t.Errorf("%d requests are still on their way %v after the withdrawal", line.flying, time.Since(started))
		}
		n := len(line.all("batch"))
		line.says(nil)
		g.sense(3*60, time.Minute)
		if after := len(line.all("batch")); after != n {
			t.Errorf("%d batches were sent after the withdrawal", after-n)
		}
		if last := kinds(line); last[len(last)-1] != "deletion-request" && last[len(last)-1] != "deletion" {
			t.Errorf("the recipient was sent %q at last, want the deletion request", last[len(last)-1])
		}
		for _, l := range g.sent("trends") {
			if l.Control == "" && l.Result != ledger.ResultCancelled {
				t.Errorf("the ledger says of a batch that was cut off that it was %s", l.Result)
			}
		}
		if rows := g.lines["other"].rows(); rows < 4000 {
			t.Errorf("%d rows of the other purpose arrived", rows)
		}
	})
}

// Between Cancel and the new plan other streams go on, and nothing spins.
func TestACancelledGrantInAnOldPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "acme", "1m", "1h", ""))
		g.sense(60, time.Minute)
		a, _ := g.book.Current("trends")
		g.up.Cancel(a.ID)
		stop := g.run()
		g.sense(4*60, time.Minute)
		asked := g.asked.Load()
		time.Sleep(time.Hour)
		if n := g.asked.Load() - asked; n > 5000 {
			t.Errorf("the plan was asked %d times in an hour with nothing to do", n)
		}
		stop()
		for _, m := range g.lines["acme"].all("batch") {
			if m.stream == g.number("trends").Name {
				t.Fatal("a cancelled grant sent")
			}
		}
		if n := len(g.lines["acme"].all("batch")); n < 4 {
			t.Errorf("%d batches of the other purpose", n)
		}
	})
}

// A withdrawal leaves nothing behind that keeps the loop awake.
func TestNothingSpinsAfterAWithdrawal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		stop := g.run()
		defer stop()
		g.sense(2*60, time.Minute)
		g.withdraw("trends")
		time.Sleep(2 * time.Minute)
		g.clock.shift.Store(int64(2 * time.Hour)) // past the slot that it would have had
		g.up.Wake()
		asked := g.asked.Load()
		time.Sleep(5 * time.Second)
		if n := g.asked.Load() - asked; n > 100 {
			t.Errorf("the plan was asked %d times in 5 seconds after the withdrawal", n)
		}
		if at, ok := g.up.NextSlot(1); ok {
			t.Errorf("a withdrawn stream has a slot at %v", at)
		}
	})
}

// The plan is asked again between cutting and sending: what a plan that came meanwhile no longer grants stays.
func TestThePlanIsAskedWhenSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		g.sense(3000, time.Minute)
		line.says(func(_ context.Context, m message) error {
			if m.kind == "announcement" { // what is granted lapses between announcement and batch
				g.mu.Lock()
				g.plan, _ = compileNothing(g)
				g.mu.Unlock()
			}
			return nil
		})
		must(t, g.drain(time.Minute))
		if n := len(line.all("batch")); n != 0 {
			t.Errorf("%d batches left under a plan that does not grant them", n)
		}
		g.compile()
		must(t, g.drain(time.Minute))
		if line.rows() != 3000 {
			t.Errorf("%d rows arrived after it was granted again", line.rows())
		}
	})
}

func TestDeletionsGoFirstAndForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "acme", "1m", "1h", ""))
		line := g.lines["acme"]
		g.sense(60, time.Minute)
		must(t, g.drain(time.Hour))
		line.says(func(context.Context, message) error { return errDown })
		g.withdraw("trends")
		g.sense(60, time.Minute)
		stop := g.run()
		before := len(line.all(""))
		time.Sleep(5 * time.Hour)
		stop()
		for _, m := range line.all("")[before:] {
			if m.kind == "batch" || m.kind == "announcement" {
				t.Fatalf("a %s went before the deletion request", m.kind)
			}
		}
		g.reopen()
		line.says(nil)
		g.withdraw("more") // nothing is granted any more
		stop = g.run()
		time.Sleep(time.Minute)
		stop()
		for _, s := range g.book.Streams() {
			if !s.DeletionDue || !s.DeletionDone {
				t.Errorf("%v of %s: due %t, done %t", s, s.Purpose, s.DeletionDue, s.DeletionDone)
			}
		}
		got := kinds(line)
		n := len(got)
		time.Sleep(time.Hour)
		if len(kinds(line)) != n {
			t.Error("something was sent after the last deletion was acknowledged")
		}
		for _, p := range []string{"trends", "more"} {
			if lines := g.sent(p); lines[len(lines)-1].Control != "deletion" || lines[len(lines)-1].Result != ledger.ResultAccepted {
				t.Errorf("the last line about %s is %+v", p, lines[len(lines)-1])
			}
		}
	})
}

// A deletion request that the recipient refuses holds nothing else up, and is repeated.
func TestADeletionThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "acme", "1m", "1h", ""))
		line := g.lines["acme"]
		g.sense(60, time.Minute)
		must(t, g.drain(time.Hour))
		line.says(func(_ context.Context, m message) error {
			if strings.HasPrefix(m.kind, "deletion") {
				return refusal(422)
			}
			return nil
		})
		g.withdraw("trends")
		before := line.rows()
		stop := g.run()
		g.sense(3*60, time.Minute)
		if got := line.rows() - before; got < 100 {
			t.Errorf("%d rows of the purpose that is still granted", got)
		}
		state := g.up.Routes()
		i := slices.IndexFunc(state, func(r RouteStatus) bool { return r.Recipient == "acme" })
		if state[i].State != "refused" || state[i].Reason == "" {
			t.Errorf("the route says %+v", state[i])
		}
		line.says(nil)
		time.Sleep(time.Hour)
		stop()
		if s, _ := g.book.Stream(1); !s.DeletionDone {
			t.Error("the deletion request was given up")
		}
		if err := g.drain(time.Second); err != nil {
			t.Error(err)
		}
	})
}

// An announcement that was cut off by a withdrawal may have arrived: the recipient is asked to delete it.
func TestAnAnnouncementOnItsWayIsDeletedToo(t *testing.T) {
	for name, left := range map[string]bool{"it may have left": true, "no connection was made": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, trends())
				line := g.lines["acme"]
				g.sense(60, time.Minute)
				line.says(func(ctx context.Context, m message) error {
					if m.kind != "announcement" {
						return nil
					}
					if !left {
						return unreached(t)
					}
					<-ctx.Done()
					return ctx.Err()
				})
				stop := g.run()
				time.Sleep(time.Hour)
				g.withdraw("trends")
				time.Sleep(time.Hour)
				stop()
				if s, _ := g.book.Stream(1); s.DeletionDue != left || s.DeletionDone != left {
					t.Errorf("deletion due %t, done %t", s.DeletionDue, s.DeletionDone)
				}
			})
		})
	}
}

// unreached is the error of a line whose recipient nobody can connect to.
func unreached(t *testing.T) error {
	line, err := transport.Open(transport.Route{Recipient: "acme", URL: "http://127.0.0.1:1", Timeout: tinyconf.Duration(time.Second)}, transport.Env{})
	must(t, err)
	_, err = line.Control(t.Context(), aControl(t))
	if err == nil || transport.Left(err) {
		t.Fatalf("a connection to port 1: %v", err)
	}
	return err
}

// A power cut between the ledger's line and the store's forgetting sends the batch again and writes no second line.
func TestACrashBetweenLedgerAndStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(refuse(500))
		g.sense(60, time.Minute)
		_ = g.drain(time.Second)
		copied := t.TempDir()
		must(t, g.store.Close())
		must(t, os.CopyFS(copied, os.DirFS(filepath.Join(g.dir, "buffer"))))
		g.reopen()
		line.says(nil)
		must(t, g.drain(time.Hour))
		g.close()
		must(t, os.RemoveAll(filepath.Join(g.dir, "buffer"))) // the buffer as it was before it knew
		must(t, os.CopyFS(filepath.Join(g.dir, "buffer"), os.DirFS(copied)))
		g.open()
		must(t, g.drain(time.Hour))
		batches := line.all("batch")
		last, before := batches[len(batches)-1], batches[len(batches)-2]
		if last.body != before.body || last.seq != before.seq {
			t.Error("the batch was not repeated byte for byte")
		}
		g.once("trends")
		if s := g.store.Status(); s.OutgoingBatches != 0 {
			t.Error("the batch is still there")
		}
	})
}

// What was accepted and could not be written down stays, and is sent again.
func TestNothingIsForgottenBeforeTheLedgerHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		g.sense(60, time.Minute)
		line.says(func(_ context.Context, m message) error {
			if m.kind == "batch" {
				_ = g.book.Close()
			}
			return nil
		})
		if err := g.drain(time.Second); err == nil {
			t.Error("a ledger that can't be written is no error")
		}
		if s := g.store.Status(); s.OutgoingBatches != 1 {
			t.Errorf("%d uploads are kept, want the one the ledger does not have", s.OutgoingBatches)
		}
	})
}

func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "epoch = \"1d\""), offer("cover", "acme", "1m", "1h", "epoch = \"1d\"\nroom = { rows = 4, bytes = 600 }"))
		stop := g.run()
		g.sense(2*24, 30*time.Minute)
		time.Sleep(5 * 24 * time.Hour)
		stop()
		for _, s := range g.book.Streams() {
			if old := sensors.Micros(s.Epoch+1)*sensors.Day+grace+sensors.Hour < g.now(); s.Closed != old {
				t.Errorf("stream %d of %s, epoch %d: closed %t", s.Number, s.Purpose, s.Epoch, s.Closed)
			}
		}
		g.reopen()
		must(t, g.drain(time.Hour)) // streams that the store no longer knows are no trouble
		before := len(g.lines["acme"].all(""))
		must(t, g.drain(time.Hour))
		if n := len(g.lines["acme"].all("")); n != before {
			t.Errorf("%d messages with nothing to send", n-before)
		}
	})
}

// With a room a purpose sends in every slot, also when there is nothing; with `cover = false` only when there is.
func TestCoverIsWhatThePolicySays(t *testing.T) {
	const room = "room = { rows = 40, bytes = 600 }"
	sent := func(t *testing.T, more string) (batches int) {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, offer("trends", "acme", "1m", "1h", room+more))
			stop := g.run()
			defer stop()
			g.sense(20, time.Minute)
			time.Sleep(12 * time.Hour)
			if g.lines["acme"].rows() != 20 {
				t.Errorf("%d rows arrived", g.lines["acme"].rows())
			}
			batches = len(g.lines["acme"].all("batch"))
		})
		return batches
	}
	if with, without := sent(t, ""), sent(t, "\ncover = false"); with < 11 || without < 1 || without > 3 {
		t.Errorf("%d uploads with cover and %d without", with, without)
	}
}

// A stream that was opened and whose first rows a power cut took is no trouble.
func TestAStreamTheStoreNeverHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		if _, err := g.streams.Stream(g.plan.Purpose("trends"), uint64(g.now()/g.plan.Purpose("trends").Epoch)); err != nil {
			t.Fatal(err)
		}
		must(t, g.drain(time.Second))
		g.sense(60, time.Minute)
		must(t, g.drain(time.Second))
		if g.lines["acme"].rows() != 60 {
			t.Errorf("%d rows arrived", g.lines["acme"].rows())
		}
	})
}

// A stream whose numbering was lost goes on under a fresh name, with what it had.
func TestANumberingThatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		g.sense(60, time.Minute)
		must(t, g.drain(time.Second))
		number := g.number("trends").Number
		g.sense(60, time.Minute)
		s := g.number("trends")
		must(t, g.up.rename(&s, g.plan.Granted(s.Grant)))
		must(t, g.drain(time.Second))
		if fresh := g.number("trends").Number; fresh == number {
			t.Error("the stream kept its name")
		}
		if g.lines["acme"].rows() != 120 || g.store.Status().BufferedRows != 0 {
			t.Errorf("%d rows arrived, %d are left", g.lines["acme"].rows(), g.store.Status().BufferedRows)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends(), offer("more", "other", "1m", "1h", ""))
		started := time.Now()
		must(t, g.drain(time.Minute))
		if time.Since(started) > time.Second {
			t.Error("draining nothing took time")
		}
		g.lines["other"].says(func(context.Context, message) error { return errDown })
		g.sense(60, time.Minute)
		started = time.Now()
		err := g.drain(10 * time.Minute)
		if took := time.Since(started); err == nil || !strings.Contains(err.Error(), errDown.Error()) || took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("a recipient that is down: %v after %v", err, took)
		}
		if g.lines["acme"].rows() != 60 {
			t.Errorf("%d rows to the recipient that is there", g.lines["acme"].rows())
		}
		var n atomic.Int64
		g.lines["other"].says(func(context.Context, message) error { // one in three gets through: patience begins anew
			if n.Add(1)%3 != 0 {
				return errDown
			}
			return nil
		})
		g.sense(6000, time.Second)
		must(t, g.drain(5*time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		g.lines["acme"].says(untilCancelled)
		g.sense(60, time.Minute)
		if err := g.up.Drain(ctx, time.Hour); err == nil {
			t.Error("a drain that was ended with something left says nothing")
		}
	})
}

// The room of a purpose is no bound to a drain, and what is left has its size.
func TestDrainOfARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "room = { rows = 4, bytes = 600 }"))
		g.sense(90, time.Minute)
		must(t, g.drain(time.Minute))
		if g.lines["acme"].rows() != 90 {
			t.Errorf("%d rows arrived", g.lines["acme"].rows())
		}
	})
}

func TestTheLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		var mu sync.Mutex
		var lit []bool
		g.up.Sending = func(on bool) { mu.Lock(); lit = append(lit, on); mu.Unlock() }
		g.sense(60, time.Minute)
		must(t, g.drain(time.Minute))
		if fmt.Sprint(lit) != "[true false true false]" {
			t.Errorf("announcement and batch: %v", lit)
		}
		lit = nil
		g.withdraw("trends")
		must(t, g.drain(time.Minute))
		if fmt.Sprint(lit) != "[true false]" {
			t.Errorf("a deletion request: %v", lit)
		}
	})
}

func TestPreviewChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		g.sense(60, time.Minute)
		s := g.number("trends")
		first, err := g.up.Preview(s)
		must(t, err)
		again, err := g.up.Preview(s)
		must(t, err)
		if first.Rows == 0 || first.Cut || string(first.SenML) != string(again.SenML) || !strings.Contains(string(first.SenML), "room.temperature") {
			t.Errorf("%d rows, cut %t, %s", first.Rows, first.Cut, first.SenML)
		}
		g.lines["acme"].says(refuse(500))
		_ = g.drain(time.Second)
		cut, err := g.up.Preview(s)
		must(t, err)
		if !cut.Cut || cut.Rows != 60 || cut.Bytes != len(g.lines["acme"].all("batch")[0].body) {
			t.Errorf("after the cut: %+v", cut)
		}
	})
}

// Announcement, batches and deletion against the reference receiver, over the real transport.
func TestAgainstTheReceiver(t *testing.T) {
	dir := t.TempDir()
	sink, err := receive.OpenDir(dir, slog.New(slog.DiscardHandler))
	must(t, err)
	defer func() { _ = sink.Close() }()
	handler, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	must(t, err)
	server := httptest.NewServer(handler)
	defer server.Close()
	g := newRig(t, offer("trends", "acme", "1m", "1h", "[[purpose.rule]]\nfield = \"room.badge\"\naction = \"pseudonym\"\n[[purpose.rule]]\nfield = \"room.mode\"\naction = \"keep\"\nlabels = [\"eco\"]"))
	line, err := transport.Open(transport.Route{Recipient: "acme", URL: server.URL, Timeout: tinyconf.Duration(5 * time.Second)}, transport.Env{})
	must(t, err)
	defer line.Close()
	g.up.routes["acme"].line = line
	g.sense(500, 0)
	must(t, g.drain(5*time.Second))
	text, err := os.ReadFile(filepath.Join(dir, "trends.jsonl"))
	if err != nil || strings.Count(string(text), "\n") != 500 {
		t.Fatalf("%d rows at the receiver (%v)", strings.Count(string(text), "\n"), err)
	}
	g.withdraw("trends")
	must(t, g.drain(5*time.Second))
	if text, _ = os.ReadFile(filepath.Join(dir, "trends.jsonl")); len(text) != 0 {
		t.Errorf("%d bytes are left at the receiver after the deletion", len(text))
	}
	if s, _ := g.book.Stream(1); !s.DeletionDone {
		t.Error("the deletion is not done")
	}
}

// A plan that lets a grant out no more cuts off what is on its way for it, and one that does again sends it.
func TestReview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, trends())
		line := g.lines["acme"]
		line.says(untilCancelled)
		g.sense(60, time.Minute)
		stop := g.run()
		defer stop()
		time.Sleep(time.Hour + time.Minute)
		g.up.Review()
		if synctest.Wait(); line.flying != 1 {
			t.Fatalf("%d requests on their way under a plan that grants them", line.flying)
		}
		g.mu.Lock()
		g.plan, _ = compileNothing(g)
		g.mu.Unlock()
		g.up.Review()
		if synctest.Wait(); line.flying != 0 {
			t.Errorf("%d requests on their way under a plan that does not grant them", line.flying)
		}
		n := len(line.all(""))
		time.Sleep(2 * time.Hour)
		if len(line.all("")) != n {
			t.Error("something was sent under a plan that grants nothing")
		}
		g.compile()
		line.says(nil)
		time.Sleep(2 * time.Minute)
		if batches := line.all("batch"); batches[len(batches)-1].body != batches[0].body || g.store.Status().OutgoingBatches != 0 {
			t.Error("what was cut off was not sent again as it was")
		}
	})
}
