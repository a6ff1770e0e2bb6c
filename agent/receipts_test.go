package agent_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// stopped is a clock that stands still.
type stopped struct{ at time.Time }

func (c stopped) Now() time.Time { return c.at }

func (c stopped) After(time.Duration) <-chan time.Time { return make(chan time.Time) }

func (o *object) openAt(at time.Time) *agent.Agent {
	o.t.Helper()
	cfg, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		o.t.Fatal(err)
	}
	a, err := agent.Open(cfg, agent.Options{Clock: stopped{at}})
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// A receipt ends five years after its yes, that of a yes in force does not, and the ledger goes on verifying.
func TestReceiptsEndFiveYearsAfterTheYes(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 5)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := o.openAt(start)
	grant(t, a, "air")
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	for _, c := range []struct {
		days   int
		erased int
	}{{5*365 - 1, 0}, {5*365 + 1, 2}, {5*365 + 2, 2}} {
		a := o.openAt(start.AddDate(0, 0, c.days))
		a.EndReceipts()
		entries, err := a.Ledger(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		erased := 0
		for _, e := range entries {
			if e.Erased {
				erased++
			}
		}
		if erased != c.erased {
			t.Errorf("after %d days %d entries are erased, want %d", c.days, erased, c.erased)
		}
		if r, err := a.VerifyLedger(t.Context(), nil); err != nil || !r.Verified {
			t.Errorf("after %d days: %+v, %v", c.days, r.Problems, err)
		}
		_ = a.Close()
	}
}

// A month before a yes lapses the person is told, and when it has lapsed nothing leaves, for good.
func TestAYesLapses(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 5)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a := o.openAt(start)
	grant(t, a, "air")
	_ = a.Close()
	for _, c := range []struct {
		days  int
		state consent.State
		why   string
	}{{334, consent.Given, ""}, {336, consent.Given, control.PromptLapses}, {366, consent.Expired, control.PromptLapsed}, {10, consent.Expired, control.PromptLapsed}} {
		a := o.openAt(start.AddDate(0, 0, c.days))
		shown, err := a.Consent(t.Context(), "en")
		if err != nil {
			t.Fatal(err)
		}
		why := ""
		for _, q := range shown.Prompts {
			if q.Purpose == "air" {
				why = q.Why
			}
		}
		if state := stateOf(t, a, "air").State; state != c.state || why != c.why {
			t.Errorf("after %d days: %s, prompt %q; want %s and %q", c.days, state, why, c.state, c.why)
		}
		_ = a.Close()
	}
}

// A recipient that does not confirm a deletion within thirty days is told of, until it does.
func TestADeletionIsOverdueAfterThirtyDays(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 50)
	if err := o.once(20*time.Second, "air"); err != nil {
		t.Fatal(err)
	}
	a := o.open()
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	for days, want := range map[int]string{29: "asked", 31: "overdue"} {
		a := o.openAt(time.Now().AddDate(0, 0, days))
		if got := stateOf(t, a, "air").Deletion; got != want {
			t.Errorf("after %d days it is %q, want %q", days, got, want)
		}
		_ = a.Close()
	}
	if err := o.once(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	a = o.openAt(time.Now().AddDate(0, 0, 31))
	defer func() { _ = a.Close() }()
	if got := stateOf(t, a, "air").Deletion; got != "confirmed" {
		t.Errorf("after the answer it is %q", got)
	}
}
