package keyring

import (
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/candor-edge/candor/store/consent"
)

var errDisk = errors.New("injected disk fault")

const sector = 512

// disk is a file whose writes are durable only after a sync: until then any subset of the sectors written may be lost.
type disk struct {
	mu      sync.Mutex
	durable []byte
	pending []sectorWrite

	failAfter int // calls of WriteAt and Sync until they fail; negative: never
	onSync    func(durable []byte, pending []sectorWrite)
}

type sectorWrite struct {
	offset int
	data   []byte
}

func (d *disk) fault() error {
	if d.failAfter == 0 {
		return errDisk
	}
	if d.failAfter > 0 {
		d.failAfter--
	}
	return nil
}

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := copy(p, apply(d.durable, d.pending)[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if int(off)+len(p) > len(d.durable) {
		return 0, errors.New("write past the end: the file would need new space")
	}
	failing := d.fault()
	for at := 0; at < len(p); at += sector {
		if failing != nil && at > len(p)/2 {
			return at, failing // half of it got through
		}
		d.pending = append(d.pending, sectorWrite{int(off) + at, append([]byte(nil), p[at:min(at+sector, len(p))]...)})
	}
	return len(p), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.onSync != nil {
		d.onSync(d.durable, d.pending)
	}
	if err := d.fault(); err != nil {
		return err
	}
	d.durable = apply(d.durable, d.pending)
	d.pending = nil
	return nil
}

func apply(image []byte, writes []sectorWrite) []byte {
	out := append([]byte(nil), image...)
	for _, w := range writes {
		copy(out[w.offset:], w.data)
	}
	return out
}

// newDisk is a disk with a fresh key file on it.
func newDisk(t testing.TB) *disk {
	t.Helper()
	fresh, err := newContent(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	image := make([]byte, fileSize)
	if err := encodeSlot(image[:slotSize], 1, fresh); err != nil {
		t.Fatal(err)
	}
	copy(image[slotSize:], image[:slotSize])
	return &disk{durable: image, failAfter: -1}
}

// open opens the ring on a disk.
func (d *disk) open(t testing.TB) *Ring {
	t.Helper()
	r, err := load(d, fileSize, "keys", rand.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reopen opens a copy of an image, as after a power cut.
func reopen(t testing.TB, image []byte) (*Ring, *disk) {
	t.Helper()
	d := &disk{durable: append([]byte(nil), image...), failAfter: -1}
	return d.open(t), d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grantSecret and daySecret reach into the ring, as nothing outside can.
func grantSecret(t testing.TB, r *Ring, id consent.GrantID) []byte {
	t.Helper()
	g := r.content.grants[id]
	if g == nil {
		t.Fatalf("no grant %d", id)
	}
	return append([]byte(nil), g.secret.bytes()...)
}

func daySecret(t testing.TB, r *Ring, id consent.GrantID, day int32) []byte {
	t.Helper()
	k := r.content.grants[id].days[day]
	if k == nil {
		t.Fatalf("no key of grant %d for day %d", id, day)
	}
	return append([]byte(nil), k.secret.bytes()...)
}

// state is the ring's content as bytes, to compare.
func state(r *Ring) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return string(r.content.appendContent(nil))
}
