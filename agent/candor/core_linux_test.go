package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestACrashLeavesNoCore crashes a daemon that was started where cores are allowed and that senses what nobody granted.
func TestACrashLeavesNoCore(t *testing.T) {
	t.Parallel()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.ContainsAny(string(pattern), "|/") {
		t.Skipf("skipped: on this machine a core does not go to the directory of the process (core_pattern is %q)", bytes.TrimSpace(pattern))
	}
	w := newWorkshop(t, 1)
	h := w.house(t, "state")
	h.recording(400, rand.New(rand.NewSource(1)))
	crash := func(up func() bool, name string, args ...string) int {
		script := `ulimit -c unlimited || exit 9; exec "$0" "$@"`
		c := exec.Command("sh", append([]string{"-c", script, name}, args...)...)
		c.Dir, c.Env = h.dir, append(os.Environ(), "GOTRACEBACK=crash")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); !up() && time.Now().Before(end); { // the shell may not be it yet
			time.Sleep(10 * time.Millisecond)
		}
		_ = c.Process.Signal(syscall.SIGABRT)
		err := c.Wait()
		if c.ProcessState.ExitCode() == 9 {
			t.Skip("skipped: cores are forbidden to this account")
		}
		if err == nil || c.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGABRT {
			t.Fatalf("%s did not crash: %v", name, err)
		}
		cores, err := filepath.Glob(filepath.Join(h.dir, "core*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, core := range cores {
			_ = os.Remove(core)
		}
		return len(cores)
	}
	begun := time.Now()
	asleep := func() bool { return time.Since(begun) > 500*time.Millisecond } // by chance still the shell, which leaves a core as well
	if crash(asleep, "sleep", "90") == 0 {
		t.Skip("skipped: no program leaves a core here")
	}
	answers := func() bool {
		conn, err := net.Dial("unix", relative(t, filepath.Join(h.stateDir(), "control.sock")))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	if n := crash(answers, h.command("candor").Path, "run", "--config", "candor.toml"); n > 0 {
		t.Error("the daemon left a core")
	}
}

// TestDestroyedKeysAreNotInMemory withdraws at a running daemon and looks for every key that was destroyed in all of its memory,
// as a core of that moment would have had it.
func TestDestroyedKeysAreNotInMemory(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("skipped: only root may read the memory of the daemon")
	}
	w := newWorkshop(t, 1)
	h := w.house(t, "state")
	h.config("state", "127.0.0.1:1") // what is buffered stays there, and with it the keys of the day
	h.recording(400, rand.New(rand.NewSource(1)))
	h.mustDecide(t, "grant")
	kill := h.daemon(t)
	defer kill(os.Kill)
	file := filepath.Join(h.dir, "state-keys", "keys")
	var before map[string][]byte
	for range 1200 {
		time.Sleep(50 * time.Millisecond)
		if before = grantKeys(t, file); len(before) >= 2 { // of the grant and of a day
			break
		}
	}
	if len(before) < 2 {
		t.Fatalf("only %d keys: the daemon did not store anything", len(before))
	}
	if found := inMemory(t, h.pid, before); len(found) == 0 {
		t.Fatal("the keys in use are not found: the test would not find others")
	}
	h.mustDecide(t, "withdraw")
	for name := range grantKeys(t, file) {
		delete(before, name)
	}
	if len(before) < 2 {
		t.Fatalf("only %d keys were destroyed", len(before))
	}
	for _, name := range inMemory(t, h.pid, before) {
		t.Errorf("the memory of the daemon holds %s after the withdrawal", name)
	}
}

// grantKeys reads the secrets of grants and days from a key file, in the form that store/keyring describes.
func grantKeys(t *testing.T, path string) map[string][]byte {
	t.Helper()
	image, err := os.ReadFile(path)
	if err != nil || len(image) != 128<<10 {
		t.Fatalf("%d bytes, %v", len(image), err)
	}
	if binary.BigEndian.Uint64(image[64<<10+16:]) > binary.BigEndian.Uint64(image[16:]) {
		image = image[64<<10:]
	}
	b := image[64+32+32+8+8+32+4:]
	take := func(n int) []byte { out := b[:n]; b = b[n:]; return out }
	out := map[string][]byte{}
	for range binary.BigEndian.Uint16(take(2)) {
		grant := binary.BigEndian.Uint32(take(4))
		take(int(take(1)[0]))
		out[fmt.Sprintf("the secret of grant %d", grant)] = take(32)
		for range binary.BigEndian.Uint16(take(2)) {
			day := binary.BigEndian.Uint32(take(4))
			out[fmt.Sprintf("the key of grant %d for day %d", grant, day)] = take(32)
		}
	}
	return out
}

// inMemory names the keys that are found in the writable memory of a process. Half of a key would do for finding the rest.
func inMemory(t *testing.T, pid int, keys map[string][]byte) (found []string) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maps.Close() }()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	seen, read := map[string]bool{}, 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") {
			continue
		}
		chunk := make([]byte, to-from)
		n, _ := mem.ReadAt(chunk, from) // pages may go while we read
		read += n
		for name, key := range keys {
			for _, part := range [][]byte{key[:16], key[16:]} {
				if !seen[name] && bytes.Contains(chunk[:n], part) {
					seen[name] = true
					found = append(found, name)
				}
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of memory could be read", read)
	}
	return found
}
