//go:build linux && (amd64 || arm64)

package simulation

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// trouble is what is wrong with the disk.
type trouble int

const (
	healthy  trouble = iota
	full             // a page that was not there can't be written; what is there can be overwritten
	readOnly         // nothing can be written, as after a file system has found an error
	failing          // every other sync says that it failed, and what it was to write is not there
)

// disk is the disk of one object: two directories below root, with a memory of what a power cut would leave of them. All calls
// that change it come by here before they are made, see [watch]. Its methods may be called from any goroutine.
type disk struct {
	root   string
	before func() // called at a power cut, before anything more happens

	mu      sync.Mutex
	trouble trouble
	armed   bool
	left    int // calls until the power is cut
	random  *rand.Rand
	durable *image
	image   *image // what the cut left
	calls   int64  // since the beginning
	syncs   int

	dead atomic.Bool // the power is cut: nobody hears what runs on
}

// image is the content of directories: what each holds, and what is in each file, by a number that renaming does not change.
type image struct {
	dirs  map[string]map[string]uint64 // directory to name to inode; directories have 0
	files map[uint64][]byte
}

func newImage() *image { return &image{map[string]map[string]uint64{}, map[uint64][]byte{}} }

// list reads one directory; nil when it is not there.
func list(dir string) map[string]uint64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	names := map[string]uint64{}
	for _, e := range entries {
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() {
			names[e.Name()] = stat.Ino
		} else if info.IsDir() {
			names[e.Name()] = 0
		}
	}
	return names
}

// look reads all below root as it is now.
func look(root string) *image {
	m := newImage()
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was deleted a moment ago
		}
		if d.IsDir() {
			m.dirs[path] = list(path)
			for name, ino := range m.dirs[path] {
				if ino != 0 {
					if b, err := os.ReadFile(filepath.Join(path, name)); err == nil {
						m.files[ino] = b
					}
				}
			}
		}
		return nil
	})
	return m
}

// write makes root hold what the image says, and nothing else.
func (m *image) write(root string) error {
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	dirs := make([]string, 0, len(m.dirs))
	for dir := range m.dirs {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		if dir != root { // a directory is there if the one above says so
			if _, ok := m.dirs[filepath.Dir(dir)][filepath.Base(dir)]; !ok {
				continue
			}
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		for name, ino := range m.dirs[dir] {
			if ino == 0 {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), m.files[ino], 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// size is the bytes of all files.
func (m *image) size() (n int64) {
	for _, names := range m.dirs {
		for _, ino := range names {
			n += int64(len(m.files[ino]))
		}
	}
	return n
}

// arm has the power cut before the call-th call from now on that changes this disk. All that is there now counts as written: it is
// called when the object does nothing.
func (d *disk) arm(calls int, random *rand.Rand) {
	now := look(d.root)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed, d.left, d.random, d.durable, d.image = true, calls, random, now, nil
}

// disarm gives up a cut that has not come; it says whether it had not.
func (d *disk) disarm() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.armed
	d.armed, d.durable = false, nil
	return was
}

// waits tells whether a power cut is due.
func (d *disk) waits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.armed
}

// cut cuts the power now, unless it is cut.
func (d *disk) cut(random *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.image != nil {
		return
	}
	if d.durable == nil {
		d.durable = look(d.root)
	}
	d.random = random
	d.die()
}

// restore puts what the power cut left in the place of all that is there. Nobody may have a file open.
func (d *disk) restore() error {
	d.mu.Lock()
	left := d.image
	d.armed, d.image, d.durable = false, nil, nil
	d.mu.Unlock()
	defer d.dead.Store(false)
	return left.write(d.root) // while the power is cut, what is written goes by the disk's trouble
}

// set changes what is wrong with the disk.
func (d *disk) set(t trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trouble = t
}

// counted is how many calls there were since it was asked last.
func (d *disk) counted() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.calls
	d.calls = 0
	return n
}

// is tells whether that is wrong with the disk.
func (d *disk) is(t trouble) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trouble == t
}

// ask answers a call.
func (d *disk) ask(c *call) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if !d.armed && d.trouble == healthy || d.dead.Load() {
		return 0
	}
	path, other := place(c)
	if !strings.HasPrefix(path, d.root) && !strings.HasPrefix(other, d.root) {
		return 0
	}
	if d.armed {
		if d.left--; d.left <= 0 {
			d.die()
			return 0
		}
	}
	if e := d.refuses(c, path); e != 0 {
		return e
	}
	if d.armed && (c.nr == unix.SYS_FSYNC || c.nr == unix.SYS_FDATASYNC) {
		d.synced(path)
	}
	return 0
}

