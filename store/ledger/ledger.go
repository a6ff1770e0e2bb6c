package ledger

import (
	"crypto/cipher"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Keeper holds what the ledger needs outside its own file; the keyring is one. SetHead is called after an entry is
// durable and must not block for long; Head gives back what SetHead was told, possibly before a power cut, or zeros.
type Keeper interface {
	LedgerKey() ed25519.PrivateKey
	LedgerCipher() cipher.AEAD // seals what the file says; nil when the keys are closed
	Head() (count uint64, hash [32]byte)
	SetHead(count uint64, hash [32]byte)
}

// Options say what a ledger works with. All fields are required.
type Options struct {
	Dir  string         // the state directory; it must exist
	Keys Keeper         // the keyring
	Rand io.Reader      // for salts and receipt numbers: crypto/rand.Reader outside tests
	When sensors.Micros // the moment, for entries that opening itself writes
}

// Ledger is an open ledger. All methods are safe for concurrent use; those that return neither an error nor take a
// visitor answer from memory and never wait for the disk. Each method that changes something is one transaction,
// durable when it returns nil. Slices inside results are shared: read them only.
type Ledger struct {
	dir  string
	path string
	keys Keeper
	rand io.Reader

	write    sync.Mutex   // one change at a time; taken before files and mu
	files    sync.RWMutex // db is not replaced while held
	db       *database
	readOnly bool
	stale    bool // a commit failed in a way that leaves memory and file in doubt; used under write

	mu     sync.RWMutex // guards the rest
	broken error        // why the file is not touched any more
	state  state
	ended  map[consent.GrantID]ending // ended in memory, whatever the disk said
}

// ending is when and how a yes ended, and what its entry says.
type ending struct {
	when sensors.Micros
	how  Kind
	body body
}

// Open opens the ledger in the state directory, making it when there is none.
//
// A file that exists and can't be read is a [DamagedError] and is left alone; [ErrInUse] says that another process has
// it. A tail that does not fit the head the keys remember, or new keys, are noted as entries. On a read-only file
// system the ledger opens and everything that would write fails.
func Open(o Options) (*Ledger, error) {
	path := filepath.Join(o.Dir, fileName)
	l := &Ledger{dir: o.Dir, path: path, keys: o.Keys, rand: o.Rand, ended: make(map[consent.GrantID]ending)}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeDatabase(o.Dir, l.fillNew); err != nil {
			return nil, err
		}
	}
	var err error
	l.db, l.readOnly, err = openDatabase(path)
	if err != nil {
		return nil, err
	}
	if err := l.start(o.When); err != nil {
		if errors.Is(err, ErrDamaged) {
			l.db.abandon()
		} else {
			_ = l.db.Close()
		}
		return nil, err
	}
	return l, nil
}

func (l *Ledger) fillNew(db *database) error {
	err := db.Update(func(tx *bolt.Tx) error {
		if err := makeBuckets(tx); err != nil {
			return err
		}
		return l.makeAbout(tx)
	})
	if err != nil {
		return err
	}
	return addRoom(db, firstRoom)
}

// start reads the file into memory and notes what happened to it.
func (l *Ledger) start(when sensors.Micros) error {
	if !l.readOnly {
		err := guard(l.path, "prepare", func() error { return emptyRoom(l.db) })
		if err != nil {
			return err
		}
	}
	s, err := l.load()
	if err != nil {
		return err
	}
	l.state = *s
	if l.readOnly {
		return nil
	}
	return l.noteOpening(when)
}

