package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/candor-edge/candor/store/consent"
)

// commitCost is what a commit writes beside its records, generously: leaf, branches, free list, meta, state.
const commitCost = 16 * pageSize

// Flush commits what waits, in one transaction of one chunk a stream and day. When there is nothing to commit it
// touches nothing. After an error everything still waits; errors.Is(err, ErrFull) tells that there is no room.
func (s *Store) Flush() error {
	s.io.Lock()
	defer s.io.Unlock()
	return s.flush()
}

// flush is Flush with io held.
func (s *Store) flush() error {
	if s.isClosed() {
		return ErrClosed
	}
	if !s.pending() && s.active != nil {
		return nil
	}
	if err := s.ready(); err != nil {
		return err
	}
	lots, need := s.takeWaiting()
	if need > 0 {
		if err := s.makeRoom(need + commitCost); err != nil {
			s.putBack()
			s.failed(err)
			return err
		}
	}
	err := s.write(lots)
	if stateOf(err) == StateFull && err != nil && s.evictOldest() {
		_ = s.tidy()
		if err = s.ready(); err == nil {
			lots, _ = s.takeWaiting()
			err = s.write(lots)
		}
	}
	_ = s.tidy()
	return err
}

// write commits lots that takeWaiting took.
func (s *Store) write(lots []*lot) error {
	c := s.begin()
	c.refuse = s.putBackLocked
	asides, err := s.sealAsides(c)
	if err != nil {
		s.undo(c)
		return err
	}
	skipped, err := s.sealLots(c, lots)
	if skipped == nil {
		s.undo(c)
		return err
	}
	s.addMarks(c, skipped)
	c.apply = func() {
		s.storedAsides(asides)
		s.inFlight = slices.DeleteFunc(s.inFlight, func(l *lot) bool {
			if skipped[l.grant] {
				return false
			}
			s.waitRows -= l.rows.rows
			l.rows.reset()
			return true
		})
		maps.DeleteFunc(s.flying, func(r replay, _ uint64) bool { return !skipped[r.grant] })
		s.putBackLocked()
	}
	if stored := s.commit(c); stored != nil {
		return errors.Join(err, stored)
	}
	if len(lots) > 0 {
		s.settled()
	}
	return err
}

// sealLots makes a chunk of each lot. Where a grant has no key, all its rows stay behind, and so do its marks, which say
// that rows before them are stored. When skipped is nil the change is to be given up.
func (s *Store) sealLots(c *change, lots []*lot) (skipped map[consent.GrantID]bool, errs error) {
	s.mu.Lock()
	skipped = maps.Clone(s.dropped) // withdrawn a moment ago: wiped when the others are stored
	s.mu.Unlock()
	for _, l := range lots {
		if skipped[l.grant] {
			continue
		}
		if _, err := s.opt.Keys.Sealer(l.grant, int64(l.day)); err != nil {
			skipped[l.grant] = true
			errs = errors.Join(errs, fmt.Errorf("store: the key of grant %d for day %d: %w", l.grant, l.day, err))
		}
	}
	for _, l := range lots {
		if skipped[l.grant] {
			continue
		}
		st := c.next.stream(l.stream, l.grant, l.epoch)
		st.lastDay = max(st.lastDay, l.day)
		h := header{kind: kindChunk, stream: l.stream, grant: l.grant, day: l.day, epoch: l.epoch,
			rows: uint32(l.rows.rows), size: uint32(len(l.rows.buf))}
		if err := s.add(c, h, l.rows.buf); err != nil {
			return nil, err // some of it may be in the change already: give up all of it
		}
	}
	return skipped, errs
}

// addMarks puts the marks that were taken with the lots into the change, but for grants whose rows stay behind.
func (s *Store) addMarks(c *change, skipped map[consent.GrantID]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r, pos := range s.flying {
		if !skipped[r.grant] && !s.dropped[r.grant] {
			c.next.replays[r] = pos
		}
	}
}

// pending tells whether there is anything to commit.
func (s *Store) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 || len(s.replays) > 0 || len(s.losses) > 0 || len(s.asides) > 0 || s.changes != s.saved
}

// takeWaiting hands the waiting lots to a commit, with the marks that came with them, and estimates the bytes they will
// take.
func (s *Store) takeWaiting() (lots []*lot, need int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight, s.waiting, s.sinceTry = s.waiting, nil, 0
	s.flying, s.replays = s.replays, map[replay]uint64{}
	clear(s.open)
	for _, l := range s.inFlight {
		need += int64(len(l.rows.buf) + recordMin + 64)
	}
	for _, a := range s.asides {
		need += int64(len(a.upload.Bytes) + recordMin + 512)
	}
	return s.inFlight, need
}

func (s *Store) putBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putBackLocked()
}

// putBackLocked lets the lots of a commit that did not happen wait again, before those that came since, and their marks.
func (s *Store) putBackLocked() {
	for r, pos := range s.flying {
		if _, newer := s.replays[r]; !newer && !s.dropped[r.grant] {
			s.replays[r] = pos
		}
	}
	lots := slices.DeleteFunc(s.inFlight, s.wiped)
	s.inFlight, s.flying = nil, nil
	s.waiting = append(lots, s.waiting...)
	for _, l := range lots { // what comes goes on in them: else each try on a disk that takes no writing would leave lots of a row
		if k := (lotKey{l.stream, l.day}); s.open[k] == nil && l.rows.rows < s.lotRows() {
			s.open[k] = l
		}
	}
	s.bound()
}

// wiped wipes a lot whose grant was dropped while it was on its way to the disk, and says whether it was. mu is held.
func (s *Store) wiped(l *lot) bool {
	if s.dropped[l.grant] {
		s.waitRows -= l.rows.rows
		l.rows.reset()
		return true
	}
	l.stream = s.state.resolve(l.stream)
	return false
}
