package agent_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/sensors"
)

// watchdog is systemd: a socket to which an agent tells that it is alive.
type watchdog struct {
	t    *testing.T
	conn *net.UnixConn
}

func newWatchdog(t *testing.T) *watchdog {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &watchdog{t, conn}
}

// fed says how often the watchdog was fed since it was last asked.
func (w *watchdog) fed() (n int) {
	w.t.Helper()
	raw, err := w.conn.SyscallConn()
	if err != nil {
		w.t.Fatal(err)
	}
	buf := make([]byte, 64)
	// What was sent is there at once, and waiting is not for a bubble.
	if err := raw.Read(func(fd uintptr) bool {
		for {
			got, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
			if err != nil {
				return true
			}
			if string(buf[:got]) != daemon.SdNotifyWatchdog {
				w.t.Errorf("it is told %q", buf[:got])
			}
			n++
		}
	}); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// pass lets time go by and says how often the watchdog was fed meanwhile. The kernel holds ten messages that nobody read.
func (w *watchdog) pass(d time.Duration) (n int) {
	w.t.Helper()
	for ; d > 0; d -= time.Minute {
		time.Sleep(min(d, time.Minute))
		n += w.fed()
	}
	return n
}

// probe is a part that answers, fails or hangs.
type probe struct {
	mu   sync.Mutex
	fail error
	hang chan struct{} // nil: it does not
}

func (*probe) Identify(context.Context) error { return nil }

func (p *probe) Sense(_ context.Context, values []sensors.Value) error {
	p.mu.Lock()
	fail, hang := p.fail, p.hang
	p.mu.Unlock()
	if hang != nil {
		<-hang
	}
	values[0] = sensors.Number(21_000)
	return fail
}

func (p *probe) set(fail error, hang chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail, p.hang = fail, hang
}

// part makes a source of a probe that is alone on its bus.
func (p *probe) part(t *testing.T, name string, every time.Duration) sensors.Source {
	t.Helper()
	kind, ok := sensors.KindNamed("temperature")
	if !ok {
		t.Fatal("there is no temperature")
	}
	return sensors.Supervise(sensors.SuperviseOptions{Parts: []sensors.Supervised{{
		Name: name, Driver: "test", Bus: "bus of " + name, Fields: []sensors.Field{sensors.NewField(name, "temperature", kind)}, Part: p, Every: every}}})[0]
}

// heard is what an agent logs.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// alive runs an agent with the sources, which are made in its bubble, until look has returned.
func alive(t *testing.T, w *watchdog, sources func() []sensors.Source, hold func(), look func(every time.Duration, log *heard)) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "candor.toml"), []byte("[device]\nstate = \"state\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		var log heard
		a, err := agent.OpenWith(cfg, agent.Options{Clock: bubbleClock{}, Detached: true, Log: slog.New(slog.NewTextHandler(&log, nil))}, sources()...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		if hold != nil {
			a.HoldReadings(hold)
		}
		every := a.OnFlow(10*time.Second, func() {
			if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
				t.Error(err)
			}
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		look(every, &log)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.fed()
	})
}

// TestStuckPipelineStopsFeeding: while a reading is not taken in the watchdog gets nothing, though the sensors are read on.
func TestStuckPipelineStopsFeeding(t *testing.T) {
	w := newWatchdog(t)
	var stuck atomic.Pointer[chan struct{}]
	hold := func() {
		if c := stuck.Load(); c != nil {
			<-*c
		}
	}
	sources := func() []sensors.Source {
		return []sensors.Source{(&probe{}).part(t, "hall", 10*time.Second), (&probe{}).part(t, "attic", 10*time.Second)}
	}
	alive(t, w, sources, hold, func(every time.Duration, log *heard) {
		if every != time.Minute {
			t.Errorf("the sensors are looked at every %s at the longest, want a minute", every)
		}
		if n := w.pass(5 * time.Minute); n < 25 {
			t.Errorf("fed %d times in five minutes", n)
		}
		release := make(chan struct{})
		stuck.Store(&release)
		// A slow card is no stuck one.
		if n := w.pass(time.Minute); n == 0 {
			t.Error("half a minute of patience is not given")
		}
		if n := w.pass(10 * time.Minute); n != 0 {
			t.Errorf("fed %d times although nothing is taken in", n)
		}
		if said := log.String(); strings.Count(said, "data does not flow") != 1 || !strings.Contains(said, "has not been taken in") {
			t.Errorf("the log says %s", said)
		}
		stuck.Store(nil)
		close(release)
		if n := w.pass(time.Minute); n < 5 {
			t.Errorf("data flows again, and it is fed %d times in a minute", n)
		}
	})
}

// TestHangingBusStopsFeeding: a bus that worked and hangs now is a reason to start again; a part that is unplugged is not.
func TestHangingBusStopsFeeding(t *testing.T) {
	w := newWatchdog(t)
	hall, attic := &probe{}, &probe{}
	sources := func() []sensors.Source {
		return []sensors.Source{hall.part(t, "hall", 10*time.Second), attic.part(t, "attic", 10*time.Second)}
	}
	alive(t, w, sources, nil, func(_ time.Duration, log *heard) {
		w.pass(time.Minute)
		hall.set(sensors.NoAnswer, nil)
		if n := w.pass(10 * time.Minute); n < 50 {
			t.Errorf("fed %d times in ten minutes with a part that is not there", n)
		}
		release := make(chan struct{})
		hall.set(nil, release)
		w.pass(4 * time.Minute)
		if n := w.pass(10 * time.Minute); n != 0 {
			t.Errorf("fed %d times although a bus hangs", n)
		}
		if !strings.Contains(log.String(), "no look at hall has come back") {
			t.Errorf("the log says %s", log)
		}
		hall.set(nil, nil)
		close(release)
		if n := w.pass(2 * time.Minute); n == 0 {
			t.Error("the bus answers again, and nothing is fed")
		}
	})
}

// TestHangingFromTheStart: what hung from the start would hang after another one too; the rest goes on.
func TestHangingFromTheStart(t *testing.T) {
	w := newWatchdog(t)
	var release chan struct{}
	hall := &probe{}
	sources := func() []sensors.Source {
		release = make(chan struct{})
		hall.set(nil, release)
		return []sensors.Source{hall.part(t, "hall", 10*time.Second), (&probe{}).part(t, "attic", 10*time.Second)}
	}
	alive(t, w, sources, nil, func(time.Duration, *heard) {
		if n := w.pass(10 * time.Minute); n < 50 {
			t.Errorf("fed %d times in ten minutes", n)
		}
		hall.set(nil, nil)
		close(release)
		w.pass(2 * time.Minute)
	})
}

// TestNothingOnASchedule: an object on which nothing is read on a schedule has no rhythm to be held to.
func TestNothingOnASchedule(t *testing.T) {
	w := newWatchdog(t)
	alive(t, w, func() []sensors.Source { return nil }, nil, func(every time.Duration, _ *heard) {
		if n := w.pass(time.Hour); every != 0 || n != 0 {
			t.Errorf("a rhythm of %s, fed %d times", every, n)
		}
	})
}
