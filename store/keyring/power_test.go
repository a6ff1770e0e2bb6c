package keyring

import (
	"bytes"
	mrand "math/rand/v2"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

// step is one change of the ring and what it does.
type step struct {
	name string
	do   func(r *Ring) error
}

func powerSteps() []step {
	return []step{
		{"a grant", func(r *Ring) error { return r.NewGrant(4, "service") }},
		{"day key", func(r *Ring) error { _, err := r.Sealer(4, 20_000); return err }},
		{"another grant", func(r *Ring) error { return r.NewGrant(5, "trends") }},
		{"its day key", func(r *Ring) error { _, err := r.Sealer(2, 20_000); return err }},
		{"another day", func(r *Ring) error { _, err := r.Sealer(2, 20_001); return err }},
		{"head", func(r *Ring) error { r.SetHead(3, [32]byte{1, 2, 3}); return r.Sync() }},
		{"discard", func(r *Ring) error { _ = r.Discard(2, 20_000); return r.Sync() }},
		{"pause", func(r *Ring) error { return r.Pause(1_700_000_000_000_000) }},
		{"single days", func(r *Ring) error { _, err := r.DestroyDays(3, 0, 40_000); return err }},
		{"destroy", func(r *Ring) error { return r.Destroy(2) }},
		{"reset", func(r *Ring) error { return r.Reset(nil) }},
	}
}

// cuts lists what may have reached the disk of some pending writes: every prefix, every suffix, all but one, only
// one, and random subsets. Sectors that are written as they were make no difference and are left out.
func cuts(rng *mrand.Rand, durable []byte, written []sectorWrite) [][]sectorWrite {
	var out [][]sectorWrite
	var pending []sectorWrite
	for _, w := range written {
		if !bytes.Equal(durable[w.offset:w.offset+len(w.data)], w.data) {
			pending = append(pending, w)
		}
	}
	for i := range len(pending) + 1 {
		out = append(out, pending[:i], pending[i:])
	}
	for i := range pending {
		out = append(out, pending[i:i+1], append(append([]sectorWrite(nil), pending[:i]...), pending[i+1:]...))
	}
	for range 20 {
		var subset []sectorWrite
		for _, w := range pending {
			if rng.IntN(2) == 0 {
				subset = append(subset, w)
			}
		}
		out = append(out, subset)
	}
	return out
}

// wideDisk is a disk whose slots have content in many sectors.
func wideDisk(t *testing.T) (*disk, *Ring) {
	t.Helper()
	d := newDisk(t)
	r := d.open(t)
	for id := consent.GrantID(1); id <= 3; id++ {
		must(t, r.NewGrant(id, "service"))
		r.content.grants[id].days = manyDays(70)
		r.changes++
	}
	must(t, r.Sync())
	return d, r
}

func TestPowerCutLeavesTheStateBeforeOrAfter(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	d, r := wideDisk(t)
	tried := 0
	for _, s := range powerSteps() {
		before := state(r)
		var images [][]byte
		d.onSync = func(durable []byte, pending []sectorWrite) {
			for _, subset := range cuts(rng, durable, pending) {
				images = append(images, apply(durable, subset))
			}
		}
		must(t, s.do(r))
		d.onSync = nil
		after := state(r)
		for i, image := range images {
			got, repaired := reopen(t, image)
			if now := state(got); now != before && now != after {
				t.Fatalf("%s: after cut %d of %d the ring is in neither state", s.name, i, len(images))
			}
			if !bytes.Equal(repaired.durable[:slotSize], repaired.durable[slotSize:]) {
				t.Fatalf("%s: after cut %d the two slots were not made equal", s.name, i)
			}
			tried++
		}
		if again, _ := reopen(t, d.durable); state(again) != after {
			t.Fatalf("%s: done and yet not durable", s.name)
		}
	}
	if tried < 700 {
		t.Fatalf("only %d cuts were tried", tried)
	}
}

// A second power cut may come while the first one is being repaired.
func TestPowerCutDuringRepair(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(3, 4))
	d, r := wideDisk(t)
	before := state(r)
	var torn [][]byte
	d.onSync = func(durable []byte, pending []sectorWrite) {
		torn = append(torn, apply(durable, pending[:6]), apply(durable, pending[6:]))
	}
	must(t, r.Destroy(1))
	d.onSync = nil
	after := state(r)
	for _, image := range torn {
		second := &disk{durable: append([]byte(nil), image...), failAfter: -1}
		var images [][]byte
		second.onSync = func(durable []byte, pending []sectorWrite) {
			for _, subset := range cuts(rng, durable, pending) {
				images = append(images, apply(durable, subset))
			}
		}
		second.open(t)
		if len(images) == 0 {
			t.Fatal("a torn slot was not repaired")
		}
		for _, again := range images {
			if got, _ := reopen(t, again); state(got) != before && state(got) != after {
				t.Fatal("the ring is in neither state")
			}
		}
	}
}

