//go:build soak

package web_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium that is spoken to over a pair of pipes (Chrome DevTools Protocol, --remote-debugging-pipe:
// JSON messages that end with a zero byte on descriptors 3 and 4).
type browser struct {
	t    *testing.T
	cmd  *exec.Cmd
	to   io.WriteCloser
	done chan struct{}

	mu      sync.Mutex
	next    int
	waiting map[int]chan message
	events  func(message)
}

type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// startBrowser starts a Chromium, or skips the test where there is none.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine: agent/web/setup.sh installs it from Debian")
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--user-data-dir="+t.TempDir(), "--lang=en", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Skip("Chromium does not start: ", err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b := &browser{t: t, cmd: cmd, to: ourOut, done: make(chan struct{}), waiting: map[int]chan message{}}
	go b.read(ourIn)
	t.Cleanup(func() {
		_ = b.to.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-b.done
		_ = ourIn.Close()
	})
	return b
}

func (b *browser) read(from io.Reader) {
	defer close(b.done)
	r := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimRight(text, "\x00"), &m) != nil {
			continue
		}
		b.mu.Lock()
		to, events := b.waiting[m.ID], b.events
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if m.ID != 0 && to != nil {
			to <- m
		} else if events != nil {
			events(m)
		}
	}
}

// call sends one command and waits for its answer.
func (b *browser) call(session, method string, params, into any) {
	b.t.Helper()
	data, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	m := message{ID: b.next, Session: session, Method: method, Params: data}
	b.waiting[m.ID] = answer
	text, _ := json.Marshal(m)
	_, err = b.to.Write(append(text, 0))
	b.mu.Unlock()
	if err != nil {
		b.t.Fatal(err)
	}
	select {
	case m = <-answer:
	case <-b.done:
		b.t.Fatal("Chromium has ended")
	case <-time.After(30 * time.Second):
		b.t.Fatalf("Chromium does not answer %s", method)
	}
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	if into != nil {
		if err := json.Unmarshal(m.Result, into); err != nil {
			b.t.Fatal(err)
		}
	}
}

// tab is one page of the browser. It remembers what was asked of the network and what went wrong.
type tab struct {
	*browser
	session string

	mu       sync.Mutex
	asked    []string
	troubles []string
}

func (b *browser) open(url string) *tab {
	b.t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	var session struct {
		ID string `json:"sessionId"`
	}
	b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &session)
	p := &tab{browser: b, session: session.ID}
	b.mu.Lock()
	b.events = p.event
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(p.session, domain+".enable", map[string]any{}, nil)
	}
	p.size(1000, 900)
	p.goTo(url)
	return p
}

func (p *tab) goTo(url string) {
	p.t.Helper()
	p.call(p.session, "Page.navigate", map[string]any{"url": url}, nil)
	p.until("document.readyState === 'complete'")
}

func (p *tab) event(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Method {
	case "Network.requestWillBeSent":
		var e struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		_ = json.Unmarshal(m.Params, &e)
		p.asked = append(p.asked, e.Request.URL)
	case "Runtime.exceptionThrown", "Log.entryAdded":
		p.troubles = append(p.troubles, string(m.Params))
	}
}

// outside lists what was asked of anybody but the page's own origin.
func (p *tab) outside(origin string) (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.asked {
		if !strings.HasPrefix(url, origin) && !strings.HasPrefix(url, "blob:"+origin) && !strings.HasPrefix(url, "data:") && url != "about:blank" {
			out = append(out, url)
		}
	}
	return out
}

func (p *tab) size(width, height int) {
	p.call(p.session, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// eval is the value of a JavaScript expression, promises awaited.
func (p *tab) eval(expression string, into any) {
	p.t.Helper()
	var out struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	p.call(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &out)
	if out.Exception != nil {
		p.t.Fatalf("%.200s: %s %s", expression, out.Exception.Text, out.Exception.Exception.Description)
	}
	if into != nil && len(out.Result.Value) > 0 {
		if err := json.Unmarshal(out.Result.Value, into); err != nil {
			p.t.Fatalf("%s gives %s: %v", expression, out.Result.Value, err)
		}
	}
}

// until waits for a condition and says how long it took.
func (p *tab) until(condition string) time.Duration {
	p.t.Helper()
	began := time.Now()
	for time.Since(began) < 20*time.Second {
		is := false
		p.eval("!!("+condition+")", &is)
		if is {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	var text string
	p.eval("document.body.innerText", &text)
	p.mu.Lock()
	troubles := strings.Join(p.troubles, "\n")
	p.mu.Unlock()
	p.t.Fatalf("never: %s\nthe page says: %s\n%s", condition, text, troubles)
	return 0
}

// key presses one key, as a keyboard does.
func (p *tab) key(name string, code int, text string) {
	p.t.Helper()
	down := map[string]any{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": code}
	if text != "" {
		down["text"] = text
	}
	p.call(p.session, "Input.dispatchKeyEvent", down, nil)
	p.call(p.session, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code}, nil)
}

func (p *tab) tabKey() { p.key("Tab", 9, "") }
func (p *tab) enter()  { p.key("Enter", 13, "\r") }
func (p *tab) write(s string) {
	p.call(p.session, "Input.insertText", map[string]any{"text": s}, nil)
}

// focusOn presses Tab until the element is reached.
func (p *tab) focusOn(selector string) {
	p.t.Helper()
	for range 200 {
		is := false
		p.eval(fmt.Sprintf("document.activeElement === document.querySelector(%q)", selector), &is)
		if is {
			return
		}
		p.tabKey()
	}
	p.t.Fatalf("no number of Tabs reaches %s", selector)
}

func (p *tab) screenshot(path string, clip map[string]any) {
	p.t.Helper()
	params := map[string]any{"format": "png", "captureBeyondViewport": true}
	if clip != nil {
		params["clip"] = clip
	}
	var out struct {
		Data string `json:"data"`
	}
	p.call(p.session, "Page.captureScreenshot", params, &out)
	data, err := base64.StdEncoding.DecodeString(out.Data)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
