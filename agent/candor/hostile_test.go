package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hostile stands between an agent and its receiver and does to requests what networks do. Every request has a fate of its
// own; once calm is set all are passed on.
type hostile struct {
	receiver string
	calm     atomic.Bool
	faults   atomic.Int64
	mu       sync.Mutex
	random   *rand.Rand
}

// newHostile starts it on a loopback port.
func newHostile(t *testing.T, receiver string, seed int64) (*hostile, string) {
	t.Helper()
	h := &hostile{receiver: receiver, random: rand.New(rand.NewSource(seed))}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return h, srv.Listener.Addr().String()
}

func (h *hostile) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.random.Intn(n)
}

// ServeHTTP passes a request on, or drops, doubles, delays, cuts or refuses it.
func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the agent was killed
	}
	fate := h.draw(14)
	if h.calm.Load() {
		fate = 99
	} else if fate < 7 {
		h.faults.Add(1)
	}
	switch fate {
	case 0: // never arrives
		cutConnection(w)
		return
	case 1: // arrives in part
		h.sendPart(r, body[:h.draw(len(body)+1)], len(body))
		cutConnection(w)
		return
	case 2: // arrives twice
		_, _, _ = h.pass(r, body)
	case 3:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader([]int{500, 502, 503, 429}[h.draw(4)])
		return
	case 4:
		time.Sleep(time.Duration(h.draw(150)) * time.Millisecond)
	}
	answer, header, status := h.pass(r, body)
	if status == 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	switch fate {
	case 5: // arrived, and the answer is lost
		cutConnection(w)
		return
	case 6: // arrived, and the answer is cut
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)+1))
		w.WriteHeader(status)
		_, _ = w.Write(answer[:h.draw(len(answer)+1)])
		cutConnection(w)
		return
	}
	for k := range header {
		w.Header().Set(k, header.Get(k))
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func cutConnection(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

// pass sends the request to the receiver; a status of 0 says that it is not there.
func (h *hostile) pass(r *http.Request, body []byte) ([]byte, http.Header, int) {
	req, err := http.NewRequest(r.Method, "http://"+h.receiver+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, 0
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, 0
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, 0
	}
	return answer, resp.Header, resp.StatusCode
}

// sendPart writes the beginning of a request and closes the connection.
func (h *hostile) sendPart(r *http.Request, part []byte, whole int) {
	c, err := net.DialTimeout("tcp", h.receiver, time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n",
		r.Method, r.URL.Path, h.receiver, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), whole)
	_, _ = c.Write(part)
}

// killRounds is how many SIGKILLs the hostile runs have.
func killRounds(t *testing.T) int {
	if text := os.Getenv("CANDOR_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("CANDOR_KILLS=%q is no number of kills", text)
		}
		return n
	}
	if testing.Short() {
		return 8
	}
	return 50
}

// TestHostileNetworkAndKills plays a recording through a network that drops, doubles, delays, cuts and refuses, kills the
// agent with SIGKILL at random moments, and the receiver now and then, and wants every row at the receiver exactly once
// in the end. CANDOR_KILLS sets how many kills; `make soak` has a thousand.
func TestHostileNetworkAndKills(t *testing.T) {
	t.Parallel()
	const readings = 60_000
	kills := killRounds(t)
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	w := newWorkshop(t, readings)
	receiver := w.startReceiver()
	h, address := newHostile(t, w.url, seed)
	w.route(address)
	survived := 0
	for i := range kills {
		agent := w.command("candor", "run", "--once", "--config", "candor.toml", "--deadline", "2s")
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Intn(180)) * time.Millisecond)
		if agent.Process.Kill() == nil {
			survived++
		}
		_ = agent.Wait()
		if i%8 == 7 {
			_ = receiver.Process.Kill()
			_ = receiver.Wait()
			survived++
			receiver = w.startReceiver()
		}
	}
	h.calm.Store(true)
	w.must("candor", "run", "--once", "--config", "candor.toml", "--deadline", "30s")
	_ = receiver.Process.Kill()
	_ = receiver.Wait()
	w.check(readings)
	t.Logf("%d kills and %d network faults survived, every row of %d there once", survived, h.faults.Load(), readings)
}

