package agent_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/receive"
)

// object is one object on a disk of its own: configuration, policy, recording and state in a temporary directory.
type object struct {
	t   *testing.T
	dir string
	log *bytes.Buffer
	mu  sync.Mutex
}

// secretLight is a value that only the purpose nobody granted would let out.
const secretLight = 54321.987

const header = `
version = 1
[controller]
name = "Acme"
country = "FR"
[[recipient]]
id = "acme"
name = "Acme"
country = "FR"
role = "controller"
`

func purpose(id, rest string) string {
	return fmt.Sprintf(`
[[purpose]]
id = %q
title = { fr = "x", en = "x" }
access = "consent"
basis = "consent"
recipient = "acme"
retention = "30d"
%s
`, id, rest)
}

func rule(field, rest string) string {
	return fmt.Sprintf("[[purpose.rule]]\nfield = %q\n%s\n", field, rest)
}

func threePurposes() string {
	return header +
		purpose("trends", "time = \"1h\"\n"+rule("room.temperature", "action = \"mean\"\nwindow = \"1h\"\nround = 0.5")) +
		purpose("air", "time = \"1m\"\n"+rule("room.co2", "action = \"round\"\nround = 50")+rule("room.badge", "action = \"pseudonym\"")) +
		purpose("who", "time = \"1m\"\n"+rule("room.light", "action = \"keep\"")+rule("room.occupancy", "action = \"keep\""))
}

// newObject lays an object out whose recording has rows readings, one a minute, and whose route leads to url.
func newObject(t *testing.T, url string, rows int) *object {
	t.Helper()
	o := &object{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	o.write("policy.toml", threePurposes())
	o.write("candor.toml", fmt.Sprintf(`
[device]
state = "state"
language = "en"
[[sensor]]
name = "room"
driver = "replay"
file = "room.csv"
pace = "max"
[buffer]
flush = "200ms"
[policy]
file = "policy.toml"
[[route]]
recipient = "acme"
url = %q
timeout = "2s"
`, url))
	var csv strings.Builder
	csv.WriteString("t_ms,temperature,light,co2,occupancy,badge\n")
	for i := range rows {
		fmt.Fprintf(&csv, "%d,%d.%03d,%.3f,%d,%d,badge-%d@home\n", int64(1_700_000_000_000)+int64(i)*60_000, 18+i%5, i%1000, secretLight, 400+i%900, i%2, i%7)
	}
	o.write("room.csv", csv.String())
	return o
}

func (o *object) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// Write collects the agent's log.
func (o *object) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.Write(b)
}

func (o *object) logged() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

func (o *object) open() *agent.Agent { return o.openWith(agent.Options{}) }