// load computes the whole state from the file.
func (l *Ledger) load() (*state, error) {
	s := newState()
	err := guard(l.path, "read", func() error {
		return l.db.read(func(tx *bolt.Tx) error {
			for _, read := range []func(*bolt.Tx, *state) error{l.loadAbout, l.loadChain, l.loadStreams, l.loadContexts, l.loadTotals} {
				if err := read(tx, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, l.damaged(err)
	}
	return s, nil
}

// damaged makes whatever was wrong with stored bytes a DamagedError.
func (l *Ledger) damaged(err error) error {
	if errors.Is(err, ErrDamaged) || errors.Is(err, errNoCipher) {
		return err
	}
	return &DamagedError{Path: l.path, What: "it does not make sense", Err: err}
}

// noteOpening begins the chain, or goes on under a new key, and keeps a cut tail on record before the head moves on.
func (l *Ledger) noteOpening(when sensors.Micros) error {
	key, err := l.signer()
	if err != nil {
		return err
	}
	public := publicKey(key)
	count, hash := l.keys.Head()
	sameKey, fits := string(l.state.key) == string(public), l.state.fits(count, hash)
	if sameKey && fits && !l.state.lost {
		// The head may lag behind after a power cut; it never runs ahead.
		l.keys.SetHead(l.state.tail.count, l.state.tail.hash)
		return nil
	}
	if l.state.lost {
		// New keys for which the old ones left something: a change of owner was interrupted, and is ended here.
		due, ok, err := l.bequest()
		if err != nil {
			return l.damaged(err)
		}
		if ok {
			return l.resetTo(due, when)
		}
		if err := guard(l.path, "copy", l.keepSealed); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	found := l.state.tail.count
	return l.change(always, func(c *change) error {
		lost := c.l.state.lost
		if lost {
			if err := c.forget(); err != nil {
				return err
			}
		}
		if !sameKey || lost {
			if err := c.begin(when, public, lost); err != nil {
				return err
			}
		}
		if fits {
			return nil
		}
		return c.add(when, Gap, 0, &body{
			Text: fmt.Sprintf("the end of the ledger is not the one the keys remember: they know of %d entries, the file had %d", count, found),
			Cut:  &cutTail{Count: count, Hash: hash, Found: found},
		})
	})
}

// priority says whether a change may use the room kept for withdrawals.
type priority bool

const (
	always priority = true
	later  priority = false
)

// change is one transaction under way.
type change struct {
	l    *Ledger
	tx   *bolt.Tx
	tail tail
	key  []byte // the public key that signs at the tail
	done []func(*state)
}

// after has fn change the state in memory once the transaction is durable.
func (c *change) after(fn func(*state)) { c.done = append(c.done, fn) }

// errNothing ends a transaction that turned out to have nothing to write; for the caller that is success.
var errNothing = errors.New("nothing to write")

// change runs fn as one durable transaction and then brings memory and the head up to date.
func (l *Ledger) change(p priority, fn func(*change) error) error {
	l.write.Lock()
	defer l.write.Unlock()
	return l.changeLocked(p, fn)
}

func (l *Ledger) changeLocked(p priority, fn func(*change) error) error {
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.refresh(); err != nil {
		return err
	}
	c := &change{l: l, tail: l.state.tail, key: l.state.key}
	var written uint64
	var mine error // an error of fn, which leaves nothing in doubt
	err := guard(l.path, "write", func() error {
		if err := l.db.check(); err != nil {
			return err
		}
		if p == later && !l.readOnly {
			if err := l.ensureRoom(); err != nil {
				mine = err
				return err
			}
		}
		return l.db.Update(func(tx *bolt.Tx) error {
			c.tx, written = tx, uint64(tx.ID())
			mine = fn(c)
			return mine
		})
	})
	if errors.Is(mine, errNothing) {
		return nil
	}
	if err != nil {
		if errors.Is(err, ErrDamaged) && mine == nil {
			l.setBroken(err)
		} else if mine == nil {
			l.stale = true
			err = fmt.Errorf("ledger: write %s: %w", l.path, err)
		}
		return err
	}
	l.db.newest.Store(written)
	l.mu.Lock()
	moved := c.tail != l.state.tail
	l.state.tail = c.tail
	for _, fn := range c.done {
		fn(&l.state)
	}
	l.mu.Unlock()
	if moved {
		l.keys.SetHead(c.tail.count, c.tail.hash)
	}
	return nil
}

// refresh reads the state anew after a commit that may or may not have reached the file.
func (l *Ledger) refresh() error {
	if !l.stale {
		return nil
	}
	s, err := l.load()
	if err != nil {
		l.setBroken(err)
		return err
	}
	l.mu.Lock()
	l.state = *s
	l.mu.Unlock()
	l.stale = false
	l.keys.SetHead(s.tail.count, s.tail.hash)
	return nil
}

// view runs fn on the file as it is. fn must be short: no caller's code runs in it, since a reader that lasts keeps the
// file from using its free pages.
func (l *Ledger) view(fn func(*bolt.Tx) error) error {
	l.files.RLock()
	defer l.files.RUnlock()
	if err := l.usable(); err != nil {
		return err
	}
	err := guard(l.path, "read", func() error { return l.db.read(fn) })
	if errors.Is(err, ErrDamaged) {
		l.setBroken(err)
	}
	return err
}

func (l *Ledger) usable() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.broken
}

// setBroken has every later call fail with err: after a panic bbolt's locks can't be trusted.
func (l *Ledger) setBroken(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
	}
}

// Close closes the file. Later calls that need it are [ErrClosed].
func (l *Ledger) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	l.files.Lock()
	defer l.files.Unlock()
	was := l.usable()
	if errors.Is(was, ErrClosed) {
		return was
	}
	l.mu.Lock()
	l.broken = ErrClosed
	l.mu.Unlock()
	if was != nil {
		l.db.abandon()
		return nil
	}
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("ledger: close: %w", err)
	}
	return nil
}
