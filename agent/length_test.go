package agent_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/uplink/wire"
)

// seen is what somebody who watches the line knows of one upload.
type seen struct {
	at   time.Time
	size int
	need int // what it would have without padding; the watcher does not know that
	rows int // nor that
}

// watcher stands before a receiver and writes down when batches pass and how long they are.
type watcher struct {
	next http.Handler
	mu   sync.Mutex
	all  []seen
}

// ServeHTTP implements http.Handler.
func (w *watcher) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasSuffix(r.URL.Path, "/batches") {
		w.mu.Lock()
		need, rows := unpadded(body)
		w.all = append(w.all, seen{time.Now(), len(body), need, rows})
		w.mu.Unlock()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.next.ServeHTTP(rw, r)
}

// unpadded is how long a signed batch would be without its padding, and how many rows it has; 0 when it can't be read.
func unpadded(signed []byte) (need, rows int) {
	payload, err := wire.SignedPayload(signed)
	if err != nil {
		return 0, 0
	}
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		return 0, 0
	}
	bare, err := new(wire.Encoder).AppendBatch(nil, b, 0)
	if err != nil {
		return 0, 0
	}
	return wire.SignedSize(len(bare)), b.Rows()
}

// rowsOf is how many rows passed in all.
func rowsOf(all []seen) (n int) {
	for _, s := range all {
		n += s.rows
	}
	return n
}

// recording is a set of agent/bench/data as a CSV whose first reading is at start, and when somebody was there.
type recording struct {
	csv   string
	start time.Time
	end   time.Time
	there func(from, to time.Time) bool
}

