package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
)

func TestAnswersComeBack(t *testing.T) {
	l, keys := openNew(t)
	if _, ok := l.Current("trends"); ok {
		t.Fatal("a yes before anybody said it")
	}
	a := give(t, l, "trends", start)
	b := give(t, l, "service", start+minute)
	must(t, l.Refuse(answerTo("relation", start+2*minute)))
	must(t, l.Withdraw(b.ID, start+3*minute, "person", ""))
	must(t, l.Expire(a.ID, start+4*minute))
	c := give(t, l, "trends", start+5*minute)

	if a.ID != 1 || b.ID != 2 || c.ID != 3 {
		t.Fatalf("numbers %d, %d, %d", a.ID, b.ID, c.ID)
	}
	if a.ReceiptID[6]>>4 != 4 || a.ReceiptID[8]>>6 != 2 || a.ReceiptID == b.ReceiptID {
		t.Fatalf("receipt ids %x and %x are no version 4 UUIDs", a.ReceiptID, b.ReceiptID)
	}
	if a.Receipt == [32]byte{} || a.Receipt == c.Receipt {
		t.Fatal("receipts are not named")
	}
	check := func(l *Ledger) {
		t.Helper()
		got := l.Answers()
		if len(got) != 3 || got[0].Ending != Expired || got[0].Withdrawn != start+4*minute ||
			got[1].Ending != Withdrawn || got[1].Withdrawn != start+3*minute || got[2].Withdrawn != 0 {
			t.Fatalf("answers %+v", got)
		}
		if !reflect.DeepEqual(got[2], c) {
			t.Fatalf("got %+v, want %+v", got[2], c)
		}
		if now, ok := l.Current("trends"); !ok || now.ID != c.ID {
			t.Fatalf("current %d, %v", now.ID, ok)
		}
		if _, ok := l.Current("service"); ok {
			t.Fatal("a withdrawn yes is current")
		}
		if no, ok := l.Refused("relation"); !ok || no.Given != start+2*minute || no.ID != 0 {
			t.Fatalf("refusal %+v, %v", no, ok)
		}
		if l.Highest() != 3 {
			t.Fatalf("highest %d", l.Highest())
		}
	}
	check(l)
	l = reopen(t, l, keys)
	check(l)
	give(t, l, "relation", start+6*minute)
	if _, ok := l.Refused("relation"); ok {
		t.Fatal("still refused after the yes")
	}
}

func TestGrantNumbersAreNeverUsedAgain(t *testing.T) {
	l, keys := openNew(t)
	a, err := l.Give(answerTo("trends", start), 12)
	must(t, err)
	if a.ID != 12 {
		t.Fatalf("floor 12 gave %d", a.ID)
	}
	must(t, l.Withdraw(12, start+minute, "person", ""))
	seqs, err := l.Ended(start + 2*minute)
	must(t, err)
	if !slices.Equal(seqs, []uint64{2, 3}) {
		t.Fatalf("ended: %v", seqs)
	}
	must(t, l.Erase(seqs, start+2*minute, "object"))
	if got := l.Answers(); len(got) != 0 {
		t.Fatalf("erased and still listed: %d", len(got))
	}
	l = reopen(t, l, keys)
	if b := give(t, l, "trends", start+3*minute); b.ID != 13 {
		t.Fatalf("after erasing 12 came %d", b.ID)
	}
}

func TestAYesAnewReplacesTheOld(t *testing.T) {
	l, _ := openNew(t)
	a := give(t, l, "trends", start)
	n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", OpenedAt: start})
	must(t, err)
	must(t, l.SetAnnounced(n, start))
	b := give(t, l, "trends", start+minute)
	old, _ := l.Answer(a.ID)
	if old.Ending != Replaced || old.Withdrawn != start+minute {
		t.Fatalf("the old yes: %s at %d", old.Ending, old.Withdrawn)
	}
	if now, _ := l.Current("trends"); now.ID != b.ID {
		t.Fatalf("current is %d", now.ID)
	}
	if s, _ := l.Stream(n); !s.Closed || s.DeletionDue {
		t.Fatalf("closed %v, deletion due %v: a replacement is no withdrawal", s.Closed, s.DeletionDue)
	}
}

func TestWithdrawTwiceWritesOnce(t *testing.T) {
	l, _ := openNew(t)
	a := give(t, l, "trends", start)
	must(t, l.Withdraw(a.ID, start+minute, "root", "the person, by phone"))
	before := l.Head()
	must(t, l.Withdraw(a.ID, start+2*minute, "person", ""))
	must(t, l.Expire(a.ID, start+2*minute))
	if l.Head() != before {
		t.Fatal("a second entry was written")
	}
	if err := l.Withdraw(99, start, "person", ""); !errors.Is(err, ErrUnknown) {
		t.Fatalf("an unknown grant: %v", err)
	}
}

