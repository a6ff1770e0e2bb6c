package uplink

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// questions counts what was asked.
func (l *fakeLine) questions() int { return len(l.all("freshness")) }

// After a start nothing of a stream leaves before the recipient has answered, and the question is asked once.
func TestNothingIsSentBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
		line := g.lines["acme"]
		stop := g.run()
		g.sense(3*60, time.Minute)
		stop()
		if line.questions() != 0 {
			t.Errorf("%d questions about a stream nobody can have heard of", line.questions())
		}
		before := len(line.all("batch"))
		line.says(func(_ context.Context, m message) error {
			if m.kind == "freshness" {
				return errDown
			}
			return nil
		})
		g.reopen()
		stop = g.run()
		g.sense(3*60, time.Minute)
		if n := len(line.all("batch")) - before; n != 0 || line.questions() < 2 {
			t.Fatalf("%d batches before the answer, %d questions", n, line.questions())
		}
		line.says(nil)
		asked := line.questions()
		g.sense(3*60, time.Minute)
		stop()
		if line.rows() < 7*60 {
			t.Errorf("%d rows arrived after the answer", line.rows())
		}
		if line.questions() > asked+1 {
			t.Errorf("%d questions after the answer", line.questions()-asked)
		}
		found := false
		for _, s := range g.sent("trends") {
			found = found || s.Control == "freshness" && s.Result == "accepted"
		}
		if !found {
			t.Error("the ledger has no line about the question")
		}
	})
}

// A stream that is opened after a start asks about older ones when something of it is due, and not when its first rows come: that would
// tell the recipient when they did.
func TestQuestionsKeepToTheSchedule(t *testing.T) {
	asked := map[time.Duration]bool{}
	for _, minute := range []time.Duration{2, 17, 31} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
			line := g.lines["acme"]
			stop := g.run()
			g.sense(3*60, time.Minute)
			stop()
			for _, s := range g.book.Streams() { // as when a policy gave it another form
				must(t, g.book.CloseStream(s.Number, g.now()))
				must(t, g.store.Retire(s.Number))
			}
			g.reopen()
			// The name of a stream fixes its slots, and is random: the same in each of these runs.
			stop = g.run()
			defer stop()
			begun, sent := time.Now(), len(line.all("batch"))
			time.Sleep(minute * time.Minute)
			g.sense(1, time.Second)
			g.up.Wake()
			time.Sleep(3 * time.Hour)
			questions, batches := line.all("freshness"), line.all("batch")[sent:]
			if len(questions) != 1 || len(batches) == 0 {
				t.Fatalf("%d questions, %d batches", len(questions), len(batches))
			}
			if early := batches[0].at.Sub(questions[0].at); early > time.Second {
				t.Errorf("rows after %d minutes: the question came %v before what it was for", minute, early)
			}
			asked[questions[0].at.Sub(begun).Round(time.Second)] = true
		})
	}
	if len(asked) > 1 {
		t.Errorf("the question tells when the rows came: %v", asked)
	}
}

// What was withdrawn at the recipient ends here, also for a stream that a later epoch opened.
func TestWhatWasWithdrawnThereEndsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "epoch = \"1d\""))
		line := g.lines["acme"]
		stop := g.run()
		g.sense(3*60, time.Minute)
		stop()
		line.mu.Lock()
		line.last = &wire.FreshnessAnswer{Last: 1, Withdrawn: true}
		line.mu.Unlock()
		g.close()
		time.Sleep(10 * 24 * time.Hour) // another epoch: its stream is new, and the grant is not
		g.open()
		before := len(line.all("batch"))
		stop = g.run()
		g.sense(3*60, time.Minute)
		stop()
		if n := len(line.all("batch")) - before; n != 0 || len(g.withdrawn) != 1 {
			t.Errorf("%d batches of a withdrawn grant, withdrawn here: %v", n, g.withdrawn)
		}
		if _, ok := g.book.Current("trends"); ok {
			a, _ := g.book.Current("trends")
			if a.Withdrawn == 0 {
				t.Error("the yes is still in force")
			}
		}
	})
}

