package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/doctor"
	"github.com/candor-edge/candor/sensors/bus"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"candor": func() { os.Exit(Main(os.Args[1:], testEnv())) },
	})
}

// testEnv is the world of this process, but that the doctor looks at the machine that lies in the directory CANDOR_TEST_ROOT, if that is set.
func testEnv() Env {
	env := HostEnv()
	if dir := os.Getenv("CANDOR_TEST_ROOT"); dir != "" {
		env.Host = func() doctor.World {
			w := doctor.Host()
			w.Root, w.Synced = os.DirFS(dir), func() bool { return true }
			w.Line = func(name string) (bus.LineInfo, error) {
				return bus.LineInfo{Label: "pinctrl", Name: name, Used: true, Consumer: "onewire"}, nil
			}
			return w
		}
	}
	return env
}

// TestScripts runs testdata/script/*.txtar, one or more a verb. Besides the usual commands there are
//
//	exits CODE COMMAND…   runs a command and compares its exit code
//	daemon ROLE           serves a fake agent at state/control.sock, to which the user is ROLE
//	await SOCKET          waits until a daemon answers at SOCKET
//	listen SOCKET         receives at SOCKET what systemd would be told
//	told TEXT             waits until that is TEXT, where \n is a line end
//	hears TEXT            waits until that is TEXT, whatever it is before
//	untold TIME           sees that it is nothing for so long
//
// and messages made by messages_test.go lie in msg/.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector makes every program end a second late
			e.Values[listening{}] = map[string]*net.UnixConn{}
			return writeMessages(filepath.Join(e.WorkDir, "msg"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "daemon": fakeDaemon, "await": await, "listen": listen, "told": told, "hears": hears, "untold": untold,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func fakeDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: daemon ROLE")
	}
	state := ts.MkAbs("state")
	ts.Check(os.MkdirAll(state, 0o700))
	stop, err := serveFake(filepath.Join(state, "control.sock"), control.Role(args[0]))
	ts.Check(err)
	ts.Defer(func() { ts.Check(stop()) })
}

const patience = 20 * time.Second // for what takes milliseconds on an idle machine

func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		client, err := control.Dial(ts.MkAbs(args[0]))
		if err == nil {
			client.Close()
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no daemon: %v", err)
		}
	}
}

type listening struct{}

func listen(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: ts.MkAbs(args[0]), Net: "unixgram"})
	ts.Check(err)
	ts.Defer(func() { _ = conn.Close() })
	ts.Value(listening{}).(map[string]*net.UnixConn)["conn"] = conn
}

// hear waits for what systemd is told; "" when it is nothing for so long.
func hear(ts *testscript.TestScript, long time.Duration) string {
	conn := ts.Value(listening{}).(map[string]*net.UnixConn)["conn"]
	ts.Check(conn.SetReadDeadline(time.Now().Add(long)))
	message := make([]byte, 256)
	n, err := conn.Read(message)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		ts.Check(err)
	}
	return string(message[:n])
}

func told(ts *testscript.TestScript, _ bool, args []string) {
	want := strings.ReplaceAll(args[0], `\n`, "\n")
	if got := hear(ts, patience); got != want {
		ts.Fatalf("systemd was told %q, want %q", got, want)
	}
}

func hears(ts *testscript.TestScript, _ bool, args []string) {
	for got := ""; got != args[0]; {
		if got = hear(ts, patience); got == "" {
			ts.Fatalf("systemd was never told %q", args[0])
		}
	}
}

func untold(ts *testscript.TestScript, _ bool, args []string) {
	long, err := time.ParseDuration(args[0])
	ts.Check(err)
	if got := hear(ts, long); got != "" {
		ts.Fatalf("systemd was told %q", got)
	}
}

