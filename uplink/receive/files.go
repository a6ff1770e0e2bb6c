package receive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/candor-edge/candor/uplink/wire"
)

// layout is where things lie in the sink's directory.
type layout struct{ dir string }

func (l layout) rows(purpose string) string { return filepath.Join(l.dir, purpose+".jsonl") }
func (l layout) raw(id wire.StreamID) string {
	return filepath.Join(l.rawDir(), id.String()+rawSuffix)
}
func (l layout) rawDir() string   { return filepath.Join(l.dir, "raw") }
func (l layout) indexDir() string { return filepath.Join(l.dir, "index") }
func (l layout) journal() string  { return filepath.Join(l.indexDir(), "journal") }
func (l layout) lock() string     { return filepath.Join(l.indexDir(), "lock") }

// rewritten is the file that takes the place of a purpose's rows once the
// journal says so.
func (l layout) rewritten(purpose string, gen uint64) string {
	return filepath.Join(l.indexDir(), fmt.Sprintf("%s.%d%s", purpose, gen, tempSuffix))
}

const (
	rawSuffix  = ".cborseq"
	tempSuffix = ".new"
)

// validPurpose says whether an id may become the name of a file: 1 to 32 of
// the letters a to z, digits and hyphens.
func validPurpose(id string) bool {
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 32
}

// appendFile is a file that grows from its committed length on.
type appendFile struct {
	f     *os.File
	start int64 // committed length; 0 means its name may not be durable yet
	end   int64 // with what was written since
}

// openAppend opens a file of a committed length. What lies beyond was never
// acknowledged and is cut off; a file that is shorter was changed by somebody
// else and is left alone.
func openAppend(path string, committed int64) (*appendFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) && committed == 0 {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	}
	if err != nil {
		return nil, fmt.Errorf("receive: open %s: %w", path, err)
	}
	if err := settle(f, committed); err != nil {
		f.Close()
		return nil, err
	}
	return &appendFile{f: f, start: committed, end: committed}, nil
}

// settle brings an open file to its committed length.
func settle(f *os.File, committed int64) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	switch size := info.Size(); {
	case size < committed:
		return &DamageError{f.Name(), -1, fmt.Sprintf("%d bytes, while %d are committed; was it moved, edited or restored from an older copy?", size, committed)}
	case size > committed:
		if err := f.Truncate(committed); err != nil {
			return fmt.Errorf("receive: cut %s to %d bytes: %w", f.Name(), committed, err)
		}
	}
	return nil
}

func (a *appendFile) write(b []byte) error {
	if _, err := a.f.WriteAt(b, a.end); err != nil {
		return fmt.Errorf("receive: write: %w", err)
	}
	a.end += int64(len(b))
	return nil
}

// settleFile cuts what was never committed off a file, at start.
func settleFile(path string, committed int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) && committed == 0 {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &DamageError{path, -1, fmt.Sprintf("not there, while %d bytes are committed; was it moved?", committed)}
	}
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer f.Close()
	return settle(f, committed)
}

// syncAll syncs files side by side: a disk that is asked several times at once
// answers them together.
func syncAll(files map[string]*appendFile) error {
	errs := make(chan error, len(files))
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for _, a := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := a.f.Sync(); err != nil {
				errs <- fmt.Errorf("receive: sync: %w", err)
			}
		}()
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("receive: sync %s: %w", path, err)
	}
	return nil
}

// writeSynced writes a new file and syncs it; whatever had the name goes.
func writeSynced(path string, fill func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("receive: write %s: %w", path, err)
	}
	return nil
}
