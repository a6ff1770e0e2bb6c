package keyring

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

var _ consent.KeyMaker = (*Ring)(nil)

func openDir(t testing.TB, dir string) *Ring {
	t.Helper()
	r, err := Open(dir, rand.Reader)
	must(t, err)
	return r
}

func TestFileAndDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "candor-keys")
	r := openDir(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "keys"): 0o600} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), info.Mode().Perm(), want)
		}
	}
	if _, err := Open(dir, rand.Reader); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second process got %v, want ErrInUse", err)
	}
	must(t, r.NewGrant(1, "service"))
	r.SetHead(9, [32]byte{9})
	key := r.LedgerKey()
	must(t, r.Close())
	if err := r.Close(); !errors.Is(err, ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}

	r = openDir(t, dir)
	defer func() { must(t, r.Close()) }()
	if !r.Has(1) || !r.LedgerKey().Equal(key) {
		t.Fatal("the ring did not come back")
	}
	if count, hash := r.Head(); count != 9 || hash != [32]byte{9} {
		t.Fatalf("head %d %x did not come back", count, hash)
	}
	info, err := os.Stat(filepath.Join(dir, "keys"))
	must(t, err)
	if info.Size() != fileSize {
		t.Fatalf("the file has %d bytes", info.Size())
	}
}

func TestDirectoryThatOthersMayWriteTo(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, "something else"), nil, 0o600))
	if _, err := Open(dir, rand.Reader); err == nil {
		t.Fatal("keys were put where others may replace them")
	}
	must(t, os.Remove(filepath.Join(dir, "something else")))
	r := openDir(t, dir) // nothing else in it: it is closed to others
	defer func() { must(t, r.Close()) }()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

// versioned is a key file of another version with right checksums.
func versioned(b []byte, v byte) []byte {
	for _, slot := range [][]byte{b[:slotSize], b[slotSize:]} {
		slot[11] = v
		clear(slot[sumAt : sumAt+sha256.Size])
		sum := sha256.Sum256(slot)
		copy(slot[sumAt:], sum[:])
	}
	return b
}

func TestDamagedFileIsNeverReplaced(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"short":         func(b []byte) []byte { return b[:fileSize-1] },
		"long":          func(b []byte) []byte { return append(b, 0) },
		"both flipped":  func(b []byte) []byte { b[100] ^= 1; b[slotSize+100] ^= 1; return b },
		"padding":       func(b []byte) []byte { b[slotSize-1] ^= 1; b[fileSize-1] ^= 1; return b },
		"later version": func(b []byte) []byte { return versioned(b, 3) },
		"the old one":   func(b []byte) []byte { return versioned(b, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, openDir(t, dir).Close())
			path := filepath.Join(dir, "keys")
			image, err := os.ReadFile(path)
			must(t, err)
			image = damage(image)
			must(t, os.WriteFile(path, image, 0o600))
			_, err = Open(dir, rand.Reader)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !errors.Is(err, ErrDamaged) {
				t.Fatalf("got %v, want a DamagedError", err)
			}
			now, err := os.ReadFile(path)
			must(t, err)
			if !bytes.Equal(now, image) {
				t.Fatal("the damaged file was changed")
			}
		})
	}
}

func TestOneDamagedSlotIsRepaired(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "service"))
	want := state(r)
	for at := 0; at < fileSize; at += 1021 {
		image := append([]byte(nil), d.durable...)
		image[at] ^= 0x10
		got, disk := reopen(t, image)
		if state(got) != want {
			t.Fatalf("flip at %d changed the content", at)
		}
		if !bytes.Equal(disk.durable[:slotSize], disk.durable[slotSize:]) {
			t.Fatalf("flip at %d was not repaired", at)
		}
	}
}

func TestGrantNumbersAndPurposes(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(5, "service"))
	for _, id := range []consent.GrantID{0, 4, 5} {
		if err := r.NewGrant(id, "service"); err == nil {
			t.Errorf("number %d was accepted after 5", id)
		}
	}
	must(t, r.Destroy(5))
	if err := r.NewGrant(5, "service"); err == nil {
		t.Error("a destroyed number was used again")
	}
	for _, purpose := range []string{"", string(make([]byte, MaxPurpose+1))} {
		if err := r.NewGrant(6, purpose); err == nil {
			t.Errorf("a purpose of %d bytes was accepted", len(purpose))
		}
	}
	must(t, r.NewGrant(6, string(bytes.Repeat([]byte{'p'}, MaxPurpose))))
	if got := r.Grants(); !slices.Equal(got, []consent.GrantID{6}) || r.Highest() != 6 {
		t.Errorf("grants %v, highest %d", got, r.Highest())
	}
}

