package web

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestOtherOriginsAreRefused(t *testing.T) {
	r := newRig(t)
	r.enter()
	post := func(q *http.Request) { q.Method = "POST" }
	for name, c := range map[string]struct {
		want  int
		spoil func(*http.Request)
	}{
		"the page itself":            {200, func(*http.Request) {}},
		"behind ssh -L":              {200, func(q *http.Request) { q.Host = "localhost:9000"; q.Header.Set("Origin", "http://localhost:9000") }},
		"IPv6":                       {200, func(q *http.Request) { q.Host = "[::1]:8088"; q.Header.Set("Origin", "http://[::1]:8088") }},
		"another site":               {403, func(q *http.Request) { q.Header.Set("Origin", "https://evil.example") }},
		"another port here":          {403, func(q *http.Request) { q.Header.Set("Origin", "http://127.0.0.1:3000") }},
		"another name of here":       {403, func(q *http.Request) { q.Header.Set("Origin", "http://localhost:8088") }},
		"a sandboxed frame":          {403, func(q *http.Request) { q.Header.Set("Origin", "null") }},
		"two origins":                {403, func(q *http.Request) { q.Header.Add("Origin", "http://127.0.0.1:8088") }},
		"a change without an origin": {403, func(q *http.Request) { q.Header.Del("Origin") }},
		"a browser that says so":     {403, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"another port, by a browser": {403, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "same-site") }},
		"a link that was typed":      {403, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "none") }},
		"a form of HTML":             {415, func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }},
		"a rebound name": {421, func(q *http.Request) {
			q.Host = "evil.example:8088"
			q.Header.Set("Origin", "http://evil.example:8088")
		}},
		"a name that begins like it": {421, func(q *http.Request) {
			q.Host = "127.0.0.1.evil.example"
			q.Header.Set("Origin", "http://127.0.0.1.evil.example")
		}},
		"an address that is not ours": {421, func(q *http.Request) { q.Host = "192.168.1.5:8088"; q.Header.Set("Origin", "http://192.168.1.5:8088") }},
		"any address":                 {421, func(q *http.Request) { q.Host = "0.0.0.0:8088"; q.Header.Set("Origin", "http://0.0.0.0:8088") }},
		"no host":                     {421, func(q *http.Request) { q.Host = "" }},
		"a host that is a path":       {421, func(q *http.Request) { q.Host = "localhost:80/x" }},
	} {
		t.Run(name, func(t *testing.T) {
			q := r.request("POST", "/v1/consent/trends/grant", "{}")
			post(q)
			c.spoil(q)
			before := r.agent.seen()
			if w := r.do(q); w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if reached := r.agent.seen() != before; reached != (c.want == 200) {
				t.Errorf("it reached the agent: %v", reached)
			}
		})
	}
	for site, want := range map[string]int{"": 200, "none": 200, "same-origin": 200, "cross-site": 403} {
		q := r.request("GET", "/page.js", "")
		q.Header.Set("Sec-Fetch-Site", site)
		if w := r.do(q); w.Code != want {
			t.Errorf("a file for %q: status %d", site, w.Code)
		}
	}
	q := r.request("GET", "/", "") // a bookmark on another page
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	q.Header.Set("Sec-Fetch-Mode", "navigate")
	q.Header.Set("Sec-Fetch-Dest", "document")
	if w := r.do(q); w.Code != 200 {
		t.Errorf("a link from elsewhere: %d", w.Code)
	}
	q.Header.Set("Sec-Fetch-Dest", "iframe")
	if w := r.do(q); w.Code != 403 {
		t.Errorf("a frame elsewhere: %d", w.Code)
	}
}

// There is a fixed list of what can be asked; nothing is a file's path, and the rest of the API is not reached from a browser.
func TestNoOtherPaths(t *testing.T) {
	r := newRig(t)
	r.enter()
	for _, path := range []string{"/..", "/../etc/passwd", "/page/page.js", "/page.js/", "/page.js/../page.css", "//page.js", "/./page.js", "/page.js.gz", "/page/uplot.LICENSE",
		"/index.html", "/favicon.ico", "/v1", "/v1/", "/V1/status", "/v1//status", "/v1/status/", "/v1/../v1/status", "/v1/sensor/scan", "/v1/sensor/read",
		"/v1/buffer", "/v1/buffer/export", "/v1/uplink/test", "/v1/pair", "/v1/unpair", "/v1/export", "/v1/moment", "/take/", "/take/../v1/status",
		"/v1/consent/a/b/grant", "/v1/consent//grant", "/debug/pprof/", "/page.js\x00", "/v1/status;a=b", "\\page.js"} {
		for _, method := range []string{"GET", "POST"} {
			q := r.request(method, "/", "")
			q.URL.Path, q.RequestURI = path, path
			w := r.do(q)
			if w.Code != 404 && w.Code != 405 {
				t.Errorf("%s %q: status %d: %.100s", method, path, w.Code, w.Body)
			}
			if w.Header().Get("Location") != "" {
				t.Errorf("%s %q leads to %q", method, path, w.Header().Get("Location"))
			}
		}
	}
	for _, raw := range []string{"/v1%2fstatus", "/%2e%2e/etc/passwd", "/v1/consent/a%2fb/grant"} {
		q, err := http.NewRequest("GET", "http://127.0.0.1:8088"+raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.URL.Host, q.URL.Scheme = "", ""
		q.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie})
		q.Header.Set(tokenHeader, r.token)
		if w := r.do(q); w.Code != 404 {
			t.Errorf("%s: status %d", raw, w.Code)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"} {
		if w := r.do(r.request(method, "/v1/status", "")); w.Code == 200 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: status %d, %v", method, w.Code, w.Header())
		}
	}
	if r.agent.seen() != "" {
		t.Errorf("the agent was asked %s", r.agent.seen())
	}
}

