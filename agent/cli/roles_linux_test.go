package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// TestRolesByGroup runs a real agent and, as users that the kernel tells apart, the real command: who belongs to the groups named in
// candor.toml is what they say, everyone else is nobody, and the person reads in the ledger what the others tried.
func TestRolesByGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to become other users")
	}
	persons, technicians := "daemon", "adm" // groups that every Linux has
	gid := func(name string) uint32 {
		g, err := user.LookupGroup(name)
		if err != nil {
			t.Skipf("this machine has no group %s", name)
		}
		id, err := strconv.ParseUint(g.Gid, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(id)
	}
	person, technician := gid(persons), gid(technicians)
	dir, candor := openHouse(t)
	config := filepath.Join(dir, "candor.toml")
	text := "[device]\nstate = \"state\"\nlanguage = \"en\"\n[policy]\nfile = \"policy.toml\"\n[control]\nsocket = \"control.sock\"\nperson = \"" + persons + "\"\ntechnician = \"" + technicians + "\"\n"
	for name, content := range map[string]string{"candor.toml": text, "policy.toml": agent.PolicyReference()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runAgent(t, config)
	run := func(c *syscall.Credential, args ...string) (int, string) {
		t.Helper()
		cmd := exec.Command(candor, append(args, "--config", config)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode(), string(out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0, string(out)
	}
	root, nobody := &syscall.Credential{}, &syscall.Credential{Uid: 4711, Gid: 4711}
	tech, by := &syscall.Credential{Uid: 4712, Gid: technician}, &syscall.Credential{Uid: 4713, Gid: 4713, Groups: []uint32{4714, person}}
	for _, c := range []struct {
		who  string
		as   *syscall.Credential
		want int
		args string
	}{
		{"nobody", nobody, 4, "status"}, {"nobody", nobody, 4, "ledger show"},
		{"technician", tech, 0, "status"}, {"technician", tech, 0, "uplink retry"}, {"technician", tech, 4, "consent grant trends"}, {"technician", tech, 4, "export"},
		{"root", root, 4, "consent grant trends"}, {"root", root, 0, "consent grant trends --on-behalf Martin"},
		{"person", by, 0, "consent withdraw trends"}, {"person", by, 0, "sent"}, {"person", by, 0, "ledger verify"},
	} {
		if code, out := run(c.as, strings.Fields(c.args)...); code != c.want {
			t.Errorf("%s: candor %s ends with %d, want %d\n%s", c.who, c.args, code, c.want, out)
		}
	}
	_, ledger := run(by, "ledger", "show")
	shown := strings.Join(strings.Fields(ledger), " ")
	for _, want := range []string{"offer refused uploads again technician", "not allowed: say yes technician", "not allowed: take the person's data technician",
		"not allowed: say yes root", "given trends, grant 1 root for Martin", "not allowed: see the ledger nobody"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the person does not read of %q:\n%s", want, ledger)
		}
	}
}

// openHouse is a folder that every user may look into, with this program in it as candor.
func openHouse(t *testing.T) (dir, candor string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "candor-roles")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	candor = filepath.Join(dir, "candor")
	to, err := os.OpenFile(candor, os.O_CREATE|os.O_WRONLY, 0o755)
	if err == nil {
		_, err = io.Copy(to, from)
		err = errors.Join(err, to.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, candor
}

// runAgent runs the agent of a configuration until the test ends, and waits for its socket.
func runAgent(t *testing.T, config string) {
	t.Helper()
	cfg, err := agent.LoadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.Open(cfg, agent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		client, err := control.Dial(cfg.Socket())
		if err == nil {
			client.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
