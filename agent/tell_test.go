package agent_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent/charter"
)

func said(t *testing.T, a *agent.Agent) map[string]charter.Fragment {
	t.Helper()
	d, err := a.Charter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]charter.Fragment{}
	for _, f := range d.Fragments {
		out[f.Purpose+":"+f.ID] = f
	}
	return out
}

// The charter follows what is: each decision changes what the object says of itself, and nothing is said that the object can't stand for.
func TestTheCharterFollowsTheObject(t *testing.T) {
	o := referenceObject(t)
	a := o.open()
	defer func() { _ = a.Close() }()
	expect := func(when string, there, absent []string) {
		t.Helper()
		all := said(t, a)
		for _, id := range there {
			if _, ok := all[id]; !ok {
				t.Errorf("%s: %s is not said", when, id)
			}
		}
		for _, id := range absent {
			if f, ok := all[id]; ok {
				t.Errorf("%s: it is said that %s", when, f.Text.In("en"))
			}
		}
	}
	expect("at first", []string{":now.nothing", ":now.stopped", ":protect.sealed", ":protect.apart", ":protect.memory", ":protect.unsigned", ":protect.open", ":thief.nothing",
		":erase.software", "relation:what.field", "relation:no.back", "mine:mine.where", ":sense.source"}, []string{":now.leaves", ":protect.way", ":protect.eyes", ":protect.rules", ":now.light", ":thief.waiting"})
	grant(t, a, "relation")
	expect("after a yes", []string{":now.stopped", ":thief.waiting"}, []string{":now.leaves", ":now.nothing", ":now.waits", ":thief.nothing"})
	if _, err := a.Pause(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	expect("paused", []string{":now.paused"}, []string{":now.leaves", ":now.nothing"})
	if _, err := a.Resume(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	grant(t, a, "mine")
	expect("with a history", []string{":protect.history", ":thief.history"}, []string{":protect.memory"})
	if _, err := a.Withdraw(t.Context(), "mine", control.Person, control.Decision{KeepHistory: true}); err != nil {
		t.Fatal(err)
	}
	expect("with what is left of a history", []string{":thief.history"}, []string{":protect.memory", ":protect.history"})
	if _, err := a.Withdraw(t.Context(), "relation", control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	expect("after the withdrawal", []string{":now.nothing"}, []string{":now.leaves", ":thief.nothing"})
}

// A yes to one thing changes no notice of another, whose digest goes to the recipient; and what waits for a new answer has a notice of its own,
// which its receipt names.
func TestWhatWaitsHasItsOwnNotice(t *testing.T) {
	o := referenceObject(t)
	a := o.open()
	before := consentOf(t, a, "fr", "relation").NoticeDigest
	grant(t, a, "mine", "trends")
	if now := consentOf(t, a, "fr", "relation"); now.NoticeDigest != before || now.AskedDigest != "" {
		t.Errorf("the notice of relation changed with answers to others, or something waits: %q", now.AskedDigest)
	}
	grant(t, a, "relation")
	if now := consentOf(t, a, "fr", "relation"); now.NoticeDigest != before {
		t.Error("the notice changed with its own answer")
	}
	_ = a.Close()
	o.write("policy.toml", strings.Replace(strings.NewReplacer("hall.", "room.").Replace(agent.PolicyReference()), "round = 100\n", "round = 50\n", 1))
	a = o.open()
	defer func() { _ = a.Close() }()
	p := consentOf(t, a, "fr", "relation")
	tells := func(lines []control.NoticeLine, step string) bool {
		return slices.ContainsFunc(lines, func(l control.NoticeLine) bool {
			return l.ID == "what.field" && strings.Contains(l.Text, "pas de "+step)
		})
	}
	if !p.Pending || !tells(p.Notice, "100") || !tells(p.AskedNotice, "50") || p.AskedDigest == p.NoticeDigest {
		t.Fatalf("pending %v, %v, %v", p.Pending, p.Notice, p.AskedNotice)
	}
	if _, err := a.Grant(t.Context(), "relation", control.Person, control.Decision{Language: "fr"}); err != nil {
		t.Fatal(err)
	}
	answers := a.Book().Answers()
	r := answers[len(answers)-1]
	if hex.EncodeToString(r.Notice[:]) != p.AskedDigest || r.Template != charter.Template || !strings.Contains(r.Rights, "RGPD, art. 7(3)") {
		t.Errorf("the receipt names %x, %s, %q", r.Notice, r.Template, r.Rights)
	}
	if now := consentOf(t, a, "fr", "relation"); now.NoticeDigest != p.AskedDigest {
		t.Errorf("the notice after the answer is not the one that was answered:\n%v\n%v", now.Notice, p.AskedNotice)
	}
}

// While it runs the object says what leaves, and not that it stands still.
func TestTheCharterOfARunningObject(t *testing.T) {
	o := referenceObject(t)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "relation")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		all := said(t, a)
		if _, still := all[":now.stopped"]; !still {
			if f, ok := all[":now.leaves"]; !ok || !strings.Contains(f.Text.In("en"), "Advise you") {
				t.Errorf("a running object says %q", f.Text.In("en"))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it never ran")
		}
	}
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
