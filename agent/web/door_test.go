package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Before somebody has typed a code nothing of this home is told and nothing reaches the agent.
func TestNothingWithoutASession(t *testing.T) {
	r := newRig(t)
	for _, p := range apiPaths() {
		method, path, _ := strings.Cut(p, " ")
		r.want(401, method, strings.NewReplacer("{purpose}", "trends", "{name}", "heating control").Replace(path), "")
	}
	for _, p := range []string{"POST /logout", "POST /awake", "GET /events", "POST /take", "GET /take/abc"} {
		method, path, _ := strings.Cut(p, " ")
		r.want(401, method, path, "")
	}
	if got := r.want(200, "GET", "/hello", "").Body.String(); got != `{"open":false,"language":"fr"}`+"\n" {
		t.Errorf("hello tells %s", got)
	}
	for _, path := range assetPaths() {
		r.want(200, "GET", path, "")
	}
	if r.agent.seen() != "" {
		t.Errorf("the agent was asked %s", r.agent.seen())
	}
}

func TestCodeOpensOnce(t *testing.T) {
	r := newRig(t)
	code, until, err := r.Pair()
	if err != nil || len(code) != 9 || code[4] != '-' || !until.Equal(r.clock.time().Add(codeLife)) {
		t.Fatalf("%q until %v, %v", code, until, err)
	}
	sloppy := strings.ToLower(strings.ReplaceAll(code, "-", " "))
	r.want(200, "POST", "/pair", `{"code":"`+sloppy+`"}`)
	r.clock.pass(tryPause)
	r.want(403, "POST", "/pair", `{"code":"`+code+`"}`)
}

// A guesser gets five tries a code, two seconds apart, and whoever looks after the object is told.
func TestGuesser(t *testing.T) {
	guessed := 0
	r := newRig(t, func(o *Options) { o.Guessed = func() { guessed++ } })
	code, _, _ := r.Pair()
	for i := range codeTries {
		r.want(403, "POST", "/pair", `{"code":"AAAA-AAAA"}`)
		r.want(429, "POST", "/pair", `{"code":"`+code+`"}`) // even the right one waits
		r.clock.pass(tryPause)
		if want := map[bool]int{true: 1}[i == codeTries-1]; guessed != want {
			t.Errorf("after try %d somebody was told %d times", i+1, guessed)
		}
	}
	r.want(403, "POST", "/pair", `{"code":"`+code+`"}`)
	if n := len(r.sessions.open); n != 0 {
		t.Errorf("%d sessions are open", n)
	}
}

func TestCodeRunsOut(t *testing.T) {
	r := newRig(t)
	code, _, _ := r.Pair()
	r.clock.pass(codeLife)
	r.want(403, "POST", "/pair", `{"code":"`+code+`"}`)
	old, _, _ := r.Pair()
	if fresh, _, _ := r.Pair(); fresh == old {
		t.Error("two codes are the same")
	}
	r.clock.pass(tryPause)
	r.want(403, "POST", "/pair", `{"code":"`+old+`"}`)
	last, _, _ := r.Pair()
	r.Unpair()
	r.clock.pass(tryPause)
	r.want(403, "POST", "/pair", `{"code":"`+last+`"}`)
	for _, body := range []string{`{"code":""}`, `{"code":"????????"}`, `{"code":null}`} { // no code is open: nothing is right
		r.clock.pass(tryPause)
		r.want(403, "POST", "/pair", body)
	}
	for _, body := range []string{`{`, `{"code":"x","more":1}`, `{"code":"x"}{}`, `[]`, ""} {
		r.want(400, "POST", "/pair", body)
	}
}

// The hand-over is written down before the page opens, or it does not open.
func TestPairingThatCantBeWrittenDown(t *testing.T) {
	fails := errors.New("the disk is full")
	r := newRig(t, func(o *Options) { o.Paired = func(context.Context) error { return fails } })
	code, _, _ := r.Pair()
	w := r.want(503, "POST", "/pair", `{"code":"`+code+`"}`)
	if len(w.Result().Cookies()) != 0 || len(r.sessions.open) != 0 {
		t.Error("a session is open")
	}
}

func TestSessionNeedsBothSecrets(t *testing.T) {
	r := newRig(t)
	r.enter()
	r.want(200, "GET", "/v1/status", "")
	for name, spoil := range map[string]func(*http.Request){
		"no cookie":        func(q *http.Request) { q.Header.Del("Cookie") },
		"no token":         func(q *http.Request) { q.Header.Del(tokenHeader) },
		"another token":    func(q *http.Request) { q.Header.Set(tokenHeader, r.cookie) },
		"another cookie":   func(q *http.Request) { q.Header.Set("Cookie", cookieName+"="+r.token) },
		"two cookies":      func(q *http.Request) { q.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie}) },
		"an empty session": func(q *http.Request) { q.Header.Set("Cookie", cookieName+"="); q.Header.Set(tokenHeader, "") },
	} {
		q := r.request("GET", "/v1/status", "")
		spoil(q)
		if w := r.do(q); w.Code != 401 {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
}

// What was taken from a session is of no use after its end, however it ends.
func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"logout": func(r *rig) { r.want(200, "POST", "/logout", "{}") },
		"unpair": func(r *rig) {
			if n := r.Unpair(); n != 1 {
				t.Errorf("%d sessions ended", n)
			}
		},
		"nobody there": func(r *rig) { r.clock.pass(idleLife) },
		"looking is not touching": func(r *rig) {
			for range 15 {
				r.clock.pass(time.Minute)
				r.ask("GET", "/v1/status", "")
			}
		},
		"too long": func(r *rig) {
			for range 12 * 6 {
				r.clock.pass(10 * time.Minute)
				r.ask("POST", "/awake", "{}")
			}
		},
		"more than there may be": func(r *rig) {
			cookie, token := r.cookie, r.token
			for range maxSessions {
				r.enter()
			}
			r.cookie, r.token = cookie, token
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.enter()
			x := r.sessions.open[0]
			end(r)
			before := r.agent.seen()
			r.want(401, "GET", "/v1/status", "")
			r.want(401, "POST", "/v1/consent/trends/grant", "{}")
			r.want(401, "POST", "/awake", "{}")
			if r.agent.seen() != before {
				t.Errorf("the agent was asked %s", r.agent.seen())
			}
			select {
			case <-x.ended:
			default:
				t.Error("what hangs on the session does not learn of its end")
			}
		})
	}
	r := newRig(t)
	r.enter()
	for range 40 { // somebody who goes on touching stays in
		r.clock.pass(14 * time.Minute)
		r.want(200, "POST", "/awake", "{}")
	}
}

// What comes through the page comes from the person and says through what.
func TestPageSpeaksAsThePerson(t *testing.T) {
	r := newRig(t)
	r.enter()
	r.want(200, "POST", "/v1/consent/trends/grant", `{"language":"fr"}`)
	if r.agent.seen() != "grant trends person" || r.agent.last.Channel != "page" || r.agent.last.Language != "fr" {
		t.Errorf("the agent was asked %s, %+v", r.agent.seen(), r.agent.last)
	}
	r.want(400, "POST", "/v1/consent/trends/grant", `{"channel":"cli"}`)
}
