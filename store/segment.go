package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/store/pages"
)

const (
	bucketName  = "r"
	pageSize    = pages.Size
	segmentExt  = ".db"
	tempExt     = ".tmp"
	lockTimeout = time.Second
)

// segment is what is remembered of one file of the buffer.
type segment struct {
	id      uint64
	size    int64           // bytes of the pages in use
	records uint64          // records in it, dead ones too
	alive   int             // records that count
	streams map[uint32]bool // the streams in their keys, of dead ones too
	suspect error           // why it is not written any more: bbolt panicked over it, or it is damaged; nil: it is
	unread  bool            // what is in it is not known yet: size is what it has on the disk, the counts are of what came since
}

// note counts a record of the file.
func (g *segment) note(stream uint32) {
	g.name(stream)
	g.records++
}

// name notes that a record of the file names a stream.
func (g *segment) name(stream uint32) {
	if g.streams == nil {
		g.streams = map[uint32]bool{}
	}
	g.streams[stream] = true
}

// put is one key and value to write.
type put struct{ key, value []byte }

// disk is how the store reaches files; tests put faults in between.
type disk struct {
	open   func(name string, flag int, perm os.FileMode) (*os.File, error)
	remove func(name string) error
	sync   func(dir string) error // makes a rename in dir durable

	slow          time.Duration // a commit that takes longer makes the disk count as slow
	lookedAtOpen  int64         // bytes of files that are looked through before Open returns
	lookGrace     time.Duration // how long looking through the others waits for the first rows
	before, after func() error  // called around bbolt's commit; nil but in tests of failing disks
}

func realDisk() disk {
	return disk{open: os.OpenFile, remove: os.Remove, sync: func(dir string) error {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(d.Sync(), d.Close())
	}}
}

// errBolt is that bbolt panicked over a file. What it said is in the error of that commit.
var errBolt = pages.Damaged("bbolt cannot write it")

// writer is a file that bbolt has open for writing.
type writer struct {
	disk   disk
	db     *bolt.DB
	file   *os.File
	broken bool // bbolt panicked: its locks may be held for ever
}

// guard runs f so that neither a panic nor a fault on a mapped page takes the agent down. What bbolt says when it
// panics is about pages, never about content.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = pages.Damaged("bbolt: %.120v", r)
		}
	}()
	return f()
}

// openWriter opens a file with bbolt, or makes it. Only files that passed the walk, or new ones, may be given to it.
func openWriter(d disk, path string, timeout time.Duration) (*writer, error) {
	w := &writer{disk: d}
	err := guard(func() (err error) {
		w.db, err = bolt.Open(path, 0o600, &bolt.Options{
			PageSize: pageSize, Timeout: timeout, FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
				f, err := d.open(name, flag, perm)
				w.file = f
				return f, err
			},
		})
		return err
	})
	if err == nil {
		return w, nil
	}
	if w.file != nil {
		_ = w.file.Close() // bbolt closed it unless it panicked; closing twice does no harm
	}
	return nil, fmt.Errorf("store: open %s: %w", path, err)
}

// trusted tells whether bbolt can go on in the file: pages that have rotted under it might make it go round for ever, or write what was never
// there. state is the record of the last commit.
func (w *writer) trusted(state []byte) error {
	info, err := w.file.Stat()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	p, err := pages.Open(w.file, info.Size(), fileForm())
	if err != nil {
		return err
	}
	found, err := p.Glance(stateKey())
	if err == nil && !bytes.Equal(found, state) {
		err = pages.Damaged("not the state that was written")
	}
	return err
}

// close gives the file back. After a panic bbolt's own Close could wait for ever; then only the file is closed. The mapping is left to
// the end of the process, and with it the lock: the store goes on in a file of another name.
func (w *writer) close() error {
	if w.broken {
		return w.file.Close()
	}
	return guard(w.db.Close)
}

