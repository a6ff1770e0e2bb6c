package store

import (
	"github.com/candor-edge/candor/store/consent"
)

// maxAsides bounds what waits beside rows while the disk takes nothing; the oldest are dropped.
const maxAsides = 256

// aside is a record of a history that is no rows: what the rows of a stream mean, or the copy of a batch. It is stored as an
// upload is, in the same transaction as the rows that wait, and nothing sends it: a history has no way out.
type aside struct {
	stream uint32
	grant  consent.GrantID
	day    int32
	upload Upload
}

// putBeside lets a record wait for the next commit.
func (s *Store) putBeside(a *aside) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.dropped[a.grant]:
		return ErrGone
	}
	if len(s.asides) >= maxAsides {
		s.counts[droppedFull]++
		s.asides = append(s.asides[:0], s.asides[1:]...)
	}
	s.asides = append(s.asides, a)
	return nil
}

// sealAsides puts what waits beside rows into a change and says which it took. io is held.
func (s *Store) sealAsides(c *change) ([]*aside, error) {
	s.mu.Lock()
	var taken []*aside
	kept := s.asides[:0:0]
	for _, a := range s.asides {
		if !s.dropped[a.grant] {
			kept = append(kept, a)
		}
	}
	s.asides = kept
	taken = append(taken, kept...)
	s.mu.Unlock()
	sealed := taken[:0]
	for _, a := range taken {
		if _, err := s.opt.Keys.Sealer(a.grant, int64(a.day)); err != nil {
			continue // it waits, as the rows of its grant do, whose error is told
		}
		sealed = append(sealed, a)
		plain, err := packUpload(&a.upload)
		if err != nil {
			return nil, err
		}
		st := c.next.stream(a.stream, a.grant, uint64(a.day))
		st.lastDay = max(st.lastDay, a.day)
		h := header{kind: kindOutgoing, stream: a.stream, grant: a.grant, day: a.day, place: st.nextBatch, size: uint32(len(a.upload.Bytes))}
		st.nextBatch++
		if err := s.add(c, h, plain); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

// storedAsides forgets what a commit has stored; mu is held.
func (s *Store) storedAsides(stored []*aside) {
	done := map[*aside]bool{}
	for _, a := range stored {
		done[a] = true
	}
	kept := s.asides[:0:0]
	for _, a := range s.asides {
		if !done[a] && !s.dropped[a.grant] {
			kept = append(kept, a)
		}
	}
	s.asides = kept
}