func TestSealAndOpen(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "service"))
	if _, err := r.Sealer(2, 1); !errors.Is(err, ErrGone) {
		t.Fatalf("sealer of no grant: %v", err)
	}
	if _, ok := r.Opener(1, 1); ok {
		t.Fatal("Opener made a key")
	}
	sealer, err := r.Sealer(1, 1)
	must(t, err)
	nonce := make([]byte, sealer.NonceSize())
	text := sealer.Seal(nil, nonce, []byte("21.5"), []byte("where"))

	again, _ := reopen(t, d.durable)
	opener, ok := again.Opener(1, 1)
	if !ok {
		t.Fatal("the key was not durable")
	}
	if plain, err := opener.Open(nil, nonce, text, []byte("where")); err != nil || string(plain) != "21.5" {
		t.Fatalf("%q, %v", plain, err)
	}
	if other, err := r.Sealer(1, -1); err != nil {
		t.Fatal(err)
	} else if _, err := other.Open(nil, nonce, text, []byte("where")); err == nil {
		t.Fatal("another day's key opens it")
	}

	must(t, r.Discard(1, 1))
	if _, err := sealer.Open(nil, nonce, text, []byte("where")); !errors.Is(err, ErrGone) {
		t.Fatalf("a discarded key still opens: %v", err)
	}
	dead := sealer.Seal([]byte("x"), nonce, []byte("21.5"), nil)
	if !bytes.Equal(dead, append([]byte("x"), make([]byte, 4+sealer.Overhead())...)) {
		t.Fatalf("a discarded key sealed to %x", dead)
	}
	must(t, r.Sync())
	if again, _ := reopen(t, d.durable); again.find(1, 1) != nil {
		t.Fatal("the discarded key is still in the file")
	}
	fresh, err := r.Sealer(1, 1)
	must(t, err)
	if _, err := fresh.Open(nil, nonce, text, []byte("where")); err == nil {
		t.Fatal("the same key came back after Discard")
	}
}

func TestDayRange(t *testing.T) {
	r := newDisk(t).open(t)
	must(t, r.NewGrant(1, "service"))
	for _, day := range []int64{1 << 31, -1<<31 - 1} {
		if _, err := r.Sealer(1, day); err == nil {
			t.Errorf("day %d was accepted", day)
		}
		if _, ok := r.Opener(1, day); ok {
			t.Errorf("day %d has a key", day)
		}
	}
}

func TestFullFile(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "service"))
	days := int64(0)
	r.content.grants[1].days = manyDays(1_650)
	for ; days < 1_000; days++ {
		if _, err := r.Sealer(1, 100_000+days); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if days == 0 || days == 1_000 {
		t.Fatalf("the file was full after %d more keys", days)
	}
	must(t, r.NewGrant(2, "trends")) // room is kept for a yes
	must(t, r.Destroy(1))
	_, err := r.Sealer(2, 1)
	must(t, err)
}

func manyDays(n int) map[int32]*dayKey {
	out := make(map[int32]*dayKey, n)
	for i := range n {
		s, _ := newSecret(rand.Reader)
		out[int32(i)] = newDayKey(s, true)
	}
	return out
}

func TestResetChangesTheLedgerKey(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(3, "service"))
	r.SetHead(4, [32]byte{4})
	must(t, r.Pause(7))
	old, seed := r.LedgerKey(), append([]byte(nil), r.content.seed.bytes()...)
	book, sealer := append([]byte(nil), r.content.ledger.secret.bytes()...), r.LedgerCipher()
	sealed := sealer.Seal(nil, make([]byte, 12), []byte("who said yes"), nil)
	must(t, r.Reset(nil))
	if r.LedgerKey().Equal(old) || r.Has(3) || r.Highest() != 3 {
		t.Fatal("something survived the reset that should not, or the highest number did not")
	}
	if count, hash := r.Head(); count != 0 || hash != [32]byte{} {
		t.Fatal("the head survived")
	}
	if bytes.Contains(d.durable, seed) || bytes.Contains(d.durable, book) {
		t.Fatal("an old key of the ledger is still in the file")
	}
	for _, c := range []cipher.AEAD{sealer, r.LedgerCipher()} {
		if _, err := c.Open(nil, make([]byte, 12), sealed, nil); err == nil {
			t.Fatal("what the old key sealed still opens")
		}
	}
	if r.Paused() != 0 {
		t.Fatal("the pause of the last owner goes on")
	}
}

func TestDerivationsOfManyAtOnce(t *testing.T) {
	r := openDir(t, t.TempDir())
	must(t, r.NewGrant(1, "service"))
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			id := consent.GrantID(2 + i)
			for day := range int64(3) {
				if aead, err := r.Sealer(1, day); err == nil {
					_ = aead.Seal(nil, make([]byte, 12), []byte("x"), nil)
				}
				_, _ = r.PseudonymKey(1, uint64(day), sensors.Identity)
				_ = r.Discard(1, day)
				r.SetHead(uint64(day), [32]byte{byte(i)})
			}
			_ = r.NewGrant(id, "trends") // some numbers come too late and are refused
			_ = r.Destroy(id)
			_ = r.Grants()
		})
	}
	wait.Wait()
	must(t, r.Close())
	if _, err := r.Sealer(1, 99); !errors.Is(err, ErrClosed) && !errors.Is(err, ErrGone) {
		t.Fatalf("after Close: %v", err)
	}
	if err := r.Discard(1, 1); !errors.Is(err, ErrClosed) {
		t.Fatalf("Discard after Close: %v", err)
	}
	if _, err := r.PseudonymKey(1, 1, sensors.Identity); !errors.Is(err, ErrClosed) {
		t.Fatalf("PseudonymKey after Close: %v", err)
	}
}

// The cipher keeps a copy of its key, which dies with the key.
func TestTheCopyInsideACipherIsWiped(t *testing.T) {
	s, err := newSecret(rand.Reader)
	must(t, err)
	k := newDayKey(s, true)
	inside := copyInside(k.cipher(), s.bytes())
	if len(inside) != keySize || !bytes.Equal(inside, s.bytes()) {
		t.Fatal("the cipher keeps its key in a place that is not known: it is not overwritten any more")
	}
	k.wipe()
	if !bytes.Equal(inside, make([]byte, keySize)) {
		t.Error("the copy outlives the key")
	}
}
