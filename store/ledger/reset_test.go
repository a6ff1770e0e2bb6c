package ledger

import (
	"bytes"
	"testing"
)

func TestResetKeepsOnlyWhatRecipientsOweUs(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", Recipient: "acme", Name: [16]byte{7}, Announcement: []byte("says much"), Deletion: []byte("delete it")})
	must(t, err)
	m, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", Recipient: "acme", Name: [16]byte{8}, Deletion: []byte("done")})
	must(t, err)
	must(t, l.SetAnnounced(n, start))
	must(t, l.SetAnnounced(m, start))
	must(t, l.RecordSent([]Sent{batch(n, 1, start)}))
	must(t, l.Withdraw(a.ID, start+minute, "person", ""))
	must(t, l.SetDeletionDone(m, nil, start+minute))
	keys.key, keys.seal, keys.count = newKeeper(8).key, sealer(8), 0
	must(t, l.Reset(start+2*minute))
	for range 2 {
		r, err := l.Verify()
		must(t, err)
		if r.Entries != 1 || r.Lines != 0 || len(l.Answers()) != 0 || len(l.Totals()) != 0 || l.Highest() != 0 {
			t.Fatalf("something of the old ledger is left: %+v", r)
		}
		s := l.Streams()
		if len(s) != 1 || !s[0].DeletionDue || s[0].DeletionDone || s[0].Purpose != "" || s[0].Grant != 0 ||
			!bytes.Equal(s[0].Deletion, []byte("delete it")) || s[0].Announcement != nil || s[0].Name[0] != 7 {
			t.Fatalf("streams %+v", s)
		}
		l = reopen(t, l, keys)
	}
	give(t, l, "trends", start+3*minute)
}
