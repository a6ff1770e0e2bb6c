package ledger

import (
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const (
	firstRoom  = 512 << 10 // free pages made with the file
	moreRoom   = 256 << 10 // and whenever they run low
	leastPages = 48        // free pages below which only withdrawals and their like are written
	compactTx  = 256 << 10 // bytes a transaction of a rewriting
)

// addRoom makes the file have that many more bytes of free pages, really written, so that a full disk does not matter
// to whoever uses them.
func addRoom(db *database, size int) error {
	filler := make([]byte, size)
	for i := range filler {
		filler[i] = byte(i*7 + i>>8) // zeros might be stored as a hole
	}
	err := db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(roomBucket)).Put([]byte{0}, filler)
	})
	if err != nil {
		return err
	}
	return emptyRoom(db)
}

// emptyRoom deletes the filler; also what a power cut between the two steps left.
func emptyRoom(db *database) error {
	return db.Update(func(tx *bolt.Tx) error {
		room := tx.Bucket([]byte(roomBucket))
		if room == nil {
			return nil // no file of ours: reading it says so
		}
		return room.Delete([]byte{0})
	})
}

// ensureRoom keeps the reserve for withdrawals up before something less important is written.
func (l *Ledger) ensureRoom() error {
	stats := l.db.Stats()
	if stats.FreePageN+stats.PendingPageN >= leastPages {
		return nil
	}
	if err := addRoom(l.db, moreRoom); err != nil {
		return fmt.Errorf("%w (%w)", ErrNoRoom, err)
	}
	return nil
}

// rewrite copies everything that is still there into a new file, so that no free page holds what was deleted. The
// caller holds l.write. On an error the old file stays in use.
func (l *Ledger) rewrite() error {
	dir := filepath.Dir(l.path)
	err := makeDatabase(dir, func(fresh *database) error {
		if err := l.db.check(); err != nil {
			return err
		}
		if err := bolt.Compact(fresh.DB, l.db.DB, compactTx); err != nil {
			return err
		}
		return addRoom(fresh, firstRoom)
	})
	if err != nil {
		return err
	}
	// The old file has lost its name: from here on there is only the new one.
	l.files.Lock()
	defer l.files.Unlock()
	old := l.db
	fresh, _, err := openDatabase(l.path)
	if err != nil {
		l.setBroken(err)
		return fmt.Errorf("ledger: open the rewritten file: %w", err)
	}
	l.db = fresh
	if err := old.Close(); err != nil {
		return fmt.Errorf("ledger: close the old file: %w", err)
	}
	return nil
}

// Size is the file's length in bytes.
func (l *Ledger) Size() (int64, error) {
	info, err := os.Stat(filepath.Join(l.dir, fileName))
	if err != nil {
		return 0, fmt.Errorf("ledger: look at the file: %w", err)
	}
	return info.Size(), nil
}
