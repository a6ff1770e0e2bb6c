package ledger

import (
	"bytes"
	"os"
	"path/filepath"
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

// A change of owner that is interrupted between the new keys and the new file is ended by the next start: what recipients owe is
// asked for still, and nothing else is left. Interrupted before the new keys it has not happened.
func TestAnInterruptedResetKeepsTheRequests(t *testing.T) {
	for _, reset := range []bool{true, false} {
		l, keys := openNew(t)
		a := give(t, l, "trends", start)
		for i := range byte(3) {
			n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "trends", Recipient: "acme", Epoch: 5, Name: [16]byte{7, i}, Deletion: []byte{1, 2, i}})
			must(t, err)
			must(t, l.SetAnnounced(n, start))
		}
		must(t, l.Withdraw(a.ID, start+minute, "person", ""))
		must(t, l.Bequeath(sealer(7))) // one that came to nothing
		must(t, l.Bequeath(sealer(8)))
		if reset {
			keys.key, keys.seal, keys.count = newKeeper(8).key, sealer(8), 0
		}
		for range 2 {
			l = reopen(t, l, keys)
			s := l.Streams()
			if len(s) != 3 {
				t.Fatalf("%d streams", len(s))
			}
			for i, s := range s {
				if !s.DeletionDue || s.DeletionDone || !s.Closed || s.Recipient != "acme" || s.Epoch != 5 || s.Name != [16]byte{7, byte(i)} ||
					!bytes.Equal(s.Deletion, []byte{1, 2, byte(i)}) || (s.Purpose == "") != reset {
					t.Errorf("stream %+v", s)
				}
			}
			if got := len(l.Answers()); (got == 0) != reset {
				t.Errorf("%d answers", got)
			}
			r, err := l.Verify()
			must(t, err)
			if reset && (r.Entries != 1 || r.Lost != 0) {
				t.Errorf("something of the old ledger is left: %+v", r)
			}
		}
		if _, err := os.Stat(filepath.Join(l.dir, sealedName)); err == nil {
			t.Error("the old file is kept")
		}
		must(t, l.SetDeletionDone(1, nil, start+2*minute))
	}
}

// Keys that are new for another reason find nothing that is for them, and go on as with keys that were lost.
func TestABequestIsForItsKeysOnly(t *testing.T) {
	l, keys := openNew(t)
	give(t, l, "trends", start)
	must(t, l.Bequeath(sealer(7)))
	keys.key, keys.seal, keys.count = newKeeper(8).key, sealer(8), 0
	l = reopen(t, l, keys)
	r, err := l.Verify()
	must(t, err)
	if r.Lost == 0 || r.Entries != 3 {
		t.Errorf("%+v", r)
	}
}
