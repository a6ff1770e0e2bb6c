package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledAnywhere kills the real agent and the real receiver with SIGKILL at random moments of a run, again and
// again, and wants every row of the recording at the receiver exactly once in the end: a restart goes on where the
// last commit was, and a retry is known by its number.
func TestKilledAnywhere(t *testing.T) {
	kills := 12
	if testing.Short() {
		kills = 4
	}
	const readings = 60_000
	w := newWorkshop(t, readings)
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	receiver := w.startReceiver()
	survived := 0
	for i := range kills {
		agent := w.command("candor", "run", "--once", "--config", "candor.toml", "--deadline", "2s")
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Intn(220)) * time.Millisecond)
		if agent.Process.Kill() == nil {
			survived++
		}
		_ = agent.Wait()
		if i%4 == 3 {
			_ = receiver.Process.Kill()
			_ = receiver.Wait()
			survived++
			receiver = w.startReceiver()
		}
	}
	w.must("candor", "run", "--once", "--config", "candor.toml", "--deadline", "20s")
	_ = receiver.Process.Kill()
	_ = receiver.Wait()
	w.check(readings)
	t.Logf("%d kills survived", survived)
}

// workshop is a directory with the two binaries, a configuration and a recording.
type workshop struct {
	pid int // of the daemon last started
	t   *testing.T
	dir string
	url string
}

func newWorkshop(t *testing.T, readings int) *workshop {
	t.Helper()
	w := &workshop{t: t, dir: t.TempDir(), url: "127.0.0.1:0"}
	build := exec.Command("go", "build", "-o", w.dir, ".", "../../uplink/candor-receiver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	receiver := w.startReceiver() // finds a port, which the restarts keep
	_ = receiver.Process.Kill()
	_ = receiver.Wait()
	w.write("candor.toml", `
[device]
state = "state"
[[sensor]]
name = "room"
driver = "replay"
file = "room.csv"
pace = "max"
[buffer]
flush = "100ms"
[policy]
file = "policy.toml"
[[route]]
recipient = "acme"
url = "http://`+w.url+`"
`)
	w.write("policy.toml", workshopPolicy)
	var csv bytes.Buffer
	csv.WriteString("t_ms,count\n")
	for i := range readings {
		fmt.Fprintf(&csv, "%d,%d\n", int64(1_700_000_000_000)+int64(i)*1000, i)
	}
	w.write("room.csv", csv.String())
	w.grant("all", "sums")
	return w
}

// workshopPolicy lets every reading out, and the sums of the minutes.
const workshopPolicy = `
version = 1
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
[[purpose]]
id = "all"
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1s"
  [[purpose.rule]]
  field = "room.count"
  action = "keep"
[[purpose]]
id = "sums"
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
time = "1m"
  [[purpose.rule]]
  field = "room.count"
  action = "sum"
  window = "1m"
`

// grant says yes to purposes.
func (w *workshop) grant(purposes ...string) {
	w.t.Helper()
	for _, p := range purposes {
		args := []string{"consent", "grant", p, "--config", "candor.toml"}
		if os.Getuid() == 0 {
			args = append(args, "--on-behalf", "the test")
		}
		w.must("candor", args...)
	}
}

func (w *workshop) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workshop) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(w.dir, name), args...)
	c.Dir = w.dir
	return c
}

func (w *workshop) must(name string, args ...string) {
	w.t.Helper()
	if out, err := w.command(name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// startReceiver starts the receiver and waits until it listens.
func (w *workshop) startReceiver() *exec.Cmd {
	w.t.Helper()
	c := w.command("candor-receiver", "-listen", w.url, "-dir", "out")
	stderr, err := c.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Process.Kill() })
	var said []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(said, []byte("listening on http://")) {
		n, err := stderr.Read(buf)
		said = append(said, buf[:n]...)
		if err != nil {
			w.t.Fatalf("the receiver did not start: %s", said)
		}
	}
	_, rest, _ := strings.Cut(string(said), "listening on http://")
	w.url = strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' || r == ' ' || r == '"' })[0]
	go func() { // a full pipe would stop it
		for {
			if _, err := stderr.Read(buf); err != nil {
				return
			}
		}
	}()
	return c
}

// check wants every reading once under "all" and every minute's sum right under "sums".
func (w *workshop) check(readings int) {
	w.t.Helper()
	seen := make([]bool, readings)
	for _, r := range w.rows("all") {
		i := int(r.Values["room.count"])
		if seen[i] {
			w.t.Fatalf("reading %d is there twice", i)
		}
		seen[i] = true
		if want := time.Unix(1_700_000_000+int64(i), 0); !r.Time.Equal(want) {
			w.t.Fatalf("reading %d is at %v, want %v", i, r.Time, want)
		}
	}
	for i, there := range seen {
		if !there {
			w.t.Fatalf("reading %d is missing", i)
		}
	}
	sums := map[int64]int64{}
	for i := range readings {
		sums[(1_700_000_000+int64(i))/60] += int64(i)
	}
	for _, r := range w.rows("sums") {
		minute := r.Time.Unix() / 60
		if want, ok := sums[minute]; !ok || int64(r.Values["room.count"]) != want {
			w.t.Fatalf("the sum of minute %d is %v, want %d (or it is there twice)", minute, r.Values["room.count"], want)
		}
		delete(sums, minute)
	}
	if len(sums) > 0 {
		w.t.Fatalf("%d sums are missing", len(sums))
	}
}

type line struct {
	Time   time.Time          `json:"time"`
	Values map[string]float64 `json:"values"`
}

func (w *workshop) rows(purpose string) []line {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "out", purpose+".jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	var out []line
	for l := range bytes.Lines(text) {
		var r line
		if err := json.Unmarshal(l, &r); err != nil {
			w.t.Fatalf("%s.jsonl: %v", purpose, err)
		}
		out = append(out, r)
	}
	return out
}
