package web

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An open page is told at once when the sender says so, hears nothing twice, and is closed with its session.
func TestEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enter()
	addr := r.serve()
	r.agent.tell("nothing leaves")
	q, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/events?language=fr", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie})
	q.Header.Set(tokenHeader, r.token)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() (event, data string) {
		for lines.Scan() && lines.Text() != "" {
			event = strings.TrimPrefix(lines.Text(), "event: ")
			if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				data = d
				event = ""
			}
		}
		return event, data
	}
	if _, data := next(); !strings.Contains(data, `"text":"nothing leaves"`) || !strings.Contains(data, `"language":"fr"`) {
		t.Errorf("first told: %s", data)
	}
	time.Sleep(1200 * time.Millisecond) // past one look by itself, at which nothing is new
	r.agent.tell("something is on its way")
	r.Wake()
	if _, data := next(); !strings.Contains(data, "something is on its way") {
		t.Errorf("then told: %s", data)
	}
	r.Unpair()
	if lines.Scan(); lines.Text() != "event: end" {
		t.Errorf("at the end: %q", lines.Text())
	}
	for lines.Scan() {
	}
	if n := r.streams.Load(); n != 0 {
		t.Errorf("%d streams go on", n)
	}
}

// told is an answer that is written in pieces, each with the moment of the bubble at which it came.
type told struct {
	*httptest.ResponseRecorder
	at []time.Time
}

func (w *told) Write(b []byte) (int, error) {
	w.at = append(w.at, time.Now())
	return w.ResponseRecorder.Write(b)
}

// A page hears at once what the sender says, a tenth of a second after what it heard before, and within a second what nobody says.
func TestEventsAreToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.enter()
		w := &told{ResponseRecorder: httptest.NewRecorder()}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Handler().ServeHTTP(w, r.request("GET", "/events?language=fr", ""))
		}()
		started := time.Now()
		step := func(pass time.Duration, text string, wake bool) {
			time.Sleep(pass)
			r.agent.tell(text)
			if wake {
				r.Wake()
			}
		}
		step(2300*time.Millisecond, "said", true)
		step(50*time.Millisecond, "said soon after", true)
		step(750*time.Millisecond, "not said", false)
		time.Sleep(3 * time.Second)
		r.Unpair()
		<-ended
		var got []time.Duration
		for _, at := range w.at {
			got = append(got, at.Sub(started))
		}
		// It looks each second since it looked last, so at 1, 2 and 3.4 s by itself.
		if want := []time.Duration{0, 2300 * time.Millisecond, 2400 * time.Millisecond, 3400 * time.Millisecond, 6100 * time.Millisecond}; !slices.Equal(got, want) {
			t.Errorf("told at %v, want %v: %s", got, want, w.Body)
		}
	})
}

// A file is taken once, by the session that asked for it, within a minute.
func TestTake(t *testing.T) {
	r := newRig(t)
	r.enter()
	ticket := func(body string) string {
		var got struct{ Path string }
		w := r.want(200, "POST", "/take", body)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !strings.HasPrefix(got.Path, "/take/") || len(got.Path) < 40 {
			t.Fatalf("%s: %v", w.Body, err)
		}
		return got.Path
	}
	fetch := func(path string) *http.Request { // as a browser follows it: without the token
		q := r.request("GET", path, "")
		q.Header.Del(tokenHeader)
		return q
	}
	path := ticket(`{"what":"raw","format":"csv","from":"2026-01-01T00:00:00Z"}`)
	w := r.do(fetch(path))
	rows, err := csv.NewReader(w.Body).ReadAll()
	if w.Code != 200 || err != nil || len(rows) != 2 || rows[1][2] != "'=1+1" {
		t.Errorf("%d, %q, %v", w.Code, rows, err)
	}
	if w.Header().Get("Content-Disposition") != `attachment; filename="candor-raw.csv"` || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%v", w.Header())
	}
	if again := r.do(fetch(path)); again.Code != 404 {
		t.Errorf("a second time: %d", again.Code)
	}
	late := ticket(`{"what":"all","format":"json"}`)
	r.clock.pass(ticketLife)
	if w := r.do(fetch(late)); w.Code != 404 {
		t.Errorf("too late: %d", w.Code)
	}
	mine := ticket(`{"what":"all","format":"cbor"}`)
	cookie, token := r.cookie, r.token
	r.enter()
	if w := r.do(fetch(mine)); w.Code != 404 {
		t.Errorf("by another session: %d", w.Code)
	}
	r.cookie, r.token = cookie, token
	if w := r.do(fetch(mine)); w.Code != 200 || w.Body.Len() == 0 || w.Body.Bytes()[0] != 0x9f {
		t.Errorf("by its own: %d %x", w.Code, w.Body.Bytes())
	}
	for _, body := range []string{`{"what":"all","format":"csv"}`, `{"what":"raw","format":"exe"}`, `{"what":"keys","format":"json"}`, `{}`, `{"what":"raw","format":"json","path":"/etc"}`} {
		r.want(400, "POST", "/take", body)
	}
	for range maxTickets {
		ticket(`{"what":"receipts","format":"csv"}`)
	}
	r.want(429, "POST", "/take", `{"what":"receipts","format":"csv"}`)
}

// A file that breaks off is no whole file for the browser either.
func TestTakeThatBreaksOff(t *testing.T) {
	r := newRig(t)
	r.enter()
	var got struct{ Path string }
	if err := json.Unmarshal(r.want(200, "POST", "/take", `{"what":"sent","format":"json"}`).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the answer ends as if it were whole")
		}
	}()
	r.ask("GET", got.Path, "")
}