// update writes records and the state in one transaction. finish is called with bbolt's number of the transaction and
// gives the state's bytes. decided is false when nothing can have reached the file; it is true with an error when the
// commit began and failed, so that only the file knows.
func (w *writer) update(puts []put, finish func(tx uint64) []byte) (size, written int64, decided bool, err error) {
	before := w.db.Stats()
	err = guard(func() error {
		return w.db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucketName))
			if err != nil {
				return err
			}
			b.FillPercent = 1
			for _, p := range puts {
				if err := b.Put(p.key, p.value); err != nil {
					return err
				}
			}
			if err := b.Put(stateKey(), finish(uint64(tx.ID()))); err != nil {
				return err
			}
			decided = true
			return call(w.disk.before)
		})
	})
	if err == nil {
		err = call(w.disk.after)
	}
	if errors.Is(err, pages.ErrDamaged) {
		w.broken = true
	}
	if err != nil {
		return 0, 0, decided, err
	}
	after := w.db.Stats()
	written = after.TxStats.GetPageAlloc() - before.TxStats.GetPageAlloc() + pageSize
	size, err = w.size()
	// bbolt looks at the file through its mapping, with every commit at other pages, and all of them would stay.
	forgetMapped(w.db.Info().Data, size)
	return size, written, true, err
}

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

// size is the bytes of the pages in use.
func (w *writer) size() (n int64, err error) {
	err = guard(func() error {
		return w.db.View(func(tx *bolt.Tx) error {
			n = tx.Size()
			return nil
		})
	})
	return n, err
}

func (s *Store) path(id uint64) string {
	return filepath.Join(s.buffer, fmt.Sprintf("%08d%s", id, segmentExt))
}

// newFile makes a complete file under a temporary name, then gives it its name, replacing what had it. fill is called
// until it returns no more records; each call is a transaction. Whoever gets a segment back must go on with it, since the
// file is there; that its name is durable is seen to by settleNames.
func (s *Store) newFile(st *state, fill func() ([]put, error)) (*segment, error) {
	path := s.path(st.segment)
	temp := path + tempExt
	_ = os.Remove(temp)
	w, err := openWriter(s.disk, temp, lockTimeout)
	if err != nil {
		return nil, err
	}
	g := &segment{id: st.segment}
	err = s.fillFile(w, g, st, fill)
	if err = errors.Join(err, w.close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return nil, fmt.Errorf("store: make %s: %w", path, err)
	}
	s.unnamed = true
	return g, nil
}

// settleNames makes the names of new files durable. Nothing is committed before that.
func (s *Store) settleNames() error {
	if !s.unnamed {
		return nil
	}
	if err := s.disk.sync(s.buffer); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.unnamed = false
	return nil
}

func (s *Store) fillFile(w *writer, g *segment, st *state, fill func() ([]put, error)) error {
	s.written.Add(4 * pageSize) // what bbolt writes into an empty file
	for {
		puts, err := fill()
		if err != nil {
			return err
		}
		for _, p := range puts {
			h, err := parseHeader(p.key, p.value, len(p.value))
			if err != nil {
				return err
			}
			g.note(h.stream)
		}
		st.records = g.records
		size, written, _, err := w.update(puts, func(tx uint64) []byte {
			st.tx = tx
			return st.encode()
		})
		if err != nil {
			return err
		}
		g.size = size
		s.written.Add(written)
		if len(puts) == 0 {
			return nil
		}
	}
}

// reader is a file open for reading by pages.
type reader struct {
	*pages.File
	file *os.File
	size int64
}

// openReader opens a file of the buffer for reading.
func (s *Store) openReader(path string) (*reader, error) {
	f, err := s.disk.open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &reader{file: f, size: info.Size()}
	r.File, err = pages.Open(f, r.size, fileForm())
	return r, err
}

// fileForm is what a file of the buffer may hold.
func fileForm() pages.Form {
	return pages.Form{Bucket: bucketName, Key: keySize, Value: maxRecord, Head: headSize}
}

func (r *reader) close() { _ = r.file.Close() }
