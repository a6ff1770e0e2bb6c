package store

import (
	"maps"
	"slices"
	"sort"

	"github.com/candor-edge/candor/store/consent"
)

// State is how the buffer stands with its disk.
type State string

// The states. In all of them rows are taken and withdrawals work; where [State.Takes] is false rows wait in memory.
const (
	StateOK       State = "ok"
	StateFull     State = "full"
	StateReadOnly State = "read-only"
	StateFailing  State = "failing"
	StateSlow     State = "slow" // commits succeed and take longer than five seconds
)

// Takes tells whether rows get to the disk in this state.
func (s State) Takes() bool { return s == StateOK || s == StateSlow }

// maxGaps bounds the gaps that are remembered since the start; the newest are kept.
const maxGaps = 64

// Gap is something that was in the buffer and is not any more, other than by being sent, withdrawn or expired.
type Gap struct {
	Segment string // file name
	What    string // "no room", "key gone", or what was damaged
	Records uint64 // chunks and uploads, as far as known
	Rows    uint64 // rows in them, as far as known
}

// StreamStatus is what a stream has in the buffer.
type StreamStatus struct {
	Stream    uint32
	Grant     consent.GrantID
	Epoch     uint64
	Waiting   int // rows in memory
	Buffered  int // rows committed and not yet cut
	Outgoing  int // uploads not yet acknowledged, without the parked ones
	Parked    int
	OldestDay int64 // oldest day of a row or upload, as days since 1970
	Losses    []Loss
	Uncertain bool
}

// Status is the buffer at one moment. It holds counts only.
type Status struct {
	State  State
	Detail string // the last disk error, "" when State is ok

	Bytes    int64 // pages in use of all files
	MaxBytes int64
	Reserve  int64 // bytes left free on the disk
	Segments int
	Unread   int // of them, files that were not looked through yet since Open: what they hold is in no count below

	WaitingRows     int // in memory, lost by a power cut
	BufferedRows    int
	OutgoingBatches int
	Parked          int
	OldestDay       int64 // days since 1970; 0 when nothing is kept
	Streams         []StreamStatus

	// Written is the bytes given to the file system since Open: the pages bbolt wrote. What the file system and the card
	// add for themselves is not in it.
	Written int64
	// Unclean tells that the buffer was not closed in good order before this Open.
	Unclean bool
	Gaps    []Gap             // since Open, the newest 64
	Dropped map[string]uint64 // rows given up since Open, by reason
}

// Status tells how the buffer stands, as far as that is known: see Unread. It touches no file and waits for nothing.
func (s *Store) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		State: s.condition, Detail: s.detail, MaxBytes: s.opt.MaxSize, Reserve: s.opt.Reserve, Segments: len(s.segments),
		Unread: len(s.unread), WaitingRows: s.waitRows, Written: s.written.Load(), Unclean: s.unclean,
		Gaps: slices.Clone(s.gaps), Dropped: maps.Clone(s.counts),
	}
	for _, g := range s.segments {
		st.Bytes += g.size
	}
	for _, id := range s.streamsLocked() {
		x := s.streamStatus(id)
		st.BufferedRows += x.Buffered
		st.OutgoingBatches += x.Outgoing
		st.Parked += x.Parked
		if len(st.Streams) == 0 || x.OldestDay < st.OldestDay {
			st.OldestDay = x.OldestDay
		}
		st.Streams = append(st.Streams, x)
	}
	return st
}

// Quarantined is how many damaged files are kept for a look.
func (s *Store) Quarantined() int { return len(s.quarantined()) }

func (s *Store) streamStatus(id uint32) StreamStatus {
	st := StreamStatus{Stream: id, Grant: s.grantOf(id), Losses: s.lossesOf(id).list()}
	st.Epoch = s.named[id].epoch
	if known := s.state.streams[id]; known != nil {
		st.Epoch, st.Uncertain = known.epoch, known.uncertain
	}
	var days []int32
	s.eachLot(func(l *lot) {
		if l.stream == id {
			st.Waiting += l.rows.rows
			days = append(days, l.day)
		}
	})
	if x := s.index[id]; x != nil {
		st.Buffered = x.rows
		for _, c := range x.chunks {
			days = append(days, c.day)
		}
		for _, o := range x.outs {
			days = append(days, o.day)
			if s.state.parkedAt(id, o.batch) >= 0 {
				st.Parked++
			} else {
				st.Outgoing++
			}
		}
	}
	st.OldestDay = int64(slices.Min(days))
	return st
}

// eachLot visits what is in memory; mu is held.
func (s *Store) eachLot(visit func(*lot)) {
	for _, lots := range [][]*lot{s.inFlight, s.waiting} {
		for _, l := range lots {
			visit(l)
		}
	}
}

// streamsLocked is Streams with mu held.
func (s *Store) streamsLocked() []uint32 {
	ids := map[uint32]bool{}
	for id := range s.index {
		ids[id] = true
	}
	s.eachLot(func(l *lot) { ids[l.stream] = true })
	var out []uint32
	for id := range ids {
		out = append(out, id)
	}
	sortStreams(out)
	return out
}

// sortStreams is slices.Sort without a copy of it in the program for this type alone, which would take eight kilobytes.
func sortStreams(ids []uint32) { sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] }) }

// Losses tells what is missing from a stream since its last cut, committed or not.
func (s *Store) Losses(stream uint32) []Loss {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lossesOf(stream).list()
}

func (s *Store) lossesOf(stream uint32) lossCount {
	n := s.losses[stream]
	if st := s.state.streams[stream]; st != nil {
		n.add(st.losses)
	}
	return n
}

// Streams lists the streams that have anything in memory or in the buffer, in order of their numbers.
func (s *Store) Streams() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(never)
	return s.streamsLocked()
}

// Uncertain lists the streams whose numbering is lost: the file that knew the number of their last batch is damaged, so
// that a number could be used twice. They are not cut any more. The uplink closes each and either moves what it has
// buffered to a fresh stream ([Store.Restream]) or gives it up ([Store.Retire]).
func (s *Store) Uncertain() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(never)
	var out []uint32
	for id, st := range s.state.streams {
		if st.uncertain && !st.retired && !st.moved {
			out = append(out, id)
		}
	}
	sortStreams(out)
	return out
}

// gap remembers a gap; mu is held.
func (s *Store) gap(g Gap) {
	s.gaps = append(s.gaps, g)
	if len(s.gaps) > maxGaps {
		s.gaps = slices.Delete(s.gaps, 0, len(s.gaps)-maxGaps)
	}
}
