package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

// stopped is a clock that is set by hand.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time                         { return c.now }
func (c *stopped) After(d time.Duration) <-chan time.Time { return time.After(d) }

func openAt(t *testing.T, file string, clock *stopped) *Agent {
	t.Helper()
	cfg, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(cfg, Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func actsIn(t *testing.T, a *Agent) (out []string) {
	t.Helper()
	if err := a.book.Events(func(e ledger.Event) error {
		if e.Kind == ledger.Act {
			out = append(out, e.Role+" "+e.Text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestActsAreKept: an act is in the ledger once a day, after a restart too, and whoever knocks all day does not fill it.
func TestActsAreKept(t *testing.T) {
	file, clock := writeConfig(t, ""), &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	a := openAt(t, file, clock)
	retry, export := control.Act{Role: control.Technician, What: "offer refused uploads again"}, control.Act{Role: control.Technician, What: "take the person's data", Refused: true}
	for range 3 {
		a.Witness(retry)
		a.Witness(export)
	}
	want := "technician offer refused uploads again, technician not allowed: take the person's data"
	if got := strings.Join(actsIn(t, a), ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(time.Hour)
	a = openAt(t, file, clock)
	defer func() { _ = a.Close() }()
	a.Witness(export)
	a.Witness(retry)
	if got := strings.Join(actsIn(t, a), ", "); got != want {
		t.Errorf("after a restart: %s", got)
	}
	clock.now = clock.now.Add(24 * time.Hour)
	a.Witness(retry)
	if got := actsIn(t, a); len(got) != 3 {
		t.Errorf("the day after: %v", got)
	}
	for i := range 3 * maxActs {
		a.Witness(control.Act{What: fmt.Sprint(i)})
	}
	got := actsIn(t, a)
	if len(got) != 2+maxActs+1 || got[len(got)-1] != " more than is listed one by one" {
		t.Errorf("%d acts, the last %q", len(got), got[len(got)-1])
	}
	if r, err := a.book.Verify(); err != nil || len(r.Problems) > 0 {
		t.Errorf("%v, %v", r.Problems, err)
	}
}

// TestActsOverTheWay: a technician who is refused, and one who looks in the workshop, are in the ledger the person is shown.
func TestActsOverTheWay(t *testing.T) {
	a := openAt(t, writeConfig(t, ""), &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)})
	defer func() { _ = a.Close() }()
	h := control.NewHandler(a)
	technician, person := control.Local(h, control.Technician), control.Local(h, control.Person)
	if _, err := technician.Look(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := technician.Sent(t.Context()); err == nil {
		t.Error("a technician sees what left")
	}
	if _, err := technician.RetryParked(t.Context()); err != nil {
		t.Error(err)
	}
	entries, err := person.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Kind == "act" {
			got = append(got, e.Role+": "+e.Text)
		}
	}
	want := "technician: see live values in the workshop, technician: not allowed: see what left, technician: offer refused uploads again"
	if strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSheetOfAnObject(t *testing.T) {
	a := openAt(t, writeConfig(t, ""), &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)})
	defer func() { _ = a.Close() }()
	s, err := a.Sheet(t.Context(), "fr")
	key, keyErr := a.book.PublicKey()
	if err != nil || keyErr != nil || s.Language != "fr" || s.Fingerprint != control.Fingerprint(key) || s.Controller != "" {
		t.Errorf("%+v, %v, %v", s, err, keyErr)
	}
}

// TestActsOnTheBench: what root sees without a daemon, before anybody has agreed to anything, is told where there is a ledger.
func TestActsOnTheBench(t *testing.T) {
	file, clock := writeConfig(t, "[[sensor]]\nname = \"hall\"\ndriver = \"simulated\"\nroom = \"hall\"\nevery = \"1s\"\npace = \"max\"\nfor = \"10s\"\n"), &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	cfg, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, file, clock).Close(); err != nil {
		t.Fatal(err)
	}
	for _, role := range []control.Role{control.Person, control.Root} {
		if looks, err := LookAtSensors(t.Context(), cfg, nil, Options{Clock: clock, Role: role}); err != nil || !looks.Workshop {
			t.Errorf("%+v, %v", looks, err)
		}
	}
	a := openAt(t, file, clock)
	defer func() { _ = a.Close() }()
	if got := strings.Join(actsIn(t, a), ", "); got != "root see live values in the workshop" {
		t.Errorf("%q", got)
	}
}