// Every answer, also a refusal, says the same of itself.
func TestEveryAnswerIsHardened(t *testing.T) {
	r := newRig(t)
	r.enter()
	for _, path := range []string{"/", "/page.js", "/hello", "/v1/status", "/nothing", "/v1/consent"} {
		h := r.ask("GET", path, "").Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';") ||
			strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Content-Type") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// Names and texts of others are JSON strings on the way, in a type that no browser takes for a page, and the script has no way to
// make markup of them.
func TestTextsOfOthersStayTexts(t *testing.T) {
	r := newRig(t)
	r.enter()
	for _, path := range []string{"/v1/status", "/v1/consent"} {
		w := r.want(200, "GET", path, "")
		if w.Header().Get("Content-Type") != "application/json" || bytes.ContainsAny(w.Body.Bytes(), "<>\u2028") {
			t.Errorf("%s: %s %s", path, w.Header().Get("Content-Type"), w.Body)
		}
	}
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\b|new Function|setTimeout\("|javascript:`)
	for _, name := range []string{"page.js", "words.js", "uplot.js"} {
		text, err := os.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got := markup.Find(text); got != nil {
			t.Errorf("%s has %s", name, got)
		}
	}
	html, err := os.ReadFile("page/page.html")
	if err != nil {
		t.Fatal(err)
	}
	if got := regexp.MustCompile(`(?i)\son\w+=|style=|<script>|https?://|//[a-z]`).Find(html); got != nil {
		t.Errorf("page.html has %s", got)
	}
}

func TestOversized(t *testing.T) {
	r := newRig(t)
	r.enter()
	for path, want := range map[string]int{"/v1/consent/trends/grant": 400, "/take": 400, "/pair": 400} {
		r.want(want, "POST", path, `{"language":"`+strings.Repeat("x", maxBody)+`"}`)
	}
	if r.agent.seen() != "" {
		t.Errorf("the agent was asked %s", r.agent.seen())
	}
}

// serve runs a page for real and returns its address.
func (r *rig) serve() string {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
		if r.URL() != "" {
			r.t.Error("a page that has ended has an address")
		}
	})
	for range 12_000 {
		if url := r.URL(); url != "" {
			return strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Fatal("the page is not served")
	return ""
}

func dialPage(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// A request that is too long, or does not come to its end, costs a connection for seconds and nothing else.
func TestLongAndSlowRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	addr := r.serve()
	long := dialPage(t, addr)
	defer func() { _ = long.Close() }()
	_, _ = fmt.Fprintf(long, "GET / HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n", addr, strings.Repeat("x", maxHeader+8192))
	if line, _ := bufio.NewReader(long).ReadString('\n'); !strings.Contains(line, " 431 ") {
		t.Errorf("a long header: %q", line)
	}
	slow := dialPage(t, addr)
	defer func() { _ = slow.Close() }()
	began := time.Now()
	_, _ = fmt.Fprintf(slow, "GET / HTTP/1.1\r\nHost: %s\r\n", addr)
	if _, err := io.ReadAll(slow); err != nil || time.Since(began) > readTime-time.Second/2 { // at which the time of the whole request would end it
		t.Errorf("a header without an end: %v after %v", err, time.Since(began))
	}
}

// However many connections there are, they are few for the object, and there is room again when they end.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	addr := r.serve()
	var held []net.Conn
	for range maxConns {
		held = append(held, dialPage(t, addr))
	}
	time.Sleep(50 * time.Millisecond) // until they are accepted
	over := dialPage(t, addr)
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("one more than there may be is served")
	}
	_ = over.Close()
	for _, c := range held {
		_ = c.Close()
	}
	for range 1000 {
		c := dialPage(t, addr)
		_, _ = fmt.Fprintf(c, "GET /hello HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", addr)
		line, _ := bufio.NewReader(c).ReadString('\n')
		_ = c.Close()
		if strings.Contains(line, " 200 ") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("there is no room again")
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for listen, ok := range map[string]bool{"127.0.0.1:8088": true, "[::1]:0": true, "localhost:1": true, "127.9.9.9:1": true, "0.0.0.0:8088": false, ":8088": false,
		"[::]:1": false, "192.168.1.2:80": false, "object.local:80": false, "127.0.0.1": false, "": false, "example.com:1": false} {
		if err := CheckListen(listen); (err == nil) != ok {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
