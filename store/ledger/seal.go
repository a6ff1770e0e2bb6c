package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const nonceSize = 12

var (
	errSealed   = errors.New("it was changed, or sealed under another key")
	errNoCipher = errors.New("ledger: there is no key to seal with: the keyring is closed")
)

// lock seals a value of the file: whoever has the file without the keys learns nothing from it, and a value that is moved
// to another place opens no more. The nonce is random, which is safe for 2^32 values under a key.
func (l *Ledger) lock(bucket string, key, plain []byte) ([]byte, error) {
	c := l.keys.LedgerCipher()
	if c == nil {
		return nil, errNoCipher
	}
	out := make([]byte, nonceSize, nonceSize+len(plain)+c.Overhead())
	if _, err := io.ReadFull(l.rand, out); err != nil {
		return nil, fmt.Errorf("ledger: read randomness: %w", err)
	}
	return c.Seal(out, out, plain, place(bucket, key)), nil
}

// unlock opens a sealed value; nil is opened to nil, a value that is not there.
func (l *Ledger) unlock(bucket string, key, stored []byte) ([]byte, error) {
	if stored == nil {
		return nil, nil
	}
	c := l.keys.LedgerCipher()
	if c == nil {
		return nil, errNoCipher
	}
	if len(stored) < nonceSize+c.Overhead() {
		return nil, errSealed
	}
	plain, err := c.Open(nil, stored[:nonceSize], stored[nonceSize:], place(bucket, key))
	if err != nil {
		return nil, errSealed
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}

// place is where a value lies. Names of buckets hold no zero byte.
func place(bucket string, key []byte) []byte {
	return append(append([]byte(bucket), 0), key...)
}

// put stores a sealed value.
func (c *change) put(bucket string, key, plain []byte) error {
	sealed, err := c.l.lock(bucket, key, plain)
	if err != nil {
		return err
	}
	return c.tx.Bucket([]byte(bucket)).Put(key, sealed)
}

// The about bucket says how the file is to be read.
const (
	fileVersion = 2
	versionKey  = "version" // one byte
	sealKey     = "seal"    // an empty value, sealed: whether the keys are those the file was written with
)

// makeAbout marks a new file.
func (l *Ledger) makeAbout(tx *bolt.Tx) error {
	if err := tx.Bucket([]byte(aboutBucket)).Put([]byte(versionKey), []byte{fileVersion}); err != nil {
		return err
	}
	return l.markSeal(tx)
}

// markSeal notes that the file is sealed under the present key.
func (l *Ledger) markSeal(tx *bolt.Tx) error {
	sealed, err := l.lock(aboutBucket, []byte(sealKey), nil)
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(aboutBucket)).Put([]byte(sealKey), sealed)
}

// loadAbout refuses a file of another version, and finds out whether its content can be read with the present keys.
func (l *Ledger) loadAbout(tx *bolt.Tx, s *state) error {
	about := tx.Bucket([]byte(aboutBucket))
	if about == nil {
		return fmt.Errorf("it is of version 1, this program reads version %d only", fileVersion)
	}
	if v := about.Get([]byte(versionKey)); len(v) != 1 || v[0] != fileVersion {
		return fmt.Errorf("it is of another version, this program reads version %d only", fileVersion)
	}
	_, err := l.unlock(aboutBucket, []byte(sealKey), about.Get([]byte(sealKey)))
	if errors.Is(err, errNoCipher) {
		return err
	}
	s.lost = err != nil
	return nil
}

// lostBuckets hold what nobody can read once the keys are gone, and what means nothing without it.
func lostBuckets() []string {
	return []string{bodyBucket, streamBucket, paperBucket, contextBucket, sentBucket, seenBucket, totalBucket}
}

// sealedName is what a file is kept as that can't be read any more because the keys are new.
const sealedName = "ledger.db.sealed"

// keepSealed copies the file before what can't be read is taken out of it: whoever named a wrong key directory by mistake
// can put it back.
func (l *Ledger) keepSealed() error {
	path := filepath.Join(l.dir, sealedName)
	err := l.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path+".new", 0o600) })
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("keep the file as it was: %w", err)
	}
	return syncDir(l.dir)
}

// forget empties what was sealed under keys that are gone. Numbers of streams go on rising.
func (c *change) forget() error {
	for _, name := range lostBuckets() {
		bucket := c.tx.Bucket([]byte(name))
		cursor := bucket.Cursor()
		for k, _ := cursor.First(); k != nil; k, _ = cursor.First() {
			if err := bucket.Delete(k); err != nil {
				return err
			}
		}
	}
	c.after(func(s *state) { s.lost = false })
	return c.l.markSeal(c.tx)
}
