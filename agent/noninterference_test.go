package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/uplink/timeline"
)

// TestNonInterference runs whole agents twice, on real files and under a clock of their own, with histories that differ only in
// what the plan hides, and wants everything that anybody but the person can see to be the same to the byte: uploads,
// their sizes and instants, connections, logs, what a technician is told, errors, and the files.
//
// In half of the stories the wall clock moves under the agent, the same in both. After it did, twins differ in values only: where
// a tick of the agent's begins is then not for the story to say. What a technician is told is asked of every route there is, and
// once in each run by the command line, over the object's own socket.
//
// Left out, since it is shown to a technician on purpose: whether a field that tells of things moves and how widely, and the
// values in the workshop, before anybody agreed to anything.
func TestNonInterference(t *testing.T) {
	hup := make(chan os.Signal, 1) // the runtime's own goroutine for signals must not begin inside a bubble
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue { // make soak runs more
		if err := checks.Value.Set("32"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	dir := fastDir(t)
	tally := struct{ pairs, differing, read, uploads, unsure, shifted, clock, asked int }{}
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		twin := s.twin(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		a, b := live(t, dir, s, twin, seed), live(t, dir, twin, twin, seed)
		tally.pairs++
		tally.read += b.read
		tally.uploads += a.uploads
		tally.asked += a.asked
		if b.read > 0 && a.uploads > 0 {
			tally.differing++
			if twin.shifted {
				tally.shifted++
			}
			if s.clock {
				tally.clock++
			}
		}
		if at := differs(a, b, twin.shifted); at != "" {
			for range certain {
				if differs(a, live(t, dir, s, twin, seed), twin.shifted)+differs(b, live(t, dir, twin, twin, seed), twin.shifted) != "" { // the run is not a function of its seed: it proves nothing
					tally.unsure++
					return
				}
			}
			rt.Fatalf("hidden data can be seen (seed %d):\n%s\npolicy:\n%s", seed, at, s.policy(false)+s.charter+"\n# edited\n"+s.policy(true))
		}
	})
	t.Logf("%d pairs of histories, %d with uploads and hidden data read, %d of them at other moments, %d with a clock that moves; %d answers of the command line; %d hidden readings were read, %d uploads, %d pairs undecided",
		tally.pairs, tally.differing, tally.shifted, tally.clock, tally.asked, tally.read, tally.uploads, tally.unsure)
	if !t.Failed() && tally.pairs > 1 && (tally.differing*5 < tally.pairs || tally.unsure*10 > tally.pairs) {
		t.Error("the test proves too little: hidden data was hardly ever read, or runs do not depend on their seed alone")
	}
}

// certain is how often both runs of a pair that differs have to come out the same again: what is done in one instant is done in any
// order, and one that may come out in two ways comes out as before every second time.
const certain = 4

// fastDir is a directory in memory where the machine has one: what is tested here is not the disk.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "candor-twins-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// observable is what can be observed of a run.
type observable struct {
	mu      sync.Mutex
	start   time.Time
	lines   []string
	read    int
	uploads int
	asked   int // answers of the command line that a technician got
}

func (o *observable) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, fmt.Sprintf("%v ", time.Since(o.start))+fmt.Sprintf(format, args...))
}

// Write takes the agent's log.
func (o *observable) Write(b []byte) (int, error) {
	o.note("log %s", b)
	return len(b), nil
}

// differs shows the first thing that differs; "" when nothing does. Things of one instant have no order. Where the recipient
// alone is asked about, what can be seen on the object does not count: a technician is told how old a reading is.
func differs(a, b *observable, recipient bool) string {
	for _, o := range []*observable{a, b} {
		slices.Sort(o.lines)
		if recipient {
			o.lines = slices.DeleteFunc(o.lines, func(line string) bool {
				_, what, _ := strings.Cut(line, " ")
				return !strings.HasPrefix(what, "dial") && !strings.HasPrefix(what, "request ")
			})
		}
	}
	for i := range max(len(a.lines), len(b.lines)) {
		var x, y string
		if i < len(a.lines) {
			x = a.lines[i]
		}
		if i < len(b.lines) {
			y = b.lines[i]
		}
		if x != y {
			var near strings.Builder
			for j := max(i-4, 0); j < min(i+4, len(a.lines), len(b.lines)); j++ {
				fmt.Fprintf(&near, "  %.150s\n  %.150s\n\n", a.lines[j], b.lines[j])
			}
			return "one: " + x + "\nthe other: " + y + "\nnearby:\n" + near.String()
		}
	}
	return ""
}

