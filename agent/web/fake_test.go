package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// hostile is a name with all that would run or break out somewhere.
const hostile = `<script>alert(1)</script><img src=x onerror="alert(2)">'"` + "`=${1}\u2028"

// fakeAgent remembers what reached it. What it does not define it must not be asked.
type fakeAgent struct {
	control.Backend

	mu     sync.Mutex
	calls  []string
	last   control.Decision
	moment control.Moment
}

func (f *fakeAgent) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeAgent) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, ";")
}

func (f *fakeAgent) Status(context.Context) (control.Status, error) {
	f.note("status")
	return control.Status{Version: "1", Sensors: []control.SensorStatus{{Name: hostile}}}, nil
}

func (f *fakeAgent) Consent(_ context.Context, language string) (control.Consent, error) {
	f.note("consent " + language)
	return control.Consent{Purposes: []control.ConsentPurpose{{ID: "trends", Title: hostile}}}, nil
}

func (f *fakeAgent) Grant(_ context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	f.note("grant " + purpose + " " + string(role))
	f.mu.Lock()
	f.last = d
	f.mu.Unlock()
	return control.Decided{Purpose: purpose, State: consent.Given}, nil
}

func (f *fakeAgent) Moment(_ context.Context, language string) (control.Moment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.moment
	m.Language, m.Now = language, time.Now()
	return m, nil
}

func (f *fakeAgent) tell(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.moment.Text = text
}

func (f *fakeAgent) Export(_ context.Context, q control.ExportQuery, emit func(control.ExportPiece) error) error {
	f.note("export " + q.What)
	for _, p := range []control.ExportPiece{
		{Series: &control.ExportSeries{Name: "hall.label", Type: "text"}},
		{Points: []control.ExportPoint{{At: 1_000_000, Text: "=1+1"}}},
		{Receipt: &control.ExportReceipt{ID: "r1", Title: "@x"}},
	} {
		if err := emit(p); err != nil {
			return err
		}
	}
	if q.What == "sent" {
		return errors.New("the disk is gone")
	}
	return nil
}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// letters are random bytes that differ, and the same in each test.
type letters struct{ n uint64 }

func (l *letters) Read(b []byte) (int, error) {
	for i := range b {
		l.n = l.n*6364136223846793005 + 1442695040888963407
		b[i] = byte(l.n >> 56)
	}
	return len(b), nil
}

// rig is a page with everything that a test bends.
type rig struct {
	*Server
	t      *testing.T
	agent  *fakeAgent
	clock  *clock
	cookie string
	token  string
}

func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, agent: &fakeAgent{}, clock: &clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}}
	o := Options{Listen: "127.0.0.1:0", Backend: r.agent, Language: "fr", Rand: &letters{}, Now: r.clock.time}
	for _, f := range change {
		f(&o)
	}
	var err error
	if r.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

// request is one as the page's own script sends it; a test spoils it.
func (r *rig) request(method, target, body string) *http.Request {
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	q := httptest.NewRequest(method, "http://127.0.0.1:8088/", from)
	q.URL.Path, q.URL.RawQuery, _ = strings.Cut(target, "?")
	q.RequestURI, q.URL.Host, q.URL.Scheme = target, "", ""
	q.RemoteAddr = "127.0.0.1:40000"
	q = q.WithContext(context.WithValue(q.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8088}))
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		q.Header.Set("Origin", "http://127.0.0.1:8088")
		q.Header.Set("Content-Type", "application/json")
	}
	if r.cookie != "" {
		q.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie})
		q.Header.Set(tokenHeader, r.token)
	}
	return q
}

func (r *rig) do(q *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, q)
	return w
}

func (r *rig) ask(method, target, body string) *httptest.ResponseRecorder {
	return r.do(r.request(method, target, body))
}

// enter opens a session with a fresh code.
func (r *rig) enter() {
	r.t.Helper()
	code, _, err := r.Pair()
	if err != nil {
		r.t.Fatal(err)
	}
	r.cookie, r.token = "", ""
	r.clock.pass(tryPause)
	w := r.ask("POST", "/pair", `{"code":"`+code+`"}`)
	var got struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil || len(got.Token) < 40 {
		r.t.Fatalf("the code opens nothing: %d %s", w.Code, w.Body)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "/" || cookies[0].MaxAge != 0 || len(cookies[0].Value) < 40 {
		r.t.Fatalf("the cookie is %+v", cookies)
	}
	r.cookie, r.token = cookies[0].Value, got.Token
	if bytes.Contains(w.Body.Bytes(), []byte(r.cookie)) {
		r.t.Error("the script can read what is in the cookie")
	}
}

func (r *rig) want(status int, method, target, body string) *httptest.ResponseRecorder {
	r.t.Helper()
	w := r.ask(method, target, body)
	if w.Code != status {
		r.t.Errorf("%s %s: status %d, want %d: %s", method, target, w.Code, status, w.Body)
	}
	return w
}

func (f *fakeAgent) Exported(q control.ExportQuery, channel string) {
	f.note("exported " + q.What + " " + channel)
}
