package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	fileName = "keys"
	tempName = "keys.new"
)

// slotFile is the key file as the ring uses it. After a successful Sync everything written before it is durable.
type slotFile interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// closers closes in order and reports the first error.
type closers []io.Closer

func (cs closers) Close() error {
	var first error
	for _, c := range cs {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// prepareDir makes the directory, or checks that nobody else can put a file into it.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keyring: make the key directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("keyring: look at the key directory: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("keyring: look into the key directory: %w", err)
	}
	ours := true
	for _, n := range names {
		ours = ours && (n.Name() == fileName || n.Name() == tempName)
	}
	if ours {
		// It holds nothing but keys, so closing it to others can't break anything else.
		if err := os.Chmod(dir, 0o700); err == nil || errors.Is(err, syscall.EROFS) {
			return nil
		}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("keyring: others may write to %s: give the keys a directory of their own with mode 0700", dir)
	}
	return nil
}

// lockDir takes the directory's lock, which lasts until the result is closed. The directory is locked and not the
// file, so that two programs can't both make the file.
func lockDir(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("keyring: open the key directory: %w", err)
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("keyring: %s: %w", dir, ErrInUse)
		}
		return nil, fmt.Errorf("keyring: lock %s: %w", dir, err)
	}
	return d, nil
}

// openFile opens the key file of a locked directory, making it first when there is none. On a read-only file system
// the file is opened for reading and readOnly is the reason.
func openFile(dir string, locked *os.File, rand io.Reader) (f *os.File, readOnly, err error) {
	path := filepath.Join(dir, fileName)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(dir, locked, rand); err != nil {
			return nil, nil, fmt.Errorf("keyring: make the key file: %w", err)
		}
	}
	f, err = os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, syscall.EROFS) {
		readOnly = err
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("keyring: open the key file: %w", err)
	}
	if readOnly == nil {
		if err := f.Chmod(0o600); err != nil {
			_ = f.Close()
			return nil, nil, fmt.Errorf("keyring: close the key file to others: %w", err)
		}
	}
	return f, readOnly, nil
}

// create makes the file under another name and renames it, so that a power cut leaves no half of it. All its bytes are
// written: a sparse file would need space later.
func create(dir string, locked *os.File, rand io.Reader) error {
	fresh, err := newContent(rand)
	if err != nil {
		return err
	}
	image := make([]byte, fileSize)
	defer clear(image)
	if err := encodeSlot(image[:slotSize], 1, fresh); err != nil {
		return err
	}
	copy(image[slotSize:], image[:slotSize])
	temp := filepath.Join(dir, tempName)
	if err := writeNew(temp, image); err != nil {
		_ = os.Remove(temp)
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, fileName)); err != nil {
		return err
	}
	return locked.Sync()
}

func writeNew(path string, image []byte) error {
	// What a creation that was cut left behind was never in use.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(image)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func newSecret(rand io.Reader) (secret, error) {
	s := emptySecret()
	if _, err := io.ReadFull(rand, s.bytes()); err != nil {
		return secret{}, fmt.Errorf("keyring: read randomness: %w", err)
	}
	return s, nil
}

// readSlots reads both slots and returns the newest valid content, where it lies and whether the other slot is the
// same.
func readSlots(f slotFile, size int64, path string) (c *content, generation uint64, active int, same bool, err error) {
	if size != fileSize {
		return nil, 0, 0, false, &DamagedError{Path: path, Slots: [2]error{
			fmt.Errorf("the file has %d bytes instead of %d", size, fileSize), nil}}
	}
	image := make([]byte, fileSize)
	defer clear(image)
	if _, err := f.ReadAt(image, 0); err != nil {
		return nil, 0, 0, false, fmt.Errorf("keyring: read %s: %w", path, err)
	}
	var found [2]*content
	var gens [2]uint64
	var faults [2]error
	for i := range found {
		gens[i], found[i], faults[i] = decodeSlot(image[i*slotSize : (i+1)*slotSize])
	}
	switch {
	case faults[0] != nil && faults[1] != nil:
		return nil, 0, 0, false, &DamagedError{Path: path, Slots: faults}
	case faults[0] != nil || (faults[1] == nil && gens[1] > gens[0]):
		active = 1
	}
	if faults[1-active] == nil {
		found[1-active].wipe() // it may hold what was destroyed since
	}
	same = faults[0] == nil && faults[1] == nil && bytes.Equal(image[:slotSize], image[slotSize:])
	return found[active], gens[active], active, same, nil
}
