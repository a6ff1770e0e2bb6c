package agent_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// signedObject is an object whose configuration asks for signatures of policy and charter.
func signedObject(t *testing.T) *object {
	t.Helper()
	o := newObject(t, "http://127.0.0.1:9", 10)
	for _, name := range []string{"policy.key", "charter.key"} {
		if err := agent.KeyGen(filepath.Join(o.dir, name), nil); err != nil {
			t.Fatal(err)
		}
	}
	o.write("charter.toml", "version = 1\nmax_retention = \"60d\"\n")
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", strings.Replace(string(config), "file = \"policy.toml\"\n", "file = \"policy.toml\"\ncharter = \"charter.toml\"\nkey = \"file:"+filepath.Join(o.dir, "policy.key.pub")+"\"\ncharter_key = \"file:"+filepath.Join(o.dir, "charter.key.pub")+"\"\n", 1))
	return o
}

func (o *object) sign(kind consent.Document, key string) {
	o.t.Helper()
	if err := agent.SignDocument(kind, filepath.Join(o.dir, string(kind)+".toml"), filepath.Join(o.dir, key)); err != nil {
		o.t.Fatal(err)
	}
}

func policyState(t *testing.T, a *agent.Agent) control.PolicyStatus {
	t.Helper()
	status, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return status.Policy
}

func TestSignedPolicy(t *testing.T) {
	o := signedObject(t)
	v2 := strings.Replace(threePurposes(), "version = 1", "version = 2", 1)
	steps := []struct {
		name  string
		do    func()
		state string
	}{
		{"no signature", func() {}, "wrong signature"},
		{"the policy only", func() { o.sign(consent.PolicyDocument, "policy.key") }, "wrong signature"},
		{"the charter by the policy's key", func() { o.sign(consent.CharterDocument, "policy.key") }, "wrong signature"},
		{"both", func() { o.sign(consent.CharterDocument, "charter.key") }, "ok"},
		{"changed after it was signed", func() { o.write("policy.toml", v2) }, "wrong signature"},
		{"signed again", func() { o.sign(consent.PolicyDocument, "policy.key") }, "ok"},
		{"the older one, well signed", func() { o.write("policy.toml", threePurposes()); o.sign(consent.PolicyDocument, "policy.key") }, "older"},
		{"the number of the newer one on other content", func() {
			o.write("policy.toml", strings.Replace(v2, "\"1m\"", "\"2m\"", 1))
			o.sign(consent.PolicyDocument, "policy.key")
		}, "older"},
		{"a signed charter in the policy's place", func() {
			sig, _ := os.ReadFile(filepath.Join(o.dir, "charter.toml.sig"))
			o.write("policy.toml.sig", string(sig))
		}, "wrong signature"},
	}
	fresh := func() control.PolicyStatus {
		a := o.open()
		defer func() { _ = a.Close() }()
		return policyState(t, a)
	}
	for _, s := range steps {
		s.do()
		if got := fresh(); got.State != s.state || got.Signed != (s.state == "ok") || (got.Version != 0) != (s.state == "ok") {
			t.Errorf("%s: after a start the policy is %q, signed %v, version %d (%s); want %q", s.name, got.State, got.Signed, got.Version, got.Error, s.state)
		}
	}
	// A running agent keeps the last good one.
	o.write("policy.toml", v2)
	o.sign(consent.PolicyDocument, "policy.key")
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "trends")
	o.write("policy.toml", threePurposes())
	if err := a.Reload(); err == nil {
		t.Fatal("a policy without its signature was taken")
	}
	got := policyState(t, a)
	if got.State != "wrong signature" || got.Version != 2 || !got.Signed {
		t.Errorf("%+v; want the last good one in force", got)
	}
	if c, err := a.Consent(t.Context(), "en"); err != nil || c.Purposes[0].State != consent.Given {
		t.Errorf("the yes does not go on under the last good one: %v", err)
	}
}

func TestKeysAreDistinctAndMemoryIsNeeded(t *testing.T) {
	o := signedObject(t)
	o.sign(consent.PolicyDocument, "policy.key")
	o.sign(consent.CharterDocument, "charter.key")
	a := o.open()
	if got := policyState(t, a); got.State != "ok" {
		t.Fatalf("%+v", got)
	}
	_ = a.Close()
	o.write("state-keys/policy-seen", "policy many deadbeef\n")
	a = o.open()
	if got := policyState(t, a); got.State != "unreadable" || got.Version != 0 {
		t.Errorf("with what was in force unknown: %+v", got)
	}
	_ = a.Close()
	if err := os.Remove(filepath.Join(o.dir, "state-keys/policy-seen")); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(o.dir, "candor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	o.write("candor.toml", strings.Replace(string(config), "charter.key.pub", "policy.key.pub", 1))
	o.sign(consent.CharterDocument, "policy.key")
	a = o.open()
	defer func() { _ = a.Close() }()
	if got := policyState(t, a); got.State != "unreadable" || !strings.Contains(got.Error, "same key") {
		t.Errorf("one key for policy and charter: %+v", got)
	}
}

// TestUpdates is a policy's life on an object: narrower at once, also for what waits; wider only when answered.
func TestUpdates(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:9", 300)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "air")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	_ = a.Once(ctx, time.Second) // nobody answers there, so what was cleared waits
	buffered := func() int {
		t.Helper()
		s, err := a.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Purposes {
			if p.ID == "air" {
				return p.Buffered + p.Outgoing
			}
		}
		return -1
	}
	air := func() control.ConsentPurpose {
		t.Helper()
		c, err := a.Consent(t.Context(), "fr")
		if err != nil {
			t.Fatal(err)
		}
		return c.Purposes[1]
	}
	if buffered() == 0 {
		t.Fatal("nothing waits; this test could not fail")
	}
	update := func(old, now string) {
		t.Helper()
		o.write("policy.toml", strings.Replace(threePurposes(), old, now, 1))
		if err := a.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	update("round = 50", "round = 10")
	if p := air(); p.State != consent.Given || len(p.Changes) != 1 || p.Changes[0].Effect != consent.Widens || !p.Pending || buffered() == 0 {
		t.Errorf("a finer step: %+v, %d wait", p, buffered())
	}
	update("round = 50", "round = 100")
	if p := air(); p.State != consent.Given || p.Pending || buffered() != 0 {
		t.Errorf("a coarser step: state %s, pending %v, and %d of the finer one still wait", p.State, p.Pending, buffered())
	}
	update("round = 50", "round = 10")
	before := air()
	grant(t, a, "air")
	if after := air(); after.Pending || len(after.Changes) != 0 || after.Bits == before.Bits && after.Fields[0] == before.Fields[0] || !strings.Contains(strings.Join(after.Fields, " "), "pas de 10") {
		t.Errorf("answered anew: %+v", after)
	}
}