// route points the agent's route to another address.
func (w *workshop) route(address string) {
	w.t.Helper()
	name := filepath.Join(w.dir, "candor.toml")
	text, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("candor.toml", string(bytes.ReplaceAll(text, []byte(w.url), []byte(address))))
}

// TestKilledDaemonLosesAtMostFlush runs the daemon on live readings, one every 20 ms, and kills it again and again: what
// was sensed more than `flush` before a kill is at the receiver in the end, and nothing is there twice.
func TestKilledDaemonLosesAtMostFlush(t *testing.T) {
	t.Parallel()
	const (
		flush = 400 * time.Millisecond
		every = 20 * time.Millisecond
		slack = 300 * time.Millisecond // of a loaded machine: the commit itself, and the moment of the kill
	)
	w := newWorkshop(t, 1)
	receiver := w.startReceiver()
	defer func() { _ = receiver.Process.Kill(); _ = receiver.Wait() }()
	w.live(`every = "20ms"`)
	w.grant("live")
	var surely []span
	for round := 0; round < 4 || seconds(surely) < 3 && round < 30; round++ {
		kill := w.daemon(t)
		stop := measureStalls(t)
		time.Sleep(slack)
		began := time.Now()
		time.Sleep(3300 * time.Millisecond)
		stall := stop()
		killed := time.Now()
		kill(os.Kill)
		surely = append(surely, span{began, killed.Add(-flush - slack - 2*stall), int(stall / every)})
	}
	w.live("every = \"20ms\"\nfor = \"20ms\"") // the same sensor, but it ends
	w.must("candor", "run", "--once", "--config", "candor.toml", "--deadline", "20s")
	a := map[int64]int{} // rows by second
	for _, r := range w.rows("live") {
		a[r.Time.Unix()]++
	}
	for _, span := range surely {
		for s := span.first(); s < span.end(); s++ {
			if most := int(time.Second/every) + 1; a[s] < most*3/4-span.missed || a[s] > most {
				t.Errorf("second %d, which ended before a kill by more than flush: %d rows, want about %d", s, a[s], most-1)
			}
		}
	}
	if n := seconds(surely); n < 3 {
		t.Errorf("only %d seconds could be looked at", n)
	}
	t.Logf("%d kills, %d whole seconds looked at, all there", len(surely), seconds(surely))
}

// span is a time of which everything must be there, but for so many rows which a machine that stood still did not take.
type span struct {
	from, to time.Time
	missed   int
}

// first and end bound the whole seconds of a span; there are none where so many rows may be missing that they would show nothing.
func (s span) first() int64 { return s.from.Unix() + 1 }

func (s span) end() int64 {
	if s.missed > 12 {
		return s.first()
	}
	return max(s.first(), s.to.Add(-1).Unix())
}

func seconds(all []span) (n int) {
	for _, s := range all {
		n += int(s.end() - s.first())
	}
	return n
}

// measureStalls finds out how long at the most this machine makes somebody wait who wants a moment of a core and a write to the disk, as the
// daemon beside it does. Its time is what may be late without anything being wrong with the daemon.
func measureStalls(t *testing.T) (stop func() time.Duration) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stall"))
	if err != nil {
		t.Fatal(err)
	}
	over, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		defer func() { _ = f.Close() }()
		const pause = 10 * time.Millisecond
		var most time.Duration
		for {
			began := time.Now()
			time.Sleep(pause)
			_, err := f.WriteAt([]byte("x"), 0)
			if err = errors.Join(err, f.Sync()); err != nil {
				t.Error(err)
			}
			most = max(most, time.Since(began)-pause)
			select {
			case <-over:
				longest <- most
				return
			default:
			}
		}
	}()
	return func() time.Duration { close(over); return <-longest }
}

// live makes the configuration one of live readings.
func (w *workshop) live(sensor string) {
	w.write("candor.toml", `
[device]
state = "live-state"
[[sensor]]
name = "hall"
driver = "simulated"
room = "hall"
`+sensor+`
[buffer]
flush = "400ms"
[policy]
file = "live.toml"
[[route]]
recipient = "acme"
url = "http://`+w.url+`"
`)
	w.write("live.toml", strings.ReplaceAll(workshopPolicy, "room.count", "hall.temperature")+`
[[purpose]]
id = "live"
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
  [[purpose.rule]]
  field = "hall.temperature"
  action = "keep"
`)
}