// scripted is a source that says what a story says.
type scripted struct {
	name     string
	start    time.Time
	clock    sensors.Clock
	readings []reading
	read     func(hidden bool)
}

func (s *scripted) Name() string { return s.name }

func (s *scripted) Fields() []sensors.Field {
	var out []sensors.Field
	for _, f := range home()[s.name] {
		k, _ := sensors.KindNamed(f.kind)
		out = append(out, sensors.NewField(s.name, f.name, k))
	}
	return out
}

func (s *scripted) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	for _, r := range s.readings {
		wait := time.Until(s.start.Add(r.at))
		if r.source != s.name || wait < 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		s.read(r.hidden)
		if err := emit(sensors.Reading{Source: s.name, Time: sensors.Micros(s.clock.Now().UnixMicro()), Values: r.values}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// pipes is a network in memory: what is dialled is served.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	note   func(string, ...any)
	mu     sync.Mutex
	cut    bool
	open   []net.Conn
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.note("dial")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return nil, errors.New("no way to the recipient")
	}
	here, there := net.Pipe()
	p.open = append(p.open, here)
	select {
	case p.accept <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut = cut; cut {
		for _, c := range p.open {
			_ = c.Close()
		}
		p.open = nil
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// observed serves a receiver and notes what arrives.
func observed(o *observable, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		o.note("request %s %s %v %d bytes %x error %v", r.Method, r.URL.Path, r.Header, len(body), sha256.Sum256(body), err)
		if strings.HasSuffix(r.URL.Path, "/batches") {
			o.mu.Lock()
			o.uploads++
			o.mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

// cast is one agent's life.
type cast struct {
	turns   int // how often the command line was asked
	t       *testing.T
	o       *observable
	s       *story
	twin    *story
	dir     string
	net     *pipes
	random  io.Reader
	clock   sensors.Clock // the machine's wall clock
	moves   *storyClock   // the same, where a story moves it
	agent   *agent.Agent
	stop    context.CancelFunc
	stopped chan struct{}
}

// live plays a story and says what could be seen of it. twin tells which of its readings count as hidden.
func live(t *testing.T, root string, s, twin *story, seed uint64) *observable {
	o := &observable{}
	dir := filepath.Join(root, "object")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, "there"), 0o700)); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("policy.toml", s.policy(false))
	promised := ""
	if s.charter != "" {
		write("charter.toml", "version = 1\n"+s.charter+"\n")
		promised = "charter = \"charter.toml\"\n"
	}
	write("candor.toml", "[attributes]\n\"device.serial\" = \""+s.serial+"\"\n[device]\nstate = \"state\"\n[buffer]\nflush = \"10m\"\n[policy]\nfile = \"policy.toml\"\n"+promised+"[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:1/v1\"\ntimeout = \"5s\"\n")
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))) // no clock is believed that says an earlier day than this software's
		o.start = time.Now()
		h, closeSink := newReceiver(t, filepath.Join(dir, "there"))
		clock := &storyClock{synced: true, booted: o.start.Add(-20 * time.Second)}
		c := &cast{t: t, o: o, s: s, twin: twin, dir: dir, clock: clock, moves: clock, random: &storyRandom{seed: seed, start: o.start, counted: twin.shifted, drawn: map[[32]byte]uint64{}},
			net: &pipes{accept: make(chan net.Conn), closed: make(chan struct{}), note: o.note}}
		server := &http.Server{Handler: http.StripPrefix("/v1", observed(o, h)), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		server.SetKeepAlivesEnabled(false) // every request its own connection: whether one is used again is a race in net/http
		served := make(chan struct{})
		go func() { _ = server.Serve(c.net); close(served) }()
		c.play()
		_ = server.Close()
		<-served
		closeSink()
	})
	return o
}

// play lives through the story.
func (c *cast) play() {
	c.begin()
	moments := slices.Clone(c.s.moments)
	for at := 97 * time.Minute; at < storyLength; at += 97 * time.Minute {
		moments = append(moments, moment{at: at + 3*time.Second, what: "look"})
	}
	moments = append(moments, moment{at: storyLength - 31*time.Minute + 5*time.Second, what: "ask"})
	slices.SortStableFunc(moments, func(a, b moment) int { return int(a.at - b.at) })
	for _, m := range moments {
		time.Sleep(time.Until(c.o.start.Add(m.at)))
		c.happen(m)
		synctest.Wait()
		if m.what != "grant" { // with everything asleep
			c.look()
		}
	}
	time.Sleep(time.Until(c.o.start.Add(storyLength)))
	c.look()
	c.end()
	c.files()
}

