package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"testing"
)

// withButton gives a page a button; refused is what is said of the account that asks.
func withButton(refused *error, entered *int) func(*Options) {
	return func(o *Options) {
		o.Visitor = func(client, own netip.AddrPort) error {
			if !client.IsValid() || !own.IsValid() {
				return errors.New("nobody is told")
			}
			return *refused
		}
		o.Entered = func(context.Context) error { *entered++; return nil }
	}
}

// A press that was held opens the page once, for whoever asks first in the time that follows.
func TestAPressOpensOnce(t *testing.T) {
	var refused error
	entered := 0
	r := newRig(t, withButton(&refused, &entered))
	try := func(want int) {
		t.Helper()
		r.clock.pass(pressPause)
		r.want(want, "POST", "/press", "{}")
	}
	try(403)
	r.Pressed()
	refused = errors.New("a technician's")
	try(403)
	refused = nil
	try(200) // who may not has not spent it
	try(403)
	if entered != 1 || len(r.sessions.open) != 1 {
		t.Errorf("%d entered, %d sessions", entered, len(r.sessions.open))
	}
	if until := r.Pressed(); !until.Equal(r.clock.time().Add(pressLife)) {
		t.Errorf("until %v", until)
	}
	r.clock.pass(pressLife)
	try(403)
	r.Pressed()
	if r.Unpair() != 1 {
		t.Error("the page was not closed")
	}
	try(403)
	if entered != 1 {
		t.Errorf("%d entered", entered)
	}
}

// One try a second, whoever makes it, and a form, another origin or another name for this machine opens nothing.
func TestAPressIsForThePageItself(t *testing.T) {
	var refused error
	entered := 0
	r := newRig(t, withButton(&refused, &entered))
	r.Pressed()
	r.want(400, "POST", "/press", `{"code":"AAAA-AAAA"}`)
	r.want(404, "GET", "/press", "")
	for name, change := range map[string]func(*http.Request){
		"another origin": func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") },
		"another site":   func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") },
		"rebinding":      func(q *http.Request) { q.Host = "evil.example" },
		"a form":         func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") },
	} {
		q := r.request("POST", "/press", "{}")
		change(q)
		if w := r.do(q); w.Code < 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if entered != 0 {
		t.Fatal("somebody came in")
	}
	r.want(200, "POST", "/press", "{}")
	r.want(429, "POST", "/press", "{}")
}

// Without a button nothing is opened by one, and the page does not speak of it.
func TestNoButton(t *testing.T) {
	r := newRig(t)
	r.Pressed()
	r.want(404, "POST", "/press", "{}")
	var refused error
	entered := 0
	r = newRig(t, withButton(&refused, &entered))
	if got := r.want(200, "GET", "/hello", "").Body.String(); got != `{"open":false,"language":"fr","button":true}`+"\n" {
		t.Errorf("hello tells %s", got)
	}
}
