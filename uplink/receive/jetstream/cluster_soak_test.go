//go:build soak

package jetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/candor-edge/candor/uplink/receive"
)

// asReceiver makes the test binary a receiver, to be killed.
const asReceiver = "CANDOR_SOAK_RECEIVER"

// asNode makes it a NATS server; its options follow.
const asNode = "CANDOR_SOAK_NODE"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asReceiver) != "":
		receiverMain(os.Getenv(asReceiver))
	case os.Getenv(asNode) != "":
		nodeMain(os.Getenv(asNode))
	default:
		os.Exit(m.Run())
	}
}

// receiverMain answers before the servers of a URL until it is killed.
func receiverMain(servers string) {
	log := quiet()
	var s *Sink
	for end := time.Now().Add(2 * time.Minute); s == nil; { // what starts us anew in use, systemd for one, does the same
		var err error
		if s, err = Open(context.Background(), Options{URL: servers, Log: log}); err != nil && time.Now().After(end) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	h, err := receive.NewHandler(receive.Config{Streams: s, Sink: s, Log: log, Now: time.Now, Bodies: 512, Workers: 128})
	if err != nil {
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Printf("http://%s\n", l.Addr())
	receive.NewServer(h, log).Serve(l)
}

// node is a server of the cluster, in a process of its own.
type node struct {
	Name, Dir    string
	Port, Routes int
	All          []int // ports of the routes of all
}

func nodeMain(text string) {
	var n node
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		os.Exit(1)
	}
	o := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, JetStream: true, StoreDir: n.Dir, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "soak", Host: "127.0.0.1", Port: n.Routes},
	}
	for _, p := range n.All {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	s, err := server.NewServer(o)
	if err != nil {
		os.Exit(1)
	}
	s.Start()
	s.WaitForShutdown()
}

// run starts this binary as something else.
func run(t *testing.T, role, value string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+value)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, out
}

func (n node) start(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(n)
	must(t, err)
	cmd, _ := run(t, asNode, string(text))
	return cmd
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// receivers are those there are at the moment.
type receivers struct {
	mu   sync.Mutex
	urls []string
}

func (r *receivers) pick(i int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.urls[i%len(r.urls)]
}

// Three servers and three receivers; during a load of 100,000 batches each
// server in turn is killed and brought back, and a receiver is killed. Every
// batch that was acknowledged is in the stream exactly once.
func TestSoakClusterLosesNothing(t *testing.T) {
	const devices, each = 200, 500
	ports, routes := freePorts(t, 3), freePorts(t, 3)
	var nodes []node
	var running []*exec.Cmd
	var urls []string
	for i := range ports {
		nodes = append(nodes, node{fmt.Sprintf("n%d", i), t.TempDir(), ports[i], routes[i], routes})
		running = append(running, nodes[i].start(t))
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	servers := strings.Join(urls, ",")
	var s *Sink
	for end := time.Now().Add(time.Minute); s == nil; time.Sleep(200 * time.Millisecond) {
		var err error
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		s, err = Open(ctx, Options{URL: servers, Replicas: 3, Log: quiet()})
		cancel()
		if err != nil && time.Now().After(end) {
			t.Fatal(err)
		}
	}
	defer s.Close()
	r := &receivers{}
	var first *exec.Cmd
	begin := func() *exec.Cmd {
		cmd, out := run(t, asReceiver, servers)
		line := make([]byte, 64)
		n, err := out.Read(line)
		must(t, err)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.urls = append(r.urls, strings.TrimSpace(string(line[:n])))
		return cmd
	}
	first = begin()
	begin()
	begin()

	var acked, asked, conflicts atomic.Int64
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
	deadline := time.Now().Add(40 * time.Minute)
	deliver := func(i int, path string, body []byte) bool {
		for try := 0; time.Now().Before(deadline); try++ {
			asked.Add(1)
			resp, err := client.Post(r.pick(i+try)+path, receive.TypeSigned, bytes.NewReader(body))
			if err == nil {
				text, readErr := io.ReadAll(resp.Body)
				resp.Body.Close()
				switch {
				case resp.StatusCode == 409 || resp.StatusCode == 422:
					conflicts.Add(1)
					t.Errorf("%s: %d %s", path, resp.StatusCode, text)
					return false
				case (resp.StatusCode == 200 || resp.StatusCode == 202) && readErr == nil:
					return true
				}
			}
			time.Sleep(min(time.Duration(try+1)*50*time.Millisecond, time.Second))
		}
		t.Error("not delivered in time")
		return false
	}
	slots := make(chan struct{}, 48)
	began := time.Now()
	for d := range devices {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			o := newObject(t, uint32(d), nil)
			if !deliver(d, "/announcements", o.signed) {
				return
			}
			for seq := uint64(1); seq <= each; seq++ {
				m := o.batch(seq, today()+30, int64(seq), int64(d))
				if !deliver(d, "/batches", m) {
					return
				}
				acked.Add(1)
				if seq%97 == 0 { // as if the answer had been lost
					deliver(d+1, "/batches", m)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	at := func(share float64) bool {
		for acked.Load() < int64(share*devices*each) {
			select {
			case <-done:
				return false
			case <-time.After(50 * time.Millisecond):
			}
		}
		return true
	}
	kills := 0
	for i, share := range []float64{0.1, 0.35, 0.6} {
		if !at(share) {
			break
		}
		must(t, running[i].Process.Signal(syscall.SIGKILL))
		running[i].Wait()
		kills++
		time.Sleep(3 * time.Second)
		running[i] = nodes[i].start(t)
		if i == 1 {
			must(t, first.Process.Kill())
			r.mu.Lock()
			r.urls = r.urls[1:]
			r.mu.Unlock()
			kills++
			begin()
		}
	}
	<-done
	took := time.Since(began)
	var found map[string]int
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		if info, err := s.stream.Info(context.Background()); err == nil && info.Cluster != nil && info.Cluster.Leader != "" {
			break
		} else if time.Now().After(end) {
			t.Fatal("no leader in the end: ", err)
		}
	}
	found = contents(t, s)
	missing, twice := 0, 0
	for d := range devices {
		id := newObject(t, uint32(d), nil).a.Stream.String()
		for seq := 1; seq <= each; seq++ {
			switch n := found[fmt.Sprintf("%s %d", id, seq)]; {
			case n == 0:
				missing++
			case n > 1:
				twice++
			}
		}
	}
	t.Logf("%d batches acknowledged in %s (%.0f a second), %d requests, %d kills: %d in the stream, %d missing, %d more than once",
		acked.Load(), took.Round(time.Second), float64(acked.Load())/took.Seconds(), asked.Load(), kills, len(found), missing, twice)
	if acked.Load() != devices*each || missing > 0 || twice > 0 || len(found) != devices*each || kills != 4 {
		t.Error("that is not every batch once")
	}
}