func (c *cast) happen(m moment) {
	ctx := c.t.Context()
	switch m.what {
	case "grant":
		_, err := c.agent.Grant(ctx, m.purpose, control.Person, control.Decision{})
		c.o.note("grant %s: %v", m.purpose, err)
	case "withdraw":
		_, err := c.agent.Withdraw(ctx, m.purpose, control.Person, control.Decision{})
		c.o.note("withdraw %s: %v", m.purpose, err)
		c.files()
	case "cut", "heal":
		c.net.set(m.what == "cut")
	case "edit":
		if err := os.WriteFile(filepath.Join(c.dir, "policy.toml"), []byte(c.s.policy(true)), 0o600); err != nil {
			c.t.Fatal(err)
		}
		c.o.note("edit: %v", c.agent.Reload())
	case "pause":
		_, err := c.agent.Pause(ctx, control.Person, control.Decision{})
		c.o.note("pause: %v", err)
	case "resume":
		_, err := c.agent.Resume(ctx, control.Person, control.Decision{})
		c.o.note("resume: %v", err)
	case "reload":
		c.o.note("reload: %v", c.agent.Reload())
	case "restart":
		c.end()
		c.begin()
	case "jump", "stop", "set":
		c.moves.move(m)
	case "reboot":
		c.end()
		c.moves.move(m)
		c.begin()
	case "ask":
		c.ask()
	}
}

func (c *cast) begin() {
	cfg, err := agent.LoadConfig(filepath.Join(c.dir, "candor.toml"))
	if err != nil {
		c.t.Fatal(err)
	}
	var sources []sensors.Source
	for _, name := range sourceNames() {
		mark := map[time.Duration]bool{}
		for _, r := range c.twin.readings {
			if r.source == name {
				mark[r.at] = r.hidden
			}
		}
		sources = append(sources, &scripted{name: name, start: c.o.start, clock: c.clock, readings: c.s.readings, read: func(bool) {
			if mark[time.Since(c.o.start)] {
				c.o.mu.Lock()
				c.o.read++
				c.o.mu.Unlock()
			}
		}})
	}
	var kernel *timeline.Kernel
	if c.s.clock {
		kernel = c.moves.kernel()
	}
	c.agent, err = agent.OpenWith(cfg, agent.Options{Kernel: kernel, Clock: c.clock, ClockName: "test", Rand: c.random, Dial: c.net.dial,
		Sending: func(on bool) { c.o.note("light %v", on) },
		Log:     slog.New(slog.NewTextHandler(c.o, &slog.HandlerOptions{Level: slog.LevelDebug}))}, sources...)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(c.t.Context())
	c.stop, c.stopped = stop, make(chan struct{})
	a, stopped := c.agent, c.stopped
	go func() {
		c.o.note("the run ended: %v", a.RunAlone(ctx))
		close(stopped)
	}()
	synctest.Wait()
}

func (c *cast) end() {
	c.stop()
	<-c.stopped
	c.o.note("close: %v", c.agent.Close())
}

// files notes the names and sizes of all files. What is in them is sealed, and bbolt lays it out differently every time.
func (c *cast) files() {
	_ = filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == "there" || d.Name() == "history") {
				return fs.SkipDir // the recipient's, and the person's: how much she keeps depends on what is sensed
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		c.o.note("file %s: %d bytes", path, info.Size())
		return nil
	})
}

// storyRandom is the agent's randomness: a function of the seed, the instant and the place in the code that asks, and of nothing
// else, so that who asks first in one instant does not matter.
type storyRandom struct {
	seed    uint64
	counted bool // of how often that place has asked in place of the instant
	start   time.Time
	mu      sync.Mutex
	drawn   map[[32]byte]uint64
}

func (r *storyRandom) Read(p []byte) (int, error) {
	var pcs [64]uintptr
	n := runtime.Callers(2, pcs[:])
	place := binary.BigEndian.AppendUint64(nil, r.seed)
	if !r.counted {
		place = binary.BigEndian.AppendUint64(place, uint64(time.Since(r.start)))
	}
	for _, pc := range pcs[:n] {
		place = binary.BigEndian.AppendUint64(place, uint64(pc))
	}
	name := sha256.Sum256(place)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := 0; i < len(p); {
		r.drawn[name]++
		block := sha256.Sum256(binary.BigEndian.AppendUint64(name[:], r.drawn[name]))
		i += copy(p[i:], block[:])
	}
	return len(p), nil
}
