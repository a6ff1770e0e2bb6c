package keyring

import (
	"crypto/cipher"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/candor-edge/candor/store/consent"
)

// MaxPurpose is the longest purpose id in bytes that a grant can have.
const MaxPurpose = 64

// Ring is an open key file. All methods are safe for concurrent use. Those that only read never wait for the disk.
type Ring struct {
	write sync.Mutex // one writer of the file at a time; taken before mu

	// Used by whoever holds write.
	path       string
	file       slotFile
	closer     io.Closer
	readOnly   error // why nothing can be written; nil normally
	rand       io.Reader
	active     int // the slot known to hold what was last made durable
	generation uint64
	buf        []byte

	mu      sync.RWMutex // guards the rest
	content content
	changes uint64 // counts changes of content
	saved   uint64 // changes when the file was last brought up to date
	closed  bool
}

// Open opens the key file in dir, making the directory and the file when missing. rand gives every secret of the ring:
// crypto/rand.Reader outside tests; it is read under a lock.
//
// A file that exists and can't be read is a [DamagedError] and is left alone; [ErrInUse] says that another process has
// it. When the last power cut interrupted an update, it is finished or undone here. On a read-only file system the
// ring opens and every call that would write fails.
func Open(dir string, rand io.Reader) (*Ring, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	locked, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	f, readOnly, err := openFile(dir, locked, rand)
	if err != nil {
		_ = locked.Close()
		return nil, err
	}
	closer := closers{f, locked}
	info, err := f.Stat()
	if err != nil {
		_ = closer.Close()
		return nil, fmt.Errorf("keyring: look at the key file: %w", err)
	}
	r, err := load(f, info.Size(), filepath.Join(dir, fileName), rand, readOnly)
	if err != nil {
		_ = closer.Close()
		return nil, err
	}
	r.closer = closer
	return r, nil
}

// load reads the file and brings a slot that lags behind up to date.
func load(f slotFile, size int64, path string, rand io.Reader, readOnly error) (*Ring, error) {
	c, generation, active, same, err := readSlots(f, size, path)
	if err != nil {
		return nil, err
	}
	r := &Ring{path: path, file: f, rand: rand, readOnly: readOnly, active: active, generation: generation,
		buf: make([]byte, slotSize), content: *c}
	if !same {
		// The older slot may hold what was destroyed. If it can't be rewritten now, the next write does it.
		r.changes++
		_ = r.save()
	}
	return r, nil
}

// save makes the present content durable in both slots. The caller holds r.write but not r.mu.
func (r *Ring) save() error {
	r.mu.RLock()
	closed, changes := r.closed, r.changes
	var err error
	if !closed {
		err = encodeSlot(r.buf, r.generation+1, &r.content)
	}
	r.mu.RUnlock()
	defer clear(r.buf)
	switch {
	case closed:
		return ErrClosed
	case err != nil:
		return err
	case r.readOnly != nil:
		return fmt.Errorf("keyring: %s can't be written: %w", r.path, r.readOnly)
	}
	r.generation++
	// The newest good slot stays untouched until the other one is durable.
	other := 1 - r.active
	if err := r.put(other); err != nil {
		return err
	}
	r.active = other
	if err := r.put(1 - other); err != nil {
		return err
	}
	r.mu.Lock()
	r.saved = changes
	r.mu.Unlock()
	return nil
}

func (r *Ring) put(slot int) error {
	if _, err := r.file.WriteAt(r.buf, int64(slot)*slotSize); err != nil {
		return fmt.Errorf("keyring: write %s: %w", r.path, err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("keyring: sync %s: %w", r.path, err)
	}
	return nil
}

// NewGrant makes the secret of a new grant and makes it durable before it returns. purpose is the policy's id, at most
// [MaxPurpose] bytes. The number must be higher than any used before, see [Ring.Highest]. After an error the grant
// does not exist.
func (r *Ring) NewGrant(id consent.GrantID, purpose string) error {
	if purpose == "" || len(purpose) > MaxPurpose {
		return fmt.Errorf("keyring: grant %d: a purpose id has 1 to %d bytes", id, MaxPurpose)
	}
	r.write.Lock()
	defer r.write.Unlock()
	s, err := newSecret(r.rand)
	if err != nil {
		return err
	}
	r.mu.Lock()
	before := r.content.highest
	switch {
	case r.closed:
		err = ErrClosed
	case id <= r.content.highest:
		err = fmt.Errorf("this number or a higher one was used before (highest %d)", r.content.highest)
	case len(r.content.grants) >= maxGrants || r.content.size()+grantSize+len(purpose) > capacity:
		err = ErrFull
	default:
		r.content.grants[id] = &grant{purpose: purpose, secret: s, days: make(map[int32]*dayKey)}
		r.content.highest = id
		r.changes++
	}
	r.mu.Unlock()
	if err != nil {
		return fmt.Errorf("keyring: new grant %d: %w", id, err)
	}
	if err := r.save(); err != nil {
		r.forget(id)
		r.mu.Lock()
		r.content.highest = before // so that the same number can be tried again
		r.mu.Unlock()
		return fmt.Errorf("keyring: new grant %d: %w", id, err)
	}
	return nil
}

// Has says whether the grant's secret exists.
func (r *Ring) Has(id consent.GrantID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.content.grants[id] != nil
}

// Grants lists the grants whose secret exists, in rising order.
func (r *Ring) Grants() []consent.GrantID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.content.ids()
}