// load reads a recording and moves it to start. present says what a row tells of somebody being there; known is false where it does
// not say. What comes after most is left out.
func load(t *testing.T, name string, start time.Time, most time.Duration, present func(header, cells []string) (there, known bool)) recording {
	t.Helper()
	f, err := os.Open(filepath.Join("bench", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type change struct {
		at    time.Time
		there bool
	}
	var changes []change
	var text strings.Builder
	var head []string
	var first int64
	r := recording{start: start}
	for in := bufio.NewScanner(z); in.Scan(); {
		cells := strings.Split(in.Text(), ",")
		if head == nil {
			head = cells
			_, _ = fmt.Fprintln(&text, in.Text())
			continue
		}
		ms, err := strconv.ParseInt(cells[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = ms
		}
		if time.Duration(ms-first)*time.Millisecond > most {
			break
		}
		r.end = start.Add(time.Duration(ms-first) * time.Millisecond)
		if there, known := present(head, cells); known {
			changes = append(changes, change{r.end, there})
		}
		cells[0] = strconv.FormatInt(r.end.UnixMilli(), 10)
		_, _ = fmt.Fprintln(&text, strings.Join(cells, ","))
	}
	r.csv = text.String()
	r.there = func(from, to time.Time) bool {
		was, any := false, false
		for _, c := range changes {
			switch {
			case !c.at.After(from):
				was = c.there
			case c.at.Before(to):
				any = any || c.there
			}
		}
		return was || any
	}
	return r
}

// watched runs an agent on the recording at its own pace and returns what passed on the line.
func (r *recording) watched(t *testing.T, policy string) []seen {
	t.Helper()
	out, dir := t.TempDir(), t.TempDir()
	var all []seen
	synctest.Test(t, func(t *testing.T) {
		handler, closeSink := newReceiver(t, out)
		defer closeSink()
		w := &watcher{next: handler}
		l := newPipeListener()
		srv := &http.Server{Handler: w}
		go func() { _ = srv.Serve(l) }()
		defer func() { _ = srv.Close() }()
		files := map[string]string{"room.csv": r.csv, "policy.toml": policy, "candor.toml": fmt.Sprintf(`
[device]
state = %q
[[sensor]]
name = "room"
driver = "replay"
file = "room.csv"
pace = "1x"
[buffer]
flush = "15m"
[policy]
file = "policy.toml"
[[route]]
recipient = "acme"
url = "http://127.0.0.1:1"
`, filepath.Join(dir, "state"))}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := agent.LoadConfig(filepath.Join(dir, "candor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := agent.Open(cfg, agent.Options{Clock: bubbleClock{}, Dial: l.dial, Detached: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		grant(t, a, "watched")
		ctx, stop := context.WithTimeout(t.Context(), r.end.Sub(r.start))
		defer stop()
		if err := a.Run(ctx); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		all = slices.Clone(w.all)
	})
	return all
}

// auc is the chance that a number drawn from the first list is larger than one from the second: 0.5 tells nothing, 0 and 1 tell all.
func auc(with, without []float64) float64 {
	sum := 0.0
	for _, a := range with {
		for _, b := range without {
			switch {
			case a > b:
				sum++
			case a == b:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(with)*len(without))
}

// judge sorts the periods between two uploads into those with somebody there and those without, and asks whether size, instant and
// number of uploads tell them apart. It returns how much the padding adds.
func (r *recording) judge(t *testing.T, all []seen, period time.Duration) (growth float64, aucs map[string]float64) {
	t.Helper()
	features := map[string][2][]float64{}
	size, need, periods := 0, 0, [2]int{}
	for from := r.start.Add(period); from.Add(period).Before(r.end); from = from.Add(period) {
		class := 0
		if r.there(from.Add(-period), from) { // what is sent in a period was sensed in the one before
			class = 1
		}
		periods[class]++
		count, bytes, instant := 0, 0, 0.0
		for _, s := range all {
			if !s.at.Before(from) && s.at.Before(from.Add(period)) {
				count, bytes, instant = count+1, bytes+s.size, s.at.Sub(from).Seconds()
				size, need = size+s.size, need+s.need
			}
		}
		for name, v := range map[string]float64{"size": float64(bytes), "number": float64(count), "instant": instant} {
			f := features[name]
			f[class] = append(f[class], v)
			features[name] = f
		}
	}
	if periods[0] < 10 || periods[1] < 10 {
		t.Fatalf("only %d periods with somebody there and %d without", periods[1], periods[0])
	}
	aucs = map[string]float64{}
	for name, f := range features {
		aucs[name] = auc(f[1], f[0])
	}
	t.Logf("%d uploads; %d periods with somebody there, %d without: %v", len(all), periods[1], periods[0], aucs)
	return float64(size) / float64(need), aucs
}

func watchedPurpose(time, room, rules string) string {
	return header + purpose("watched", "time = "+strconv.Quote(time)+"\nupload = \"1h\"\n"+room+"\n"+rules)
}

// The classifier: does the line tell whether somebody is in the room? Without padding length does, as it does for every format; with the
// `room` of the purpose neither length, nor instant, nor number of uploads does, for at most a quarter more bytes. On real
// recordings: the climate of an office room, without its occupancy, and the changes of motion sensors and lamps.
func TestUploadsTellNothing(t *testing.T) {
	measured(t)
	t.Parallel()
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where a bubble's clock begins
	env := load(t, "occupancy-env.csv.gz", start, 80*time.Hour, func(_, cells []string) (bool, bool) { return cells[5] == "1", true })
	climate := rule("room.temperature", "action = \"round\"\nround = 0.01") + rule("room.humidity", "action = \"round\"\nround = 0.01") +
		rule("room.light", "action = \"round\"\nround = 1") + rule("room.co2", "action = \"round\"\nround = 1")
	people := map[string]bool{}
	events := load(t, "room-events.csv.gz", start, 100*time.Hour, func(_, cells []string) (bool, bool) {
		people[cells[1]] = cells[2] != "0"
		return people["count"], cells[1] == "count"
	})
	motion := rule("room.pir6", "action = \"keep\"") + rule("room.pir7", "action = \"keep\"") + rule("room.lamp1", "action = \"keep\"")
	for _, c := range []struct {
		name        string
		r           *recording
		open, rooms string // the policy without a room, and with one
	}{
		{"environment", &env, watchedPurpose("1m", "", climate), watchedPurpose("1m", "room = { rows = 62, bytes = 320 }", climate)},
		{"events", &events, watchedPurpose("15m", "", motion), watchedPurpose("15m", "room = { rows = 40, bytes = 160 }", motion)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			open := c.r.watched(t, c.open)
			if _, bare := c.r.judge(t, open, time.Hour); bare["size"] < 0.6 && bare["number"] < 0.6 {
				t.Errorf("without padding nothing is told either (%v): the test sees nothing", bare)
			}
			roomed := c.r.watched(t, c.rooms)
			if got, want := rowsOf(roomed), rowsOf(open); got < want*3/4 {
				t.Errorf("%d rows got through with a room, %d without: the others wait", got, want)
			}
			growth, padded := c.r.judge(t, roomed, time.Hour)
			for name, v := range padded {
				if v < 0.45 || v > 0.55 {
					t.Errorf("the %s of uploads tells whether somebody is there: %.3f", name, v)
				}
			}
			t.Logf("padding adds %.0f %%", 100*(growth-1))
			if growth > 1.25 {
				t.Errorf("padding adds %.0f %%, at most a quarter is meant", 100*(growth-1))
			}
		})
	}
}
