package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
)

// SegmentCheck is what a look at every record of one file found. Counts are of what is alive: neither sent nor given up.
type SegmentCheck struct {
	File    string
	Bytes   int64 // pages in use
	Records int   // chunks and uploads that authenticate
	Rows    int   // in them
	Damaged int   // records that do not authenticate, or that no page leads to
	KeyGone int   // records whose key was destroyed; nobody can read them any more, and the file goes when nothing else is in it
	Fault   string
}

// Verify reads and authenticates every record that is alive, file by file, and changes nothing: what is damaged is repaired
// when it is read to be sent, or at the next Open. Between two files other disk work gets its turn. found is called for each
// file, with how many there are in all. An error is found's, ctx's, or that the store is closed.
func (s *Store) Verify(ctx context.Context, found func(c SegmentCheck, of int) error) error {
	s.Await()
	s.mu.Lock()
	ids := rising(slices.Collect(maps.Keys(s.segments)))
	s.mu.Unlock()
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, there, err := s.verifyOne(id)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if err := found(c, len(ids)); err != nil {
			return err
		}
	}
	return nil
}

// verifyOne looks at one file; false when it was drained and deleted meanwhile.
func (s *Store) verifyOne(id uint64) (SegmentCheck, bool, error) {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	closed, g := s.closed, s.segments[id]
	alive := s.aliveIn(id)
	s.mu.Unlock()
	switch {
	case closed:
		return SegmentCheck{}, false, ErrClosed
	case g == nil:
		return SegmentCheck{}, false, nil
	}
	c := SegmentCheck{File: fmt.Sprintf("%08d%s", id, segmentExt), Bytes: g.size}
	if p := s.probe(id, nil); p.err != nil {
		c.Fault = p.err.Error()
	}
	r := s.openSegment(id)
	if r != nil {
		defer r.close()
	}
	for i := range alive {
		plain, head, err := s.fetch(r, &alive[i])
		clear(plain)
		switch {
		case err == nil:
			c.Records++
			c.Rows += int(head.rows)
		case errors.Is(err, errNoKey):
			c.KeyGone++
		default:
			c.Damaged++
		}
	}
	return c, true, nil
}

// aliveIn lists the keys of the records of a file that are alive; mu is held.
func (s *Store) aliveIn(id uint64) (out []header) {
	for stream, x := range s.index {
		for _, c := range x.chunks {
			if uint64(c.segment) == id {
				out = append(out, header{kind: kindChunk, stream: c.stream, seq: c.seq})
			}
		}
		for _, o := range x.outs {
			if uint64(o.segment) == id {
				out = append(out, header{kind: kindOutgoing, stream: stream, seq: o.seq})
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].seq < out[j].seq })
	return out
}

// Each hands the committed rows of a stream to visit, oldest first, a handful of chunks at a time, and changes nothing. The rows are
// visit's until it returns. What can't be read is left out. Rows that are cut meanwhile are left out or seen once.
func (s *Store) Each(stream uint32, visit func(rows []Row) error) error {
	s.Await()
	after := uint64(0)
	for {
		s.io.Lock()
		if s.isClosed() {
			s.io.Unlock()
			return ErrClosed
		}
		refs := s.chunksAfter(stream, after)
		got := s.read(refs)
		s.io.Unlock()
		if len(refs) == 0 {
			return nil
		}
		after = refs[len(refs)-1].seq
		if err := visit(got.rows); err != nil {
			return err
		}
	}
}

// chunksAfter lists the next chunks of a stream, up to maxChunkRows rows of them, in the order they were written.
func (s *Store) chunksAfter(stream uint32, after uint64) (out []chunkRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.index[stream]
	if x == nil || s.dropped[s.grantOf(stream)] {
		return nil
	}
	later := slices.DeleteFunc(slices.Clone(x.chunks), func(c chunkRef) bool { return c.seq <= after })
	sort.Slice(later, func(i, j int) bool { return later[i].seq < later[j].seq })
	rows := 0
	for n := range later {
		if rows += int(later[n].rows); rows >= maxChunkRows {
			return later[:n+1]
		}
	}
	return later
}
