package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Reset begins a new ledger in the place of the old one, of which nothing is kept but the deletion requests that no
// recipient has acknowledged: they go on being due, without a word of whose they were. Reset the keys before: what the
// old file said can't be read any more then, whether this succeeds or not. The new file takes the old one's place in one
// rename with the requests in it; [Ledger.Bequeath] has them outlive an interruption before that.
func (l *Ledger) Reset(when sensors.Micros) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	return l.resetTo(l.dueNow(), when)
}

// resetTo makes a new file that knows of nothing but these deletion requests. The caller holds l.write, or is the only one.
func (l *Ledger) resetTo(due []left, when sensors.Micros) error {
	err := makeDatabase(l.dir, func(db *database) error {
		if err := l.fillNew(db); err != nil {
			return err
		}
		return db.Update(func(tx *bolt.Tx) error { return l.inherit(tx, due, when) })
	})
	if err != nil {
		return fmt.Errorf("ledger: begin anew: %w", err)
	}
	if err := l.reopen(when); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(l.dir, sealedName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ledger: begin anew: %w", err)
	}
	return nil
}

// reopen takes the new file, whose name the old one has lost. The caller holds l.write, or is the only one.
func (l *Ledger) reopen(when sensors.Micros) error {
	l.files.Lock()
	defer l.files.Unlock()
	old := l.db
	fresh, _, err := openDatabase(l.path)
	if err != nil {
		l.setBroken(err)
		return fmt.Errorf("ledger: open the new file: %w", err)
	}
	l.db = fresh
	_ = old.Close() // it has no name any more
	s, err := l.load()
	if err != nil {
		l.setBroken(err)
		return err
	}
	l.mu.Lock()
	l.state, l.ended = *s, make(map[consent.GrantID]ending)
	l.mu.Unlock()
	key, err := l.signer()
	if err != nil {
		return err
	}
	return l.changeLocked(always, func(c *change) error { return c.begin(when, publicKey(key), false) })
}
