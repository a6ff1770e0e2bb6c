package receive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// slowSink holds every batch until it is let go.
type slowSink struct {
	*DirSink
	came chan struct{}
	free chan struct{}
}

func (s *slowSink) Store(ctx context.Context, m *Delivery) error {
	s.came <- struct{}{}
	<-s.free
	return s.DirSink.Store(ctx, m)
}

// talk writes raw bytes to a server and returns everything it says.
func talk(t *testing.T, url, request string, hold time.Duration) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, request)
	must(t, err)
	if hold == 0 {
		must(t, conn.(*net.TCPConn).CloseWrite())
	}
	answer, _ := io.ReadAll(conn) // a reset is an answer too
	return string(answer)
}

func head[N int | int64](length N, extra string) string {
	return fmt.Sprintf("POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: %d\r\n%s\r\n", length, extra)
}

// Bodies that are not what their header says store nothing and get a no.
func TestBodiesThatLie(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	url := listen(t, newHandler(t, s, nil))
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	good := string(o.batch(o.numbers(1, 1)))
	chunked := "POST /batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nTransfer-Encoding: chunked\r\n\r\n"
	tests := map[string]struct{ request, want string }{
		"cut":             {head(len(good), "") + good[:len(good)/2], "400 "},
		"nothing":         {head(len(good), ""), "400 "},
		"promises more":   {head(len(good)+10, "") + good, "400 "},
		"promises less":   {head(len(good)-10, "Connection: close\r\n") + good, "422 "},
		"promises 1 TB":   {head(int64(1)<<40, ""), "413 "},
		"negative":        {head(-1, "") + good, "400 "},
		"endless chunks":  {chunked + strings.Repeat("10000\r\n"+strings.Repeat("x", 1<<16)+"\r\n", MaxBody>>16+2), "413 "},
		"chunks cut":      {chunked + "10\r\nabc", "400 "},
		"huge header":     {head(1, "X: "+strings.Repeat("x", 1<<16)+"\r\n"), "431 "},
		"not HTTP at all": {"\x16\x03\x01hello\r\n\r\n", "400 "},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if got := talk(t, url, c.request, 0); !strings.HasPrefix(got, "HTTP/1.1 "+c.want) {
				t.Errorf("answered %.60q, want %s", got, c.want)
			}
		})
	}
	if st, _ := s.ByID(context.Background(), o.a.Stream); st.Last != 0 {
		t.Error("something was stored")
	}
}

