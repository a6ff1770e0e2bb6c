package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/store/pages"
)

// seqJump is how far sequence numbers are moved on when the record of the last one is lost.
const seqJump = 1 << 20

// probed is what a walk through a file found.
type probed struct {
	id      uint64
	size    int64
	heads   []header
	has     map[dayKey]bool // which of their keys are there; nil: not asked yet
	state   *state
	encoded []byte
	err     error // pages.ErrDamaged: damaged. Others: the file cannot be read at all
}

// probe walks a file and checks it against its own state record. Once giveUp says yes it ends with errTurn.
func (s *Store) probe(id uint64, giveUp func() bool) *probed {
	p := &probed{id: id}
	r, err := s.openReader(s.path(id))
	if r != nil {
		defer r.close()
	}
	if p.err = err; err != nil {
		return p
	}
	p.size = int64(r.Pages()) * pageSize
	p.err = r.Walk(func(e pages.Element) error {
		if giveUp != nil && giveUp() {
			return errTurn
		}
		return p.visit(r.File, e)
	})
	if p.err == nil {
		p.err = p.check(r.File)
	}
	return p
}

// glance is probe for what a file needs to be gone on in: its state, and that bbolt can be trusted with it.
func (s *Store) glance(id uint64) *probed {
	p := &probed{id: id}
	r, err := s.openReader(s.path(id))
	if r != nil {
		defer r.close()
	}
	if p.err = err; err != nil {
		return p
	}
	p.size = int64(r.Pages()) * pageSize
	if p.encoded, p.err = r.Glance(stateKey()); p.err != nil {
		return p
	}
	if p.state, err = decodeState(p.encoded); err != nil {
		p.err = pages.Damaged("state record: %v", err)
		return p
	}
	p.err = p.checkState(r.File)
	return p
}

func (p *probed) visit(r *pages.File, e pages.Element) error {
	if string(e.Key) == string(stateKey()) {
		b, err := r.Value(e)
		if err != nil {
			return err
		}
		if p.state, err = decodeState(b); err != nil {
			return pages.Damaged("state record: %v", err)
		}
		p.encoded = b
		return nil
	}
	b, err := r.Prefix(e, headSize)
	if err != nil {
		return err
	}
	h, err := parseHeader(e.Key, b, e.Size)
	if err != nil {
		return pages.Damaged("record: %v", err)
	}
	p.heads = append(p.heads, h)
	return nil
}

// check holds a file that walks well to what its state record says.
func (p *probed) check(r *pages.File) error {
	if err := p.checkState(r); err != nil {
		return err
	}
	if p.state.records != uint64(len(p.heads)) {
		return pages.Damaged("%d records, %d were written", len(p.heads), p.state.records)
	}
	for i := range p.heads {
		if p.heads[i].seq >= p.state.nextSeq {
			return pages.Damaged("a record from nowhere")
		}
	}
	return nil
}

// checkState holds the state record to the file it is in.
func (p *probed) checkState(r *pages.File) error {
	switch st := p.state; {
	case st == nil:
		return pages.Damaged("no state record")
	case st.segment != p.id:
		return pages.Damaged("it is file %d under another name", st.segment)
	case !r.Both():
		return pages.Damaged("one meta page is not valid: a transaction may be missing")
	case st.tx != r.Transaction():
		return pages.Damaged("its state is of transaction %d, the file of %d", st.tx, r.Transaction())
	}
	return nil
}

// files lists the numbers of the files in the buffer, ascending, and what a power cut left half made.
func (s *Store) files() (ids []uint64, half []string, err error) {
	entries, err := os.ReadDir(s.buffer)
	if err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, tempExt) {
			half = append(half, filepath.Join(s.buffer, name))
			continue
		}
		base, ok := strings.CutSuffix(name, segmentExt)
		id, err := strconv.ParseUint(base, 10, 32)
		if ok && err == nil && filepath.Base(s.path(id)) == name {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids, half, nil
}

