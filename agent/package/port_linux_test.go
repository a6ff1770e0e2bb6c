package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// open lists the sockets of a process that take something from the network: TCP that listens, and UDP that is not connected.
func open(t *testing.T, pid int) (out []string) {
	t.Helper()
	mine := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	must(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				mine[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	// The columns are those of proc_pid_net(5): the address, the peer's, the state and, ninth, the inode.
	for table, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == state && mine[f[9]] {
				out = append(out, table+" "+f[1])
			}
		}
	}
	return out
}

// TestNoInboundPort: an agent with its defaults, a sensor and a route listens to nobody but the unix socket of its command line.
func TestNoInboundPort(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("the sockets of a process can't be looked at: ", err)
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "candor.toml"), []byte(`[device]
state = "state"
[[sensor]]
name = "hall"
driver = "simulated"
room = "hall"
every = "100ms"
[[route]]
recipient = "acme"
url = "http://127.0.0.1:9"
`), 0o600))
	agent := exec.Command(binary(t), "run", "--config", filepath.Join(dir, "candor.toml"))
	must(t, agent.Start())
	defer func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait()
	}()
	socket := filepath.Join(dir, "state", "control.sock")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the agent does not come up")
		}
	}
	for range 20 {
		if ports := open(t, agent.Process.Pid); len(ports) > 0 {
			t.Fatalf("the agent listens at %v", ports)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// TestOpenPortIsSeen: the look at the sockets would see one.
func TestOpenPortIsSeen(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("the sockets of a process can't be looked at: ", err)
	}
	if ports := open(t, os.Getpid()); len(ports) > 0 {
		t.Skipf("this process listens already: %v", ports)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	defer func() { _ = syscall.Close(fd) }()
	must(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, syscall.Listen(fd, 1))
	if ports := open(t, os.Getpid()); len(ports) != 1 || !strings.HasPrefix(ports[0], "tcp 0100007F:") {
		t.Errorf("what listens is %v", ports)
	}
}
