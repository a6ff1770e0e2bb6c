package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// TestSIGTERM: what systemd sends ends the daemon in order. The signal goes to this process, where only Main waits for it.
func TestSIGTERM(t *testing.T) {
	config := object(t)
	var out, errs bytes.Buffer
	env := HostEnv()
	env.Stdout, env.Stderr = &out, &errs
	ended := make(chan int, 1)
	go func() { ended <- Main([]string{"run", "--config", config}, env) }()
	socket := filepath.Join(filepath.Dir(config), "state", "control.sock")
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		client, err := control.Dial(socket)
		if err == nil {
			client.Close()
			break
		}
		select {
		case code := <-ended:
			t.Fatalf("the daemon ended with %d: %s", code, errs.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("no daemon: %v", err)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-ended:
		if code != exitDone {
			t.Errorf("exit code %d: %s", code, errs.String())
		}
	case <-time.After(patience):
		t.Fatal("the daemon does not end")
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the socket is still there")
	}
	if out.Len() > 0 || !strings.Contains(errs.String(), "level=INFO") {
		t.Errorf("output %q, log %q", out.String(), errs.String())
	}
}

// TestPatience: a command that has the state directory for a moment keeps neither the others nor the daemon away; a daemon does.
func TestPatience(t *testing.T) {
	config := object(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "policy.toml"), []byte(agent.PolicyReference()), 0o600); err != nil {
		t.Fatal(err)
	}
	hold := func() *agent.Agent {
		cfg, err := agent.LoadConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		a, err := agent.Open(cfg, agent.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, args := range [][]string{{"status", "--json"}, {"run", "--once"}} {
		a := hold()
		closed := make(chan error, 1)
		time.AfterFunc(150*time.Millisecond, func() { closed <- a.Close() })
		if code, _, errs := call(os.Geteuid(), append(args, "--config", config)...); code != exitDone {
			t.Errorf("%v: %d %s", args, code, errs)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	a := hold()
	defer func() { _ = a.Close() }()
	stop, err := serveFake(filepath.Join(filepath.Dir(config), "state", "control.sock"), control.Person)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	begun := time.Now()
	code, _, errs := call(os.Geteuid(), "run", "--config", config)
	if code != exitFailed || !strings.Contains(errs, "hint: candor status") || time.Since(begun) > lockPatience {
		t.Errorf("%d after %s: %s", code, time.Since(begun), errs)
	}
}
