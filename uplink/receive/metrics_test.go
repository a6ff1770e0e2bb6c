package receive

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/candor-edge/candor/uplink/wire"
)

// What was answered is counted by path and status, and nothing else is told.
func TestMetrics(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	var broken error
	m := NewMetrics(func() error { return broken }, today)
	h := m.Count(newHandler(t, s, nil))
	o := newObject(t, 1, nil)
	post(h, "/announcements", o.signed)
	for range 2 {
		post(h, "/batches", o.batch(o.numbers(1, 1)))
	}
	post(h, "/batches", nil)
	post(h, "/elsewhere/"+o.a.Stream.String(), nil)
	m.Forgot(3)
	broken = errors.New("no disk")
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, line := range []string{`candor_receiver_answers_total{path="/batches",status="202"} 2`, `candor_receiver_answers_total{path="/batches",status="422"} 1`,
		`candor_receiver_answers_total{path="other",status="404"} 1`, "candor_receiver_requests_in_flight 0", "candor_receiver_forgotten_batches_total 3", "candor_receiver_store_up 0"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
	for _, secret := range []string{o.a.Stream.String(), "service", "acme"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is told", secret)
		}
	}
}

// A credential sends the purposes it names and no others.
func TestCredentialsAndPurposes(t *testing.T) {
	const device, fleet, limited = "device-0123456789abcdef", "fleet-0123456789abcdef", "limited-0123456789abcdef"
	tokens, err := ReadTokens(strings.NewReader(device + " device service\n" + fleet + " fleet\n" + limited + " fleet trends,improve\n"))
	must(t, err)
	h := newHandler(t, mustOpen(t, t.TempDir()), func(c *Config) { c.Tokens = tokens })
	service := newObject(t, 1, nil)
	trends := newObject(t, 2, func(a *wire.Announcement) { a.Purpose = "trends" })
	send := func(o *object, token string, status int) {
		t.Helper()
		as := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
		for path, body := range map[string][]byte{"/announcements": o.signed, "/batches": o.batch(o.numbers(1, 1))} {
			want := status
			w := postAs(h, path, body, as)
			if status == 202 && path == "/announcements" && w.Code == 200 || status == 202 && w.Code == 428 {
				continue
			}
			if w.Code != want {
				t.Errorf("%s %s with %s: %d, want %d", path, o.a.Purpose, token, w.Code, want)
			}
		}
	}
	for range 2 { // the second time everything is announced
		send(service, device, 202)
		send(trends, fleet, 202)
	}
	send(trends, device, 403)
	send(service, limited, 403)
	send(service, fleet, 202)
	send(trends, limited, 202)
	for name, text := range map[string]string{
		"device for everything": device + " device", "no kind": device + " robot", "no purpose": device + " device a,,b", "too much": device + " device a b",
	} {
		if _, err := ReadTokens(strings.NewReader(text)); err == nil || strings.Contains(err.Error(), device) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
