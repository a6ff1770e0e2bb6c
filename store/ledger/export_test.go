package ledger

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func exported(t testing.TB, l *Ledger) ([]byte, Head) {
	t.Helper()
	var b bytes.Buffer
	head, err := l.Export(&b, start)
	must(t, err)
	return b.Bytes(), head
}

func TestExportVerifiesWithThePublicKeyAlone(t *testing.T) {
	l, keys := sample(t)
	must(t, l.Erase([]uint64{2, 5}, start+5*minute, "object"))
	export, head := exported(t, l)
	if head != l.Head() {
		t.Fatalf("head %v, want %v", head, l.Head())
	}
	for _, key := range [][]byte{nil, publicKey(keys.key)} {
		r, err := VerifyExport(bytes.NewReader(export), key, head)
		must(t, err)
		if r.Entries != 6 || r.Erased != 2 || r.Head != head {
			t.Fatalf("report %+v", r)
		}
	}
	if _, err := VerifyExport(bytes.NewReader(export), publicKey(newKeeper(9).key)); !errors.Is(err, ErrBroken) {
		t.Fatalf("another object's key: %v", err)
	}
	saved := head
	saved.Hash[3] ^= 1
	if _, err := VerifyExport(bytes.NewReader(export), nil, saved); !errors.Is(err, ErrBroken) {
		t.Fatalf("a wrong head: %v", err)
	}
	back, err := ParseHead(head.String())
	if err != nil || back != head {
		t.Fatalf("%v, %v", back, err)
	}
}

// flipExport flips bits of an export, every bit of every byte or only one of each, cuts it at the bytes, and adds to it:
// all has to be found.
func flipExport(t *testing.T, bits, cuts int) {
	t.Helper()
	l, keys := openNew(t)
	a := give(t, l, "trends", start)
	must(t, l.Withdraw(a.ID, start+minute, "person", ""))
	export, _ := exported(t, l)
	key := publicKey(keys.key)
	for at := range export {
		for bit := range bits {
			bad := slices.Clone(export)
			bad[at] ^= 1 << ((at + bit) % 8)
			if _, err := VerifyExport(bytes.NewReader(bad), key); err == nil {
				t.Fatalf("byte %d, bit %d of %d: not found", at, (at+bit)%8, len(export))
			}
		}
		if at%cuts != 0 {
			continue
		}
		if _, err := VerifyExport(bytes.NewReader(export[:at]), key); err == nil {
			t.Fatalf("cut at byte %d: not found", at)
		}
	}
	if _, err := VerifyExport(bytes.NewReader(append(slices.Clone(export), 0xa0)), key); err == nil {
		t.Fatal("something behind the end: not found")
	}
}

func TestAFlippedBitInEveryByteOfAnExportIsFound(t *testing.T) { flipExport(t, 1, 3) }

// Flips within what is sealed: whoever has the keys' cipher but not the signing key can change nothing unseen.
func TestEveryFlippedBitWithinTheSealIsFound(t *testing.T) {
	l, _ := sample(t)
	for seq := uint64(1); seq <= 5; seq++ {
		key := key64(seq)
		good, plain := read(t, l, bodyBucket, key), salted(t, l, seq)
		for at := 0; at < len(plain); at += 3 {
			bit := at / 3 % 8
			bad := slices.Clone(plain)
			bad[at] ^= 1 << bit
			sealed, err := l.lock(bodyBucket, key, bad)
			must(t, err)
			tamper(t, l, bodyBucket, func(b *bolt.Bucket) error { return b.Put(key, sealed) })
			wantBroken(t, l, "body %d, byte %d", seq, at)
		}
		tamper(t, l, bodyBucket, func(b *bolt.Bucket) error { return b.Put(key, good) })
	}
	// A sealed body that is moved to another entry does not open there.
	two := read(t, l, bodyBucket, key64(2))
	tamper(t, l, bodyBucket, func(b *bolt.Bucket) error { return b.Put(key64(4), two) })
	wantBroken(t, l, "a moved body")
}

func TestConfirmation(t *testing.T) {
	l, keys := openNew(t)
	m, err := l.Confirm([]byte(`{"what":"x"}`))
	must(t, err)
	got, err := OpenConfirmation(publicKey(keys.key), m)
	if err != nil || string(got) != `{"what":"x"}` {
		t.Fatalf("%s, %v", got, err)
	}
	m[len(m)-1] ^= 1
	if _, err := OpenConfirmation(publicKey(keys.key), m); err == nil {
		t.Fatal("a changed confirmation was accepted")
	}
}
