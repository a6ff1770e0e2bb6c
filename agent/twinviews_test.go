package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/agent/cli"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/timeline"
)

// This file is what a technician sees of the twins, and the clock that both live by.

// look asks every route there is as a technician, those that refuse her too. What does something is left to ask, and to
// tests of its own.
func (c *cast) look() {
	h := control.NewHandler(c.agent)
	for _, route := range control.Routes(c.agent) {
		if method, path, _ := strings.Cut(route, " "); method == "GET" || !mayAct(path) {
			code, body := c.request(h, method, strings.Replace(path, "{purpose}", "p0", 1))
			c.o.note("technician %s: %d %s", route, code, body)
		}
	}
}

// mayAct tells of what a technician may ask for that changes something.
func mayAct(path string) bool { return strings.HasPrefix(path, "/v1/uplink/") }

func (c *cast) request(h http.Handler, method, path string) (code int, body string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(control.WithRole(c.t.Context(), control.Technician), method, path, nil)
	h.ServeHTTP(w, r)
	if path == "/v1/sensor/read" {
		return w.Code, c.shownOnPurpose(w.Body.Bytes())
	}
	return w.Code, w.Body.String()
}

// shownOnPurpose takes from a look at the sensors what may depend on what is sensed.
func (c *cast) shownOnPurpose(body []byte) string {
	var looks control.Looks
	if err := json.Unmarshal(body, &looks); err != nil {
		c.t.Errorf("no answer about the sensors: %v: %s", err, body)
	}
	for i := range looks.Sensors {
		for j := range looks.Sensors[i].Fields {
			f := &looks.Sensors[i].Fields[j]
			if looks.Workshop {
				f.Value, f.Moving, f.Spread = "", "", ""
			}
			if f.Name == "room.temperature" { // the one field here that tells of things and not of people
				f.Moving, f.Spread = "", ""
			}
		}
	}
	out, err := json.Marshal(looks)
	if err != nil {
		c.t.Error(err)
	}
	return string(out)
}

// verbs are all of the command line that a technician may ask of a running daemon, and some that she may not.
func verbs() []string {
	return []string{"status", "status --json", "status --watch --times 1", "health", "health --json", "buffer show", "buffer show --json", "buffer verify", "sensor list --brief", "sensor list --brief --json",
		"sensor read", "sensor read door bike --json", "uplink test", "uplink test acme --json", "uplink retry", "preview", "consent show", "buffer export -", "sent"}
}

// ask runs the command line as a technician against the running agent. The socket is a real one: the bubble's time stands still
// as long as anybody waits at it. The kernel's word for who asks is left out, since all here is one user: everybody is a technician.
func (c *cast) ask() {
	h := control.NewHandler(c.agent)
	ctx, stop := context.WithCancel(c.t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	server := control.Server{Path: filepath.Join(c.dir, "state", "control.sock"), Handler: h, Ready: func() { close(ready) },
		Roles: func(uint32, uint32, []uint32) (control.Role, bool) { return control.Technician, true }}
	go func() { ended <- server.Run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		c.t.Fatal(err)
	}
	_, sensors := c.request(h, "GET", "/v1/sensor/read")
	workshop := strings.Contains(sensors, `"workshop":true`)
	c.turns++
	for i, verb := range verbs() {
		if (i+c.turns)%3 != 0 { // all of them would be most of the time of the test; both twins ask the same
			continue
		}
		var stdout, stderr bytes.Buffer
		code := cli.Main(append(strings.Fields(verb), "--config", filepath.Join(c.dir, "candor.toml")),
			cli.Env{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }, UID: 1, Rand: c.random, Shield: func() error { return nil }})
		text := stdout.String()
		if strings.HasPrefix(verb, "sensor read") {
			if text = onPurpose().ReplaceAllString(text, "$1"); workshop {
				text = ""
			}
		}
		c.o.asked++
		c.o.note("candor %s: exit code %d\n%s\n%s", verb, code, text, stderr.String())
	}
	over := time.After(100 * time.Millisecond)
	stop()
	if err := <-ended; err != nil {
		c.t.Error(err)
	}
	<-over // the server's end takes some milliseconds, at random
}

// onPurpose is what a technician is shown of a field that tells of things: see shownOnPurpose.
func onPurpose() *regexp.Regexp {
	return regexp.MustCompile(`(?m)(room\.temperature .*?)moving: .*$`)
}

// storyClock is the clocks of the object: the bubble's, and a wall clock that can be moved away from it. Safe for concurrent use.
type storyClock struct {
	mu      sync.Mutex
	off     time.Duration
	stopped time.Time // what the wall clock says as long as it stands still
	synced  bool
	booted  time.Time
	boots   byte
}

// Now implements sensors.Clock: the machine's wall clock.
func (c *storyClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		return c.stopped
	}
	return time.Now().Add(c.off)
}

// After implements sensors.Clock.
func (c *storyClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// move does what a story says of the clock. A reboot leaves a clock that nobody has set.
func (c *storyClock) move(m moment) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.what {
	case "jump":
		c.off += m.by
	case "stop":
		c.stopped = now.Round(0)
	case "set":
		c.off, c.stopped, c.synced = 0, time.Time{}, true
	case "reboot":
		c.off, c.stopped, c.synced = m.by, time.Time{}, false
		c.booted = time.Now().Add(-20 * time.Second)
		c.boots++
	}
}

func (c *storyClock) kernel() *timeline.Kernel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &timeline.Kernel{
		Wall: c.Now,
		Since: func() time.Duration {
			c.mu.Lock()
			defer c.mu.Unlock()
			return time.Since(c.booted)
		},
		Synced: func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.synced
		},
		Boot: [8]byte{1, c.boots},
	}
}
