package store

import (
	"errors"
	"fmt"
	"maps"
	"syscall"
	"time"
)

// change is one transaction: the records it adds and what the state is to say with them. It is applied in memory when,
// and only when, the file has it.
type change struct {
	next    *state
	adds    []header // in the order of puts
	puts    []put
	apply   func() // with mu held, before adds are indexed; may be nil
	refuse  func() // with mu held, when the file does not have it; may be nil
	encoded []byte // state bytes of the attempt
	changes uint64
	took    time.Duration // of the attempt
	size    int64         // of the file, when it has the change
	after   []func()      // changes of state that came while it was in doubt

	losses map[uint32]lossCount // what was pending when it began
}

// begin starts a change from the state in memory, with what waits for the next commit: all but rows and marks.
// io is held and ready has said yes: it may settle a doubt, and so change the state.
func (s *Store) begin() *change {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &change{next: s.state.clone(), changes: s.changes, losses: s.losses}
	s.losses = map[uint32]lossCount{}
	c.next.clean = false
	for id, n := range s.named {
		c.next.stream(id, n.grant, n.epoch)
	}
	for id, n := range c.losses {
		if st := c.next.streams[id]; st != nil && !st.retired {
			st.losses.add(n)
		}
	}
	s.prune(c.next)
	return c
}

// prune leaves out what no file can name any more; mu is held.
func (s *Store) prune(next *state) {
	if len(s.unread) > 0 {
		return
	}
	named := map[uint32]bool{}
	for _, g := range s.segments {
		for id := range g.streams {
			named[id] = true
		}
	}
	s.eachLot(func(l *lot) { named[l.stream] = true })
	for _, st := range next.streams {
		if st.moved {
			named[st.to] = true
		}
	}
	maps.DeleteFunc(next.streams, func(id uint32, st *streamState) bool { return st.retired && !named[id] })
}

// add seals a record into the change under the next sequence number. io is held.
func (s *Store) add(c *change, h header, plain []byte) error {
	aead, err := s.opt.Keys.Sealer(h.grant, int64(h.day))
	if err != nil {
		return fmt.Errorf("store: the key of grant %d for day %d: %w", h.grant, h.day, err)
	}
	h.seq = c.next.nextSeq
	if h.kind == kindChunk && h.place == 0 {
		h.place = h.seq
	}
	v, err := sealRecord(aead, s.opt.Rand, &h, plain)
	if err != nil {
		return err
	}
	c.next.nextSeq++
	c.adds, c.puts = append(c.adds, h), append(c.puts, put{h.key(), v})
	return nil
}

// commit makes a change durable and applies it. io is held, mu is not.
func (s *Store) commit(c *change) error {
	err := s.attempt(c)
	switch {
	case err == nil:
		s.succeeded(c)
		return nil
	case s.doubt == c: // ask the file at once; when it does not answer, ready will ask again
		s.failed(err)
		_ = s.openActive()
	default:
		s.undo(c)
	}
	s.failed(err)
	return err
}

// slowCommit is how long a commit may take before the disk counts as slow: a healthy card takes some tens of milliseconds.
const slowCommit = 5 * time.Second

func (s *Store) attempt(c *change) error {
	c.next.segment, c.next.records = s.current.id, s.current.records+uint64(len(c.puts))
	c.next.commit++
	began := time.Now()
	defer func() { c.took = time.Since(began) }()
	size, written, decided, err := s.active.update(c.puts, func(tx uint64) []byte {
		c.next.tx = tx
		c.encoded = c.next.encode()
		return c.encoded
	})
	s.written.Add(written)
	if err != nil {
		if decided {
			s.doubt = c
		}
		if s.active.broken {
			s.current.suspect = errBolt
		}
		_ = s.active.close()
		s.active = nil
		return fmt.Errorf("store: commit to %s: %w", s.path(s.current.id), err)
	}
	c.size = size
	return nil
}

// succeeded applies a change that the active file has.
func (s *Store) succeeded(c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.last = c.next, c.encoded
	maps.DeleteFunc(s.named, func(id uint32, _ naming) bool { return s.state.streams[id] != nil })
	for grant := range s.dropped { // a withdrawal may have come while the file was written
		s.forgetLocked(grant)
	}
	if c.apply != nil {
		c.apply()
	}
	for i := range c.adds {
		h := &c.adds[i]
		s.current.note(h.stream)
		if !s.state.dead(h) {
			s.insert(h, s.current.id)
		}
	}
	if s.saved = c.changes; c.size > 0 {
		s.current.size = c.size
	}
	for _, f := range c.after {
		f()
		s.changes++
	}
	s.condition, s.detail = StateOK, ""
	if c.took > s.disk.slow {
		s.condition, s.detail = StateSlow, fmt.Sprintf("the last commit took %s; a card that is wearing out gets slow first", c.took.Round(time.Second/10))
	}
}

// undo gives back what a change took and the file did not get.
func (s *Store) undo(c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range c.losses {
		n.add(s.losses[id])
		s.losses[id] = n
	}
	if c.refuse != nil {
		c.refuse()
	}
}

// failed remembers why the last commit did not work.
func (s *Store) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.condition, s.detail = stateOf(err), err.Error()
}

// stateOf says what a disk error means.
func stateOf(err error) State {
	is := func(codes ...syscall.Errno) bool {
		for _, c := range codes {
			if errors.Is(err, c) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, ErrFull), is(syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		return StateFull
	case is(syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EBADF):
		return StateReadOnly
	}
	return StateFailing
}
