package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crawl is a receiver on raw TCP with a tiny receive window, before a real one. It passes on what is small, and of a large upload it
// takes a byte a second.
type crawl struct {
	t      *testing.T
	target string
	mu     sync.Mutex
	paths  []string
	slow   chan *slowUpload
}

// slowUpload is an upload of which a byte a second is taken.
type slowUpload struct {
	conn  *net.TCPConn
	whole int64 // as its header says
	mu    sync.Mutex
	taken int64
	stop  chan struct{}
	ended chan struct{}
}

func newCrawl(t *testing.T, target string) (*crawl, string) {
	t.Helper()
	c := &crawl{t: t, target: target, slow: make(chan *slowUpload, 64)}
	narrow := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		return errors.Join(raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 2048) }), failed)
	}}
	l, err := narrow.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.serve(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return c, l.Addr().String()
}

func (c *crawl) serve(conn *net.TCPConn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 512)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.paths = append(c.paths, r.URL.Path)
		c.mu.Unlock()
		if r.ContentLength > 16<<10 {
			s := &slowUpload{conn: conn, whole: r.ContentLength, taken: int64(in.Buffered()), stop: make(chan struct{}), ended: make(chan struct{})}
			c.slow <- s
			s.crawl()
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		onward, err := http.NewRequest(r.Method, "http://"+c.target+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			return
		}
		onward.Header = r.Header
		said, err := http.DefaultClient.Do(onward)
		if err != nil {
			return
		}
		err = said.Write(conn)
		_ = said.Body.Close()
		if err != nil {
			return
		}
	}
}

// crawl takes a byte a second until it is told to stop.
func (s *slowUpload) crawl() {
	defer close(s.ended)
	one := make([]byte, 1)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			s.drain()
			return
		case <-tick.C:
			s.mu.Lock() // or a byte would be neither taken nor waiting for who asks at this moment
			n, err := s.conn.Read(one)
			s.taken += int64(n)
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}
}

// drain takes all that still comes.
func (s *slowUpload) drain() {
	_ = s.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	n, _ := io.Copy(io.Discard, s.conn)
	s.mu.Lock()
	s.taken += n
	s.mu.Unlock()
}

// arrived is how much of the upload the kernel of the receiver has had, and whether the connection still stands.
func (s *slowUpload) arrived(t *testing.T) (n int64, stands bool) {
	t.Helper()
	raw, err := s.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.taken
	if err := raw.Control(func(fd uintptr) {
		waits, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		info, err2 := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || err2 != nil {
			t.Errorf("asking the socket: %v %v", err, err2)
			return
		}
		const established = 1
		n, stands = n+int64(waits), info.State == established
	}); err != nil {
		t.Fatal(err)
	}
	return n, stands
}

