package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lookedAtOpen is how many bytes of files are looked through before Open returns. What is more is looked through afterwards, so
// that a start does not take longer because much is waiting.
const lookedAtOpen = 256 << 10

// lookGrace is how long the look at what is waiting lets the first rows of a start go before: on a board it would take the disk and
// a core from them. It begins earlier once rows are stored.
const lookGrace = 100 * time.Millisecond

// turns is a lock that can be asked whether somebody waits for it.
type turns struct {
	sync.Mutex
	wanted atomic.Int32
}

// Lock is [sync.Mutex.Lock].
func (t *turns) Lock() {
	t.wanted.Add(1)
	t.Mutex.Lock()
	t.wanted.Add(-1)
}

// errTurn is that a look at a file was broken off because other disk work waits.
var errTurn = errors.New("other disk work has its turn")

// maxTurns is how often a look at the current file gives way to other disk work.
const maxTurns = 64

// startLooking looks through what there is: at once when that is quick, else in a goroutine that Close waits for. io is held.
func (s *Store) startLooking() {
	s.mu.Lock()
	left := int64(0)
	for _, id := range s.unread {
		left += s.segments[id].size
	}
	s.mu.Unlock()
	switch {
	case left == 0:
	case left <= s.disk.lookedAtOpen:
		s.lookThroughAll()
	default:
		s.looking.Go(s.lookAside)
	}
}

// lookAside looks through the files beside other disk work, which does not wait for it: a file that is not written any more is
// read without holding anything, and the look at the current one is broken off and begun again when somebody comes.
func (s *Store) lookAside() {
	grace := time.NewTimer(s.disk.lookGrace)
	defer grace.Stop()
	select {
	case <-s.firstRows:
	case <-grace.C:
	}
	for given := 0; ; {
		s.mu.Lock()
		n := len(s.unread) - 1
		if n < 0 || s.closed {
			s.mu.Unlock()
			break
		}
		id, sealed := s.unread[n], s.segments[s.unread[n]] != s.current
		s.mu.Unlock()
		var p *probed
		if sealed {
			p = s.probe(id, nil)
			p.has = s.keysOf(p.heads)
		}
		s.io.Lock()
		if p == nil {
			p = s.probe(id, func() bool { return given < maxTurns && s.io.wanted.Load() > 0 })
		}
		if given++; !errors.Is(p.err, errTurn) {
			s.found(p)
		}
		s.io.Unlock()
	}
	s.io.Lock()
	defer s.io.Unlock()
	if !s.isClosed() {
		_ = s.tidy()
	}
}

// Await waits until it is known what lies in the buffer, see [Open], or the store is closed.
func (s *Store) Await() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(never)
}

func never() bool { return false }

// AwaitRows waits until rows were stored since Open, if much waits from before, for a tenth of a second at most, and no longer than
// somebody else waits for what lies there. It is for who would else be the first to wait for that, and has time.
func (s *Store) AwaitRows(ctx context.Context) {
	s.mu.Lock()
	left := len(s.unread)
	s.mu.Unlock()
	if left == 0 {
		return
	}
	grace := time.NewTimer(s.disk.lookGrace)
	defer grace.Stop()
	select {
	case <-ctx.Done():
	case <-s.firstRows:
	case <-grace.C:
	}
}

// awaitLocked is Await with mu held, which it gives up meanwhile. It returns early once enough says yes. Who waits may hold up others, so
// the look does not wait for rows any more.
func (s *Store) awaitLocked(enough func() bool) {
	s.settled()
	for len(s.unread) > 0 && !s.closed && !enough() {
		s.lookedAt.Wait()
	}
}

// lookThroughAll looks through all files and says whether there was one. io is held, mu is not.
func (s *Store) lookThroughAll() (some bool) {
	for s.lookThrough() {
		some = true
	}
	return some
}

// lookThrough looks through the newest of the files that are left and says whether there was one. io is held, mu is not.
func (s *Store) lookThrough() bool {
	s.mu.Lock()
	n := len(s.unread) - 1
	if n < 0 || s.closed {
		s.mu.Unlock()
		return false
	}
	id := s.unread[n]
	s.mu.Unlock()
	s.found(s.probe(id, nil))
	return true
}

