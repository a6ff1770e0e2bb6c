package control

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCheckLoopback(t *testing.T) {
	for _, good := range []string{"127.0.0.1:9477", "127.1.2.3:1", "[::1]:9477"} {
		if err := CheckLoopback(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", ":9477", "0.0.0.0:9477", "[::]:9477", "192.168.1.2:9477", "localhost:9477", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x",
		"[::1%lo]:9477", "[::ffff:192.168.1.2]:9477", "[fe80::1]:80"} {
		if err := CheckLoopback(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestMetricsOnly: over loopback there is one path, as a technician sees it, and no name of somebody else's leads to it.
func TestMetricsOnly(t *testing.T) {
	f := &fake{}
	h := metricsOnly(NewHandler(f))
	get := func(host, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(WithRole(r.Context(), Person))) // whoever it is
		return w
	}
	for _, host := range []string{"127.0.0.1:9477", "[::1]:9477", "localhost:9477", "127.0.0.1", "localhost"} {
		if w := get(host, "/metrics"); w.Code != 200 || strings.Contains(w.Body.String(), "candor_buffer_bytes") {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	for _, host := range []string{"attacker.example", "attacker.example:9477", "192.168.1.2:9477", ""} {
		if w := get(host, "/metrics"); w.Code != 404 {
			t.Errorf("%q: %d %s", host, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/", "/v1/status", "/v1/health", "/v1/export?what=all"} {
		if w := get("127.0.0.1:9477", path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestServeMetrics asks over a real socket, and sees it close.
func TestServeMetrics(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ServeMetrics(ctx, address, &fake{}, nil) }()
	var text string
	for deadline := time.Now().Add(time.Minute); text == "" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		text = string(body)
	}
	if !strings.Contains(text, "candor_healthy 0\n") {
		t.Errorf("%q", text)
	}
	if err := ServeMetrics(ctx, address, &fake{}, nil); err == nil {
		t.Error("two listen at one address")
	}
	crowd(t, address)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := ServeMetrics(t.Context(), "0.0.0.0:9477", &fake{}, nil); err == nil {
		t.Error("it listens to everybody")
	}
}

// crowd opens more connections than there may be: the last is closed, and when one goes there is room again.
func crowd(t *testing.T, address string) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	held := func(c net.Conn) bool { // one that is kept is answered, and stays; one that is closed ends
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: "+address+"\r\n\r\n"); err != nil {
			return false
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK && !resp.Close
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var all []net.Conn
	for deadline := time.Now().Add(time.Minute); len(all) < maxCollectors && time.Now().Before(deadline); {
		if c := dial(); held(c) {
			all = append(all, c)
		} else {
			_ = c.Close() // the one before it has not gone yet
		}
	}
	if c := dial(); len(all) != maxCollectors || held(c) {
		t.Errorf("%d are held, and one more", len(all))
	}
	_ = all[0].Close()
	for deadline := time.Now().Add(time.Minute); ; {
		c := dial()
		defer func() { _ = c.Close() }()
		if held(c) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
	}
	for _, c := range all[1:] {
		_ = c.Close()
	}
}
