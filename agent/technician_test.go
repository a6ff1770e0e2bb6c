package agent_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

// TestTechnicianSeesNoCanary: a home full of values, one of them granted and stored: nothing that a technician can ask, nothing
// that a collector of metrics gets over loopback and nothing in the log holds any of them; and what was refused is told.
func TestTechnicianSeesNoCanary(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	o := newObject(t, "http://127.0.0.1:1", 300)
	o.write("candor.toml", o.read("candor.toml")+"[metrics]\nlisten = \""+address+"\"\n")
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "who")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	h := control.NewHandler(a)
	person := control.Local(h, control.Person)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		s, err := person.Status(t.Context())
		if err == nil && s.Buffer.Bytes > 0 && s.Purposes[len(s.Purposes)-1].Buffered+s.Purposes[len(s.Purposes)-1].Outgoing > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is stored: %+v, %v", s.Purposes, err)
		}
	}
	ask := func(method, path string, role control.Role) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		h.ServeHTTP(w, r.WithContext(control.WithRole(r.Context(), role)))
		return w.Code, w.Body.String()
	}
	var all strings.Builder
	allowed := 0
	for _, path := range []string{"/v1/status", "/v1/health", "/metrics", "/v1/sensor/read", "/v1/buffer", "/v1/buffer/verify", "/v1/consent", "/v1/preview", "/v1/sent",
		"/v1/live", "/v1/export?what=all", "/v1/buffer/export", "/v1/ledger", "/v1/ledger/export", "/v1/sheet",
		"/v1/sent/copy?stream=000102030405060708090a0b0c0d0e0f&seq=1"} {
		code, text := ask("GET", path, control.Technician)
		if code == 200 {
			allowed++
		}
		all.WriteString(text)
	}
	for _, path := range []string{"/v1/uplink/test", "/v1/uplink/retry", "/v1/consent/who/withdraw", "/v1/erase", "/v1/transfer", "/v1/pause"} {
		_, text := ask("POST", path, control.Technician)
		all.WriteString(text)
	}
	if allowed != 6 {
		t.Errorf("a technician may ask %d paths, want 6", allowed)
	}
	all.WriteString(overLoopback(t, address))
	_, metrics := ask("GET", "/metrics", control.Person) // the person's own hold counts, and no value either
	all.WriteString(metrics)
	if !strings.Contains(metrics, "candor_purpose_buffered_rows") {
		t.Errorf("the person's metrics lack her counts: %s", metrics)
	}
	// The search can fail: what the person may see holds the values.
	if _, seen := ask("GET", "/v1/buffer/export", control.Person); !strings.Contains(seen, "54321.9") {
		t.Error("the value that was granted is not in the buffer: nothing was looked for")
	}
	entries, err := person.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, e := range entries {
		if e.Kind == "act" && e.Role == "technician" {
			told[e.Text] = true
		}
		all.WriteString(e.Text)
	}
	for _, want := range []string{"send a test message", "offer refused uploads again", "not allowed: take the person's data", "not allowed: take a yes back", "not allowed: erase", "not allowed: see live values"} {
		if !told[want] {
			t.Errorf("the ledger does not say that a technician did, or was refused: %s", want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	findLeaks(t, all.String()+o.logged())
}

// overLoopback is what a collector gets.
func overLoopback(t *testing.T, address string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/metrics")
		if err == nil {
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || strings.Contains(string(text), "candor_purpose_") || !strings.Contains(string(text), "candor_healthy ") {
				t.Errorf("%v: %s", err, text)
			}
			return string(text)
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
