package agent_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// referenceObject is an object with the reference policy and what it senses.
func referenceObject(t *testing.T) *object {
	t.Helper()
	o := newObject(t, "http://127.0.0.1:1", 5)
	o.write("policy.toml", strings.NewReplacer("hall.", "room.").Replace(agent.PolicyReference()))
	return o
}

func consentOf(t *testing.T, a *agent.Agent, language, purpose string) control.ConsentPurpose {
	t.Helper()
	c, err := a.Consent(t.Context(), language)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Purposes {
		if p.ID == purpose {
			return p
		}
	}
	t.Fatalf("no purpose %s", purpose)
	return control.ConsentPurpose{}
}

// The digest in the receipt is that of the lines that are shown, in that language, and a change of the rules changes it
// in both.
func TestTheNoticeShownIsTheOneInTheReceipt(t *testing.T) {
	o := referenceObject(t)
	a := o.open()
	digests := map[string]string{}
	for _, language := range []string{"fr", "en"} {
		p := consentOf(t, a, language, "relation")
		text := fmt.Sprintf("candor notice 2\n%s - %s\n", p.ID, p.Title)
		labels := map[string]bool{}
		for _, l := range p.Notice {
			text += string(l.Voice) + ": " + l.Label + ": " + l.Text + "\n"
			labels[l.Label] = true
		}
		if p.NoticeDigest != fmt.Sprintf("%x", sha256.Sum256([]byte(text))) {
			t.Errorf("%s: the digest is not that of the lines", language)
		}
		if len(labels) < 14 {
			t.Errorf("%s: only %d things are told: %v", language, len(labels), p.Notice)
		}
		digests[language] = p.NoticeDigest
	}
	if digests["fr"] == digests["en"] {
		t.Error("both languages have the same notice")
	}
	if _, err := a.Grant(t.Context(), "relation", control.Person, control.Decision{Language: "fr"}); err != nil {
		t.Fatal(err)
	}
	answers := a.Book().Answers()
	r := answers[len(answers)-1]
	if fmt.Sprintf("%x", r.Notice) != digests["fr"] || r.Language != "fr" {
		t.Errorf("the receipt names notice %x in %s", r.Notice, r.Language)
	}
	_ = a.Close()
	o.write("policy.toml", strings.Replace(strings.NewReplacer("hall.", "room.").Replace(agent.PolicyReference()), "round = 100\n", "round = 200\n", 1))
	a = o.open()
	defer func() { _ = a.Close() }()
	for language, before := range digests {
		if now := consentOf(t, a, language, "relation"); now.NoticeDigest == before {
			t.Errorf("%s: the rules changed and the notice did not", language)
		}
	}
}

// The reference policy leaves no mandatory fact of ISO/IEC TS 27560 open.
func TestReceiptsOfTheReferencePolicyAreComplete(t *testing.T) {
	o := referenceObject(t)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "service", "relation")
	if _, err := a.Refuse(t.Context(), "trends", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	entries, err := a.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receipts, principals, ids := 0, map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		if e.Receipt == nil {
			continue
		}
		receipts++
		principals[e.Receipt.Principal], ids[e.Receipt.RecordID] = true, true
		if len(e.Receipt.Missing) > 0 {
			t.Errorf("receipt of %s lacks %v", e.Purpose, e.Receipt.Missing)
		}
		if e.Receipt.State != e.Kind || e.Receipt.Assurance != "software" {
			t.Errorf("receipt of %s says %s and %s", e.Purpose, e.Receipt.State, e.Receipt.Assurance)
		}
	}
	if receipts != 3 || len(ids) != 3 || len(principals) != 1 {
		t.Errorf("%d receipts, %d numbers, %d aliases", receipts, len(ids), len(principals))
	}
}