func TestAWithdrawalDoesNotFailForItsWords(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	must(t, l.Withdraw(a.ID, start+minute, "root", "\xff\xfe"+strings.Repeat("é", 100_000)))
	l = reopen(t, l, keys)
	if _, ok := l.Current("trends"); ok {
		t.Fatal("not withdrawn")
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	l, _ := openNew(t)
	before := l.Head()
	for name, a := range map[string]Answer{
		"no purpose":    {Given: start},
		"no moment":     {Purpose: "trends"},
		"not UTF-8":     {Purpose: "trends", Given: start, Title: "\xff"},
		"too long":      {Purpose: "trends", Given: start, Title: strings.Repeat("x", maxAnswer)},
		"too many":      {Purpose: "trends", Given: start, Fields: make([]string, 5000)},
		"not UTF-8 too": {Purpose: "tr\xffends", Given: start},
	} {
		if _, err := l.Give(a, 0); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if err := l.Refuse(a); err == nil {
			t.Errorf("%s: accepted as a no", name)
		}
	}
	if l.Head() != before || l.Highest() != 0 {
		t.Error("something was written")
	}
}

// With the real keyring: a withdrawal whose receipt could not be written holds through the destroyed key.
func TestReconcileWithTheKeyring(t *testing.T) {
	dir := t.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), rand.Reader)
	must(t, err)
	defer func() { _ = ring.Close() }()
	l := openAt(t, dir, ring)
	a, err := l.Give(answerTo("trends", start), ring.Highest()+1)
	must(t, err)
	must(t, ring.NewGrant(a.ID, "trends"))
	b, err := l.Give(answerTo("service", start), ring.Highest()+1)
	must(t, err)
	must(t, ring.NewGrant(b.ID, "service"))
	n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", OpenedAt: start})
	must(t, err)
	must(t, l.SetAnnounced(n, start))

	must(t, ring.Destroy(a.ID))
	must(t, l.db.file.Close()) // the disk is gone
	if err := l.Withdraw(a.ID, start+minute, "person", ""); err == nil {
		t.Fatal("Withdraw said it was written")
	}
	if _, ok := l.Current("trends"); ok {
		t.Fatal("the yes is still in force in memory")
	}
	if got, _ := l.Answer(a.ID); got.Ending != Withdrawn || got.Withdrawn != start+minute {
		t.Fatalf("in memory: %s at %d", got.Ending, got.Withdrawn)
	}
	if _, ok := l.Current("service"); !ok {
		t.Fatal("the other yes ended too")
	}
	_ = l.Close()

	l = openAt(t, dir, ring)
	defer func() { _ = l.Close() }()
	if _, ok := l.Current("trends"); !ok {
		t.Fatal("the test is wrong: the withdrawal was written after all")
	}
	gone, err := l.Reconcile(func(a *Answer) bool { return ring.Has(a.ID) }, start+2*minute)
	must(t, err)
	if !slices.Equal(gone, []consent.GrantID{a.ID}) {
		t.Fatalf("reconciled %v", gone)
	}
	if _, ok := l.Current("trends"); ok {
		t.Fatal("still in force")
	}
	if s, _ := l.Stream(n); !s.Closed || !s.DeletionDue {
		t.Fatal("the stream's deletion is not due")
	}
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	if again, err := l.Reconcile(func(a *Answer) bool { return ring.Has(a.ID) }, start+3*minute); err != nil || len(again) != 0 {
		t.Fatalf("again: %v, %v", again, err)
	}
}

func TestNoEntryIsSignedWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	ring, err := keyring.Open(filepath.Join(dir, "keys"), rand.Reader)
	must(t, err)
	l := openAt(t, dir, ring)
	defer func() { _ = l.Close() }()
	must(t, ring.Close())
	if _, err := l.Record(Event{Kind: Act, Time: start, Text: "x"}); err == nil {
		t.Fatal("an entry was signed with a wiped key")
	}
	if _, err := l.Verify(); err == nil {
		t.Fatal("verified without a key")
	}
	if _, err := Open(Options{Dir: t.TempDir(), Keys: &keeper{key: ed25519.PrivateKey{}}, Rand: rand.Reader, When: start}); err == nil {
		t.Fatal("opened without a key")
	}
}

func TestAResetKeyIsNoticedWithinARun(t *testing.T) {
	l, keys := sample(t)
	keys.key = newKeeper(2).key
	_, err := l.Record(Event{Kind: Act, Time: start + 9*minute, Text: "handed over"})
	must(t, err)
	r, err := l.Verify()
	if err != nil || r.Keys != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
}
