package agent_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
)

// terms is one form of the purpose in a sequence of updates. Steps and times are of one chain each, so that what is coarser is
// plain.
type terms struct {
	step      int           // of temperature, in milli-degrees; 0: as measured; -1: nothing of it leaves
	co2       int           // in parts per million, likewise
	tick      time.Duration // finest time
	retention int           // days
	charter   string
}

func drawTerms(t *rapid.T) terms {
	return terms{rapid.SampledFrom([]int{-1, 0, 500, 1000, 2000}).Draw(t, "step"), rapid.SampledFrom([]int{-1, 0, 50, 100}).Draw(t, "co2 step"),
		rapid.SampledFrom([]time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour}).Draw(t, "time"), rapid.SampledFrom([]int{10, 20, 30}).Draw(t, "retention"),
		rapid.SampledFrom([]string{"", "", "", "never = [\"room.co2\"]", "max_retention = \"20d\""}).Draw(t, "charter")}
}

func (x *terms) write(t *testing.T, dir string) {
	t.Helper()
	one := func(field string, step int, scale float64) string {
		switch {
		case step < 0:
			return ""
		case step == 0:
			return rule(field, "action = \"keep\"")
		}
		return rule(field, fmt.Sprintf("action = \"round\"\nround = %g", float64(step)/scale))
	}
	text := header + strings.Replace(purpose("air", fmt.Sprintf("time = %q\nupload = \"1h\"\n", x.tick)+
		one("room.temperature", x.step, 1000)+one("room.co2", x.co2, 1)+rule("room.occupancy", "action = \"drop\"")), "30d", fmt.Sprintf("%dd", x.retention), 1)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "policy.toml"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "charter.toml"), []byte("version = 1\n"+x.charter+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// movedClock is the bubble's clock, set to something else.
type movedClock struct{ by *time.Duration }

func (c movedClock) Now() time.Time                         { return time.Now().Add(*c.by) }
func (c movedClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// TestNoUpdateWidensAYes gives one yes to a whole agent and then changes policy, charter and clock and restarts it, at random. Whatever
// comes, all that the recipient ever got lies within the terms the yes was given to.
func TestNoUpdateWidensAYes(t *testing.T) {
	hup := make(chan os.Signal, 1) // the runtime's own goroutine for signals must not begin inside a bubble
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("6"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	root := fastDir(t)
	tally := struct{ runs, rows, wider int }{}
	rapid.Check(t, func(rt *rapid.T) {
		agreed := drawTerms(rt)
		got, wider := liveThroughUpdates(t, rt, root, &agreed)
		tally.runs++
		tally.rows += len(got)
		if wider && len(got) > 0 {
			tally.wider++
		}
		for _, r := range got {
			if why := agreed.explains(&r); why != "" {
				rt.Fatalf("%s\nagreed: %+v\ngot: %+v", why, agreed, r)
			}
		}
	})
	t.Logf("%d runs, %d rows at the recipient, %d runs with rows and an update that asks for more", tally.runs, tally.rows, tally.wider)
	if !t.Failed() && tally.runs > 1 && tally.wider*5 < tally.runs {
		t.Error("the test proves too little: updates hardly ever asked for more while something left")
	}
}

// kept is a row at the recipient.
type kept struct {
	Time     time.Time          `json:"time"`
	Values   map[string]float64 `json:"values"`
	DeleteBy string             `json:"delete_by"`
}

// explains says why a row is not within the terms; "" when it is.
func (x *terms) explains(r *kept) string {
	if r.Time.Truncate(x.tick) != r.Time {
		return "a time is finer than agreed"
	}
	by, err := time.Parse(time.DateOnly, r.DeleteBy)
	if days := by.Sub(r.Time.Truncate(24*time.Hour)).Hours() / 24; err != nil || days > float64(x.retention+1) {
		return fmt.Sprintf("it may be kept for %v days (%v)", days, err)
	}
	for field, v := range r.Values {
		scale, step := 1000.0, x.step
		switch field {
		case "room.temperature":
		case "room.co2":
			scale, step = 1, x.co2
		default:
			return field + " was never agreed to"
		}
		if step < 0 {
			return field + " was not agreed to"
		}
		n := math.Round(v * scale)
		if step > 0 && math.Mod(n, float64(step)) != 0 {
			return field + " is finer than agreed"
		}
	}
	return ""
}

// liveThroughUpdates plays half a day and returns what the recipient got, and whether an update asked for more.
func liveThroughUpdates(t *testing.T, rt *rapid.T, root string, agreed *terms) (got []kept, wider bool) {
	type step struct {
		what string
		to   terms
		by   time.Duration
	}
	var steps []step
	for range rapid.IntRange(2, 6).Draw(rt, "steps") {
		s := step{what: rapid.SampledFrom([]string{"update", "update", "update", "restart", "clock"}).Draw(rt, "what"), to: drawTerms(rt),
			by: time.Duration(rapid.IntRange(-90, 90).Draw(rt, "by")) * time.Minute}
		steps = append(steps, s)
		x := s.to
		wider = wider || s.what == "update" && (x.tick < agreed.tick || x.retention > agreed.retention || x.step >= 0 && (agreed.step < 0 || x.step < agreed.step) || x.co2 >= 0 && (agreed.co2 < 0 || x.co2 < agreed.co2))
	}
	seed := rapid.Uint64().Draw(rt, "seed")
	dir := filepath.Join(root, "object")
	there := filepath.Join(dir, "there")
	config := "[device]\nstate = \"state\"\n[buffer]\nflush = \"10m\"\n[policy]\nfile = \"policy.toml\"\ncharter = \"charter.toml\"\n[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:1/v1\"\ntimeout = \"5s\"\n"
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(there, 0o700), os.WriteFile(filepath.Join(dir, "candor.toml"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	agreed.write(t, dir)
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		o := &observable{start: time.Now()}
		s := &story{}
		for at := 7*time.Minute + 23*time.Second; at < 12*time.Hour; at += 7 * time.Minute {
			i := int64(at / time.Second)
			s.readings = append(s.readings, reading{at: at, source: "room", values: []sensors.Value{sensors.Number(18_000 + i*37%4000), sensors.Number(400_00 + i*53%600_00), sensors.Number(i % 2), sensors.Token("anna")}})
		}
		h, closeSink := newReceiver(t, there)
		var by time.Duration
		c := &cast{t: t, o: o, s: s, twin: s, dir: dir, random: &storyRandom{seed: seed, start: o.start, drawn: map[[32]byte]uint64{}}, clock: movedClock{&by},
			net: &pipes{accept: make(chan net.Conn), closed: make(chan struct{}), note: o.note}}
		server := &http.Server{Handler: http.StripPrefix("/v1", observed(o, h)), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		served := make(chan struct{})
		go func() { _ = server.Serve(c.net); close(served) }()
		c.begin()
		if _, err := c.agent.Grant(t.Context(), "air", control.Person, control.Decision{}); err != nil && agreed.step+agreed.co2 > -2 {
			o.note("no yes could be given: %v", err) // what the charter forbids
		}
		for _, x := range steps {
			time.Sleep(100*time.Minute + 7*time.Second)
			switch x.what {
			case "update":
				x.to.write(t, dir)
				o.note("update: %v", c.agent.Reload())
			case "clock":
				c.end()
				by += x.by
				c.begin()
			case "restart":
				c.end()
				c.begin()
			}
		}
		time.Sleep(150 * time.Minute)
		c.end()
		_ = server.Close()
		<-served
		closeSink()
	})
	text, err := os.ReadFile(filepath.Join(there, "air.jsonl"))
	if err != nil {
		return nil, wider // nothing ever came
	}
	for line := range strings.Lines(string(text)) {
		var r kept
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got, wider
}
