package agent_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// TestEachActLeavesAReceipt does everything that a person can do at the object and wants a receipt of each: a signed entry, and the salted body that
// it commits to, with the words in both languages.
func TestEachActLeavesAReceipt(t *testing.T) {
	o := newObject(t, "http://127.0.0.1:1", 50)
	_ = o.once(0, "air", "trends")
	a := o.open()
	defer func() { _ = a.Close() }()
	ctx, d := t.Context(), control.Decision{Language: "fr", Channel: control.ChannelPage}
	erase := func(r control.ErasureRequest) func() error {
		return func() error { _, err := a.Erase(ctx, control.Person, r); return err }
	}
	decide := func(do func(string) error, purpose string) func() error { return func() error { return do(purpose) } }
	grant := func(p string) error { _, err := a.Grant(ctx, p, control.Person, d); return err }
	withdraw := func(p string) error { _, err := a.Withdraw(ctx, p, control.Person, d); return err }
	for _, act := range []struct {
		name, kind, fr string
		do             func() error
	}{
		{"pause", "paused", "", func() error { _, err := a.Pause(ctx, control.Person, d); return err }},
		{"resume", "resumed", "", func() error { _, err := a.TogglePause(ctx); return err }},
		{"export", "act", "ses données ont été emportées : tout", func() error { a.Exported(control.ExportQuery{What: "all"}, control.ChannelPage); return nil }},
		{"erase a period", "destroyed", "effacé sur demande : ce qui a été mesuré du 2026-01-01 au 2026-01-02, jours entiers UTC, tous deux compris", erase(control.ErasureRequest{From: "2026-01-01", To: "2026-01-02"})},
		{"erase, at the recipient too", "destroyed", "effacé sur demande : ce qui a été mesuré du 2026-01-01 au 2026-01-02, jours entiers UTC, tous deux compris", erase(control.ErasureRequest{From: "2026-01-01", To: "2026-01-02", RecipientToo: true})},
		{"keep a history", "given", "", decide(grant, consent.MineID)},
		{"purge it", "withdrawn", "", decide(withdraw, consent.MineID)},
		{"withdraw", "withdrawn", "", decide(withdraw, "air")},
		{"grant", "given", "", decide(grant, "air")},
		{"refuse", "refused", "", func() error { _, err := a.Refuse(ctx, "who", control.Person, d); return err }},
		{"erase a purpose", "destroyed", "effacé sur demande : tout ce qui est gardé pour l'usage trends", erase(control.ErasureRequest{Purpose: "trends"})},
	} {
		before := a.Book().Head().Count
		if err := act.do(); err != nil {
			t.Fatalf("%s: %v", act.name, err)
		}
		en, fr := entriesFrom(t, a, before, "en"), entriesFrom(t, a, before, "fr")
		found := false
		for i, e := range en {
			if e.Kind != act.kind {
				continue
			}
			found = true
			r := e.Act
			if e.Kind == "given" || e.Kind == "refused" {
				if e.Receipt == nil || r != nil {
					t.Errorf("%s: %+v", act.name, e)
				}
				continue
			}
			sum := sha256.Sum256(r.Body)
			if r.State != act.kind || !r.Time.Equal(e.Time) || len(r.RecordID) != 36 || len(r.Signed) < 100 || !bytes.Contains(r.Signed, sum[:]) || len(r.Body) < 33 {
				t.Errorf("%s: %+v", act.name, r)
			}
			if hidden := strings.HasPrefix(act.kind, "paused") || act.kind == "resumed"; hidden != (r.Entity == "") {
				t.Errorf("%s: done by %q", act.name, r.Entity)
			}
			if fr[i].Text != act.fr || act.fr != "" && e.Text == act.fr {
				t.Errorf("%s: in French %q, in English %q", act.name, fr[i].Text, e.Text)
			}
		}
		if !found {
			t.Errorf("%s left no receipt of the kind %s: %+v", act.name, act.kind, en)
		}
	}
	if r, err := a.VerifyLedger(ctx, nil); err != nil || !r.Verified {
		t.Errorf("%+v, %v", r, err)
	}
}

// entriesFrom lists what was written since there were so many entries.
func entriesFrom(t *testing.T, a *agent.Agent, count uint64, language string) []control.LedgerEntry {
	t.Helper()
	all, err := a.Ledger(control.WithLanguage(t.Context(), language))
	if err != nil || uint64(len(all)) < count {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	return all[count:]
}

// TestWhatLeftCanBeReadWithoutAHistory reads uploads that left a moment ago, keeps no history, and can read them no more once the yes is taken back
// or the object was started anew.
func TestWhatLeftCanBeReadWithoutAHistory(t *testing.T) {
	url, _ := receiver(t)
	o := newObject(t, url, 100)
	a := o.open()
	grant(t, a, "air", "trends")
	if err := a.Once(t.Context(), 20*time.Second); err != nil {
		t.Fatal(err)
	}
	lines, err := a.Sent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func(a *agent.Agent, purpose string) (n int) {
		for _, s := range lines {
			if s.Purpose == purpose && s.Control == "" {
				if c, err := a.SentCopy(t.Context(), s.Stream, s.Seq); err == nil && len(c.SenML) > 10 {
					n++
				}
			}
		}
		return n
	}
	if read(a, "air") == 0 || read(a, "trends") == 0 {
		t.Fatal("what left a moment ago can't be read")
	}
	if _, err := a.Withdraw(t.Context(), "air", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if read(a, "air") != 0 || read(a, "trends") == 0 {
		t.Error("the copies of a yes do not end with it, or end with another one")
	}
	if _, err := a.Erase(t.Context(), control.Person, control.ErasureRequest{From: "2001-01-01"}); err != nil {
		t.Fatal(err)
	}
	if read(a, "trends") != 0 {
		t.Error("a copy outlives an erasure")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = o.open()
	defer func() { _ = a.Close() }()
	if read(a, "trends") != 0 {
		t.Error("a copy was on the disk")
	}
}

// TestMarkupIsText: the name of a sensor has no characters of markup, and a policy's texts go to the page letter by letter, as JSON that no browser
// takes for a document.
func TestMarkupIsText(t *testing.T) {
	const hostile = `<script>alert(1)</script><img src=x onerror="alert(2)">`
	o := newObject(t, "http://127.0.0.1:1", 5)
	config := o.read("candor.toml")
	o.write("candor.toml", replaceOnce(t, config, `name = "room"`, `name = "<b onclick=x>"`))
	if _, err := agent.LoadConfig(filepath.Join(o.dir, "candor.toml")); err == nil || !strings.Contains(err.Error(), "candor.toml:5:3: sensor[0]: ") || !strings.Contains(err.Error(), "name") {
		t.Errorf("a sensor's name with markup: %v", err)
	}
	o.write("candor.toml", config)
	policy := threePurposes()
	at := strings.Index(policy, `title = { fr = "`) + len(`title = { fr = "`)
	o.write("policy.toml", policy[:at]+strings.ReplaceAll(hostile, `"`, `\"`)+policy[at:])
	a := o.open()
	defer func() { _ = a.Close() }()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/v1/consent?language=fr", nil)
	control.NewHandler(a).ServeHTTP(w, r.WithContext(control.WithRole(r.Context(), control.Person)))
	var got control.Consent
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Purposes) == 0 || !strings.HasPrefix(got.Purposes[0].Title, hostile) {
		t.Fatalf("%v, %.300s", err, w.Body)
	}
	if strings.ContainsAny(w.Body.String(), "<>") || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Errorf("as %s: %.300s", w.Header().Get("Content-Type"), w.Body)
	}
}
