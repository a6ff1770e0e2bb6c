package agent_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
)

// pipeListener hands out connections in memory, so that a whole day of agent and receiver runs on a clock that does not wait.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error { close(l.done); return nil }

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// dial is the other end.
func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bubbleClock is the clock of a bubble, handed in: what the machine's kernel says of its own does not count.
type bubbleClock struct{ sensors.SystemClock }

// tenSensors is a house with ten sensors at ten seconds and default settings, whose three purposes let everything out in some form.
func tenSensors(state string) (config, policy string) {
	rooms := []string{"livingroom", "kitchen", "bedroom", "bathroom", "hall", "door", "badge", "entrance", "meter", "kitchen"}
	fields := map[string][]string{"door": {"open"}, "badge": {"id"}, "entrance": {"open", "badge"}, "meter": {"power"}}
	var c, keep, mean strings.Builder
	fmt.Fprintf(&c, "[device]\nstate = %q\n[policy]\nfile = \"policy.toml\"\n[[route]]\nrecipient = \"acme\"\nurl = \"http://127.0.0.1:1\"\n", state)
	for i, room := range rooms {
		name := fmt.Sprintf("s%d", i)
		fmt.Fprintf(&c, "[[sensor]]\nname = %q\ndriver = \"simulated\"\nroom = %q\nevery = \"10s\"\nseed = 1\n", name, room)
		quantities := fields[room]
		if quantities == nil {
			quantities = []string{"temperature", "humidity", "light", "co2"}
		}
		for _, q := range quantities {
			switch q {
			case "id", "badge":
				keep.WriteString(rule(name+"."+q, "action = \"pseudonym\""))
			case "open":
				keep.WriteString(rule(name+"."+q, "action = \"keep\""))
			default:
				keep.WriteString(rule(name+"."+q, "action = \"keep\""))
				mean.WriteString(rule(name+"."+q, "action = \"mean\"\nwindow = \"1h\""))
			}
		}
	}
	return c.String(), header + purpose("all", "time = \"1m\"\nupload = \"1h\"\n"+keep.String()) + purpose("trends", "time = \"1h\"\nupload = \"6h\"\n"+mean.String())
}

// runDays runs an agent with ten sensors in dir for so long on a clock of its own, with a receiver that is there.
func runDays(t *testing.T, dir, state string, long time.Duration) (rows uint64, written int64) {
	t.Helper()
	out := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		handler, closeSink := newReceiver(t, out)
		defer closeSink()
		l := newPipeListener()
		srv := &http.Server{Handler: handler}
		go func() { _ = srv.Serve(l) }()
		defer func() { _ = srv.Close() }()
		config, policy := tenSensors(state)
		for name, text := range map[string]string{"candor.toml": config, "policy.toml": policy} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := agent.Open(cfg, agent.Options{Clock: bubbleClock{}, Dial: l.dial, Detached: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		grant(t, a, "all", "trends")
		ctx, stop := context.WithTimeout(t.Context(), long)
		defer stop()
		if err := a.Run(ctx); err != nil {
			t.Fatal(err)
		}
		status, err := a.Status(context.WithoutCancel(ctx))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range status.Purposes {
			rows += p.Sent.Rows
		}
		written = status.Buffer.Written
	})
	return rows, written
}

// TestFlashADay has ten sensors at ten seconds with default settings run for a day and holds what the buffer gives to the file
// system against the budget. What the card really gets is measured by TestFlashOnADevice.
func TestFlashADay(t *testing.T) {
	dir := t.TempDir()
	rows, written := runDays(t, dir, filepath.Join(dir, "state"), 6*time.Hour)
	t.Logf("6 hours: %d rows arrived, %.1f MB a day written", rows, float64(4*written)/1e6)
	if rows < 4*3600/10*10 { // the last hour and a bit wait for an upload at a phase that chance chose, and a door tells nothing new most times
		t.Errorf("only %d rows arrived", rows)
	}
	if 4*written > control.FlashBudget {
		t.Errorf("%d bytes a day, the budget is %d", 4*written, control.FlashBudget)
	}
}

// sectors is how many bytes a block device was given so far.
func sectors(t *testing.T, device string) int64 {
	t.Helper()
	text, err := os.ReadFile("/sys/block/" + filepath.Base(device) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(text)) // Documentation/block/stat.rst: the seventh is sectors of 512 bytes written
	n, err := strconv.ParseInt(f[6], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * 512
}

// blockDevice makes a file system on a device of its own and mounts it; the test is skipped, with the reason, where that can't be.
func blockDevice(t *testing.T) (device, mount string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a block device of its own takes root")
	}
	image, mount := filepath.Join(t.TempDir(), "card"), filepath.Join(t.TempDir(), "mount")
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Skipf("no block device can be made here: %s %s: %v %s", name, strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(512 << 20); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	run("mkfs.ext4", "-q", "-F", image)
	device = run("losetup", "-f", "--show", image)
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", device).Run() })
	if err := os.MkdirAll(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	run("mount", device, mount)
	t.Cleanup(func() { _ = syscall.Unmount(mount, 0) })
	return device, mount
}

// TestFlashOnADevice counts the sectors that a block device of its own is given in a day, with the journal of ext4 and
// all: ten sensors at ten seconds, default settings, keys on the same card.
func TestFlashOnADevice(t *testing.T) {
	measured(t)
	device, mount := blockDevice(t)
	syscall.Sync()
	before := sectors(t, device)
	rows, written := runDays(t, t.TempDir(), filepath.Join(mount, "state"), 24*time.Hour)
	syscall.Sync()
	day := sectors(t, device) - before
	t.Logf("a day: %d rows arrived; the device was given %.1f MB, the buffer counts %.1f MB", rows, float64(day)/1e6, float64(written)/1e6)
	if rows < 86400/10*10*3/4 {
		t.Errorf("only %d rows arrived", rows)
	}
	if day > control.FlashBudget {
		t.Errorf("the device was given %d bytes in a day, the budget is %d", day, control.FlashBudget)
	}
}