// Highest is the highest grant number ever used here, 0 when none was.
func (r *Ring) Highest() consent.GrantID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.content.highest
}

// Destroy destroys the grant's secret and all its day keys: in memory at once, ciphers already handed out included,
// and in both copies of the file before it returns nil. It needs no disk space. Destroying what is not there succeeds.
//
// An error says that the file still holds the keys. They stay destroyed in memory; call Destroy again, or any method
// that writes, to have the file follow.
func (r *Ring) Destroy(id consent.GrantID) error {
	r.forget(id)
	if err := r.Sync(); err != nil {
		return fmt.Errorf("keyring: destroy the keys of grant %d: %w", id, err)
	}
	return nil
}

// DestroyAll is [Ring.Destroy] for every grant, in one write. The ledger key and head stay.
func (r *Ring) DestroyAll() error {
	for _, id := range r.Grants() {
		r.forget(id)
	}
	if err := r.Sync(); err != nil {
		return fmt.Errorf("keyring: destroy all keys: %w", err)
	}
	return nil
}

// Reset destroys everything, the keys of the ledger and its head included, and starts with new ones: the object changes
// hands, and the next owner's receipts must not be tied to the last one's. A pause ends. Grant numbers go on rising.
// Like [Ring.Destroy] it holds in memory from the first moment, and an error says that the file does not follow yet.
//
// bequeath, which may be nil, is called before anything is destroyed with the cipher that will seal the next ledger: what it
// makes durable under it can be read after a crash at any later moment. It must not call methods of the ring that write.
func (r *Ring) Reset(bequeath func(cipher.AEAD)) error {
	r.write.Lock()
	defer r.write.Unlock()
	fresh, err := newContent(r.rand)
	if err != nil {
		return err
	}
	if bequeath != nil {
		bequeath(box{fresh.ledger})
	}
	for _, id := range r.Grants() {
		r.forget(id)
	}
	r.mu.Lock()
	if !r.closed {
		r.content.wipe()
		fresh.highest = r.content.highest
		r.content = *fresh
		r.changes++
	}
	r.mu.Unlock()
	if err := r.save(); err != nil {
		return fmt.Errorf("keyring: reset: %w", err)
	}
	return nil
}

// forget destroys a grant in memory.
func (r *Ring) forget(id consent.GrantID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.content.grants[id]; g != nil {
		g.wipe()
		delete(r.content.grants, id)
		r.changes++
	}
}

// LedgerKey signs the ledger. The result is a plain key that printers do show: use it where it is asked for, keep it
// in nothing that is logged. It is nil once the ring is closed.
func (r *Ring) LedgerKey() ed25519.PrivateKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil
	}
	return ed25519.NewKeyFromSeed(r.content.seed.bytes())
}

// LedgerCipher seals what the ledger says, so that a copy of its file tells nothing without the keys. It is nil once the
// ring is closed. After [Ring.Reset] the one handed out before opens nothing any more.
func (r *Ring) LedgerCipher() cipher.AEAD {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil
	}
	return box{r.content.ledger}
}

// Head is what [Ring.SetHead] was last told: how many entries the ledger had and the hash of the last one. Zero when
// it was never told.
func (r *Ring) Head() (count uint64, hash [32]byte) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.content.count, r.content.head
}

// SetHead remembers the end of the ledger. It does not wait for the disk: the head becomes durable with the next
// write, [Ring.Sync] or [Ring.Close].
func (r *Ring) SetHead(count uint64, hash [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && (r.content.count != count || r.content.head != hash) {
		r.content.count, r.content.head = count, hash
		r.changes++
	}
}

// Sync makes durable what is not yet. It costs nothing when nothing changed.
func (r *Ring) Sync() error {
	r.write.Lock()
	defer r.write.Unlock()
	return r.syncLocked()
}

func (r *Ring) syncLocked() error {
	r.mu.RLock()
	clean, closed := r.changes == r.saved, r.closed
	r.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	if clean {
		return nil
	}
	return r.save()
}

// Close makes durable what is not yet, wipes the secrets from memory and gives the directory free. Ciphers handed out
// before stop working. Closing twice is [ErrClosed].
func (r *Ring) Close() error {
	r.write.Lock()
	defer r.write.Unlock()
	err := r.syncLocked()
	if errors.Is(err, ErrClosed) {
		return err
	}
	r.mu.Lock()
	r.closed = true
	r.content.wipe()
	r.content.grants = nil
	r.mu.Unlock()
	if r.closer != nil {
		if cerr := r.closer.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("keyring: close %s: %w", r.path, cerr)
		}
	}
	return err
}

// Format implements fmt.Formatter: the ring is not shown.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[keyring]")) }

// LogValue implements slog.LogValuer: the ring is not shown.
func (r *Ring) LogValue() slog.Value { return slog.StringValue("[keyring]") }
