package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/veraison/go-cose"
	bolt "go.etcd.io/bbolt"
)

// goKey lets go-cose sign and verify; it has no name for the algorithm of RFC 9864.
type goKey struct{ private ed25519.PrivateKey }

func (goKey) Algorithm() cose.Algorithm { return -19 }

func (k goKey) Sign(_ io.Reader, content []byte) ([]byte, error) {
	return ed25519.Sign(k.private, content), nil
}

func (k goKey) Verify(content, signature []byte) error {
	if !ed25519.Verify(k.private.Public().(ed25519.PublicKey), content, signature) {
		return cose.ErrVerification
	}
	return nil
}

// Another implementation reads what we sign, and we read what it signs.
func TestSignedAsGoCoseDoes(t *testing.T) {
	key := newKeeper(5).key
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65_535, 65_536} {
		payload := bytes.Repeat([]byte{0xa5}, n)
		ours := sign1(key, entryType, payload)
		var m cose.Sign1Message
		must(t, m.UnmarshalCBOR(ours))
		must(t, m.Verify(nil, goKey{key}))
		if !bytes.Equal(m.Payload, payload) {
			t.Fatalf("%d bytes came back as %d", n, len(m.Payload))
		}
		theirs := cose.NewSign1Message()
		theirs.Headers.Protected.SetAlgorithm(-19)
		theirs.Headers.Protected[cose.HeaderLabelContentType] = entryType
		theirs.Payload = payload
		must(t, theirs.Sign(rand.Reader, nil, goKey{key}))
		message, err := theirs.MarshalCBOR()
		must(t, err)
		if got, ok := verified(publicKey(key), entryType, message); !ok || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes signed by go-cose: %v", n, ok)
		}
		if _, ok := verified(publicKey(key), confirmationType, ours); ok {
			t.Fatal("an entry passes as something else")
		}
		for at := range min(len(ours), 60) {
			for bit := range 8 {
				bad := bytes.Clone(ours)
				bad[at] ^= 1 << bit
				if _, ok := verified(publicKey(key), entryType, bad); ok {
					t.Fatalf("byte %d, bit %d flipped: accepted", at, bit)
				}
			}
		}
	}
}

// What the file holds tells nobody without the keys which purpose was answered, by whom, and to whom things went.
func TestACopyOfTheFileTellsNothing(t *testing.T) {
	l, _ := openNew(t)
	a, err := l.Give(answerTo("canarypurpose", start), 0)
	must(t, err)
	n, err := l.AddStream(Stream{Grant: a.ID, Purpose: "canarypurpose", Recipient: "canaryrecipient", Name: [16]byte([]byte("canarystreamname")),
		Announcement: []byte("canaryannouncement"), Deletion: []byte("canarydeletion")})
	must(t, err)
	must(t, l.RecordSent([]Sent{{Stream: n, Purpose: "canarypurpose", Recipient: "canaryrecipient", Fields: []string{"canaryfield"}, Seq: 1, Result: ResultAccepted, SentAt: start}}))
	must(t, l.Refuse(answerTo("canaryrefused", start)))
	must(t, l.Withdraw(a.ID, start+minute, "root", "canaryname"))
	must(t, l.SetDeletionDone(n, []byte("canaryproof"), start+minute))
	if bytes.Contains(image(t, l), []byte("canary")) {
		t.Fatal("the file says in clear what it should not")
	}
	if !bytes.Contains(salted(t, l, 2), []byte("canarypurpose")) {
		t.Fatal("the test is wrong: the canary is nowhere")
	}
}

// With new keys the chain goes on and says so, nothing of before can be read, and the file as it was is kept.
func TestNewKeysLoseWhatWasSealed(t *testing.T) {
	l, _ := sample(t)
	n, err := l.AddStream(Stream{Grant: 1, Purpose: "trends"})
	must(t, err)
	before := image(t, l)
	must(t, l.Close())
	fresh := newKeeper(7)
	fresh.seal = sealer(7)
	again := openAt(t, l.dir, fresh)
	t.Cleanup(func() { _ = again.Close() })
	for range 2 {
		r, err := again.Verify()
		must(t, err)
		if r.Lost != 5 || r.Keys != 2 || r.Entries != 6 {
			t.Fatalf("report %+v", r)
		}
		if len(again.Answers()) != 0 || len(again.Streams()) != 0 || again.Highest() != 1 {
			t.Fatalf("%d answers, %d streams, highest %d", len(again.Answers()), len(again.Streams()), again.Highest())
		}
		again = reopen(t, again, fresh)
	}
	if m, err := again.AddStream(Stream{Grant: 2, Purpose: "trends"}); err != nil || m <= n {
		t.Fatalf("stream %d after %d, %v", m, n, err)
	}
	kept, err := os.ReadFile(filepath.Join(l.dir, sealedName))
	must(t, err)
	if len(kept) < len(before)/2 {
		t.Fatalf("of %d bytes %d were kept", len(before), len(kept))
	}
}

// A damaged mark is damage, and no reason to forget everything.
func TestADamagedSealMarkForgetsNothing(t *testing.T) {
	l, keys := sample(t)
	tamper(t, l, aboutBucket, func(b *bolt.Bucket) error { return b.Put([]byte(sealKey), []byte("damaged")) })
	must(t, l.Close())
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"mark":          func(*bolt.Tx) error { return nil },
		"later version": func(tx *bolt.Tx) error { return tx.Bucket([]byte(aboutBucket)).Put([]byte(versionKey), []byte{3}) },
		"version 1":     func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(aboutBucket)) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, fileName)
		copyFile(t, filepath.Join(l.dir, fileName), path)
		db, err := openBolt(path, false)
		must(t, err)
		must(t, db.Update(change))
		must(t, db.Close())
		if _, err := Open(Options{Dir: dir, Keys: keys, Rand: zeros{}, When: start}); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: got %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, sealedName)); err == nil {
			t.Fatalf("%s: taken for a loss of the keys", name)
		}
	}
}
