package agent_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// copyObject copies an object as a process that is killed now would leave it.
func copyObject(t *testing.T, o *object) *object {
	t.Helper()
	to := &object{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	err := filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(o.dir, path)
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to.dir, rel), 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to.dir, rel), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func stateOf(t *testing.T, a *agent.Agent, purpose string) control.PurposeStatus {
	t.Helper()
	s, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Purposes {
		if p.ID == purpose {
			return p
		}
	}
	t.Fatalf("no purpose %s", purpose)
	return control.PurposeStatus{}
}

// Killed after any step of a withdrawal but the very first, which nobody was told of, the object is withdrawn: nothing is
// buffered or leaves, the receipt is there and the recipient is asked to delete.
func TestAWithdrawalThatIsKilledAtEachStep(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	sent := len(rows(t, dir, "air"))
	if sent == 0 {
		t.Fatal("nothing was sent: the test is empty")
	}
	a := o.open()
	copies := map[string]*object{}
	a.OnStep(func(step string) { copies[step] = copyObject(t, o) })
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if len(copies) < 5 {
		t.Fatalf("only %d steps", len(copies))
	}
	for step, killed := range copies {
		b := killed.open()
		p := stateOf(t, b, "air")
		if step == "begun" {
			if p.State != consent.Given {
				t.Errorf("%s: %s: the copy is not what it should be", step, p.State)
			}
			_ = b.Close()
			continue
		}
		if p.State != consent.Withdrawn || p.Buffered+p.Outgoing != 0 || p.Deletion != "asked" {
			t.Errorf("killed after %q: %+v", step, p)
		}
		answers := b.Book().Answers()
		if last := answers[len(answers)-1]; last.Ending != ledger.Withdrawn {
			t.Errorf("killed after %q: no receipt of the withdrawal", step)
		}
		if _, err := b.Book().Verify(); err != nil {
			t.Errorf("killed after %q: %v", step, err)
		}
		_ = b.Close()
	}
}

// Killed after any step of the withdrawal of a yes that had replaced another, the recipient is asked to delete what it got under either.
func TestAKilledWithdrawalOfAYesThatReplacedAnother(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	if len(rows(t, dir, "air")) == 0 {
		t.Fatal("nothing was sent: the test is empty")
	}
	o.write("policy.toml", replaceOnce(t, threePurposes(), "round = 50", "round = 25"))
	a := o.open()
	grant(t, a, "air")
	if n := len(a.Book().Answers()); n != 2 {
		t.Fatalf("%d yeses, one should have replaced the other", n)
	}
	copies := map[string]*object{}
	a.OnStep(func(step string) { copies[step] = copyObject(t, o) })
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for step, killed := range copies {
		if step == "begun" {
			continue
		}
		b := killed.open()
		offered := 0
		for _, s := range b.Book().Streams() {
			if s.Offered {
				offered++
				if !s.DeletionDue {
					t.Errorf("killed after %q: the deletion of stream %d of grant %d is not asked for", step, s.Number, s.Grant)
				}
			}
		}
		if offered == 0 {
			t.Errorf("killed after %q: no stream was sent", step)
		}
		_ = b.Close()
	}
}

