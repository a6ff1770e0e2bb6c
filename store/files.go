package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/pages"
)

// ready makes sure that a file is open for writing and that no commit is in doubt. io is held.
func (s *Store) ready() error {
	err := s.openActive()
	if err != nil {
		s.failed(err)
	}
	return err
}

func (s *Store) openActive() error {
	if s.active != nil {
		if err := s.active.trusted(s.last); errors.Is(err, pages.ErrDamaged) { // it has rotted since
			_ = s.active.close()
			s.active = nil
			return s.abandon(err)
		} else if err != nil {
			return err
		}
	}
	if s.active == nil && s.current != nil {
		failing := s.isState(StateFailing)
		if err := s.reopen(); err != nil {
			return err
		}
		if failing { // what a disk says after a failed sync is not to be built on
			return s.roll()
		}
	}
	if s.active == nil || s.current.size >= s.opt.SegmentSize {
		return s.roll()
	}
	return s.settleNames()
}

func (s *Store) isState(c State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.condition == c
}

// reopen opens the file of the last commit again and asks it whether a commit in doubt counts. A file that is damaged
// is left behind; the state in memory goes on in a new one.
func (s *Store) reopen() error {
	found, err := s.lookAgain()
	counts := s.doubt != nil && bytes.Equal(found, s.doubt.encoded)
	if err == nil && !counts && !bytes.Equal(found, s.last) {
		err = pages.Damaged("not the state that was written")
	}
	if err == nil && s.current.suspect != nil {
		s.settleDoubt(counts)
		err = s.current.suspect
	}
	switch {
	case errors.Is(err, pages.ErrDamaged):
		s.settleDoubt(false)
		return s.abandon(err)
	case err != nil:
		return err
	}
	s.settleDoubt(counts)
	s.active, err = openWriter(s.disk, s.path(s.current.id), lockTimeout)
	return err
}

// abandon goes on in a new file with the state in memory and saves what can be saved of the current one.
func (s *Store) abandon(cause error) error {
	old, limit := s.current.id, s.state.nextSeq
	if err := s.roll(); err != nil {
		return err
	}
	s.repairLive(old, limit, cause)
	return nil
}

// lookAgain reads the state record of the current file, after a walk that shows that bbolt can be trusted with it.
func (s *Store) lookAgain() ([]byte, error) {
	r, err := s.openReader(s.path(s.current.id))
	if r == nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, pages.Damaged("the file is not there")
		}
		return nil, fmt.Errorf("store: %w", err)
	}
	defer r.close()
	if err != nil {
		return nil, err
	}
	if err := r.Walk(func(pages.Element) error { return nil }); err != nil {
		return nil, err
	}
	b, err := r.Get(stateKey())
	if errors.Is(err, pages.ErrNotFound) {
		err = pages.Damaged("no state record")
	}
	return b, err
}

func (s *Store) settleDoubt(counts bool) {
	c := s.doubt
	s.doubt = nil
	switch {
	case c == nil:
	case counts:
		s.succeeded(c)
	default:
		s.undo(c)
	}
}

// roll begins a new file with the state in memory. io is held.
func (s *Store) roll() error {
	s.mu.Lock()
	next := s.state.clone()
	changes := s.changes
	for id := range s.segments {
		next.segment = max(next.segment, id)
	}
	s.mu.Unlock()
	next.segment++
	next.commit++
	next.clean = false
	g, err := s.newFile(next, func() ([]put, error) { return nil, nil })
	if err != nil {
		return err
	}
	if s.active != nil {
		_ = s.active.close() // everything in it is durable already
		s.active = nil
	}
	s.mu.Lock()
	s.current, s.state, s.last = g, next, next.encode()
	for grant := range s.dropped {
		s.forgetLocked(grant)
	}
	s.segments[g.id] = g
	s.saved = changes
	s.mu.Unlock()
	if err := s.settleNames(); err != nil {
		return err
	}
	s.active, err = openWriter(s.disk, s.path(g.id), lockTimeout)
	return err
}

// tidy deletes files in which nothing is alive and gives up keys that keep nothing. The error is of the files that could not
// be deleted: the next tidy tries again. io is held.
func (s *Store) tidy() error {
	s.mu.Lock()
	var empty []uint64
	for id, g := range s.segments {
		if id < s.state.floor || g.alive == 0 && g != s.current && !g.unread {
			empty = append(empty, id)
		}
	}
	full := s.current != nil && s.active != nil && s.current.alive == 0 && !s.current.unread && s.current.size > min(1<<20, s.opt.SegmentSize/2)
	s.mu.Unlock()
	if full {
		old := s.current.id
		if s.roll() == nil {
			empty = append(empty, old)
		}
	}
	err := s.remove(empty)
	s.discard()
	return err
}

// remove deletes files of the buffer. They are forgotten when that is durable, since the state forgets what no file
// names: a file that came back would bring dead rows to life. What fails is tried again after the next commit. io is held.
func (s *Store) remove(ids []uint64) (errs error) {
	var gone []uint64
	for _, id := range ids {
		err := s.disk.remove(s.path(id))
		if err == nil || errors.Is(err, os.ErrNotExist) {
			gone = append(gone, id)
			continue
		}
		errs = errors.Join(errs, err)
	}
	if len(gone) == 0 {
		return errs
	}
	if err := s.disk.sync(s.buffer); err != nil {
		return errors.Join(errs, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range gone {
		delete(s.segments, id)
	}
	s.unread = slices.DeleteFunc(s.unread, func(id uint64) bool { return s.segments[id] == nil })
	s.lookedAt.Broadcast()
	return errs
}

// discard gives up keys of days that are over and keep nothing alive.
func (s *Store) discard() {
	s.mu.Lock()
	var over []dayKey
	for k := range s.discards {
		if len(s.unread) == 0 && k.day < s.newest[k.grant] && s.saved == s.changes {
			over = append(over, k)
		}
	}
	s.mu.Unlock()
	for _, k := range over {
		if s.waitsFor(k) {
			continue
		}
		err := s.opt.Keys.Discard(k.grant, int64(k.day))
		s.mu.Lock()
		if err == nil {
			delete(s.discards, k)
		}
		s.mu.Unlock()
	}
}

// waitsFor tells whether rows in memory are about to need a key.
func (s *Store) waitsFor(k dayKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits := false
	s.eachLot(func(l *lot) { waits = waits || dayKey{l.grant, l.day} == k })
	return waits
}

// forgetLocked makes a withdrawal true in memory; mu is held. It may be called again for the same grant.
func (s *Store) forgetLocked(grant consent.GrantID) {
	s.state.forget(grant)
	for id := range s.index {
		if s.grantOf(id) == grant {
			s.removeChunks(id, func(chunkRef) bool { return true })
			s.removeOuts(id, func(outRef) bool { return true })
		}
	}
	s.dropLots(func(l *lot) bool { return l.grant == grant })
	s.asides = slices.DeleteFunc(s.asides, func(a *aside) bool { return a.grant == grant })
	maps.DeleteFunc(s.named, func(_ uint32, n naming) bool { return n.grant == grant })
	for _, marks := range []map[replay]uint64{s.replays, s.flying} {
		maps.DeleteFunc(marks, func(r replay, _ uint64) bool { return r.grant == grant })
	}
	maps.DeleteFunc(s.discards, func(k dayKey, _ bool) bool { return k.grant == grant })
}