// A recipient that is behind is normal; one that is ahead has numbers this object does not know of, so it goes on under
// a fresh name.
func TestAStreamThatIsAheadThere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		last  uint64
		fresh bool
	}{{"behind", 0, false}, {"level", 2, false}, {"ahead", 40, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, offer("trends", "acme", "1m", "1h", ""))
				line := g.lines["acme"]
				stop := g.run()
				g.sense(3*60, time.Minute)
				stop()
				old := g.number("trends")
				line.mu.Lock()
				line.last = &wire.FreshnessAnswer{Last: tt.last}
				line.mu.Unlock()
				g.reopen()
				stop = g.run()
				g.sense(3*60, time.Minute)
				stop()
				must(t, g.up.Drain(t.Context(), time.Minute))
				if now := g.number("trends"); (now.Number != old.Number) != tt.fresh {
					t.Errorf("stream %d, then %d", old.Number, now.Number)
				}
				if line.rows() != 6*60 {
					t.Errorf("%d rows arrived, want %d", line.rows(), 6*60)
				}
				for _, m := range line.all("batch") {
					if tt.fresh && m.stream == wire.StreamID(old.Name) && m.seq > 3 {
						t.Errorf("batch %d under the name that is used up", m.seq)
					}
				}
			})
		})
	}
}

// backend is the reference receiver on a directory.
type backend struct{ dir string }

// rows counts the rows of a purpose there.
func (b backend) rows(t *testing.T, purpose string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, purpose+".jsonl"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// againstReceiver has a recipient of the rig be the reference receiver, over the real transport, sealed when key is given.
func againstReceiver(t *testing.T, g *rig, key *wire.OpenKey) (*transport.Line, backend) {
	t.Helper()
	b := backend{t.TempDir()}
	sink, err := receive.OpenDir(b.dir, slog.New(slog.DiscardHandler))
	must(t, err)
	handler, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now, Open: key})
	must(t, err)
	server := httptest.NewServer(handler)
	route := transport.Route{Recipient: "acme", URL: server.URL, Timeout: tinyconf.Duration(5 * time.Second)}
	if key != nil {
		route.Seal = tinyconf.Literal(key.Public().String())
	}
	line, err := transport.Open(route, transport.Env{})
	must(t, err)
	t.Cleanup(func() {
		line.Close()
		server.Close()
		_ = sink.Close()
	})
	g.up.routes["acme"].line = line
	return line, b
}

// copyDir copies a directory as a card reader would.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.RemoveAll(to))
	must(t, os.CopyFS(to, os.DirFS(from)))
}

// A whole card, keys and all, that was copied before a withdrawal and put back after it: nothing leaves, and the yes is over.
func TestARestoredCardRevivesNoConsent(t *testing.T) {
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	line, there := againstReceiver(t, g, nil)
	g.sense(5, 0)
	must(t, g.drain(5*time.Second))
	g.close()
	card := t.TempDir()
	copyDir(t, g.dir, card+"/copy")
	g.open()
	g.up.routes["acme"].line = line
	g.withdraw("trends")
	must(t, g.drain(5*time.Second))
	if n := there.rows(t, "trends"); n != 0 {
		t.Fatalf("%d rows after the withdrawal", n)
	}
	g.close()
	copyDir(t, card+"/copy", g.dir)
	g.open()
	g.up.routes["acme"].line = line
	if a, ok := g.book.Current("trends"); !ok || a.Withdrawn != 0 {
		t.Fatal("the copy does not hold the old yes, so this shows nothing")
	}
	g.sense(5, 0)
	_ = g.drain(time.Second)
	if n := there.rows(t, "trends"); n != 0 {
		t.Errorf("%d rows of a withdrawn grant arrived", n)
	}
	if len(g.withdrawn) == 0 {
		t.Error("the restored card was not told that its yes is over")
	}
}

// Sealed, over the real transport, to a receiver with the key; everything arrives once, and a deletion is obeyed.
func TestSealedAgainstTheReceiver(t *testing.T) {
	key, err := wire.GenerateOpenKey(wire.SuiteMLKEM768X25519)
	must(t, err)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	_, there := againstReceiver(t, g, key)
	g.sense(20, 0)
	must(t, g.drain(5*time.Second))
	if n := there.rows(t, "trends"); n != 20 {
		t.Fatalf("%d rows arrived, want 20", n)
	}
	g.withdraw("trends")
	must(t, g.drain(5*time.Second))
	if n := there.rows(t, "trends"); n != 0 {
		t.Errorf("%d rows after the withdrawal", n)
	}
}

// What was cut before a route had a key is sealed on its way: a broker in between must not see it.
func TestWhatWasCutBeforeTheKey(t *testing.T) {
	key, err := wire.GenerateOpenKey(wire.SuiteX25519)
	must(t, err)
	g := newRig(t, offer("trends", "acme", "1s", "1s", ""))
	g.lines["acme"].says(refuse(503))
	g.sense(5, 0)
	_ = g.drain(100 * time.Millisecond)
	if len(g.store.Outgoing(g.number("trends").Number)) == 0 {
		t.Fatal("nothing was cut")
	}
	_, there := againstReceiver(t, g, key)
	must(t, g.drain(5*time.Second))
	if n := there.rows(t, "trends"); n != 5 {
		t.Errorf("%d rows arrived, want 5", n)
	}
}

