package agent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// TestAServiceHasASwitch has two purposes that are strictly necessary for one service: its switch answers both and nothing else, and
// can be used to switch off also once the policy names the service no more.
func TestAServiceHasASwitch(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 50)
	policy := threePurposes()
	for _, id := range []string{"air", "trends"} {
		head, rest, _ := strings.Cut(policy, `id = "`+id+`"`)
		policy = head + `id = "` + id + `"` + strings.Replace(strings.Replace(rest, `access = "consent"`, "access = \"strictly-necessary\"\nservice = \"heating control\"", 1), `basis = "consent"`, `basis = "contract"`, 1)
	}
	o.write("policy.toml", policy)
	a := o.open()
	d := control.Decision{Language: "en"}
	services := func() []control.Service {
		t.Helper()
		all, err := a.Services(t.Context(), "fr")
		if err != nil {
			t.Fatal(err)
		}
		return all.Services
	}
	s := services()
	if len(s) != 1 || s[0].Name != "heating control" || s[0].On || len(s[0].Purposes) != 2 || s[0].Purposes[0].State != consent.Asked {
		t.Fatalf("%+v", s)
	}
	for _, name := range []string{"", "heating", "Heating control"} {
		var said *control.Error
		if _, err := a.SwitchService(t.Context(), name, true, control.Person, d); !errors.As(err, &said) || !errors.Is(err, control.ErrNotFound) || !strings.Contains(said.Hint, "consent service") {
			t.Errorf("%q: %v", name, err)
		}
	}
	done, err := a.SwitchService(t.Context(), "heating control", true, control.Person, d)
	if err != nil || len(done.Purposes) != 2 || !done.On {
		t.Fatalf("%+v, %v", done, err)
	}
	for id, want := range map[string]consent.State{"air": consent.Given, "trends": consent.Given, "who": consent.Asked} {
		if got := stateOf(t, a, id).State; got != want {
			t.Errorf("switched on: %s is %s", id, got)
		}
	}
	if s = services(); !s[0].On {
		t.Errorf("%+v", s)
	}
	receipts := 0
	for _, answer := range a.Book().Answers() {
		if answer.Service == "heating control" && answer.Access == "strictly-necessary" {
			receipts++
		}
	}
	if receipts != 2 {
		t.Errorf("%d receipts name the service", receipts)
	}
	if _, err := a.Withdraw(t.Context(), "air", control.Person, d); err != nil {
		t.Fatal(err)
	}
	if s = services(); s[0].On {
		t.Error("a service is on of which something was taken back")
	}
	_ = a.Close()
	o.write("policy.toml", threePurposes())
	a = o.open()
	defer func() { _ = a.Close() }()
	if s = services(); len(s) != 1 || len(s[0].Purposes) != 1 || s[0].Purposes[0].ID != "trends" {
		t.Fatalf("a yes that names a service the policy has no more: %+v", s)
	}
	done, err = a.SwitchService(t.Context(), "heating control", false, control.Person, d)
	if err != nil || len(done.Purposes) != 1 || done.Purposes[0].State != consent.Withdrawn {
		t.Fatalf("%+v, %v", done, err)
	}
	if len(services()) != 0 {
		t.Error("a service is listed that nothing names")
	}
}