// openWith is open with other options; the log is the object's.
func (o *object) openWith(options agent.Options) *agent.Agent {
	o.t.Helper()
	cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		o.t.Fatal(err)
	}
	options.Log = slog.New(slog.NewTextHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := agent.Open(cfg, options)
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

func grant(t *testing.T, a *agent.Agent, purposes ...string) {
	t.Helper()
	for _, p := range purposes {
		if _, err := a.Grant(t.Context(), p, control.Person, control.Decision{}); err != nil {
			t.Fatal(err)
		}
	}
}

// once opens the object, runs it once and closes it.
func (o *object) once(patience time.Duration, purposes ...string) error {
	o.t.Helper()
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(o.t, a, purposes...)
	return a.Once(o.t.Context(), patience)
}

// receiver is the reference backend on a directory of its own.
func receiver(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	h, closeSink := newReceiver(t, dir)
	srv := httptest.NewServer(h)
	t.Cleanup(func() { srv.Close(); closeSink() })
	return srv.URL, dir
}

func newReceiver(t *testing.T, dir string) (http.Handler, func()) {
	t.Helper()
	sink, err := receive.OpenDir(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h, err := receive.NewHandler(receive.Config{Streams: sink, Sink: sink, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return h, func() { _ = sink.Close() }
}

// row is one line of a receiver's file.
type row struct {
	Stream string         `json:"stream"`
	Epoch  uint64         `json:"epoch"`
	Seq    uint64         `json:"seq"`
	Row    int            `json:"row"`
	Time   time.Time      `json:"time"`
	Values map[string]any `json:"values"`
}

func rows(t *testing.T, dir, purpose string) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, purpose+".jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var out []row
	for line := range strings.Lines(string(text)) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s.jsonl: %v", purpose, err)
		}
		id := fmt.Sprint(r.Stream, r.Epoch, r.Seq, r.Row)
		if seen[id] {
			t.Fatalf("%s.jsonl: a row is there twice: %s", purpose, id)
		}
		seen[id] = true
		out = append(out, r)
	}
	return out
}

// checkRows holds what the receiver has against what the policy says of the recording.
func checkRows(t *testing.T, dir string, n int) {
	t.Helper()
	air := map[string]int{}
	sums, counts := map[int64]int64{}, map[int64]int64{}
	for i := range n {
		at := int64(1_700_000_000+i*60) / 60
		air[fmt.Sprint(at, (400+i%900)/50*50)]++
		sums[at/60] += int64((18+i%5)*1000 + i%1000)
		counts[at/60]++
	}
	for _, r := range rows(t, dir, "air") {
		key := fmt.Sprint(r.Time.Unix()/60, int(r.Values["room.co2"].(float64)))
		if air[key]--; air[key] < 0 {
			t.Fatalf("air: a row too many at %v", r.Time)
		}
		if token := r.Values["room.badge"].(string); len(token) != 32 || strings.Contains(token, "badge") {
			t.Fatalf("air: %q is no pseudonym", token)
		}
	}
	for key, left := range air {
		if left != 0 {
			t.Fatalf("air: %d rows missing at %s", left, key)
		}
	}
	trends := rows(t, dir, "trends")
	if len(trends) != len(sums) {
		t.Fatalf("trends: %d rows, want %d", len(trends), len(sums))
	}
	for _, r := range trends {
		hour := r.Time.Unix() / 3600
		want := float64(sums[hour]/counts[hour]/500*500) / 1000
		if got := r.Values["room.temperature"].(float64); got != want {
			t.Fatalf("trends: %v at %v, want %v", got, r.Time, want)
		}
	}
}

// forms are the ways in which the ungranted value and the badges could show in a file: as text and as an integer in its
// scale, in the byte orders and as the varints that formats use. What is text has more digits than chance writes: a token of 32 hex digits
// holds five given ones once in 37,000 times.
func forms() map[string][]byte {
	const scaled = 54321987
	cbor := binary.BigEndian.AppendUint32([]byte{0x1a}, scaled)
	zigzag := binary.AppendVarint(nil, scaled)
	float := binary.BigEndian.AppendUint64(nil, math.Float64bits(secretLight))
	return map[string][]byte{
		"text": []byte("54321.9"), "number": []byte(":54321,"), "scaled text": []byte("54321987"), "big-endian": cbor[1:], "little-endian": binary.LittleEndian.AppendUint32(nil, scaled),
		"varint": binary.AppendUvarint(nil, scaled), "zigzag": zigzag, "float": float, "badge": []byte("badge-3"), "badge host": []byte("@home"),
		"light": []byte("room.light"), "occupancy": []byte("room.occupancy"),
	}
}

// shows says whether a form is in a content. Four bytes stand once in a few hundred thousand that are sealed or random by chance, and in
// two places never; the value is in every reading, so that what leaks it leaks it often. A page that was written anew elsewhere in a file
// is the same place again: places are told apart by what is around them.
func shows(content, form []byte) bool {
	const around = 12
	places := map[string]bool{}
	for at := 0; ; at++ {
		next := bytes.Index(content[at:], form)
		if next < 0 {
			return len(places) > max(0, 5-len(form))
		}
		at += next
		places[string(content[max(0, at-around):min(len(content), at+len(form)+around)])] = true
	}
}

func TestShows(t *testing.T) {
	form, page := []byte{1, 2, 3, 4}, []byte("what is around is the same")
	once := slices.Concat(page, form, page)
	for name, c := range map[string]struct {
		content []byte
		want    bool
	}{
		"nothing": {page, false}, "by chance": {once, false}, "by chance, in a page and its copy": {slices.Concat(once, once), false},
		"a column of it": {slices.Concat(page, bytes.Repeat(form, 3), page), true}, "rows with it": {slices.Concat(once, []byte("x"), form, page), true},
	} {
		if got := shows(c.content, form); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !shows(once, page[:7]) {
		t.Error("a long form has to be there once only")
	}
}

// cutWithin is how soon a request that is cut off has to end here: at once, had the machine nothing else to do, and long before the time-out
// of a route, 30 s, would end it.
const cutWithin = 10 * time.Second

// findLeaks looks for the ungranted value in every file below the directories, and in a text.
func findLeaks(t *testing.T, text string, dirs ...string) {
	t.Helper()
	for name, form := range forms() {
		if shows([]byte(text), form) && name != "light" && name != "occupancy" {
			t.Errorf("the ungranted value is in the log, as %s", name)
		}
	}
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // files come and go while the agent runs
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			for name, form := range forms() {
				if shows(content, form) {
					t.Errorf("%s holds what was not granted, as %s", path, name)
				}
			}
			return nil
		})
	}
}