// A recipient that says it does not know a stream is told of it again, before anything else of the grant: it may hold a deletion request
// that it could not verify before, and something on the way may have answered for it.
func TestAForgottenStreamIsAnnouncedBeforeAnythingElse(t *testing.T) {
	for _, answer := range []int{200, 410, 428, 400, 503} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, offer("trends", "acme", "1m", "1h", "epoch = \"1d\""))
			line := g.lines["acme"]
			g.threeHours()
			line.says(func(_ context.Context, m message) error {
				switch {
				case m.kind == "freshness":
					return refusal(428)
				case m.kind == "announcement" && answer != 200:
					return refusal(answer)
				}
				return nil
			})
			g.close()
			time.Sleep(10 * 24 * time.Hour) // another epoch: its stream is new, and the grant is not
			g.open()
			batches, told := len(line.all("batch")), len(line.all("announcement"))
			g.threeHours()
			if n := len(line.all("batch")) - batches; (n > 0) != (answer == 200) {
				t.Errorf("answered %d: %d batches", answer, n)
			}
			again := line.all("announcement")[told:]
			if len(again) == 0 || string(again[0].body) != string(line.all("announcement")[0].body) {
				t.Fatalf("answered %d: the old stream is not announced first, of %d times", answer, len(again))
			}
			for _, m := range again {
				if answer != 200 && string(m.body) != string(again[0].body) {
					t.Errorf("answered %d: another stream of the grant was announced", answer)
				}
			}
			if (len(g.withdrawn) == 1) != (answer == 410) {
				t.Errorf("answered %d: withdrawn here: %v", answer, g.withdrawn)
			}
			if len(again) > 60 {
				t.Errorf("answered %d: announced %d times in three hours", answer, len(again))
			}
		})
	}
}

// One that no recipient ever took is not announced by a question: another form may be in force since.
func TestAStreamThatWasNeverTakenIsNotAnnouncedByAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "epoch = \"1d\""))
		line := g.lines["acme"]
		line.says(func(_ context.Context, m message) error {
			if m.kind == "announcement" {
				return refusal(503)
			}
			return nil
		})
		g.threeHours()
		tried := line.all("announcement")
		if len(tried) == 0 {
			t.Fatal("nothing was tried: nothing is shown")
		}
		for _, s := range g.book.Streams() { // as when a policy gave it another form
			must(t, g.book.CloseStream(s.Number, g.now()))
			must(t, g.store.Retire(s.Number))
		}
		line.says(func(_ context.Context, m message) error {
			if m.kind == "freshness" {
				return refusal(428)
			}
			return nil
		})
		g.reopen()
		g.threeHours()
		if line.questions() == 0 || len(line.all("batch")) == 0 {
			t.Fatalf("%d questions, %d batches", line.questions(), len(line.all("batch")))
		}
		for _, m := range line.all("announcement")[len(tried):] {
			if m.body == tried[0].body {
				t.Error("what was never taken is announced in its old form")
			}
		}
	})
}

// A stream that the recipient never answered about may be one that it has not heard of, or has forgotten since, and that an older card did not have
// when the yes was taken back: then the newest that it took says that the yes is over. Found by the simulation, seed 770195.
func TestAStreamNobodyAnsweredAboutDoesNotStandForTheYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, offer("trends", "acme", "1m", "1h", "epoch = \"1d\""))
		line := g.lines["acme"]
		g.threeHours()
		first := g.number("trends").Number
		g.close()
		time.Sleep(10 * 24 * time.Hour)
		line.says(func(_ context.Context, m message) error {
			if m.kind == "announcement" {
				return refusal(503)
			}
			return nil
		})
		g.open()
		g.threeHours()
		if s := g.number("trends"); s.Number == first || !s.Offered || s.Announced {
			t.Fatalf("the stream is %+v, so this shows nothing", s)
		}
		g.close()
		batches, asked := len(line.all("batch")), 0
		line.says(func(_ context.Context, m message) error {
			if m.kind != "freshness" {
				return nil
			}
			if asked++; asked == 1 { // the newest, of which it knows nothing
				return refusal(428)
			}
			return refusal(410)
		})
		g.open()
		g.threeHours()
		if n := len(line.all("batch")) - batches; n != 0 || asked != 2 || len(g.withdrawn) != 1 {
			t.Errorf("%d batches, %d questions, withdrawn here: %v", n, asked, g.withdrawn)
		}
	})
}
