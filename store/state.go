package store

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/candor-edge/candor/store/consent"
)

// Reason is why rows that a stream would have had are missing from it. The uplink says so in the batch header.
type Reason uint8

// The reasons, in the order of their numbers in the state record: do not reorder.
const (
	BufferFull Reason = iota // the buffer or the disk had no room
	Damaged                  // the file system gave back something else than was written
	reasons
)

// String returns "buffer full" or "damaged".
func (r Reason) String() string { return [...]string{"buffer full", "damaged"}[r%reasons] }

// Loss is a number of rows that are missing from a stream since its last cut.
type Loss struct {
	Reason Reason
	Rows   uint64
}

// lossCount has one counter a reason.
type lossCount [reasons]uint64

func (l *lossCount) add(o lossCount) {
	for i := range l {
		l[i] += o[i]
	}
}

func (l lossCount) list() []Loss {
	var out []Loss
	for i, n := range l {
		if n > 0 {
			out = append(out, Loss{Reason(i), n})
		}
	}
	return out
}

// position is a place in a stream. Chunks are ordered by order, then by sequence: a chunk of carried rows takes the order
// of the last chunk it was left over from, and so stays ahead of what came later.
type position struct{ order, seq uint64 }

func (p position) less(q position) bool {
	return p.order < q.order || p.order == q.order && p.seq < q.seq
}

// streamState is what is remembered of one stream.
type streamState struct {
	grant     consent.GrantID
	epoch     uint64
	mark      position // chunks at or before it are dead
	nextBatch uint64   // number of the next upload, from 1
	lastDay   int32    // newest day a row was kept for; the key of an upload without rows
	retired   bool     // nothing more comes; forgotten when no file names it any longer
	uncertain bool     // the file that knew nextBatch is damaged
	moved     bool     // its chunks belong to stream `to` now
	to        uint32
	gone      numbers // uploads that are acknowledged or given up
	losses    lossCount
}

// replay names a recording under a grant. The recording's name is kept as a hash: short, and it tells nothing.
type replay struct {
	grant     consent.GrantID
	recording [16]byte
}

func replayOf(grant consent.GrantID, recording string) replay {
	sum := sha256.Sum256([]byte(recording))
	return replay{grant, [16]byte(sum[:16])}
}

// parking is a run of uploads that are kept but not offered.
type parking struct {
	stream  uint32
	batches span
	reason  string
}

// state is the record that is rewritten with every transaction. What it says decides what is alive: nothing is ever
// deleted inside a file.
type state struct {
	segment uint64 // number of the file this was written to
	commit  uint64 // counts transactions since the buffer was made
	tx      uint64 // bbolt's own number of the transaction that wrote it
	records uint64 // records in this file
	nextSeq uint64
	floor   uint64 // files with a lower number are given up
	clean   bool   // written by Close

	streams map[uint32]*streamState
	replays map[replay]uint64
	parked  []parking
}

func newState() *state {
	return &state{nextSeq: 1, streams: map[uint32]*streamState{}, replays: map[replay]uint64{}}
}

// clone copies the state so that a transaction can be given up without a trace.
func (s *state) clone() *state {
	c := *s
	c.streams = make(map[uint32]*streamState, len(s.streams))
	for id, st := range s.streams {
		d := *st
		d.gone = slices.Clone(st.gone)
		c.streams[id] = &d
	}
	c.replays = maps.Clone(s.replays)
	c.parked = slices.Clone(s.parked)
	return &c
}

// stream finds a stream's state or begins it.
func (s *state) stream(id uint32, grant consent.GrantID, epoch uint64) *streamState {
	st, ok := s.streams[id]
	if !ok {
		st = &streamState{grant: grant, epoch: epoch, nextBatch: 1}
		s.streams[id] = st
	}
	return st
}

// resolve follows Restream to the stream that owns the chunks of id now.
func (s *state) resolve(id uint32) uint32 {
	for range len(s.streams) {
		st := s.streams[id]
		if st == nil || !st.moved {
			break
		}
		id = st.to
	}
	return id
}

// chunkDead tells whether a chunk is behind the mark of the stream in its key or of one that stream was moved to.
func (s *state) chunkDead(h *header) bool {
	p, id := position{h.place, h.seq}, h.stream
	for range len(s.streams) + 1 {
		st := s.streams[id]
		if st == nil {
			return false
		}
		if !st.mark.less(p) {
			return true
		}
		if !st.moved {
			return false
		}
		id = st.to
	}
	return false
}

// dead tells whether a record counts no more.
func (s *state) dead(h *header) bool {
	if h.kind == kindChunk {
		return s.chunkDead(h)
	}
	st := s.streams[h.stream]
	return st != nil && st.gone.has(h.place)
}

// parkedAt finds the parking an upload is in; -1 when it is in none.
func (s *state) parkedAt(stream uint32, batch uint64) int {
	return slices.IndexFunc(s.parked, func(p parking) bool {
		return p.stream == stream && p.batches.lo <= batch && batch <= p.batches.hi
	})
}

// park keeps an upload back.
func (s *state) park(stream uint32, batch uint64, reason string) {
	if s.parkedAt(stream, batch) >= 0 {
		return
	}
	for i := range s.parked {
		p := &s.parked[i]
		if p.stream == stream && p.reason == reason && p.batches.hi+1 == batch {
			p.batches.hi = batch
			return
		}
	}
	s.parked = append(s.parked, parking{stream, span{batch, batch}, reason})
}

// unpark takes one upload out of its parking.
func (s *state) unpark(stream uint32, batch uint64) {
	i := s.parkedAt(stream, batch)
	if i < 0 {
		return
	}
	p := s.parked[i]
	s.parked = slices.Delete(s.parked, i, i+1)
	for _, r := range (numbers{p.batches}).without(batch) {
		s.parked = append(s.parked, parking{p.stream, r, p.reason})
	}
}

// finish marks uploads of a stream as done.
func (s *state) finish(stream uint32, batch uint64) {
	if st := s.streams[stream]; st != nil {
		st.gone = st.gone.with(batch, batch)
		s.unpark(stream, batch)
	}
}

// forget gives up all that a grant has in the buffer.
func (s *state) forget(grant consent.GrantID) {
	for id, st := range s.streams {
		if st.grant != grant {
			continue
		}
		st.mark = position{^uint64(0), ^uint64(0)}
		st.gone = numbers{{0, ^uint64(0)}}
		st.losses, st.retired, st.uncertain = lossCount{}, true, false
		s.parked = slices.DeleteFunc(s.parked, func(p parking) bool { return p.stream == id })
	}
	maps.DeleteFunc(s.replays, func(r replay, _ uint64) bool { return r.grant == grant })
}
