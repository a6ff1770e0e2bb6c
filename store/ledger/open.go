package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/candor-edge/candor/store/pages"
)

const (
	fileName = "ledger.db"
	tempName = "ledger.db.new"

	lockTimeout = time.Second // for the file of another process
	pageSize    = pages.Size
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
	path   string
	file   *os.File
	newest atomic.Uint64 // bbolt's number of the last transaction that was seen to be in the file
	looked atomic.Int64  // when its trees were looked at for reading, nanoseconds since opened
	opened time.Time
}

// A walk through the ledger is many short transactions: what they read is looked at once in so long.
const lookAgain = time.Second

// check tells whether bbolt can be trusted to write. It never is with a page that has rotted meanwhile: it might go round for ever, take
// gigabytes for a value, or write far behind the file's end. Nobody else may write.
func (db *database) check() error {
	info, err := db.file.Stat()
	if err != nil {
		return fmt.Errorf("look at the file: %w", err)
	}
	tx, err := pages.Check(db.file, info.Size())
	if err == nil && tx < db.newest.Load() {
		err = pages.Damaged("it shows transaction %d, there was %d", tx, db.newest.Load())
	}
	if err != nil {
		return &DamagedError{Path: db.path, What: "its pages", Err: err}
	}
	db.newest.Store(tx)
	return nil
}

// read runs fn in a transaction that reads, if bbolt can be trusted with what that shows.
func (db *database) read(fn func(*bolt.Tx) error) error {
	return db.View(func(tx *bolt.Tx) error {
		if now := int64(time.Since(db.opened)); db.looked.Load() == 0 || now-db.looked.Load() > int64(lookAgain) {
			root, all := uint64(tx.Cursor().Bucket().Root()), uint64(tx.Size())/pageSize
			if err := pages.CheckTrees(db.file, root, all); err != nil {
				return &DamagedError{Path: db.path, What: "its pages", Err: err}
			}
			db.looked.Store(now)
		}
		return fn(tx)
	})
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
	if err := checkFile(path, info.Size()); err != nil {
		return nil, false, err
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

// checkFile is check for a file that bbolt has not opened yet. Nobody may be writing it: it waits for bbolt's lock, as bbolt does.
func checkFile(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("ledger: open %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // and with it the lock
	for began := time.Now(); ; time.Sleep(lockTimeout / 20) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("ledger: lock %s: %w", path, err)
		}
		if time.Since(began) > lockTimeout {
			return fmt.Errorf("ledger: open %s: %w", path, ErrInUse)
		}
	}
	if _, err := pages.Check(f, size); err != nil {
		return &DamagedError{Path: path, What: "its pages", Err: err}
	}
	return nil
}

func openBolt(path string, readOnly bool) (*database, error) {
	db := &database{path: path, opened: time.Now()}
	err := guard(path, "open", func() (err error) {
		db.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout:      lockTimeout,
			PageSize:     pageSize,
			FreelistType: bolt.FreelistMapType,
			ReadOnly:     readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				if db.file == nil { // later ones are copies that it writes
					db.file = f
				}
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
