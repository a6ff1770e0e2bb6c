package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// withPage adds a page to an object's configuration.
func (o *object) withPage() {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("candor.toml", string(text)+"\n[page]\nlisten = \"127.0.0.1:0\"\n")
}

// running runs an agent until the test ends.
func (o *object) running() *agent.Agent {
	o.t.Helper()
	a := o.open()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	o.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
		if err := a.Close(); err != nil {
			o.t.Error(err)
		}
	})
	for range 60_000 { // who asks over the socket or the page finds a daemon as well
		if s, err := a.Status(ctx); err != nil {
			o.t.Fatal(err)
		} else if s.Daemon {
			return a
		}
		time.Sleep(time.Millisecond)
	}
	o.t.Fatal("the agent does not start")
	return nil
}

// code asks for a code until the page is served.
func code(t *testing.T, a *agent.Agent, role control.Role, d control.Decision) control.Pairing {
	t.Helper()
	for range 3000 {
		p, err := a.Pair(t.Context(), role, d)
		if err == nil {
			return p
		}
		if !errors.Is(err, control.ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the page is never served")
	return control.Pairing{}
}

// browse is one request of the page itself.
func browse(t *testing.T, page, method, path, token string, cookies []*http.Cookie, body string) (*http.Response, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(page, "/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", strings.TrimSuffix(page, "/"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Candor-Token", token)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return resp, out
}

func entries(t *testing.T, a *agent.Agent, kind string) (out []control.LedgerEntry) {
	t.Helper()
	all, err := a.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// The first code that opens the page ends the workshop and is a line of the ledger; the next one is not. A yes on the page is
// a receipt that says so, in the language it was asked in.
func TestThePageHandsTheObjectOver(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 5)
	o.withPage()
	a := o.running()
	if l, err := a.Look(t.Context(), nil); err != nil || !l.Workshop {
		t.Fatalf("a new object is no workshop: %+v, %v", l, err)
	}
	for i := range 2 {
		p := code(t, a, control.Person, control.Decision{})
		if i > 0 {
			time.Sleep(2100 * time.Millisecond) // one try in two seconds
		}
		resp, got := browse(t, p.URL, "POST", "/pair", "", nil, fmt.Sprintf(`{"code":%q}`, p.Code))
		if resp.StatusCode != 200 {
			t.Fatalf("%d %v", resp.StatusCode, got)
		}
		if l, err := a.Look(t.Context(), nil); err != nil || l.Workshop {
			t.Errorf("the workshop goes on: %v", err)
		}
		if e := entries(t, a, "paired"); len(e) != 1 || e[0].Channel != "page" {
			t.Errorf("the ledger has %+v", e)
		}
		if i == 0 {
			continue
		}
		resp, got = browse(t, p.URL, "POST", "/v1/consent/trends/grant", got["token"].(string), resp.Cookies(), `{"language":"fr"}`)
		if resp.StatusCode != 200 || !strings.Contains(got["notice"].(string), "Vous pouvez le reprendre ici à tout moment.") || strings.Contains(got["notice"].(string), "candor ") {
			t.Errorf("%d %v", resp.StatusCode, got)
		}
	}
	if e := entries(t, a, "given"); len(e) != 1 || e[0].Channel != "page" || e[0].Role != "person" || e[0].Receipt.Language != "fr" {
		t.Errorf("the receipts are %+v", e)
	}
	if r, err := a.VerifyLedger(t.Context(), nil); err != nil || !r.Verified {
		t.Errorf("%+v, %v", r, err)
	}
}

// Root who has a code shown, and a code that was guessed at, are written down.
func TestCodesThatAreWrittenDown(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 5)
	o.withPage()
	a := o.running()
	p := code(t, a, control.Root, control.Decision{OnBehalf: "Ms Martin"})
	if e := entries(t, a, "act"); len(e) != 1 || e[0].Role != "root" || e[0].OnBehalf != "Ms Martin" || strings.Contains(e[0].Text, p.Code) {
		t.Errorf("%+v", e)
	}
	if strings.Contains(o.logged(), p.Code) {
		t.Error("the code is in the log")
	}
	if done, err := a.Unpair(t.Context(), control.Person, control.Decision{}); err != nil || done.Ended != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if resp, _ := browse(t, p.URL, "POST", "/pair", "", nil, fmt.Sprintf(`{"code":%q}`, p.Code)); resp.StatusCode != 403 {
		t.Errorf("a void code: %d", resp.StatusCode)
	}
}

func TestNoPageIsTheDefault(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 5)
	a := o.open()
	defer func() { _ = a.Close() }()
	_, err := a.Pair(t.Context(), control.Person, control.Decision{})
	var e *control.Error
	if !errors.As(err, &e) || e.Code != control.ErrConflict || !strings.Contains(e.Hint, "[page]") {
		t.Errorf("%v", err)
	}
	text, _ := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	for _, listen := range []string{"0.0.0.0:8088", ":8088", "192.168.1.2:8088", "here"} {
		o.write("candor.toml", string(text)+fmt.Sprintf("\n[page]\nlisten = %q\n", listen))
		if _, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml")); err == nil || !strings.Contains(err.Error(), "page.listen") {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

// A page whose address is taken keeps nothing from running, and the status says so.
func TestAPageThatCantBeServed(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 5)
	text, _ := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	o.write("candor.toml", string(text)+fmt.Sprintf("\n[page]\nlisten = %q\n", strings.TrimPrefix(url, "http://")))
	a := o.running()
	for range 3000 {
		s, err := a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.Join(s.Warnings, "\n"), "The page of the person is not served: ") {
			if _, err := a.Pair(t.Context(), control.Person, control.Decision{}); !errors.Is(err, control.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("nothing is said of it")
}

// The top line says the same in both languages, and follows what is decided.
func TestMoment(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 5)
	a := o.open()
	defer func() { _ = a.Close() }()
	person, d := control.Person, control.Decision{}
	seen := map[string]bool{}
	for _, step := range []struct {
		do            func() error
		state, en, fr string
	}{
		{func() error { return nil }, control.MomentNothing, "Nothing is leaving this object: no yes is in force.", "Rien ne sort de cet objet"},
		{func() error { _, err := a.Grant(t.Context(), "trends", person, d); return err }, control.MomentOpen, "One use is agreed to, with about 24 sends a day, to ", "Un usage est accepté, avec environ 24 envois par jour, vers "},
		{func() error { _, err := a.Grant(t.Context(), "air", person, d); return err }, control.MomentOpen, "2 uses are agreed to", "2 usages sont acceptés"},
		{func() error { _, err := a.Pause(t.Context(), person, d); return err }, control.MomentPaused, "Paused: nothing leaves", "En pause : rien ne sort"},
		{func() error { _, err := a.Resume(t.Context(), person, d); return err }, control.MomentOpen, "2 uses", "2 usages"},
		{func() error { _, err := a.Erase(t.Context(), person, control.ErasureRequest{All: true}); return err }, control.MomentNothing, "Nothing is leaving", "Rien ne sort"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		en, err := a.Moment(t.Context(), "en")
		if err != nil || en.State != step.state || !strings.Contains(en.Text, step.en) || en.Language != "en" || en.Last != "Nothing has ever left it." {
			t.Errorf("%+v, %v, want %s", en, err, step.en)
		}
		fr, err := a.Moment(t.Context(), "fr-CA")
		if err != nil || fr.State != step.state || !strings.Contains(fr.Text, step.fr) || fr.Language != "fr" || fr.Last != "Rien n'en est jamais sorti." || fr.Revision != en.Revision {
			t.Errorf("%+v, %v, want %s", fr, err, step.fr)
		}
		if seen[en.Revision] {
			t.Errorf("after %s the page does not look again", step.en)
		}
		seen[en.Revision] = true
	}
}

// What a decision is answered with is in the language it was made in, on the page without commands and elsewhere with them.
func TestAnswersInTheLanguageOfTheDecision(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 5)
	a := o.open()
	defer func() { _ = a.Close() }()
	notices := func(d control.Decision) (out []string) {
		add := func(notice string, err error) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, notice)
		}
		decided := func(f func(context.Context, string, control.Role, control.Decision) (control.Decided, error), purpose string) {
			done, err := f(t.Context(), purpose, control.Person, d)
			add(done.Notice, err)
		}
		decided(a.Withdraw, "who")
		decided(a.Grant, "who")
		decided(a.Grant, "who")
		decided(a.Withdraw, "who")
		decided(a.Withdraw, "air")
		decided(a.Refuse, "air")
		decided(a.Withdraw, "mine")
		decided(a.Grant, "mine")
		decided(a.Withdraw, "mine")
		decided(a.Withdraw, "mine")
		p, err := a.Pause(t.Context(), control.Person, d)
		add(p.Notice, err)
		p, err = a.Resume(t.Context(), control.Person, d)
		add(p.Notice, err)
		e, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{Decision: d, All: true})
		add(e.What+" "+strings.Join(e.Remains, " "), err)
		return out
	}
	en, fr := notices(control.Decision{Language: "en", Channel: control.ChannelPage}), notices(control.Decision{Language: "fr", Channel: control.ChannelPage})
	cli := notices(control.Decision{})
	commands := 0
	for i := range en {
		if en[i] == fr[i] || en[i] == "" || fr[i] == "" {
			t.Errorf("%q in both languages", en[i])
		}
		if strings.Contains(en[i]+fr[i], "candor consent") {
			t.Errorf("a command on the page: %q", en[i])
		}
		if strings.Contains(cli[i], "candor consent") {
			commands++
		}
	}
	if commands < 4 {
		t.Errorf("on the command line %d answers name the next command: %q", commands, cli)
	}
}
