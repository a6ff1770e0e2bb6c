package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// tamper changes the file behind the ledger's back.
func tamper(t testing.TB, l *Ledger, bucket string, fn func(b *bolt.Bucket) error) {
	t.Helper()
	must(t, l.db.Update(func(tx *bolt.Tx) error { return fn(tx.Bucket([]byte(bucket))) }))
}

func read(t testing.TB, l *Ledger, bucket string, key []byte) []byte {
	t.Helper()
	var out []byte
	must(t, l.db.View(func(tx *bolt.Tx) error {
		out = slices.Clone(tx.Bucket([]byte(bucket)).Get(key))
		return nil
	}))
	return out
}

func wantBroken(t testing.TB, l *Ledger, what string, args ...any) {
	t.Helper()
	r, err := l.Verify()
	if !errors.Is(err, ErrBroken) || len(r.Problems) == 0 {
		t.Fatalf("%s: Verify found nothing (%v)", fmt.Sprintf(what, args...), err)
	}
}

func TestVerifyAnHonestLedger(t *testing.T) {
	l, keys := sample(t)
	for range 2 {
		r, err := l.Verify()
		must(t, err)
		if r.Entries != 5 || r.Keys != 1 || r.Erased != 0 || r.Head != l.Head() || r.First/1000 != start/1000 {
			t.Fatalf("report %+v", r)
		}
		l = reopen(t, l, keys)
	}
	if l.Head().Count != 5 {
		t.Fatal("opening again wrote an entry")
	}
}

func TestVerifyFindsEveryFlip(t *testing.T) {
	l, _ := sample(t)
	for seq := uint64(1); seq <= 5; seq++ {
		for _, bucket := range []string{chainBucket, bodyBucket} {
			key := key64(seq)
			good := read(t, l, bucket, key)
			for at := range good {
				bad := slices.Clone(good)
				bad[at] ^= 1 << (at % 8)
				tamper(t, l, bucket, func(b *bolt.Bucket) error { return b.Put(key, bad) })
				wantBroken(t, l, "%s of entry %d, byte %d of %d", bucket, seq, at, len(good))
			}
			tamper(t, l, bucket, func(b *bolt.Bucket) error { return b.Put(key, good) })
		}
	}
	if _, err := l.Verify(); err != nil {
		t.Fatalf("put back as it was: %v", err)
	}
}

func TestVerifyFindsMissingMovedAndAdded(t *testing.T) {
	for seq := uint64(1); seq <= 5; seq++ {
		for _, bucket := range []string{chainBucket, bodyBucket} {
			l, _ := sample(t)
			tamper(t, l, bucket, func(b *bolt.Bucket) error { return b.Delete(key64(seq)) })
			wantBroken(t, l, "%s without entry %d", bucket, seq)
		}
	}
	for i := uint64(1); i <= 5; i++ {
		for j := i + 1; j <= 5; j++ {
			l, _ := sample(t)
			for _, bucket := range []string{chainBucket, bodyBucket} {
				a, b := read(t, l, bucket, key64(i)), read(t, l, bucket, key64(j))
				tamper(t, l, bucket, func(bk *bolt.Bucket) error {
					if err := bk.Put(key64(i), b); err != nil {
						return err
					}
					return bk.Put(key64(j), a)
				})
			}
			wantBroken(t, l, "entries %d and %d swapped", i, j)
		}
	}
	l, _ := sample(t)
	for _, bucket := range []string{chainBucket, bodyBucket} {
		last := read(t, l, bucket, key64(5))
		tamper(t, l, bucket, func(b *bolt.Bucket) error { return b.Put(key64(6), last) })
	}
	wantBroken(t, l, "the last entry twice")
	l, _ = sample(t)
	tamper(t, l, chainBucket, func(b *bolt.Bucket) error { return b.Put([]byte("odd"), []byte("odd")) })
	wantBroken(t, l, "a foreign key")
}

// forge rewrites the whole chain as someone can who has all but the ledger key.
func TestVerifyFindsAForgedChain(t *testing.T) {
	l, keys := sample(t)
	forger := newKeeper(66)
	other := openAt(t, t.TempDir(), forger)
	defer func() { _ = other.Close() }()
	give(t, other, "trends", start)
	must(t, other.Refuse(answerTo("x", start)))
	must(t, other.Refuse(answerTo("y", start)))
	must(t, other.Refuse(answerTo("z", start)))
	for _, bucket := range []string{chainBucket, bodyBucket} {
		for seq := uint64(1); seq <= 5; seq++ {
			v := read(t, other, bucket, key64(seq))
			tamper(t, l, bucket, func(b *bolt.Bucket) error { return b.Put(key64(seq), v) })
		}
	}
	wantBroken(t, l, "a chain under another key")
	keys.count = 0 // even when the keys remember nothing
	l = reopen(t, l, keys)
	if r, err := l.Verify(); err != nil || r.Keys != 2 {
		t.Fatalf("after opening the change of keys must show: %+v, %v", r, err)
	}
}

