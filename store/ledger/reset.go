package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Reset begins a new ledger in the place of the old one, of which nothing is kept but the deletion requests that no
// recipient has acknowledged: they go on being due, without a word of whose they were. Reset the keys before: what the
// old file said can't be read any more then, whether this succeeds or not.
func (l *Ledger) Reset(when sensors.Micros) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	var due []Stream
	for _, s := range l.Streams() {
		if s.DeletionDue && !s.DeletionDone {
			due = append(due, Stream{Recipient: s.Recipient, Epoch: s.Epoch, Name: s.Name, Deletion: s.Deletion})
		}
	}
	if err := makeDatabase(l.dir, l.fillNew); err != nil {
		return err
	}
	if err := l.reopen(when); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(l.dir, sealedName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	errs := []error{err}
	for _, s := range due {
		errs = append(errs, l.addDue(s, when))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("ledger: begin anew: %w", err)
	}
	return nil
}

// reopen takes the new file, whose name the old one has lost. The caller holds l.write.
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

// addDue adds a stream of which nothing is left but a deletion request. The caller holds l.write.
func (l *Ledger) addDue(s Stream, when sensors.Micros) error {
	return l.changeLocked(always, func(c *change) error {
		n, err := c.tx.Bucket([]byte(streamBucket)).NextSequence()
		if err != nil {
			return err
		}
		s.Number, s.Offered, s.Closed, s.ClosedAt, s.DeletionDue, s.DeletionDueAt = uint32(n), true, true, when, true, when
		if err := c.putPaper(s.Number, deletionPaper, s.Deletion); err != nil {
			return err
		}
		return c.putStream(s)
	})
}
