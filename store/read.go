package store

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/candor-edge/candor/store/pages"
)

// read decrypts chunks. A file whose tree does not lead to a record any more is repaired once. io is held.
func (s *Store) read(refs []chunkRef) *batch {
	b := &batch{}
	s.readInto(b, refs)
	return b
}

// readInto is read with the memory of a batch that was reset.
func (s *Store) readInto(b *batch, refs []chunkRef) {
	rows := 0
	for _, ref := range refs {
		rows += int(ref.rows)
	}
	b.rows, b.days = slices.Grow(b.rows, rows), slices.Grow(b.days, rows)
	var r *reader
	var open uint32
	defer func() {
		if r != nil {
			r.close()
		}
	}()
	repaired := map[uint32]bool{}
	for _, ref := range refs {
		if r == nil || open != ref.segment {
			if r != nil {
				r.close()
			}
			r, open = s.openSegment(uint64(ref.segment)), ref.segment
		}
		h := header{seq: ref.seq, kind: kindChunk, stream: ref.stream}
		plain, head, err := s.fetch(r, &h)
		if lostPage(err) && !repaired[ref.segment] {
			repaired[ref.segment] = true
			if r != nil {
				r.close()
				r = nil
			}
			s.repairOne(uint64(ref.segment), err)
			r = s.openSegment(uint64(ref.segment))
			plain, head, err = s.fetch(r, &h)
		}
		if err == nil {
			err = b.unpack(head, plain)
		}
		if err != nil && repaired[ref.segment] && !s.keeps(ref) {
			b.skipped++ // the repair has counted it
		} else if err != nil {
			b.skip(ref, err)
		}
	}
}

// borrow gives the memory of the cut before, if it is kept. io is held.
func (s *Store) borrow() *batch {
	b := s.spare
	s.spare = nil
	if b == nil {
		b = &batch{}
	}
	return b
}

// giveBack keeps the memory of a cut of n rows for the next one when there is a backlog: an agent that has caught up needs
// none. Nothing may use the batch any more. io is held.
func (s *Store) giveBack(b *batch, n int) {
	b.reset()
	if n > leastSpare && n <= mostSpare {
		s.spare = b
	}
}

// keeps tells whether a chunk is still in the index.
func (s *Store) keeps(ref chunkRef) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.index[s.state.resolve(ref.stream)]
	return x != nil && slices.ContainsFunc(x.chunks, func(c chunkRef) bool { return c.seq == ref.seq })
}

// lostPage tells whether an error is about the file rather than about one record.
func lostPage(err error) bool {
	return errors.Is(err, pages.ErrDamaged) || errors.Is(err, pages.ErrNotFound)
}

func (b *batch) unpack(h header, plain []byte) error {
	from := len(b.rows)
	rows, err := readRows(b.rows, plain, int(h.rows), &b.cells)
	clear(plain)
	if err != nil {
		return err
	}
	b.rows = rows
	for i := from; i < len(rows); i++ {
		rows[i].mark, rows[i].Day = i+1, int64(h.day)
		b.days = append(b.days, h.day)
	}
	return nil
}

// openSegment opens a file for reading; nil when that is not possible.
func (s *Store) openSegment(id uint64) *reader {
	r, err := s.openReader(s.path(id))
	if err != nil && r != nil {
		r.close()
		return nil
	}
	return r
}

// fetch reads and opens one record; of h only the key is used.
func (s *Store) fetch(r *reader, h *header) ([]byte, header, error) {
	if r == nil {
		return nil, header{}, pages.Damaged("the file cannot be read")
	}
	v, err := r.Get(h.key())
	if err != nil {
		return nil, header{}, err
	}
	head, err := parseHeader(h.key(), v, len(v))
	if err != nil {
		return nil, header{}, err
	}
	aead, ok := s.opt.Keys.Opener(head.grant, int64(head.day))
	if !ok {
		return nil, head, errNoKey
	}
	plain, err := openRecord(aead, &head, v)
	return plain, head, err
}

// repairOne repairs a file that turned out to be damaged while the store runs. The current file is left behind first.
// io is held. Index entries that are lost are taken out and counted, so a reading that holds them finds nothing.
func (s *Store) repairOne(id uint64, cause error) {
	if _, err := os.Stat(s.path(id)); err != nil {
		cause = fmt.Errorf("%w: %w", pages.ErrDamaged, err)
	}
	limit := s.state.nextSeq
	if s.current != nil && s.current.id == id {
		if s.roll() != nil {
			return
		}
	}
	s.repairLive(id, limit, cause)
}
