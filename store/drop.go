package store

import (
	"fmt"
	"slices"
	"sort"

	"github.com/candor-edge/candor/store/consent"
)

// DropGrant forgets everything of a grant: rows that wait, chunks, uploads, marks. It has effect at once: when it returns,
// and for Append and Load from its first instant, nothing of the grant is taken, read or handed out, whatever the disk
// says. An error only says that the disk does not know yet; the next commit tells it, and a power cut before that leaves
// records whose keys the caller has destroyed, which the next Open counts as gone.
func (s *Store) DropGrant(grant consent.GrantID) error {
	if grant == 0 {
		return nil
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.dropped[grant] = true
	if !s.keepsAny(grant) {
		s.mu.Unlock()
		return nil
	}
	s.forgetLocked(grant)
	s.changes++
	s.mu.Unlock()

	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	err := s.ready()
	s.wipeInFlight(grant)
	if err != nil {
		return err
	}
	err = s.commit(s.begin())
	_ = s.tidy()
	return err
}

// keepsAny tells whether the buffer knows of anything under a grant that was not forgotten already; mu is held.
func (s *Store) keepsAny(grant consent.GrantID) bool {
	for _, st := range s.state.streams {
		if st.grant == grant && (!st.retired || st.mark != position{^uint64(0), ^uint64(0)}) {
			return true
		}
	}
	some := s.doubt != nil || slices.ContainsFunc(s.asides, func(a *aside) bool { return a.grant == grant })
	s.eachLot(func(l *lot) { some = some || l.grant == grant })
	for _, n := range s.named {
		some = some || n.grant == grant
	}
	for _, marks := range []map[replay]uint64{s.replays, s.flying, s.state.replays} {
		for r := range marks {
			some = some || r.grant == grant
		}
	}
	for k := range s.days {
		some = some || k.grant == grant
	}
	return some || s.changes != s.saved
}

// wipeInFlight wipes rows of a commit that is still in doubt. io is held, so nobody seals them.
func (s *Store) wipeInFlight(grant consent.GrantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight = slices.DeleteFunc(s.inFlight, func(l *lot) bool {
		if l.grant != grant {
			return false
		}
		s.waitRows -= l.rows.rows
		l.rows.reset()
		return true
	})
}

// Enroll names a stream before its first row, so that it can be cut without rows. It does no harm to do it again.
func (s *Store) Enroll(stream uint32, grant consent.GrantID, epoch uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if grant == 0 {
		return fmt.Errorf("store: stream %d without a grant", stream)
	}
	if s.dropped[grant] {
		return ErrGone
	}
	return s.enroll(stream, grant, epoch)
}

// Retire says that nothing more comes in a stream: its epoch is over and it is drained, or it was given up. What it still
// has, in memory too, is forgotten and counted in Status, and its numbers with the last file that names it. An error says
// that this is not durable yet.
func (s *Store) Retire(stream uint32) error {
	s.Await()
	return s.alter(func() {
		before := s.waitRows
		s.dropLots(func(l *lot) bool { return l.stream == stream })
		s.counts[droppedRetired] += uint64(before - s.waitRows)
		delete(s.named, stream)
		st := s.state.streams[stream]
		if st == nil {
			return
		}
		if !st.moved { // chunks that were moved are another's now
			st.mark = position{^uint64(0), ^uint64(0)}
		}
		st.gone = numbers{{0, ^uint64(0)}}
		st.retired, st.uncertain, st.losses = true, false, lossCount{}
		delete(s.losses, stream)
		s.state.parked = slices.DeleteFunc(s.state.parked, func(p parking) bool { return p.stream == stream })
		s.counts[droppedRetired] += s.removeChunks(stream, func(chunkRef) bool { return true })
		s.counts[droppedRetired] += s.removeOuts(stream, func(outRef) bool { return true })
		s.forgetCache(stream)
	})
}

// forgetCache makes Append ask for the stream again; mu is held.
func (s *Store) forgetCache(stream uint32) {
	s.lately = lately{}
	for k, id := range s.cache {
		if id == stream {
			delete(s.cache, k)
		}
	}
}

// Restream moves the rows of old that are not cut yet, those in memory too, and its losses to the stream fresh, which
// belongs to the same grant and was never cut. Uploads of old stay what they are, under their old numbers. Afterwards
// Streams.Stream must answer fresh.
func (s *Store) Restream(old, fresh uint32) error {
	s.mu.Lock()
	err := s.mayMove(old, fresh)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.alter(func() { s.move(old, fresh) })
}

func (s *Store) mayMove(old, fresh uint32) error {
	from, to := s.state.streams[old], s.state.streams[fresh]
	switch {
	case from == nil:
		return fmt.Errorf("%w: %d", ErrUnknown, old)
	case from.retired || from.moved:
		return fmt.Errorf("stream %d: %w", old, ErrGone)
	case old == fresh:
		return fmt.Errorf("store: stream %d cannot be moved to itself", old)
	case to != nil && (to.grant != from.grant || to.mark != position{} || to.nextBatch != 1 || to.moved || to.retired):
		return fmt.Errorf("store: stream %d is not a fresh one of the same grant", fresh)
	}
	if g := s.named[fresh].grant; g != 0 && g != from.grant {
		return fmt.Errorf("store: stream %d is not a fresh one of the same grant", fresh)
	}
	return nil
}

// move is Restream in memory; mu is held.
func (s *Store) move(old, fresh uint32) {
	from := s.state.streams[old]
	to := s.state.stream(fresh, from.grant, from.epoch)
	to.lastDay = max(to.lastDay, from.lastDay)
	to.losses.add(from.losses)
	from.moved, from.to, from.losses = true, fresh, lossCount{}
	if n, ok := s.losses[old]; ok {
		n.add(s.losses[fresh])
		s.losses[fresh] = n
		delete(s.losses, old)
	}
	if x := s.index[old]; x != nil && len(x.chunks) > 0 {
		y := s.streamIndex(fresh)
		y.chunks = append(y.chunks, x.chunks...)
		sort.Slice(y.chunks, func(i, j int) bool { return y.chunks[i].position().less(y.chunks[j].position()) })
		y.rows += x.rows
		x.chunks, x.rows = nil, 0
		s.settle(old)
	}
	for _, l := range s.waiting {
		if l.stream == old {
			l.stream = fresh
		}
	}
	clear(s.open)
	s.forgetCache(old)
}

// Expire drops what is kept of a grant for days before `before` (days since 1970): chunks up to the first that is newer,
// and uploads. It is not a loss: the purpose no longer wants it. An error says that this is not durable yet.
func (s *Store) Expire(grant consent.GrantID, before int64) error {
	s.mu.Lock()
	s.awaitLocked(never)
	due := false
	for k := range s.days {
		due = due || k.grant == grant && int64(k.day) < before
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.alter(func() {
		for id := range s.index {
			if s.grantOf(id) == grant {
				s.expireStream(id, before)
			}
		}
	})
}

func (s *Store) expireStream(id uint32, before int64) {
	x, st := s.index[id], s.state.streams[id]
	n := 0
	for n < len(x.chunks) && int64(x.chunks[n].day) < before {
		n++
	}
	if n > 0 {
		last := x.chunks[n-1].position()
		st.mark = last
		s.counts[droppedExpired] += s.removeChunks(id, func(c chunkRef) bool { return !last.less(c.position()) })
	}
	old := func(o outRef) bool { return int64(o.day) < before }
	if x = s.index[id]; x == nil {
		return
	}
	for _, o := range slices.Clone(x.outs) {
		if old(o) {
			s.state.finish(id, o.batch)
		}
	}
	s.counts[droppedExpired] += s.removeOuts(id, old)
}
