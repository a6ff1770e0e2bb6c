package store

import (
	"slices"
	"sort"

	"github.com/candor-edge/candor/store/consent"
)

// chunkRef is where a chunk of rows lies. It has 32 bytes, so that a backlog of millions costs little.
type chunkRef struct {
	order, seq uint64
	segment    uint32
	stream     uint32 // in its key; another than the owner's after Restream
	rows       uint32
	day        int32
}

func (c chunkRef) position() position { return position{c.order, c.seq} }

// outRef is where an upload lies.
type outRef struct {
	batch, seq uint64
	segment    uint32
	rows       uint32
	size       uint32
	day        int32
}

// streamIndex lists what a stream has alive, oldest first.
type streamIndex struct {
	chunks []chunkRef
	outs   []outRef
	rows   int // in chunks
}

func (x *streamIndex) empty() bool { return len(x.chunks) == 0 && len(x.outs) == 0 }

// find gives the place of an upload among outs.
func (x *streamIndex) find(batch uint64) (int, bool) {
	return slices.BinarySearchFunc(x.outs, batch, func(o outRef, b uint64) int {
		switch {
		case o.batch < b:
			return -1
		case o.batch > b:
			return 1
		}
		return 0
	})
}

func (s *Store) streamIndex(stream uint32) *streamIndex {
	x, ok := s.index[stream]
	if !ok {
		x = &streamIndex{}
		s.index[stream] = x
	}
	return x
}

// insert adds a record that is alive to the index; mu is held. Records mostly come in order, so it looks from the end.
func (s *Store) insert(h *header, segment uint64) {
	s.count(h.grant, h.day, segment, 1)
	s.newest[h.grant] = max(h.day, s.newest[h.grant])
	if h.kind == kindOutgoing {
		x := s.streamIndex(h.stream)
		i, _ := x.find(h.place)
		x.outs = append(x.outs, outRef{})
		copy(x.outs[i+1:], x.outs[i:])
		x.outs[i] = outOf(h, segment)
		return
	}
	x := s.streamIndex(s.state.resolve(h.stream))
	ref := chunkOf(h, segment)
	i := len(x.chunks)
	for i > 0 && ref.position().less(x.chunks[i-1].position()) {
		i--
	}
	x.chunks = append(x.chunks, ref)
	copy(x.chunks[i+1:], x.chunks[i:])
	x.chunks[i] = ref
	x.rows += int(h.rows)
}

func chunkOf(h *header, segment uint64) chunkRef {
	return chunkRef{h.place, h.seq, uint32(segment), h.stream, h.rows, h.day}
}

func outOf(h *header, segment uint64) outRef {
	return outRef{h.place, h.seq, uint32(segment), h.rows, h.size, h.day}
}

// insertAll is insert for what was found in a file, which mostly is older than all that is in the index; mu is held.
func (s *Store) insertAll(found []*header, segment uint64) {
	olds := map[uint32]*streamIndex{}
	for _, h := range found {
		s.count(h.grant, h.day, segment, 1)
		s.newest[h.grant] = max(h.day, s.newest[h.grant])
		owner := h.stream
		if h.kind == kindChunk {
			owner = s.state.resolve(owner)
		}
		x := olds[owner]
		if x == nil {
			x = &streamIndex{}
			olds[owner] = x
		}
		if h.kind == kindOutgoing {
			x.outs = append(x.outs, outOf(h, segment))
			continue
		}
		x.chunks, x.rows = append(x.chunks, chunkOf(h, segment)), x.rows+int(h.rows)
	}
	for stream, old := range olds {
		x := s.streamIndex(stream)
		x.chunks, x.outs, x.rows = append(old.chunks, x.chunks...), append(old.outs, x.outs...), x.rows+old.rows
		byPlace := func(i, j int) bool { return x.chunks[i].position().less(x.chunks[j].position()) }
		if !sort.SliceIsSorted(x.chunks, byPlace) {
			sort.Slice(x.chunks, byPlace)
		}
		byNumber := func(i, j int) bool { return x.outs[i].batch < x.outs[j].batch }
		if !sort.SliceIsSorted(x.outs, byNumber) {
			sort.Slice(x.outs, byNumber)
		}
	}
}

// indexed lists the records of a file that are in the index, by their number; mu is held.
func (s *Store) indexed(segment uint64) map[uint64]bool {
	seqs := map[uint64]bool{}
	for _, x := range s.index {
		for _, c := range x.chunks {
			if uint64(c.segment) == segment {
				seqs[c.seq] = true
			}
		}
		for _, o := range x.outs {
			if uint64(o.segment) == segment {
				seqs[o.seq] = true
			}
		}
	}
	return seqs
}

// count changes the number of records alive in a file and under a key.
func (s *Store) count(grant consent.GrantID, day int32, segment uint64, n int) {
	if g := s.segments[segment]; g != nil {
		g.alive += n
	}
	k := dayKey{grant, day}
	if s.days[k] += n; s.days[k] > 0 {
		delete(s.discards, k)
		return
	}
	delete(s.days, k)
	s.discards[k] = true
}

// grantOf is the grant of a stream; mu is held.
func (s *Store) grantOf(stream uint32) consent.GrantID {
	if st := s.state.streams[stream]; st != nil {
		return st.grant
	}
	return s.named[stream].grant
}

// removeChunks takes the chunks for which dead says so out of the index and gives the rows they had; mu is held.
func (s *Store) removeChunks(stream uint32, dead func(chunkRef) bool) (rows uint64) {
	x, grant := s.index[stream], s.grantOf(stream)
	if x == nil {
		return 0
	}
	drop := func(c chunkRef) {
		s.count(grant, c.day, uint64(c.segment), -1)
		x.rows -= int(c.rows)
		rows += uint64(c.rows)
	}
	for len(x.chunks) > 0 && dead(x.chunks[0]) {
		drop(x.chunks[0])
		x.chunks = x.chunks[1:]
	}
	x.chunks = slices.DeleteFunc(x.chunks, func(c chunkRef) bool {
		if !dead(c) {
			return false
		}
		drop(c)
		return true
	})
	s.settle(stream)
	return rows
}

// removeOuts takes the uploads for which dead says so out of the index and gives the rows they had; mu is held.
func (s *Store) removeOuts(stream uint32, dead func(outRef) bool) (rows uint64) {
	x, grant := s.index[stream], s.grantOf(stream)
	if x == nil {
		return 0
	}
	x.outs = slices.DeleteFunc(x.outs, func(o outRef) bool {
		if !dead(o) {
			return false
		}
		s.count(grant, o.day, uint64(o.segment), -1)
		rows += uint64(o.rows)
		return true
	})
	s.settle(stream)
	return rows
}

// removeOut takes one upload out of the index; mu is held.
func (s *Store) removeOut(stream uint32, batch uint64) {
	x := s.index[stream]
	if x == nil {
		return
	}
	i, found := x.find(batch)
	if !found {
		return
	}
	o := x.outs[i]
	s.count(s.grantOf(stream), o.day, uint64(o.segment), -1)
	if i == 0 {
		x.outs = x.outs[1:]
	} else {
		x.outs = slices.Delete(x.outs, i, i+1)
	}
	s.settle(stream)
}

// settle forgets a stream that has nothing left.
func (s *Store) settle(stream uint32) {
	x := s.index[stream]
	if x.empty() {
		delete(s.index, stream)
	}
}