func TestACutTailStaysAFinding(t *testing.T) {
	for cut := uint64(1); cut <= 5; cut++ {
		l, keys := sample(t)
		saved := l.Head()
		for _, bucket := range []string{chainBucket, bodyBucket} {
			tamper(t, l, bucket, func(b *bolt.Bucket) error {
				for seq := 6 - cut; seq <= 5; seq++ {
					if err := b.Delete(key64(seq)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		wantBroken(t, l, "%d entries cut while running", cut)
		for range 2 { // also when the head has moved on
			l = reopen(t, l, keys)
			wantBroken(t, l, "%d entries cut", cut)
		}
		for i := range uint64(5) {
			_, err := l.Record(Event{Kind: Act, Time: start, Text: fmt.Sprint(i)})
			must(t, err)
		}
		wantBroken(t, l, "%d entries cut, longer again", cut)
		keys.count = 0
		if r, err := l.Verify(saved); !errors.Is(err, ErrBroken) || len(r.Problems) < 2 {
			t.Fatalf("the head a person saved does not help: %v", err)
		}
	}
}

func TestADeletedLedgerIsNoticed(t *testing.T) {
	l, keys := sample(t)
	must(t, l.Close())
	fresh := openAt(t, t.TempDir(), keys)
	defer func() { _ = fresh.Close() }()
	wantBroken(t, fresh, "the file was deleted")
}

func TestSavedHeads(t *testing.T) {
	l, _ := openNew(t)
	var heads []Head
	for i := range 4 {
		give(t, l, fmt.Sprint("p", i), start)
		heads = append(heads, l.Head())
	}
	if _, err := l.Verify(heads...); err != nil {
		t.Fatal(err)
	}
	wrong := heads[1]
	wrong.Hash[0] ^= 1
	if _, err := l.Verify(wrong); !errors.Is(err, ErrBroken) {
		t.Fatalf("a wrong head: %v", err)
	}
	if _, err := l.Verify(Head{Count: 99}); !errors.Is(err, ErrBroken) {
		t.Fatalf("a head beyond the end: %v", err)
	}
}

func TestHeadThatLagsBehind(t *testing.T) {
	l, keys := sample(t)
	count, hash := keys.count-2, [32]byte(sha256.Sum256(read(t, l, chainBucket, key64(3))))
	keys.SetHead(count, hash)
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	l = reopen(t, l, keys)
	if _, err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	if keys.count != 5 || l.Head().Count != 5 {
		t.Fatalf("head %d, entries %d", keys.count, l.Head().Count)
	}
}

func TestEraseKeepsTheChainAndLeavesNoTrace(t *testing.T) {
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	canary := []byte("the neighbour with the red door")
	must(t, l.Withdraw(a.ID, start+minute, "root", string(canary)))
	kept := give(t, l, "service", start+2*minute)
	plain, sealed := salted(t, l, 3), read(t, l, bodyBucket, key64(3))
	if !bytes.Contains(plain, canary) || !bytes.Contains(image(t, l), sealed) {
		t.Fatal("the test is wrong: the canary is not in the file")
	}

	if err := l.Erase([]uint64{kept.Entry}, start, "object"); err == nil {
		t.Fatal("the receipt of a yes in force was erased")
	}
	for _, seq := range []uint64{1, 99} {
		if err := l.Erase([]uint64{seq}, start, "object"); err == nil {
			t.Fatalf("entry %d was erased", seq)
		}
	}
	must(t, l.Erase([]uint64{2, 3}, start+3*minute, "object"))
	for _, trace := range [][]byte{canary, plain[:32], sealed[:32], sealed[len(sealed)-32:]} {
		if bytes.Contains(image(t, l), trace) {
			t.Fatalf("%q is still in the file", trace)
		}
	}
	for range 2 {
		r, err := l.Verify()
		must(t, err)
		if r.Erased != 2 || r.Entries != 5 {
			t.Fatalf("report %+v", r)
		}
		if _, ok := l.Current("service"); !ok {
			t.Fatal("the other yes is gone")
		}
		l = reopen(t, l, keys)
	}
	var kinds []Kind
	must(t, l.Events(func(e Event) error {
		kinds = append(kinds, e.Kind)
		if gone := e.Seq == 2 || e.Seq == 3; gone != e.Erased {
			t.Errorf("entry %d: erased %v", e.Seq, e.Erased)
		}
		return nil
	}))
	if !slices.Equal(kinds, []Kind{Began, Given, Withdrawn, Given, Erased}) {
		t.Fatalf("kinds %v", kinds)
	}
	tamper(t, l, bodyBucket, func(b *bolt.Bucket) error { return b.Put(key64(3), sealed) })
	wantBroken(t, l, "an erased body that is back")
}

func TestEvents(t *testing.T) {
	l, _ := sample(t)
	var got []Event
	must(t, l.Events(func(e Event) error {
		_, err := l.Verify() // visit may call the ledger
		got = append(got, e)
		return err
	}))
	if len(got) != 5 || got[1].Kind != Given || got[1].Purpose != "trends" || got[1].Channel != "page" ||
		got[3].Text != "policy 8 accepted" || got[3].Digest[0] != 9 || got[3].PolicyVersion != 8 ||
		got[4].Kind != Withdrawn || got[4].Grant != 1 || got[4].Role != "person" {
		t.Fatalf("events %+v", got)
	}
	stop := errors.New("enough")
	if err := l.Events(func(Event) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("visit's error became %v", err)
	}
	for _, k := range []Kind{0, Given, Withdrawn, Erased, Began, 99} {
		if _, err := l.Record(Event{Kind: k, Time: start}); err == nil {
			t.Errorf("%s was recorded as a plain event", k)
		}
	}
}

func TestVerifyManyEntries(t *testing.T) {
	l, _ := openNew(t)
	for i := range 3*chunk + 5 {
		_, err := l.Record(Event{Kind: Gap, Time: start, Text: fmt.Sprint(i)})
		must(t, err)
	}
	r, err := l.Verify()
	if err != nil || r.Entries != 3*chunk+6 {
		t.Fatalf("%+v, %v", r, err)
	}
	tamper(t, l, chainBucket, func(b *bolt.Bucket) error { return b.Delete(key64(2 * chunk)) })
	wantBroken(t, l, "one of many is missing")
}
