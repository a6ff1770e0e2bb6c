package ledger

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// MaxClock is the longest that is kept about clocks, in bytes.
const MaxClock = 64 << 10

// Clock reads what [Ledger.SetClock] kept last; nil when that was nothing. It reads the file: ask once, at the start.
func (l *Ledger) Clock() ([]byte, error) {
	var out []byte
	err := l.view(func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte(clockBucket))
		if bucket == nil { // a read-only file of before
			return nil
		}
		key := []byte{0}
		stored := bucket.Get(key)
		if stored == nil {
			return nil
		}
		value, err := unguarded(key, stored)
		out = slices.Clone(value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read what is kept about clocks: %w", err)
	}
	return out, nil
}

// SetClock keeps what the object knows of its clocks, in the form of whoever asks: the ledger is where it lies, no more.
func (l *Ledger) SetClock(b []byte) error {
	if len(b) > MaxClock {
		return fmt.Errorf("ledger: about clocks at most %d bytes are kept", MaxClock)
	}
	err := l.change(later, func(c *change) error {
		key := []byte{0}
		c.after(func(*state) {})
		return c.tx.Bucket([]byte(clockBucket)).Put(key, guarded(key, slices.Clone(b)))
	})
	if err != nil {
		return fmt.Errorf("ledger: keep what is known of the clocks: %w", err)
	}
	return nil
}
