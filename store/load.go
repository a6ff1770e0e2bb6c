package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// seqJump is how far sequence numbers are moved on when the record of the last one is lost.
const seqJump = 1 << 20

// probed is what a walk through a file found.
type probed struct {
	id      uint64
	size    int64
	heads   []header
	state   *state
	encoded []byte
	err     error // errPages: damaged. Others: the file cannot be read at all
}

// probe walks a file and checks it against its own state record.
func (s *Store) probe(id uint64) *probed {
	p := &probed{id: id}
	r, err := s.openReader(s.path(id))
	if r != nil {
		defer r.close()
	}
	if p.err = err; err != nil {
		return p
	}
	p.size = int64(r.meta.pages) * pageSize
	p.err = r.walk(func(e element) error { return p.visit(r.pages, e) })
	if p.err == nil {
		p.err = p.check(r.pages)
	}
	return p
}

func (p *probed) visit(r *pages, e element) error {
	if string(e.key) == string(stateKey()) {
		b, err := r.value(e)
		if err != nil {
			return err
		}
		if p.state, err = decodeState(b); err != nil {
			return damage("state record: %v", err)
		}
		p.encoded = b
		return nil
	}
	b, err := r.prefix(e, headSize)
	if err != nil {
		return err
	}
	h, err := parseHeader(e.key, b, e.size)
	if err != nil {
		return damage("record: %v", err)
	}
	p.heads = append(p.heads, h)
	return nil
}

// check holds a file that walks well to what its state record says.
func (p *probed) check(r *pages) error {
	st := p.state
	switch {
	case st == nil:
		return damage("no state record")
	case st.segment != p.id:
		return damage("it is file %d under another name", st.segment)
	case !r.both:
		return damage("one meta page is not valid: a transaction may be missing")
	case st.tx != r.meta.tx:
		return damage("its state is of transaction %d, the file of %d", st.tx, r.meta.tx)
	case st.records != uint64(len(p.heads)):
		return damage("%d records, %d were written", len(p.heads), st.records)
	}
	for i := range p.heads {
		if p.heads[i].seq >= st.nextSeq {
			return damage("a record from nowhere")
		}
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
	slices.Sort(ids)
	return ids, half, nil
}

// load finds the newest state, repairs what is damaged, indexes what is alive and opens a file for writing.
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
	if len(ids) > 0 && newest == nil {
		s.state.segment, s.unclean = ids[len(ids)-1], true
	}
	keys := map[dayKey]bool{}
	for _, id := range ids {
		if id < s.state.floor {
			_ = os.Remove(s.path(id))
			continue
		}
		p := newest
		if p == nil || p.id != id {
			p = s.probe(id)
		}
		s.adopt(p, keys)
	}
	if len(ids) > 0 && newest == nil {
		s.doubtAll()
	}
	if newest != nil {
		s.current, s.last, s.unclean = s.segments[newest.id], newest.encoded, !newest.state.clean
		if s.active, err = openWriter(s.disk, s.path(newest.id), lockTimeout); err != nil {
			s.failed(err)
			return nil
		}
	}
	_ = s.ready() // what it cannot do is told in Status, and tried again
	return nil
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

// newestState takes the state of the newest file when that file is whole, and returns the file. Otherwise it takes the
// newest state that can be found anywhere.
func (s *Store) newestState(ids []uint64) (*probed, error) {
	s.state = newState()
	if len(ids) == 0 {
		return nil, nil
	}
	last := ids[len(ids)-1]
	p := s.probe(last)
	if p.err == nil {
		s.state = p.state
		return p, nil
	}
	if !errors.Is(p.err, errPages) && len(ids) == 1 && !errors.Is(p.err, os.ErrNotExist) {
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
	r.both = false // look everywhere
	salvage(r.pages, r.size, func(p *pages, e element) {
		if string(e.key) != string(stateKey()) || e.size > maxState {
			return
		}
		if b, err := p.value(e); err == nil {
			if st, err := decodeState(b); err == nil && st.segment == id && (best == nil || st.commit > best.commit) {
				best = st
			}
		}
	})
	return best
}

// adopt takes a file into the index, repairing it first when it is damaged.
func (s *Store) adopt(p *probed, keys map[dayKey]bool) {
	g := &segment{id: p.id, size: p.size}
	heads := p.heads
	var lost []found
	if p.err != nil {
		var kept []found
		g, kept, lost = s.repair(p.id, ^uint64(0), p.err)
		heads = nil
		for _, f := range kept {
			heads = append(heads, f.h)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loseAll(lost)
	if g == nil {
		return
	}
	s.segments[p.id] = g
	g.streams, g.records = nil, 0
	gone := Gap{Segment: fmt.Sprintf("%08d%s", p.id, segmentExt), What: droppedKey}
	for i := range heads {
		h := &heads[i]
		g.note(h.stream)
		_, known := s.state.streams[h.stream]
		st := s.state.stream(h.stream, h.grant, h.epoch)
		st.uncertain = st.uncertain || !known
		s.state.nextSeq = max(s.state.nextSeq, h.seq+1)
		if s.state.dead(h) || st.grant != h.grant {
			if k := (dayKey{h.grant, h.day}); s.days[k] == 0 {
				s.discards[k] = true
			}
			continue
		}
		if !s.hasKey(h, keys) {
			gone.Records++
			gone.Rows += uint64(h.rows)
			continue
		}
		s.insert(h, p.id)
	}
	if gone.Records > 0 {
		s.gap(gone)
		s.counts[droppedKey] += gone.Rows
	}
}

func (s *Store) hasKey(h *header, keys map[dayKey]bool) bool {
	k := dayKey{h.grant, h.day}
	has, asked := keys[k]
	if !asked {
		_, has = s.opt.Keys.Opener(h.grant, int64(h.day))
		keys[k] = has
	}
	return has
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