func TestWhatIsGrantedArrivesAndNothingElseIsAnywhere(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 3000)
	if err := o.once(20*time.Second, "trends", "air"); err != nil {
		t.Fatal(err)
	}
	checkRows(t, out, 3000)
	if got := rows(t, out, "who"); len(got) != 0 {
		t.Errorf("%d rows of a purpose that nobody granted", len(got))
	}
	findLeaks(t, o.logged(), filepath.Join(o.dir, "state"), filepath.Join(o.dir, "state-keys"), out)
}

func TestLeaksWouldBeFound(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 10)
	if err := o.once(20*time.Second, "who"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "who.jsonl"))
	if err != nil || !bytes.Contains(text, []byte("54321.9")) {
		t.Fatalf("granted, the value is not at the receiver: the search for leaks could not fail (%v)", err)
	}
}

func TestARecordingIsUsedOnceByEachGrant(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 500)
	for range 2 {
		if err := o.once(20*time.Second, "trends"); err != nil {
			t.Fatal(err)
		}
	}
	first := len(rows(t, out, "trends"))
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if again := len(rows(t, out, "trends")); again != first {
		t.Errorf("trends has %d rows after %d: what a grant has used came again", again, first)
	}
	checkRows(t, out, 500)
}

func TestAReceiverThatIsDownForTheWholeRun(t *testing.T) {
	out := t.TempDir()
	h, closeSink := newReceiver(t, out)
	defer closeSink()
	var up sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := up.Load("up"); !ok {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 2000)
	err := o.once(time.Second, "trends", "air")
	var left *agent.LeftError
	if !errors.As(err, &left) || left.Rows+left.Batches == 0 {
		t.Fatalf("a receiver that is down gave %v, want what is left", err)
	}
	up.Store("up", true)
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	checkRows(t, out, 2000)
}

// TestHostileReceivers gives every bad answer for a while, then a good receiver, and wants everything to be there once.
func TestHostileReceivers(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter, r *http.Request, h http.Handler){
		"500": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(500) },
		"413": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(413) },
		"429": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
		},
		"portal": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			_, _ = w.Write([]byte("<html>welcome</html>"))
		},
		"silent": func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"answer is cut": func(w http.ResponseWriter, r *http.Request, h http.Handler) { cutAnswer(w, r, h) },
		"redirect": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
	}
	for name, bad := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			h, closeSink := newReceiver(t, out)
			defer closeSink()
			var good sync.Map
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, ok := good.Load("good"); ok {
					h.ServeHTTP(w, r)
					return
				}
				bad(w, r, h)
			}))
			defer srv.Close()
			o := newObject(t, srv.URL, 300)
			a := o.open()
			grant(t, a, "trends", "air")
			var left *agent.LeftError
			if err := a.Once(t.Context(), 1500*time.Millisecond); !errors.As(err, &left) {
				t.Fatalf("got %v, want what is left", err)
			}
			status, err := a.Status(t.Context())
			if err != nil || len(status.Routes) != 1 {
				t.Fatal(err, status.Routes)
			}
			if s := status.Routes[0]; s.State == "idle" && left.Parked == 0 {
				t.Errorf("the status says %q of a route where nothing gets through", s.State)
			}
			_ = a.Close()
			good.Store("good", true)
			if err := o.once(20 * time.Second); err != nil {
				t.Fatal(err)
			}
			checkRows(t, out, 300)
			findLeaks(t, o.logged(), filepath.Join(o.dir, "state"), out)
		})
	}
}

// cutAnswer lets the receiver accept and then cuts its answer short.
func cutAnswer(w http.ResponseWriter, r *http.Request, h http.Handler) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	panic(http.ErrAbortHandler)
}

func TestWithdrawalCutsWhatIsOnItsWay(t *testing.T) {
	arrived := make(chan struct{}, 16)
	cut := make(chan struct{}, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = new(bytes.Buffer).ReadFrom(r.Body)
		if !strings.HasSuffix(r.URL.Path, "/deletions") {
			arrived <- struct{}{}
			<-r.Context().Done()
			cut <- struct{}{}
		}
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 300)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "air")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Once(ctx, 20*time.Second) }()
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nothing was sent")
	}
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-cut:
	case <-time.After(cutWithin):
		t.Fatal("after the withdrawal the request is still on its way")
	}
	stop()
	<-done
	status, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range status.Purposes {
		if p.ID == "air" && (p.State != "withdrawn" || p.Buffered+p.Outgoing > 0) {
			t.Errorf("after the withdrawal: %+v", p)
		}
	}
}

