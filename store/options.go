package store

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/store/consent"
)

// Keys hands out the ciphers rows are kept under, one for each grant and UTC day, with 12 bytes of nonce and 16 of tag
// (ChaCha20-Poly1305). Destroying one makes everything under it unreadable, and the store takes that as an answer, not as
// a fault. It must be safe for concurrent use; the key itself never comes here.
type Keys interface {
	// Sealer gives the cipher of (grant, day) and makes its key when there is none. An error keeps the rows in memory.
	Sealer(grant consent.GrantID, day int64) (cipher.AEAD, error)
	// Opener gives the cipher of (grant, day); false when there is no such key, or no longer. It never makes one.
	Opener(grant consent.GrantID, day int64) (cipher.AEAD, bool)
	// Discard tells that nothing alive is kept under the key of (grant, day), a day that is over. When it fails it is
	// called again after a later commit.
	Discard(grant consent.GrantID, day int64) error
}

// Streams tells which stream the rows of a purpose and epoch belong to, before the first of them is stored. The same
// arguments give the same number until the store is told otherwise ([Store.Restream]); a number never means two
// streams. It is called with no lock held, possibly from several goroutines, and must not call Append.
type Streams interface {
	Stream(p *consent.Purpose, epoch uint64) (uint32, error)
}

// Options says where and how the buffer is kept. Dir, Keys, Streams and Rand are needed; a zero in the others means
// the default.
type Options struct {
	Dir     string // state directory; the store makes buffer/ and quarantine/ in it
	Keys    Keys
	Streams Streams
	Rand    io.Reader // nonces

	MaxSize     int64 // bytes all files together may have; 256 MiB
	Reserve     int64 // bytes to leave free on the disk; 16 MiB, and at most an eighth of the disk
	SegmentSize int64 // bytes after which a new file is begun; 16 MiB, and at most an eighth of MaxSize and of the disk
	FlushRows   int   // rows waiting that make Append commit; 8192

	// Free tells how many bytes the file system of dir has left for us; nil asks it (statfs).
	Free func(dir string) (int64, error)

	disk disk // faults for tests; zero is the real one
}

// Errors that callers may ask for with errors.Is.
var (
	// ErrFull: the buffer or the disk has no room for rows; they wait in memory.
	ErrFull = errors.New("store: no room")
	// ErrGone: the upload or stream is no longer kept, or its key was destroyed.
	ErrGone = errors.New("store: no longer kept")
	// ErrUnknown: the stream was never named to the store.
	ErrUnknown = errors.New("store: unknown stream")
	// ErrUncertain: the stream's numbering is lost to damage; see Store.Uncertain.
	ErrUncertain = errors.New("store: the numbering of the stream is lost")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("store: closed")
)

func (o *Options) fill() error {
	switch {
	case o.Dir == "":
		return errors.New("store: no directory given")
	case o.Keys == nil:
		return errors.New("store: no keys given")
	case o.Streams == nil:
		return errors.New("store: no streams given")
	case o.Rand == nil:
		return errors.New("store: no source of randomness given")
	case o.MaxSize < 0 || o.Reserve < 0 || o.SegmentSize < 0 || o.FlushRows < 0:
		return errors.New("store: a size below zero")
	}
	part := diskSize(o.Dir) / 8 // a small disk is used in small pieces, so that it can give space back
	o.MaxSize = orDefault(o.MaxSize, 256<<20)
	o.Reserve = orDefault(o.Reserve, min(16<<20, part))
	o.SegmentSize = min(orDefault(o.SegmentSize, min(16<<20, max(part, 16*pageSize))), o.MaxSize/8)
	o.FlushRows = int(orDefault(int64(o.FlushRows), 8192))
	if o.SegmentSize < 16*pageSize {
		return fmt.Errorf("store: files of %d bytes (an eighth of the buffer at most), need %d", o.SegmentSize, 16*pageSize)
	}
	if o.Free == nil {
		o.Free = freeSpace
	}
	if o.disk.open == nil {
		o.disk = realDisk()
	}
	if o.disk.slow == 0 {
		o.disk.slow = slowCommit
	}
	if o.disk.lookedAtOpen == 0 {
		o.disk.lookedAtOpen = lookedAtOpen
	}
	if o.disk.lookGrace == 0 {
		o.disk.lookGrace = lookGrace
	}
	return nil
}

func orDefault(n, d int64) int64 {
	if n == 0 {
		return d
	}
	return n
}

// diskSize is how large the file system of dir is, or as good as endless when that can't be told.
func diskSize(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		return math.MaxInt64
	}
	size := uint64(max(st.Bsize, 1))
	if st.Blocks > math.MaxInt64/size {
		return math.MaxInt64
	}
	return int64(st.Blocks * size)
}

// freeSpace asks the file system what an ordinary user may still write.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("store: free space of %s: %w", dir, err)
	}
	blocks, size := st.Bavail, uint64(max(st.Bsize, 1))
	if blocks > math.MaxInt64/size {
		return math.MaxInt64, nil
	}
	return int64(blocks * size), nil
}
