package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	fileName = "ledger.db"
	tempName = "ledger.db.new"
	pageSize = 4096
)

// The buckets of the file; see the package comment.
const (
	chainBucket   = "chain"
	bodyBucket    = "bodies"
	streamBucket  = "streams"
	paperBucket   = "papers"
	contextBucket = "contexts"
	sentBucket    = "sent"
	seenBucket    = "seen"
	totalBucket   = "totals"
	roomBucket    = "room"
	aboutBucket   = "about"
	clockBucket   = "clock"
	leftBucket    = "left" // only between the new keys and the new file of a hand-over
)

func bucketNames() []string {
	return []string{chainBucket, bodyBucket, streamBucket, paperBucket, contextBucket, sentBucket, seenBucket, totalBucket, roomBucket, aboutBucket, clockBucket}
}

// database is a bbolt file that can be given up: when bbolt panics it may keep its own locks, so it is not touched
// again, and the file is closed directly.
type database struct {
	*bolt.DB
	path string
	file *os.File
}

// guard runs fn so that damage in the file, which bbolt meets with panics and faults, is an error.
func guard(path, what string, fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if p := recover(); p != nil {
			err = &DamagedError{Path: path, What: fmt.Sprintf("%s: %v", what, p)}
		}
	}()
	return fn()
}

// openDatabase opens an existing file; readOnly is true when the file system allows no more.
func openDatabase(path string) (db *database, readOnly bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, fmt.Errorf("ledger: look at the file: %w", err)
	}
	// bbolt would take an empty file for a new one.
	if info.Size() < 4*pageSize {
		return nil, false, &DamagedError{Path: path, What: fmt.Sprintf("it has only %d bytes", info.Size())}
	}
	db, err = openBolt(path, false)
	if errors.Is(err, syscall.EROFS) {
		readOnly = true
		db, err = openBolt(path, true)
	}
	switch {
	case err == nil:
		return db, readOnly, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, false, fmt.Errorf("ledger: open %s: %w", path, ErrInUse)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, false, &DamagedError{Path: path, What: "it is no ledger", Err: err}
	case errors.Is(err, ErrDamaged):
		return nil, false, err
	}
	return nil, false, fmt.Errorf("ledger: open %s: %w", path, err)
}

func openBolt(path string, readOnly bool) (*database, error) {
	db := &database{path: path}
	err := guard(path, "open", func() (err error) {
		db.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout:      time.Second,
			PageSize:     pageSize,
			FreelistType: bolt.FreelistMapType,
			ReadOnly:     readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				db.file = f
				return f, err
			},
		})
		if err != nil || readOnly {
			return err
		}
		// bbolt counts its free pages at the end of a write transaction only.
		tx, err := db.Begin(true)
		if err != nil {
			return err
		}
		return tx.Rollback()
	})
	if err != nil {
		db.abandon()
		return nil, err
	}
	return db, nil
}

// abandon closes the file behind bbolt's back, for when bbolt panicked.
func (db *database) abandon() {
	if db.file != nil {
		_ = db.file.Close()
	}
}

// make makes a new file under a temporary name, with fill to write into it, and renames it: bbolt's very first writes
// would not survive a power cut.
func makeDatabase(dir string, fill func(*database) error) error {
	temp := filepath.Join(dir, tempName)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ledger: remove what a cut left behind: %w", err)
	}
	db, err := openBolt(temp, false)
	if err != nil {
		return fmt.Errorf("ledger: make %s: %w", temp, err)
	}
	err = guard(temp, "fill", func() error { return fill(db) })
	if err == nil {
		err = db.Close()
	} else {
		db.abandon()
	}
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, fileName))
	}
	if err != nil {
		_ = os.Remove(temp)
		return fmt.Errorf("ledger: make %s: %w", filepath.Join(dir, fileName), err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("ledger: open the state directory: %w", err)
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("ledger: sync the state directory: %w", err)
	}
	return nil
}

// makeBuckets makes what is missing.
func makeBuckets(tx *bolt.Tx) error {
	for _, name := range bucketNames() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	return nil
}
