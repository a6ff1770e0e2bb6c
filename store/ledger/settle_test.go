package ledger

import "testing"

// An end that could not be written holds in memory, with what follows from it for streams, and is written later in the
// words in which it was said.
func TestSettleWritesWhatWasRefused(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", Recipient: "acme", Deletion: []byte("delete it")})
	must(t, err)
	must(t, l.SetAnnounced(n, start))
	must(t, l.Settle()) // nothing to do
	before := l.Head()

	key := keys.key
	keys.key = nil // as when the disk refuses
	if err := l.Withdraw(a.ID, start+minute, "root", "Ms Martin"); err == nil {
		t.Fatal("it was written without a key: the test is wrong")
	}
	if s, _ := l.Stream(n); !s.Closed || !s.DeletionDue || l.Streams()[0].DeletionDueAt != start+minute {
		t.Fatalf("the stream does not follow: closed %v, due %v", s.Closed, s.DeletionDue)
	}
	if _, ok := l.Current("trends"); ok {
		t.Fatal("still in force")
	}
	if err := l.Settle(); err == nil || l.Head() != before {
		t.Fatalf("settled without a key: %v", err)
	}
	keys.key = key
	must(t, l.Settle())
	l = reopen(t, l, keys)
	now, _ := l.Answer(a.ID)
	if s, _ := l.Stream(n); now.Withdrawn != start+minute || now.Ending != Withdrawn || !s.DeletionDue {
		t.Fatalf("after a restart: %s at %d, deletion due %v", now.Ending, now.Withdrawn, s.DeletionDue)
	}
	var last Event
	must(t, l.Events(func(e Event) error { last = e; return nil }))
	if last.Kind != Withdrawn || last.Role != "root" || last.OnBehalf != "Ms Martin" {
		t.Fatalf("the entry says %+v", last)
	}
}
