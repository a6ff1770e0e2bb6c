package ledger

import (
	"bytes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
)

var _ Keeper = (*keyring.Ring)(nil)

// keeper is a keyring of one key and a head.
type keeper struct {
	mu    sync.Mutex
	key   ed25519.PrivateKey
	seal  cipher.AEAD
	count uint64
	hash  [32]byte
}

func newKeeper(seed byte) *keeper {
	s := sha256.Sum256([]byte{seed})
	return &keeper{key: ed25519.NewKeyFromSeed(s[:]), seal: sealer(0)}
}

// sealer is a cipher that every keeper has, unless the test is about it.
func sealer(seed byte) cipher.AEAD {
	c, err := chacha20poly1305.New(bytes.Repeat([]byte{seed}, chacha20poly1305.KeySize))
	if err != nil {
		panic(err)
	}
	return c
}

func (k *keeper) LedgerKey() ed25519.PrivateKey { return k.key }

func (k *keeper) LedgerCipher() cipher.AEAD { return k.seal }

func (k *keeper) Head() (uint64, [32]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count, k.hash
}

func (k *keeper) SetHead(count uint64, hash [32]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count, k.hash = count, hash
}

const (
	start  = sensors.Micros(1_700_000_000_123_456)
	minute = sensors.Minute
)

func openAt(t testing.TB, dir string, keys Keeper) *Ledger {
	t.Helper()
	l, err := Open(Options{Dir: dir, Keys: keys, Rand: rand.Reader, When: start})
	if err != nil {
		t.Fatal(err)
	}
	l.db.NoSync = true // the tests cut no power; syncs only make them slow
	return l
}

func openNew(t testing.TB) (*Ledger, *keeper) {
	t.Helper()
	keys := newKeeper(1)
	l := openAt(t, t.TempDir(), keys)
	t.Cleanup(func() { _ = l.Close() })
	return l, keys
}

// reopen closes the ledger and opens it again.
func reopen(t testing.TB, l *Ledger, keys Keeper) *Ledger {
	t.Helper()
	must(t, l.Close())
	again := openAt(t, l.dir, keys)
	t.Cleanup(func() { _ = again.Close() })
	return again
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func answerTo(purpose string, when sensors.Micros) Answer {
	return Answer{Purpose: purpose, Recipient: "acme", Given: when, Until: when + 365*sensors.Day,
		Extent: consent.Digest{1}, Digest: consent.Digest{2}, PolicyVersion: 7, Language: "fr", Notice: [32]byte{3},
		Channel: "page", Role: "person", Access: "consent", Basis: "consent", Title: "Suivre les tendances",
		Controller: Party{Name: "Acme Objets SAS", Country: "FR"}, StoredIn: []string{"FR"}, RetentionDays: 395,
		Fields: []string{"hall.temperature: mean 1h, round 0.5"}}
}

func give(t testing.TB, l *Ledger, purpose string, when sensors.Micros) Answer {
	t.Helper()
	a, err := l.Give(answerTo(purpose, when), 0)
	must(t, err)
	return a
}

// sample is a ledger with an entry of every kind but Replaced.
func sample(t testing.TB) (*Ledger, *keeper) {
	t.Helper()
	l, keys := openNew(t)
	a := give(t, l, "trends", start+minute)
	must(t, l.Refuse(answerTo("relation", start+2*minute)))
	_, err := l.Record(Event{Kind: Policy, Time: start + 3*minute, Text: "policy 8 accepted", PolicyVersion: 8, Digest: consent.Digest{9}})
	must(t, err)
	must(t, l.Withdraw(a.ID, start+4*minute, "person", ""))
	return l, keys
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o600))
}

// salted is the opened body of an entry.
func salted(t testing.TB, l *Ledger, seq uint64) []byte {
	t.Helper()
	b, err := l.unlock(bodyBucket, key64(seq), read(t, l, bodyBucket, key64(seq)))
	must(t, err)
	return b
}

func image(t testing.TB, l *Ledger) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, fileName))
	must(t, err)
	return b
}