// house is a directory of its own with the workshop's programs.
func (w *workshop) house(t *testing.T, state string) *workshop {
	t.Helper()
	h := &workshop{t: t, dir: t.TempDir(), url: w.url}
	for _, name := range []string{"candor", "candor-receiver"} {
		if err := os.Symlink(filepath.Join(w.dir, name), filepath.Join(h.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	h.config(state, w.url)
	h.write("policy.toml", strings.ReplaceAll(workshopPolicy, "room.count", "room.people"))
	return h
}

func (w *workshop) config(state, address string) {
	w.write("candor.toml", fmt.Sprintf("[device]\nstate = %q\n[[sensor]]\nname = \"room\"\ndriver = \"replay\"\nfile = \"room.csv\"\npace = \"max\"\n"+
		"[buffer]\nflush = \"100ms\"\nreserve = \"1MiB\"\n[policy]\nfile = \"policy.toml\"\n[[route]]\nrecipient = \"acme\"\nurl = \"http://%s\"\n", state, address))
}

// recording writes rows which no coding makes small.
func (w *workshop) recording(rows int, random *rand.Rand) {
	w.t.Helper()
	var csv bytes.Buffer
	csv.WriteString("t_ms,people,badge\n")
	for i := range rows {
		fmt.Fprintf(&csv, "%d,%d,%016x%016x%016x\n", int64(1_700_000_000_000)+int64(i)*1000, random.Intn(400), random.Uint64(), random.Uint64(), random.Uint64())
	}
	w.write("room.csv", csv.String())
}

func (w *workshop) decide(verb string) *exec.Cmd {
	args := []string{"consent", verb, "all", "--config", "candor.toml"}
	if os.Getuid() == 0 {
		args = append(args, "--on-behalf", "the test")
	}
	return w.command("candor", args...)
}

// daemon starts the agent and waits until it answers.
func (w *workshop) daemon(t *testing.T) (kill func(os.Signal)) {
	t.Helper()
	c := w.command("candor", "run", "--config", "candor.toml")
	var log bytes.Buffer
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.pid = c.Process.Pid
	var once sync.Once
	kill = func(s os.Signal) {
		once.Do(func() {
			_ = c.Process.Signal(s)
			_ = c.Wait()
		})
	}
	t.Cleanup(func() { kill(os.Kill) })
	state := w.stateDir()
	for range 6000 {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", relative(t, filepath.Join(state, "control.sock"))); err == nil {
			_ = conn.Close()
			return kill
		}
		time.Sleep(10 * time.Millisecond)
	}
	kill(os.Kill)
	t.Fatalf("the daemon does not answer:\n%s", &log)
	return nil
}

func (w *workshop) stateDir() string {
	for line := range strings.Lines(w.text("candor.toml")) {
		if rest, ok := strings.CutPrefix(line, "state = "); ok {
			return filepath.Join(w.dir, strings.Trim(strings.TrimSpace(rest), `"`))
		}
	}
	return ""
}

// relative shortens a socket's path, of which the kernel takes a hundred bytes.
func relative(t *testing.T, path string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}

func (w *workshop) text(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// stands is where the purpose stands by the agent's own word.
func (w *workshop) stands(t *testing.T) string {
	t.Helper()
	out, err := w.command("candor", "status", "--json", "--config", "candor.toml").Output()
	var said struct {
		Purposes []struct{ ID, State string } `json:"purposes"`
	}
	if decoded := json.Unmarshal(out, &said); decoded != nil {
		t.Fatalf("status: %v %v\n%s", err, decoded, out)
	}
	for _, p := range said.Purposes {
		if p.ID == "all" {
			return p.State
		}
	}
	return "not in the policy"
}

// TestAWithdrawalCutsASlowUpload withdraws while the recipient takes a byte a second of an upload that is many times what its socket
// holds: within a second the connection is gone, and no byte arrives that had not by then.
func TestAWithdrawalCutsASlowUpload(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, 1)
	receiver := w.startReceiver()
	defer func() { _ = receiver.Process.Kill(); _ = receiver.Wait() }()
	h := w.house(t, "state")
	h.recording(4000, rand.New(rand.NewSource(1)))
	h.write("policy.toml", strings.Replace(h.text("policy.toml"), "  action = \"keep\"\n", "  action = \"keep\"\n  [[purpose.rule]]\n  field = \"room.badge\"\n  action = \"pseudonym\"\n", 1))
	c, address := newCrawl(t, w.url)
	if out, err := h.decide("grant").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.config("state", "127.0.0.1:1") // cut and kept, since nobody takes it
	if err := h.command("candor", "run", "--once", "--config", "candor.toml", "--deadline", "1s").Run(); err == nil {
		t.Fatal("the upload was taken by nobody and is not kept")
	}
	h.config("state", address)
	kill := h.daemon(t)
	var up *slowUpload
	select {
	case up = <-c.slow:
	case <-time.After(time.Minute):
		c.mu.Lock()
		defer c.mu.Unlock()
		out, _ := h.command("candor", "status", "--config", "candor.toml").CombinedOutput()
		t.Fatalf("no large upload came, but %q\n%s", c.paths, out)
	}
	time.Sleep(1200 * time.Millisecond) // a byte or two are taken
	if _, stands := up.arrived(t); !stands {
		t.Fatal("the connection was gone before the withdrawal")
	}
	began := time.Now()
	if out, err := h.decide("withdraw").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(began)
	arrived, _ := up.arrived(t)
	for looks := 0; ; looks++ { // a second, and longer where the machine has so much to do that looking takes long too
		if _, stands := up.arrived(t); !stands {
			break
		}
		if looks == 100 {
			t.Errorf("%v after the withdrawal the connection still stands", time.Since(began)-took)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(up.stop)
	<-up.ended
	if up.taken > arrived || up.taken >= up.whole {
		t.Errorf("%d bytes of %d came, %d of them after the withdrawal", up.taken, up.whole, up.taken-arrived)
	}
	for len(c.slow) > 0 { // others that were on their way
		other := <-c.slow
		if _, stands := other.arrived(t); stands {
			t.Error("another upload is still on its way")
		}
		close(other.stop)
	}
	if s := h.stands(t); s != "withdrawn" {
		t.Errorf("it is %s", s)
	}
	asked := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return strings.HasSuffix(c.paths[len(c.paths)-1], "/deletions")
	}
	for end := time.Now().Add(time.Minute); !asked() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second) // in which nothing more may come
	kill(os.Interrupt)
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.paths[len(c.paths)-1]
	if !strings.HasSuffix(last, "/deletions") {
		t.Errorf("after the withdrawal the last request was %s, want the deletion request", last)
	}
	t.Logf("the command took %v; %d of %d bytes had arrived", took, arrived, up.whole)
}

// TestAWithdrawalAlwaysEndsWithdrawn takes a yes back in the worst moments there are, with the programs themselves. Whatever
// happens, once the command has said that it is done it is withdrawn, after a SIGKILL and a restart too, and saying it again
// is all that is needed when it could not.
func TestAWithdrawalAlwaysEndsWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, 1)
	receiver := w.startReceiver()
	defer func() { _ = receiver.Process.Kill(); _ = receiver.Wait() }()
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	granted := func(t *testing.T, state string, disk bool) *workshop {
		h := w.house(t, state)
		if disk {
			h.mount(t)
		}
		h.recording(50, random)
		h.mustDecide(t, "grant")
		if s := h.stands(t); s != "given" {
			t.Fatalf("after the yes it is %s", s)
		}
		if h.sense(t); h.batches(t) == 0 {
			t.Fatal("under the yes nothing is sent: the test could not fail")
		}
		return h
	}
	t.Run("the policy is gone", func(t *testing.T) {
		for _, running := range []bool{true, false} {
			h := granted(t, "state", false)
			kill := func(os.Signal) {}
			if running {
				kill = h.daemon(t)
			}
			h.write("kept.toml", h.text("policy.toml"))
			if err := os.Remove(filepath.Join(h.dir, "policy.toml")); err != nil {
				t.Fatal(err)
			}
			h.mustDecide(t, "withdraw")
			kill(os.Kill)
			h.write("policy.toml", h.text("kept.toml"))
			h.wantWithdrawn(t)
		}
	})
	t.Run("the disk is full", func(t *testing.T) {
		h := granted(t, "disk/state", true)
		kill := h.daemon(t)
		h.fill(t)
		h.mustDecide(t, "withdraw")
		kill(os.Kill)
		h.wantWithdrawn(t)
	})
	t.Run("the disk takes no writing", func(t *testing.T) {
		h := granted(t, "disk/state", true)
		h.remount(t, unix.MS_RDONLY)
		if out, err := h.decide("withdraw").CombinedOutput(); err == nil || !bytes.Contains(out, []byte("the disk takes no writing")) {
			t.Errorf("what a restart would undo is called done: %v %s", err, out)
		}
		h.wantNoBatch(t)
		h.remount(t, 0)
		h.mustDecide(t, "withdraw")
		h.wantWithdrawn(t)
	})
	t.Run("SIGKILL of the command", func(t *testing.T) {
		h := granted(t, "state", false)
		h.daemon(t)
		for range 5 {
			h.mustDecide(t, "grant")
			c := h.decide("withdraw")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Intn(60_000)) * time.Microsecond)
			_ = c.Process.Kill()
			_ = c.Wait()
			if s := h.stands(t); s != "withdrawn" && s != "given" {
				t.Fatalf("half way it is %s", s)
			}
			h.mustDecide(t, "withdraw")
			if s := h.stands(t); s != "withdrawn" {
				t.Fatalf("in the end it is %s", s)
			}
		}
	})
	t.Run("SIGKILL of the daemon", func(t *testing.T) {
		h := granted(t, "state", false)
		done := 0
		for range 5 {
			h.mustDecide(t, "grant")
			kill := h.daemon(t)
			c := h.decide("withdraw")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Intn(60_000)) * time.Microsecond)
			kill(os.Kill)
			if c.Wait() == nil {
				done++
			} else {
				h.mustDecide(t, "withdraw")
			}
			h.wantWithdrawn(t)
		}
		t.Logf("%d of 5 commands were done before the kill", done)
	})
}