// serveFake serves the fake agent until stop is called.
func serveFake(socket string, role control.Role) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	s := &control.Server{
		Path: socket, Handler: control.NewHandler(fakeAgent{}), Ready: func() { close(ready) },
		Roles: func(uint32, uint32, []uint32) (control.Role, bool) { return role, role != "nobody" },
	}
	go func() { ended <- s.Run(ctx) }()
	select {
	case err := <-ended:
		cancel()
		return nil, err
	case <-ready:
		return sync.OnceValue(func() error { cancel(); return <-ended }), nil
	}
}

// call runs candor in this process as a user, and returns code, output and errors.
func call(uid int, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := HostEnv()
	env.Stdin, env.Stdout, env.Stderr, env.UID = strings.NewReader(""), &out, &errs, uid
	code = Main(args, env)
	return code, out.String(), errs.String()
}

// object writes a candor.toml and a state directory that belongs to whoever runs the test.
func object(t *testing.T) (config string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "candor.toml")
	if err := os.WriteFile(config, []byte("[device]\nstate = \"state\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestStrangers: without a daemon nobody but the owner of the state directory and root gets at it.
func TestStrangers(t *testing.T) {
	config := object(t)
	for _, args := range [][]string{{"status"}, {"sent"}, {"preview"}, {"consent", "show"}, {"consent", "grant", "trends"}, {"consent", "withdraw", "trends"},
		{"sensor", "read"}, {"sensor", "record", "hall"}} {
		code, out, errs := call(os.Geteuid()+4711, append(args, "--config", config)...)
		if code != exitNotAllowed || out != "" || !strings.HasPrefix(errs, "candor: ") || !strings.Contains(errs, "\nhint: ") {
			t.Errorf("%v: %d\n%s%s", args, code, out, errs)
		}
	}
}

// TestRootAsks: root decides nothing by itself, with a daemon or without.
func TestRootAsks(t *testing.T) {
	config := object(t)
	check := func() {
		t.Helper()
		for _, verb := range []string{"grant", "withdraw"} {
			code, out, errs := call(0, "consent", verb, "trends", "--config", config)
			if code != exitNotAllowed || out != "" || !strings.Contains(errs, "--on-behalf") {
				t.Errorf("%s: %d\n%s%s", verb, code, out, errs)
			}
		}
	}
	check()
	stop, err := serveFake(filepath.Join(filepath.Dir(config), "state", "control.sock"), control.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	check()
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputFails(t *testing.T) {
	var errs bytes.Buffer
	env := HostEnv()
	env.Stdout, env.Stderr = fullDisk{}, &errs
	if code := Main([]string{"version"}, env); code != exitFailed || !strings.Contains(errs.String(), "can't write the output") {
		t.Errorf("%d: %s", code, errs.String())
	}
}

// TestHelp holds every verb to its help: an example, lines that fit, nothing left empty.
func TestHelp(t *testing.T) {
	verbs := [][]string{
		{}, {"run"}, {"status"}, {"consent"}, {"consent", "show"}, {"consent", "grant"}, {"consent", "withdraw"}, {"preview"}, {"sent"}, {"decode"},
		{"config"}, {"config", "check"}, {"config", "reference"}, {"policy"}, {"policy", "check"}, {"completion"}, {"about"}, {"version"}, {"help"}, {"doctor"}, {"bundle"},
		{"sensor"}, {"sensor", "list"}, {"sensor", "scan"}, {"sensor", "read"}, {"sensor", "record"},
	}
	for _, verb := range verbs {
		code, out, errs := call(1, append(verb, "--help")...)
		if code != exitDone || errs != "" || !strings.Contains(out, "\nExamples:\n  ") || !strings.Contains(out, "\nUsage:\n  candor") {
			t.Errorf("%v: %d\n%s%s", verb, code, out, errs)
		}
		for line := range strings.Lines(out) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
				t.Errorf("%v: a line of %d columns: %s", verb, n, line)
			}
		}
		if len(verb) > 0 && verb[0] != "help" {
			if _, again, _ := call(1, append([]string{"help"}, verb...)...); again != out {
				t.Errorf("help %v says something else:\n%s", verb, again)
			}
		}
	}
}
