package control

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mine lets the user of the test in, as the person.
func mine(uid, _ uint32, _ []uint32) (Role, bool) { return Person, int(uid) == os.Getuid() }

// start serves on path until the test ends, or stop is called.
func start(t *testing.T, path string, h http.Handler, roles Roles) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	s := &Server{Path: path, Handler: h, Roles: roles, Ready: func() { close(ready) }}
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the server did not start: %v", err)
	}
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	if _, err := Dial(path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("without a daemon: %v", err)
	}
	f := &fake{}
	stop := start(t, path, NewHandler(f), mine)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 || info.Mode().Type() != os.ModeSocket {
		t.Fatalf("the socket is %v, %v", info, err)
	}
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !c.Remote() {
		t.Error("a dialled client says it is local")
	}
	if s, err := c.Status(t.Context()); err != nil || s.Truth != "Nothing is leaving." {
		t.Errorf("%+v, %v", s, err)
	}
	if d, err := c.Withdraw(t.Context(), "trends", Decision{Language: "fr"}); err != nil || d.Purpose != "trends" {
		t.Errorf("%+v, %v", d, err)
	}
	if err := stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("after the end: %v", err)
	}
}

func TestServeUnknownPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	f := &fake{}
	start(t, path, NewHandler(f), func(uint32, uint32, []uint32) (Role, bool) { return Root, false })
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNotAllowed) || len(f.seen()) > 0 {
		t.Errorf("%v; the backend was asked %v", err, f.seen())
	}
}

// TestServeKnowsPeer compares what the kernel said with what the process knows of itself.
func TestServeKnowsPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	got := make(chan peer, 1)
	start(t, path, NewHandler(&fake{}), func(uid, gid uint32, groups []uint32) (Role, bool) {
		select {
		case got <- peer{uid, gid, groups}:
		default:
		}
		return Person, true
	})
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := <-got
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if int(p.uid) != os.Getuid() || int(p.gid) != os.Getgid() || len(p.groups) != len(groups) {
		t.Errorf("the kernel says %+v, the process is %d:%d %v", p, os.Getuid(), os.Getgid(), groups)
	}
	for i := range p.groups {
		if int(p.groups[i]) != groups[i] {
			t.Errorf("group %d is %d, want %d", i, p.groups[i], groups[i])
		}
	}
}

// stale leaves a socket behind, as a daemon that was killed does.
func stale(t *testing.T, path string) {
	t.Helper()
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestServeStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	stale(t, path)
	if _, err := Dial(path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("a dead socket: %v", err)
	}
	start(t, path, NewHandler(&fake{}), mine)
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestServeInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	start(t, path, NewHandler(&fake{}), mine)
	err := Serve(t.Context(), path, NewHandler(&fake{}), mine)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second daemon: %v", err)
	}
	if c, err := Dial(path); err != nil {
		t.Errorf("the first one no longer answers: %v", err)
	} else {
		c.Close()
	}
}

func TestServeInTheWay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, dir, filepath.Join(dir, "none", "none", "x.sock"), filepath.Join(file, "x.sock")} {
		if err := Serve(t.Context(), path, NewHandler(&fake{}), mine); err == nil {
			t.Errorf("%s was taken for a socket", path)
		}
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "mine" {
		t.Errorf("the file in the way is %q, %v", data, err)
	}
}

// TestServeOtherSocket: a socket that somebody else put in our place is not ours to remove.
func TestServeOtherSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	stop := start(t, path, NewHandler(&fake{}), mine)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stale(t, path)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other socket was removed: %v", err)
	}
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "control.sock")
	if _, err := Dial(path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("without a daemon: %v", err)
	}
	stop := start(t, path, NewHandler(&fake{}), mine)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	c.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := Serve(t.Context(), filepath.Join(dir, strings.Repeat("n", 100)), NewHandler(&fake{}), mine); err == nil {
		t.Error("a name of 100 bytes was accepted")
	}
	if _, err := Dial(filepath.Join(dir, "none", "control.sock")); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("no such directory: %v", err)
	}
}

// TestServeDrains: a withdrawal that is under way when the daemon ends is answered.
func TestServeDrains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	entered := make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		time.Sleep(50 * time.Millisecond)
		writeAnswer(w, Status{Truth: "late"})
	})
	stop := start(t, path, slow, mine)
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := make(chan error, 1)
	go func() { _, err := c.Status(context.WithoutCancel(t.Context())); answer <- err }()
	<-entered
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-answer; err != nil {
		t.Errorf("the request under way: %v", err)
	}
}

// TestServeCrowd: one user's idle connections are bounded, and end the moment they are closed.
func TestServeCrowd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	start(t, path, NewHandler(&fake{}), mine)
	var held []net.Conn
	for range maxPerUser {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	over, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = over.Close() }()
	_ = over.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := over.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("connection %d was kept: %v", maxPerUser+1, err)
	}
	for _, c := range held {
		_ = c.Close()
	}
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := Dial(path)
		if err == nil {
			if _, err = c.Status(t.Context()); err == nil {
				c.Close()
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the others did not make room: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestServeNeeds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	if Serve(t.Context(), path, nil, mine) == nil || Serve(t.Context(), path, NewHandler(&fake{}), nil) == nil {
		t.Error("a server without handler or roles starts")
	}
}

func TestNotCandor(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"text":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) },
		"nothing":  func(w http.ResponseWriter, _ *http.Request) {},
		"garbage":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	} {
		if _, err := Local(h, Person).Status(t.Context()); err == nil {
			t.Errorf("%s was taken for an answer", name)
		}
	}
}

func TestRolesOf(t *testing.T) {
	roles, err := RolesOf(1000, "", "")
	if err != nil {
		t.Fatal(err)
	}
	grouped, err := RolesOf(-1, "root", "daemon")
	if err != nil {
		t.Skipf("this machine has no groups root and daemon: %v", err)
	}
	for _, c := range []struct {
		roles    Roles
		uid, gid uint32
		groups   []uint32
		role     Role
		ok       bool
	}{
		{roles, 0, 0, nil, Root, true},
		{roles, 1000, 1000, nil, Person, true},
		{roles, 1001, 1000, []uint32{1000}, "", false},
		{roles, 1<<32 - 1, 1<<32 - 1, []uint32{1<<32 - 1}, "", false},
		{grouped, 1000, 1000, nil, "", false},
		{grouped, 1000, 0, nil, Person, true},
		{grouped, 1000, 1000, []uint32{7, 0}, Person, true},
		{grouped, 1000, 1, nil, Technician, true},
		{grouped, 1000, 1000, []uint32{0, 1}, Person, true},
		{grouped, 1<<32 - 1, 1000, nil, "", false},
	} {
		if role, ok := c.roles(c.uid, c.gid, c.groups); role != c.role || ok != c.ok {
			t.Errorf("user %d, group %d %v is %q %v, want %q %v", c.uid, c.gid, c.groups, role, ok, c.role, c.ok)
		}
	}
	if _, err := RolesOf(0, "no-such-group-here", ""); err == nil {
		t.Error("a group that does not exist was accepted")
	}
}