func (w *workshop) mustDecide(t *testing.T, verb string) {
	t.Helper()
	if out, err := w.decide(verb).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", verb, err, out)
	}
}

// wantWithdrawn starts anew and wants the yes to be gone and nothing of the purpose to leave.
func (w *workshop) wantWithdrawn(t *testing.T) {
	t.Helper()
	if s := w.stands(t); s != "withdrawn" {
		t.Errorf("after a start it is %s", s)
	}
	w.wantNoBatch(t)
}

// wantNoBatch has more sensed, and wants nothing of it to be sent.
func (w *workshop) wantNoBatch(t *testing.T) {
	t.Helper()
	before := w.batches(t)
	w.sense(t)
	if after := w.batches(t); after != before {
		t.Errorf("%d uploads left after the withdrawal", after-before)
	}
}

// sense adds to the recording and runs the agent over it.
func (w *workshop) sense(t *testing.T) {
	t.Helper()
	text := w.text("room.csv")
	last, _, _ := strings.Cut(text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:], ",")
	var at int64
	if _, err := fmt.Sscan(last, &at); err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		text += fmt.Sprintf("%d,%d,x\n", at+1000*(i+1), i)
	}
	w.write("room.csv", text)
	_ = w.command("candor", "run", "--once", "--config", "candor.toml", "--deadline", "1s").Run()
}

// batches counts the uploads that the ledger tells of. What `sent` could not note on a disk that takes nothing is no matter here.
func (w *workshop) batches(t *testing.T) int {
	t.Helper()
	out, err := w.command("candor", "sent", "--json", "--config", "candor.toml").Output()
	var said []json.RawMessage
	if decoded := json.Unmarshal(out, &said); decoded != nil {
		t.Fatalf("sent: %v %v\n%s", err, decoded, out)
	}
	return len(said)
}

// mount gives the house a file system of its own.
func (w *workshop) mount(t *testing.T) {
	t.Helper()
	disk := filepath.Join(w.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("this needs a file system of its own, which can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
}

func (w *workshop) remount(t *testing.T, flags uintptr) {
	t.Helper()
	if err := unix.Mount("", filepath.Join(w.dir, "disk"), "", unix.MS_REMOUNT|flags, ""); err != nil {
		t.Fatalf("the file system of the test can't be changed: %v", err)
	}
}

// fill leaves no byte on the disk.
func (w *workshop) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(filepath.Join(w.dir, "disk", "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}