func TestAWithdrawnPurposeIsDeletedThere(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 300)
	if err := o.once(20*time.Second, "air", "trends"); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Once(t.Context(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if n := len(rows(t, out, "air")); n != 0 {
		t.Errorf("%d rows are still at the receiver", n)
	}
	if n := len(rows(t, out, "trends")); n == 0 {
		t.Error("the rows of the other purpose are gone too")
	}
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if n := len(rows(t, out, "air")); n != 300 {
		t.Errorf("%d rows under the new yes, want 300", n)
	}
}

// TestABufferThatIsTooSmallMakesARecordingWait: what does not fit is not lost but read later, first with a receiver
// that is down and then with one that takes it.
func TestABufferThatIsTooSmallMakesARecordingWait(t *testing.T) {
	out := t.TempDir()
	h, closeSink := newReceiver(t, out)
	defer closeSink()
	var up sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := up.Load("up"); !ok {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	const readings = 130_000
	o := newObject(t, srv.URL, readings)
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", strings.Replace(string(config), "[buffer]\n", "[buffer]\nmax_size = \"1MiB\"\n", 1))
	var left *agent.LeftError
	if err := o.once(time.Second, "trends", "air"); !errors.As(err, &left) || !strings.Contains(err.Error(), "room") {
		t.Fatalf("got %v, want a buffer that takes no more", err)
	}
	if len(left.Lost) > 0 {
		t.Errorf("lost %v", left.Lost)
	}
	up.Store("up", true)
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	checkRows(t, out, readings)
}

// TestAWindowIsNeverToldInPieces runs a recording that grows by some minutes each time: whatever the number of runs, one
// window is one row, and what comes after its source has ended is late.
func TestAWindowIsNeverToldInPieces(t *testing.T) {
	url, out := receiver(t)
	o := newObject(t, url, 1)
	var csv strings.Builder
	csv.WriteString("t_ms,temperature,co2\n")
	for i := range 120 {
		fmt.Fprintf(&csv, "%d,20,400\n", int64(1_700_000_000_000)/3_600_000*3_600_000+int64(i)*60_000)
		if i%10 == 9 {
			o.write("room.csv", csv.String())
			purposes := []string{"trends"}
			if i > 9 {
				purposes = nil
			}
			if err := o.once(20*time.Second, purposes...); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[time.Time]int{}
	for _, r := range rows(t, out, "trends") {
		seen[r.Time]++
	}
	if len(seen) != 2 {
		t.Errorf("%d windows, want 2", len(seen))
	}
	for at, n := range seen {
		if n > 1 {
			t.Errorf("the window of %v came in %d pieces", at, n)
		}
	}
}

// TestWithdrawalNeedsNoSensorAndNoRoute: a recording that is gone and a token that can't be read keep nobody from taking
// a yes back.
func TestWithdrawalNeedsNoSensorAndNoRoute(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 100)
	_ = o.once(10*time.Millisecond, "air")
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", string(config)+"auth = \"file:/nonexistent/token\"\n")
	if err := os.Remove(filepath.Join(o.dir, "room.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.dir, "policy.toml")); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	defer func() { _ = a.Close() }()
	for _, want := range []string{"destroyed", "already"} {
		d, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{})
		if err != nil {
			t.Fatal(err)
		}
		if d.State != "withdrawn" || !strings.Contains(d.Notice, want) {
			t.Errorf("got %+v, want a notice with %q", d, want)
		}
	}
	status, err := a.Status(t.Context())
	if err != nil || status.Buffer.Waiting != 0 || status.Sensors[0].Error == "" && status.Sensors[0].State != "waiting" {
		t.Errorf("%+v, %v", status, err)
	}
}

// TestAPolicyThatChangesStopsWhatIsOnItsWay: less may leave from now on, and what is on its way is more than that.
func TestAPolicyThatChangesStopsWhatIsOnItsWay(t *testing.T) {
	arrived, cut := make(chan struct{}, 16), make(chan struct{}, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
		cut <- struct{}{}
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 300)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "air")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Once(ctx, 20*time.Second) }()
	defer func() { stop(); <-done }()
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nothing was sent")
	}
	o.write("policy.toml", strings.Replace(threePurposes(), "round = 50", "round = 100", 1))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-cut:
	case <-time.After(cutWithin):
		t.Fatal("after the change the request is still on its way")
	}
}