// A damaged ledger and a configuration that can't be read keep nobody from taking a yes back.
func TestAWithdrawalNeedsTheKeysOnly(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 100)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	book := filepath.Join(o.dir, "state", "ledger.db")
	good, err := os.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(book, bytes.Repeat([]byte{0xee}, len(good)), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", string(config)+"\n[[[ nonsense\nhow = = 1\n")
	if _, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml")); err == nil {
		t.Fatal("the broken configuration was read")
	}
	places, err := agent.LoadPlaces(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	done, err := agent.WithdrawByKeys(places, agent.Options{}, "air")
	if err != nil || done.State != consent.Withdrawn || done.Grant == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	// Once the ledger can be read again it is told, and the recipient is asked.
	o.write("candor.toml", string(config))
	if err := os.WriteFile(book, good, 0o600); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	if p := stateOf(t, a, "air"); p.State != consent.Withdrawn || p.Deletion != "asked" {
		t.Errorf("%+v", p)
	}
	_ = a.Close()
	if err := o.once(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if n := len(rows(t, dir, "air")); n != 0 {
		t.Errorf("%d rows are still there", n)
	}
}

// What the keys hold and the ledger never heard of is withdrawn too.
func TestPlacesOfABrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "candor.toml")
	for text, want := range map[string][2]string{
		"[device]\nstate = \"s\"\n[keys]\ndir = \"k\"\n[x\n":                {"s", "k"},
		"device.state = 's' # here\nbroken = \n":                            {"s", "s-keys"},
		"[ device ]\n  state=\"/abs\"\n[sensor]\nstate = \"no\"\ndir = 1\n": {"/abs", "/abs-keys"},
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := agent.LoadPlaces(path)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for i, got := range []string{c.Device.State, c.Keys.Dir} {
			w := want[i]
			if !filepath.IsAbs(w) {
				w = filepath.Join(dir, w)
			}
			if got != w {
				t.Errorf("%q: %s, want %s", text, got, w)
			}
		}
	}
	if err := os.WriteFile(path, []byte("[device]\nstate = \"unfinished\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.LoadPlaces(path); err == nil {
		t.Error("a place that can't be read was guessed")
	}
}

func TestNobodyAsksAgainForSixMonths(t *testing.T) {
	const start = sensors.Micros(1_700_000_000_000_000)
	for _, c := range []struct {
		name    string
		state   consent.State
		until   sensors.Micros
		no      sensors.Micros
		now     sensors.Micros
		trusted bool
		want    string
	}{
		{"never answered", consent.Asked, 0, 0, start, true, control.PromptNew},
		{"never answered, no clock", consent.Asked, 0, 0, start, false, control.PromptNew},
		{"a no", consent.Declined, 0, start, start, true, ""},
		{"a no, 182 days", consent.Declined, 0, start, start + 182*sensors.Day, true, ""},
		{"a no, 183 days", consent.Declined, 0, start, start + 183*sensors.Day, true, control.PromptNew},
		{"a no, no clock", consent.Declined, 0, start, start + 400*sensors.Day, false, ""},
		{"a no, clock set back", consent.Declined, 0, start, start - 400*sensors.Day, true, ""},
		{"withdrawn", consent.Withdrawn, 0, start, start + 182*sensors.Day, true, ""},
		{"withdrawn long ago", consent.Withdrawn, 0, start, start + 190*sensors.Day, true, control.PromptNew},
		{"changed after a no", consent.Changed, 0, start, start + 10*sensors.Day, true, ""},
		{"changed", consent.Changed, 0, 0, start, true, control.PromptChanged},
		{"given", consent.Given, start + 31*sensors.Day, 0, start, true, ""},
		{"lapses soon", consent.Given, start + 30*sensors.Day, 0, start, true, control.PromptLapses},
		{"lapses soon, no clock", consent.Given, start, 0, start, false, ""},
		{"never lapses", consent.Given, 0, 0, start, true, ""},
		{"lapsed", consent.Expired, 0, 0, start, true, control.PromptLapsed},
		{"refused by the charter", consent.Refused, 0, 0, start, true, ""},
	} {
		if got := agent.PromptFor(c.state, c.until, c.no, c.now, c.trusted); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRefuseIsKeptAndTakesAYesBack(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 10)
	a := o.open()
	grant(t, a, "air")
	for _, p := range []string{"air", "who"} {
		if d, err := a.Refuse(t.Context(), p, control.Person, control.Decision{}); err != nil || d.State != consent.Declined {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	for range 2 {
		c, err := a.Consent(t.Context(), "fr")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]consent.State{"air": consent.Declined, "who": consent.Declined, "trends": consent.Asked, consent.MineID: consent.Asked}
		for _, p := range c.Purposes {
			if p.State != want[p.ID] {
				t.Errorf("%s is %s, want %s", p.ID, p.State, want[p.ID])
			}
		}
		if len(c.Prompts) != 1 || c.Prompts[0].Purpose != "trends" {
			t.Errorf("prompts %+v", c.Prompts)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = o.open()
	}
	grant(t, a, "trends", "who") // she opened it herself
	if err := os.Remove(filepath.Join(o.dir, "policy.toml")); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	a = o.open()
	if d, err := a.Refuse(t.Context(), "trends", control.Person, control.Decision{}); err != nil || d.State != consent.Withdrawn {
		t.Errorf("without a policy: %+v, %v", d, err)
	}
	_ = a.Close()
	o.write("policy.toml", threePurposes())
	a = o.open()
	c, err := a.Consent(t.Context(), "en")
	if err != nil || c.Purposes[2].State != consent.Given {
		t.Errorf("%+v, %v", c.Purposes[2], err)
	}
	_ = a.Close()
}

func replaceOnce(t *testing.T, text, old, fresh string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q is not there once", old)
	}
	return strings.Replace(text, old, fresh, 1)
}

// TestADeletionThatIsNotConfirmedIsLeft: a run to the end says that a recipient did not confirm a deletion, and the next one
// that gets through is done.
func TestADeletionThatIsNotConfirmedIsLeft(t *testing.T) {
	h, closeSink := newReceiver(t, t.TempDir())
	defer closeSink()
	var down atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 300)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	defer a.Close()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	var left *agent.LeftError
	if err := a.Once(t.Context(), 200*time.Millisecond); !errors.As(err, &left) || left.Deletions != 1 {
		t.Fatalf("a deletion that did not arrive gave %v", err)
	}
	down.Store(false)
	if err := a.Once(t.Context(), 20*time.Second); err != nil {
		t.Errorf("the deletion that arrived gave %v", err)
	}
}