func TestDestroyedKeysAreInNoByteOfTheFile(t *testing.T) {
	d := newDisk(t)
	r := d.open(t)
	must(t, r.NewGrant(1, "service"))
	must(t, r.NewGrant(2, "trends"))
	for day := range int64(30) {
		_, err := r.Sealer(2, 20_000+day)
		must(t, err)
	}
	secrets := [][]byte{grantSecret(t, r, 2)}
	for day := range int32(30) {
		secrets = append(secrets, daySecret(t, r, 2, 20_000+day))
	}
	for i, s := range secrets {
		if bytes.Count(d.durable, s) != 2 {
			t.Fatalf("secret %d is %d times in the file before, want 2", i, bytes.Count(d.durable, s))
		}
	}
	kept := grantSecret(t, r, 1)
	must(t, r.Destroy(2))
	for i, s := range secrets {
		if bytes.Contains(d.durable, s[:8]) {
			t.Fatalf("secret %d is still in the file", i)
		}
	}
	if bytes.Count(d.durable, kept) != 2 {
		t.Fatal("the other grant's secret is gone")
	}
	must(t, r.DestroyAll())
	if bytes.Contains(d.durable, kept[:8]) || len(r.Grants()) != 0 {
		t.Fatal("DestroyAll left a grant")
	}
}

func TestDestroyWhenTheDiskRefuses(t *testing.T) {
	for fail := range 4 { // first write, first sync, second write, second sync
		d := newDisk(t)
		r := d.open(t)
		must(t, r.NewGrant(1, "service"))
		aead, err := r.Sealer(1, 20_000)
		must(t, err)
		secret := grantSecret(t, r, 1)

		d.failAfter = fail
		if err := r.Destroy(1); err == nil {
			t.Fatalf("fault %d: Destroy said it was done", fail)
		}
		if r.Has(1) {
			t.Fatalf("fault %d: the grant is still there in memory", fail)
		}
		if _, err := aead.Open(nil, make([]byte, 12), make([]byte, 32), nil); err == nil {
			t.Fatalf("fault %d: the cipher still works", fail)
		}
		if got, _ := reopen(t, apply(d.durable, d.pending)); got == nil {
			t.Fatalf("fault %d: the file is lost", fail)
		}
		d.failAfter = -1
		must(t, r.Destroy(1)) // again, though it is gone in memory
		if bytes.Contains(d.durable, secret[:8]) {
			t.Fatalf("fault %d: the secret is still in the file after the second call", fail)
		}
	}
}

func TestFailedGrantAndKeyDoNotExist(t *testing.T) {
	for fail := range 4 {
		d := newDisk(t)
		r := d.open(t)
		must(t, r.NewGrant(1, "service"))
		d.failAfter = fail
		if err := r.NewGrant(2, "trends"); err == nil || r.Has(2) {
			t.Fatalf("fault %d: error %v, has %v", fail, err, r.Has(2))
		}
		d.failAfter = fail
		if _, err := r.Sealer(1, 7); err == nil {
			t.Fatalf("fault %d: a key that is not durable was handed out", fail)
		}
		if _, ok := r.Opener(1, 7); ok {
			t.Fatalf("fault %d: the key is there after the error", fail)
		}
		d.failAfter = -1
		must(t, r.NewGrant(2, "trends"))
		_, err := r.Sealer(1, 7)
		must(t, err)
		if got, _ := reopen(t, d.durable); state(got) != state(r) {
			t.Fatalf("fault %d: the file does not follow", fail)
		}
	}
}