// load finds the newest state, lists the files that are to be looked through and opens one for writing. When the newest file
// is not whole all of them are looked through here, since nothing can be built on what is known.
func (s *Store) load() error {
	ids, half, err := s.files()
	if err != nil {
		return err
	}
	if len(ids) > 0 && s.locked(ids[len(ids)-1]) {
		return fmt.Errorf("store: the buffer in %s is in use by another process", s.opt.Dir)
	}
	for _, name := range half {
		_ = os.Remove(name)
	}
	newest, err := s.newestState(ids)
	if err != nil {
		return err
	}
	s.opened = s.state.nextSeq
	if len(ids) > 0 && newest == nil {
		s.state.segment, s.unclean, s.opened = ids[len(ids)-1], true, ^uint64(0)
	}
	for _, id := range ids {
		if id < s.state.floor {
			_ = os.Remove(s.path(id))
			continue
		}
		s.segments[id] = &segment{id: id, size: s.sizeOnDisk(id), unread: true}
		s.unread = append(s.unread, id)
	}
	if len(ids) > 0 && newest == nil {
		s.lookThroughAll()
		s.doubtAll()
		s.opened = s.state.nextSeq
	}
	if newest != nil {
		s.openedIn = newest.id
		s.current, s.last, s.unclean = s.segments[newest.id], newest.encoded, !newest.state.clean
		s.current.size, s.current.records = newest.size, newest.state.records
		if s.active, err = openWriter(s.disk, s.path(newest.id), lockTimeout); err != nil {
			s.failed(err)
			return nil
		}
	}
	_ = s.ready() // what it cannot do is told in Status, and tried again
	return nil
}

// sizeOnDisk is what a file takes; a file that is not filled yet may be longer than that.
func (s *Store) sizeOnDisk(id uint64) int64 {
	info, err := os.Lstat(s.path(id))
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return min(info.Size(), int64(st.Blocks)*512)
	}
	return info.Size()
}

// locked tells whether another process has the buffer open. It is asked before anything is repaired; the agent's own
// lock on the state directory is what keeps two from starting at the same moment.
func (s *Store) locked(id uint64) bool {
	f, err := s.disk.open(s.path(id), os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // gives the lock back
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// newestState takes the state of the newest file when bbolt can go on in it, and returns the file. Otherwise it takes the
// newest state that can be found anywhere.
func (s *Store) newestState(ids []uint64) (*probed, error) {
	s.state = newState()
	if len(ids) == 0 {
		return nil, nil
	}
	last := ids[len(ids)-1]
	p := s.glance(last)
	if p.err == nil {
		s.state = p.state
		return p, nil
	}
	if !errors.Is(p.err, pages.ErrDamaged) && len(ids) == 1 && !errors.Is(p.err, os.ErrNotExist) {
		return nil, fmt.Errorf("store: %w", p.err)
	}
	for _, id := range ids {
		if st := s.findState(id); st != nil && st.commit >= s.state.commit {
			s.state = st
		}
	}
	return nil, nil
}

// findState looks for the newest state record in whatever is left of a file.
func (s *Store) findState(id uint64) (best *state) {
	r, _ := s.openReader(s.path(id))
	if r == nil {
		return nil
	}
	defer r.close()
	r.Salvage(r.size, true, func(p *pages.File, e pages.Element) {
		if string(e.Key) != string(stateKey()) || e.Size > maxState {
			return
		}
		if b, err := p.Value(e); err == nil {
			if st, err := decodeState(b); err == nil && st.segment == id && (best == nil || st.commit > best.commit) {
				best = st
			}
		}
	})
	return best
}

// doubtAll marks the numbering of all streams as lost; io is held and nothing was committed yet.
func (s *Store) doubtAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.nextSeq += seqJump
	s.state.commit += seqJump
	for _, st := range s.state.streams {
		st.uncertain = !st.retired
	}
	s.changes++
}