// found takes what a look at a file found into the index, if nobody else did meanwhile. A file that is damaged is repaired
// first. io is held, mu is not.
func (s *Store) found(p *probed) {
	s.mu.Lock()
	known := s.closed || !slices.Contains(s.unread, p.id)
	s.mu.Unlock()
	switch {
	case known:
		return
	case p.err == nil:
		s.adopt(p)
	case s.current != nil && s.current.id == p.id:
		s.leaveDamaged(p)
	default:
		s.repairLive(p.id, ^uint64(0), p.err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.segments[p.id]; g != nil {
		g.unread = false
	}
	s.unread = slices.DeleteFunc(s.unread, func(u uint64) bool { return u == p.id })
	s.lookedAt.Broadcast()
}

// leaveDamaged goes on in a new file and repairs the current one, in which damage was found where bbolt does not look. When no
// file can be begun, what was found is used, and both are tried again with the next commit. io is held.
func (s *Store) leaveDamaged(p *probed) {
	s.current.suspect = p.err
	if s.active != nil {
		_ = s.active.close()
		s.active = nil
	}
	if s.ready() != nil && s.current.id == p.id {
		s.adopt(p)
	}
}

// adopt takes what was found in a file into the index. io is held.
func (s *Store) adopt(p *probed) {
	has := p.has
	if has == nil {
		has = s.keysOf(p.heads)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[p.id]
	if g == nil {
		return
	}
	if g != s.current {
		g.size, g.records = p.size, uint64(len(p.heads))
	}
	heads := p.heads
	if p.id == s.openedIn { // what came since is in the index, if it still counts
		heads = slices.DeleteFunc(heads, func(h header) bool {
			g.name(h.stream)
			return h.seq >= s.opened
		})
	}
	s.place(heads, g, has)
}

// keysOf asks which of the keys of some records are there. It is asked before mu is taken: the keyring may be writing.
func (s *Store) keysOf(heads []header) map[dayKey]bool {
	has := map[dayKey]bool{}
	for i := range heads {
		k := dayKey{heads[i].grant, heads[i].day}
		if _, asked := has[k]; !asked {
			_, has[k] = s.opt.Keys.Opener(k.grant, int64(k.day))
		}
	}
	return has
}

// place takes those of a file's records into the index that are alive; mu is held.
func (s *Store) place(heads []header, g *segment, has map[dayKey]bool) {
	gap := func(what string) Gap { return Gap{Segment: fmt.Sprintf("%08d%s", g.id, segmentExt), What: what} }
	gone, twice := gap(droppedKey), gap("a number that another record has too")
	alive := make([]*header, 0, len(heads))
	for i := range heads {
		h := &heads[i]
		g.name(h.stream)
		st := s.streamFound(h)
		s.state.nextSeq = max(s.state.nextSeq, h.seq+1)
		switch k := (dayKey{h.grant, h.day}); {
		case s.state.dead(h) || st.grant != h.grant || s.dropped[h.grant]:
			if s.days[k] == 0 {
				s.discards[k] = true
			}
		case !has[k]:
			gone.Records, gone.Rows = gone.Records+1, gone.Rows+uint64(h.rows)
		case h.seq >= s.opened && s.numbered(h): // from a buffer that went another way, as an old copy of the card does
			twice.Records, twice.Rows = twice.Records+1, twice.Rows+uint64(h.rows)
			s.lose(s.state.resolve(h.stream), Damaged, uint64(h.rows))
		default:
			alive = append(alive, h)
		}
	}
	s.insertAll(alive, g.id)
	if gone.Records > 0 {
		s.gap(gone)
		s.counts[droppedKey] += gone.Rows
	}
	if twice.Records > 0 {
		s.gap(twice)
	}
}

// numbered tells whether the index has another record with the number of this one in its stream; mu is held.
func (s *Store) numbered(h *header) bool {
	if h.kind == kindOutgoing {
		x := s.index[h.stream]
		return x != nil && slices.ContainsFunc(x.outs, func(o outRef) bool { return o.seq == h.seq || o.batch == h.place })
	}
	x := s.index[s.state.resolve(h.stream)]
	return x != nil && slices.ContainsFunc(x.chunks, func(c chunkRef) bool { return c.seq == h.seq })
}

// streamFound is the stream of a record in a file. One that the state does not know is of a state that was lost; mu is held.
func (s *Store) streamFound(h *header) *streamState {
	if st, known := s.state.streams[h.stream]; known {
		return st
	}
	stream, grant, epoch := h.stream, h.grant, h.epoch
	begin := func() {
		st := s.state.stream(stream, grant, epoch)
		st.uncertain = !st.retired
	}
	begin()
	if s.doubt != nil {
		s.doubt.after = append(s.doubt.after, begin)
	}
	return s.state.streams[stream]
}
