package agent_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/timeline"
)

// A test message has 256 bytes, no two have anything in common, and it goes to recipients that the policy names only.
func TestTheUplinkIsTested(t *testing.T) {
	url, out := receiver(t)
	var mu sync.Mutex
	var bodies [][]byte
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies = append(bodies, b)
		mu.Unlock()
		again, err := http.NewRequestWithContext(r.Context(), r.Method, url+r.URL.Path, strings.NewReader(string(b)))
		if err != nil {
			t.Error(err)
			return
		}
		again.Header = r.Header
		resp, err := http.DefaultClient.Do(again)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer front.Close()
	o := newObject(t, front.URL, 3)
	text, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", string(text)+"[[route]]\nrecipient = \"nobody\"\nurl = \"http://127.0.0.1:1\"\n")
	a := o.open()
	defer func() { _ = a.Close() }()
	for range 2 {
		list, err := a.TestUplink(t.Context(), "")
		if err != nil || len(list) != 1 || !list[0].OK || list[0].Recipient != "acme" {
			t.Fatalf("%+v, %v", list, err)
		}
	}
	if len(bodies) != 2 || len(bodies[0]) != 256 || len(bodies[1]) != 256 {
		t.Fatalf("%d messages", len(bodies))
	}
	for i := 0; i+12 <= 128; i++ { // the nonce, key and signature: the frame and the padding are the same for everyone
		if i > 20 && i < 32 && string(bodies[0][i:i+12]) == string(bodies[1][i:i+12]) {
			t.Error("two tests have a name in common")
		}
	}
	if _, err := a.TestUplink(t.Context(), "nobody"); err == nil {
		t.Error("a recipient that nobody needs was tested")
	}
	if _, err := a.TestUplink(t.Context(), "acne"); err == nil || !strings.Contains(err.Error(), "acme") {
		t.Errorf("%v", err)
	}
	sent, err := a.Sent(t.Context())
	if err != nil || len(sent) == 0 || sent[0].Control != "test" || sent[0].WireBytes != 256 {
		t.Errorf("the ledger says %+v, %v", sent, err)
	}
	if got := rows(t, out, "trends"); len(got) != 0 {
		t.Error("a test left rows")
	}
	front.Close()
	list, err := a.TestUplink(t.Context(), "acme")
	if err != nil || len(list) != 1 || list[0].OK || list[0].Error == "" || list[0].Hint == "" {
		t.Fatalf("%+v, %v", list, err)
	}
	if at := list[0].Steps[len(list[0].Steps)-1]; at.Name != "tcp" || at.OK || at.Fault != "refused" {
		t.Errorf("the way breaks at %+v", at)
	}
}

// What a recipient refused is shown with its reason, and offered again on request.
func TestParkedUploadsAreRetriedByHand(t *testing.T) {
	url, out := receiver(t)
	var refuse sync.Map
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, no := refuse.Load("no"); no && strings.HasSuffix(r.URL.Path, "/batches") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"error":{"code":"alphabet","text":"x"}}`)
			return
		}
		again, _ := http.NewRequestWithContext(r.Context(), r.Method, url+r.URL.Path, r.Body)
		again.Header = r.Header
		resp, err := http.DefaultClient.Do(again)
		if err != nil {
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer front.Close()
	refuse.Store("no", true)
	o := newObject(t, front.URL, 100)
	a := o.open()
	grant(t, a, "air")
	if err := a.Once(t.Context(), time.Second); err == nil {
		t.Fatal("a refused upload counts as sent")
	}
	status, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range status.Purposes {
		found = found || p.ID == "air" && p.Parked > 0 && strings.Contains(p.ParkedReason, "alphabet")
	}
	if !found {
		t.Errorf("what is parked is not shown: %+v", status.Purposes)
	}
	refuse.Delete("no")
	if _, err := a.RetryParked(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err = a.Status(t.Context()); err != nil || status.Purposes[1].Parked+status.Purposes[0].Parked != 0 {
		t.Errorf("still parked: %+v, %v", status.Purposes, err)
	}
	_ = a.Close()
	if err := o.once(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, out, "air"); len(got) != 100 {
		t.Errorf("%d rows after the retry, want 100", len(got))
	}
}

// A clock of ten years ahead that nothing vouches for ends no yes, and one that is set later brings none back.
func TestAWrongClockEndsNothing(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 3)
	wall, synced, mono := time.Now(), true, time.Minute
	open := func() *agent.Agent {
		cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		boot := byte(wall.Unix())
		a, err := agent.Open(cfg, agent.Options{Log: slog.New(slog.DiscardHandler), Kernel: &timeline.Kernel{
			Wall: func() time.Time { return wall }, Since: func() time.Duration { return mono }, Synced: func() bool { return synced }, Boot: [8]byte{boot, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	state := func(a *agent.Agent) string {
		s, err := a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Purposes[0].State)
	}
	a := open()
	if _, err := a.Grant(t.Context(), "trends", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	for _, years := range []int{10, -10, -56} {
		wall, synced = time.Now().AddDate(years, 0, 0), false
		a = open()
		if s := state(a); s != "given" {
			t.Errorf("%d years off and not set: the yes is %s", years, s)
		}
		_ = a.Close()
	}
	wall, synced = time.Now().AddDate(2, 0, 0), true
	a = open()
	if s := state(a); s != "expired" {
		t.Errorf("two years later by a clock that was set: the yes is %s", s)
	}
	_ = a.Close()
	for _, ok := range []bool{true, false} {
		wall, synced = time.Now(), ok
		a = open()
		if s := state(a); s == "given" {
			t.Error("a clock that went back revived a yes that had lapsed")
		}
		_ = a.Close()
	}
}