// A client that sends nothing more is let go, in headers and in the body, and
// others are served meanwhile.
func TestSlowClients(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := NewServer(newHandler(t, s, nil), quiet())
	if srv.ReadTimeout <= 0 || srv.ReadHeaderTimeout <= 0 || srv.WriteTimeout <= 0 || srv.IdleTimeout <= 0 || srv.MaxHeaderBytes <= 0 {
		t.Fatal("a limit is missing")
	}
	srv.ReadHeaderTimeout, srv.ReadTimeout = time.Second, time.Second // for who is not slow too
	go srv.Serve(l)
	defer srv.Close()
	url := "http://" + l.Addr().String()
	var slow sync.WaitGroup
	began := time.Now()
	for range 8 {
		slow.Go(func() { talk(t, url, "POST /batches HTTP/1.1\r\nHost:", time.Hour) })
		slow.Go(func() {
			if got := talk(t, url, head(1000, "")+"x", time.Hour); !strings.Contains(got, " 408 ") || !strings.Contains(got, string(CodeSlow)) {
				t.Errorf("a slow body got %q", got)
			}
		})
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	if code, err := send(client, url+"/batches", o.batch(o.numbers(1, 1))); code != 202 {
		t.Error(code, err)
	}
	slow.Wait()
	if took := time.Since(began); took > 15*time.Second { // talk waits for twenty
		t.Errorf("slow clients were held for %s", took)
	}
}

// Who asks for access needs no credential, and can't hold up those who send by
// asking slowly, nor those who ask.
func TestSlowAccess(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	h := newHandler(t, s, func(c *Config) { c.Workers = 2 })
	url := listen(t, h)
	for range 3 * maxAccesses {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		must(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "POST /access HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 25 * time.Second}
	defer client.CloseIdleConnections()
	time.Sleep(50 * time.Millisecond) // they are all being read by now, or the test shows less
	if code, err := send(client, url+"/batches", o.batch(o.numbers(1, 1))); code != 202 {
		t.Error(code, err)
	}
	resp, err := client.Post(url+"/access", TypeJSON, bytes.NewReader(accessBody(o, o.capability)))
	must(t, err)
	defer resp.Body.Close()
	if rows, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || bytes.Count(rows, []byte("\n")) != 1 {
		t.Errorf("%d %s %v", resp.StatusCode, rows, err)
	}
}

// Beyond the number of bodies the answer is to come back, at once.
func TestBusy(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	slow := &slowSink{s, make(chan struct{}), make(chan struct{})}
	h := newHandler(t, s, func(c *Config) { c.Sink, c.Bodies, c.Workers = slow, 2, 2 })
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	var held sync.WaitGroup
	for i := range 2 {
		body := o.batch(o.numbers(uint64(i+1), 1))
		held.Go(func() {
			if w := post(h, "/batches", body); w.Code != 202 {
				t.Error(w.Code, w.Body)
			}
		})
		<-slow.came
	}
	w := post(h, "/batches", o.batch(o.numbers(3, 1)))
	if w.Header().Get("Retry-After") != "2" {
		t.Errorf("headers %v", w.Header())
	}
	wantRefused(t, w, 503, CodeBusy)
	close(slow.free)
	held.Wait()
	if w := post(h, "/tests", testMessage(o)); w.Code != 204 {
		t.Error("the places were not given back:", w.Code)
	}
}

// The same batch from many sides at once is stored once and every side hears
// yes; other content under its number hears no.
func TestManyAtOnce(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	url := listen(t, newHandler(t, s, nil))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var objects []*object
	for n := range 4 {
		objects = append(objects, newObject(t, byte(n+1), nil))
	}
	var all sync.WaitGroup
	for side := range 4 {
		for _, o := range objects {
			all.Go(func() {
				mine := newObject(t, o.a.Stream[0], nil) // encoders are not shared
				if code, err := send(client, url+"/announcements", mine.signed); code != 202 && code != 200 {
					t.Error(code, err)
				}
				for seq := range uint64(10) {
					if code, err := send(client, url+"/batches", mine.batch(mine.numbers(seq+1, int64(seq), 5))); code != 202 {
						t.Error(code, err)
					}
					if code, err := send(client, url+"/batches", mine.batch(mine.numbers(seq+1, int64(seq), int64(side+100)))); code != 409 {
						t.Error(code, err)
					}
				}
			})
		}
	}
	all.Wait()
	if rows := readRows(t, s.at.rows("service")); len(rows) != 4*10*2 {
		t.Errorf("%d rows, want 80", len(rows))
	}
}

// After everything is closed nothing runs on.
func TestNothingRunsOn(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		s, err := OpenDir(t.TempDir(), quiet())
		must(t, err)
		h := newHandler(t, s, nil)
		o := newObject(t, 1, nil)
		for _, m := range []struct {
			path string
			body []byte
		}{{"/announcements", o.signed}, {"/batches", o.batch(o.numbers(1, 1))}, {"/batches", nil}, {"/deletions", o.deletion()}} {
			post(h, m.path, m.body)
		}
		must(t, s.Close())
		must(t, s.Close())
		wantCode(t, asRefusal(o.announce(s)), CodeStorage)
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// Requests that are queued when the sink closes are answered one way or the
// other, and what was answered yes is there.
func TestCloseUnderLoad(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	o := newObject(t, 1, nil)
	must(t, o.announce(s))
	v := &Verifier{s, today}
	var deliveries []*Delivery
	for seq := range uint64(64) {
		m, err := v.Batch(context.Background(), o.batch(o.numbers(seq+1, 1)))
		must(t, err)
		deliveries = append(deliveries, m)
	}
	yes := make(chan uint64, len(deliveries))
	var all sync.WaitGroup
	for _, m := range deliveries {
		all.Go(func() {
			if s.Store(context.Background(), m) == nil {
				yes <- m.Batch.Seq
			}
		})
	}
	must(t, s.Close())
	all.Wait()
	close(yes)
	rows := readRows(t, layout{dir}.rows("service"))
	for seq := range yes {
		if _, ok := rows[rowName{o.a.Stream.String(), 3, seq, 0}]; !ok {
			t.Errorf("batch %d was acknowledged and is not there", seq)
		}
	}
}

// One directory has one receiver.
func TestTwoReceiversDoNotShare(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if _, err := OpenDir(dir, quiet()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opened twice: %v", err)
	}
	must(t, s.Close())
	mustOpen(t, dir)
}

// FuzzHandler sends anything anywhere: no panic, and always an answer of
// the protocol.
func FuzzHandler(f *testing.F) {
	s := mustOpen(f, f.TempDir())
	h := newHandler(f, s, nil)
	o, stranger := newObject(f, 1, nil), newObject(f, 2, nil)
	thief := *o // has the key and not the capability, so that the stream stays
	thief.capability[0]++
	must(f, o.announce(s))
	paths := []string{"/announcements", "/batches", "/deletions", "/freshness", "/tests"}
	for i := range paths {
		f.Add(uint8(i), o.batch(o.numbers(1, 1, 2, 3)), false)
		f.Add(uint8(i), o.signed, false)
		f.Add(uint8(i), stranger.deletion(), true)
		f.Add(uint8(i), o.question(), true)
		for _, signed := range [][]byte{o.signed, o.batch(o.numbers(1, 1, 2, 3)), thief.deletion(), o.question()} {
			f.Add(uint8(i), mustPayload(f, signed), true)
		}
		f.Add(uint8(i), testMessage(o), false)
	}
	// The handler's own keys sign what the fuzzer wrote, so that it gets past
	// the signature and into what is behind.
	f.Fuzz(func(t *testing.T, path uint8, body []byte, resign bool) {
		p := paths[int(path)%len(paths)]
		if resign && len(body) < 1<<16 {
			body = o.sign(kindOf(p), body)
		}
		w := post(h, p, body)
		switch w.Code {
		case 200, 202, 204:
		default:
			if a := decodeAnswer(t, w); a.Error == nil || a.Error.Code.status() != w.Code || w.Code == 503 {
				t.Fatalf("%s answered %d %+v", p, w.Code, a.Error)
			}
		}
	})
}

func kindOf(path string) wire.Kind {
	switch path {
	case "/announcements":
		return wire.KindAnnouncement
	case "/batches":
		return wire.KindBatch
	case "/deletions":
		return wire.KindDeletion
	case "/freshness":
		return wire.KindFreshness
	}
	return wire.KindTest
}