// place is the path that a call is about, and the second one of a rename.
func place(c *call) (path, other string) {
	switch c.nr {
	case unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_UNLINKAT:
		return memoryText(c.args[1]), ""
	case unix.SYS_RENAMEAT:
		return memoryText(c.args[1]), memoryText(c.args[3])
	}
	path, _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", c.args[0]))
	return path, ""
}

// refuses is the error of a sick disk; 0 when the call goes well. d.mu is held.
func (d *disk) refuses(c *call, path string) syscall.Errno {
	isSync := c.nr == unix.SYS_FSYNC || c.nr == unix.SYS_FDATASYNC
	switch d.trouble {
	case readOnly:
		if isSync {
			return syscall.EIO
		}
		return syscall.EROFS
	case failing:
		if d.syncs++; isSync && d.syncs%2 == 0 {
			return syscall.EIO
		}
	case full:
		switch c.nr {
		case unix.SYS_MKDIRAT:
			return syscall.ENOSPC
		case unix.SYS_OPENAT:
			if _, err := os.Lstat(path); err != nil && c.args[2]&unix.O_CREAT != 0 {
				return syscall.ENOSPC
			}
		case unix.SYS_PWRITE64:
			if !allocated(int(c.args[0]), int64(c.args[3]), int64(c.args[2])) {
				return syscall.ENOSPC
			}
		}
	}
	return 0
}

// allocated tells whether a stretch of a file has its place on the disk already. It asks by another file descriptor: the object's
// own position must not move.
func allocated(fd int, at, long int64) bool {
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	data, err := f.Seek(at, unix.SEEK_DATA)
	if err != nil || data != at {
		return false
	}
	hole, err := f.Seek(at, unix.SEEK_HOLE)
	return err == nil && hole >= at+long
}

// synced notes what a sync of a file or a directory makes durable. d.mu is held.
func (d *disk) synced(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return // a file that was deleted: nobody will find it
	}
	if info.IsDir() {
		d.durable.dirs[path] = list(path)
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if b, err := os.ReadFile(path); err == nil {
			d.durable.files[stat.Ino] = b
		}
	}
}

// die makes the image that a power cut leaves: each directory as it was synced last or as it is, of each file any of the pages that
// changed since its last sync. d.mu is held.
func (d *disk) die() {
	d.dead.Store(true)
	if d.before != nil {
		d.before()
	}
	now, left := look(d.root), newImage()
	all := map[string]bool{}
	for dir := range d.durable.dirs {
		all[dir] = true
	}
	for dir := range now.dirs {
		all[dir] = true
	}
	dirs := make([]string, 0, len(all))
	for dir := range all {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	torn := map[uint64]bool{}
	for _, dir := range dirs {
		was, is := d.durable.dirs[dir], now.dirs[dir]
		names := was
		if is != nil && (was == nil || d.random.IntN(2) == 0) {
			names = is
		}
		left.dirs[dir] = names
		inos := make([]uint64, 0, len(names))
		for _, ino := range names {
			inos = append(inos, ino)
		}
		slices.Sort(inos)
		for _, ino := range inos {
			if ino != 0 && !torn[ino] {
				torn[ino] = true
				left.files[ino] = tear(d.durable.files[ino], now.files[ino], d.random)
			}
		}
	}
	d.image, d.armed = left, false
}

// tear is a file of which some of the pages that changed since its last sync have reached the disk. A page may be torn too, at
// the sectors of 512 bytes that a disk writes as one.
func tear(was, is []byte, random *rand.Rand) []byte {
	if is == nil || bytes.Equal(was, is) {
		return was
	}
	unit := []int{4096, 4096, 4096, 512}[random.IntN(4)]
	long := len(was)
	if random.IntN(2) == 0 {
		long = len(is) // the length is written by itself
	}
	out := make([]byte, max(len(was), len(is)))
	copy(out, was)
	most := random.IntN(3) // none, about half, all but a few
	for at := 0; at < len(is); at += unit {
		end := min(at+unit, len(is))
		if at < len(was) && bytes.Equal(is[at:end], was[at:min(end, len(was))]) {
			continue
		}
		if take := random.IntN(8); most == 0 && take > 0 || most == 1 && take < 4 || most == 2 && take == 0 {
			continue
		}
		copy(out[at:], is[at:end])
		long = max(long, end)
	}
	return out[:min(long, len(out))]
}

// memoryText is the text at an address of this process.
func memoryText(at uint64) string {
	m, err := openMemory()
	if err != nil {
		return ""
	}
	return m.text(at)
}
