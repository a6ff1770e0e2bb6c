package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/candor-edge/candor/store/consent"
)

// Why rows were given up, as [Status].Dropped counts them.
const (
	droppedFull    = "buffer full"
	droppedDamaged = "damaged"
	droppedKey     = "key gone"
	droppedRevoked = "withdrawn"
	droppedExpired = "expired"
	droppedRetired = "stream retired"
)

// waitFactor bounds the rows in memory, in multiples of FlushRows, while the disk takes none.
const waitFactor = 4

// few is how many rows of one reading are taken without an allocation.
const few = 4

// Mark says how far a recording was read under a grant.
type Mark struct {
	Grant     consent.GrantID
	Recording string
	Position  uint64
}

// incoming is a row on its way in.
type incoming struct {
	purpose *consent.Purpose
	epoch   uint64
	day     int64
	row     Row
}

// lot is rows of one stream and day that wait in memory. It becomes one chunk.
type lot struct {
	stream uint32
	grant  consent.GrantID
	epoch  uint64
	day    int32
	rows   rowWriter
}

// lately is the stream that was found last; nearly every row is of that one.
type lately struct {
	purpose *consent.Purpose
	epoch   uint64
	stream  uint32
}

// lotKey finds the lot a row is added to.
type lotKey struct {
	stream uint32
	day    int32
}

// naming is what a stream was opened for.
type naming struct {
	grant consent.GrantID
	epoch uint64
}

// Append takes rows over; it copies them, so the caller may reuse what they point to. The rows wait in memory until a
// commit: Flush, Cut, Close, or Append itself once FlushRows wait and no other disk work is going on.
//
// The marks are remembered together with the rows: no power cut can keep one without the other.
//
// A disk that takes nothing is no error here, since sensing goes on: up to four times FlushRows wait, then the oldest are
// dropped and counted as a loss of their stream. Rows of a grant that was dropped are counted and forgotten. An error
// means that a row was refused because it is not valid or has no stream; the others are taken.
func (s *Store) Append(rows []consent.Cleared, at ...Mark) error {
	var some [few]incoming // a reading rarely gives more rows, and this one costs no allocation
	in := some[:0]
	for i := range rows {
		r := &rows[i]
		in = append(in, incoming{r.Purpose(), r.Epoch(), r.Day(),
			Row{Group: r.Group(), Time: r.Time(), Coverage: r.Coverage(), Cells: r.Cells()}})
	}
	return s.take(in, at)
}

// Advance remembers how far a recording was read under a grant, with the next commit and together with all rows that
// were appended before. Where both must stand or fall as one, give the mark to Append.
func (s *Store) Advance(grant consent.GrantID, recording string, position uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance([]Mark{{grant, recording, position}})
}

func (s *Store) advance(at []Mark) {
	for _, m := range at {
		if !s.dropped[m.Grant] && !s.closed {
			s.replays[s.replayOf(m.Grant, m.Recording)] = m.Position
		}
	}
}

// replayOf is replayOf with the hash of the recording before, which nearly always is the same one; mu is held.
func (s *Store) replayOf(grant consent.GrantID, recording string) replay {
	if s.hashed.recording != recording || s.hashed.name == [16]byte{} {
		s.hashed = hashedName{recording, replayOf(grant, recording).recording}
	}
	return replay{grant, s.hashed.name}
}

// Position is how far a recording was read under a grant, committed or about to be; 0 when nothing was.
func (s *Store) Position(grant consent.GrantID, recording string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.replayOf(grant, recording)
	for _, from := range []map[replay]uint64{s.replays, s.flying, s.state.replays} {
		if p, ok := from[r]; ok {
			return p
		}
	}
	return 0
}

func (s *Store) take(in []incoming, at []Mark) error {
	var some [few]uint32
	streams, refused, errs := some[:0], map[consent.GrantID]bool(nil), error(nil)
	s.mu.Lock()
	for i := range in {
		stream, err := s.streamOf(&in[i])
		if streams = append(streams, stream); err != nil {
			if p := in[i].purpose; p != nil {
				if refused == nil {
					refused = map[consent.GrantID]bool{}
				}
				refused[p.Grant.ID] = true
			}
			in[i].purpose = nil
			if errs == nil {
				errs = err // one of a kind is enough
			}
		}
	}
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	for i := range in {
		if p := in[i].purpose; p == nil {
			continue
		} else if len(s.dropped) > 0 && s.dropped[p.Grant.ID] {
			s.counts[droppedRevoked]++
		} else {
			s.keep(streams[i], &in[i])
		}
	}
	for i := range at { // what was refused is not used up
		if !refused[at[i].Grant] {
			s.advance(at[i : i+1])
		}
	}
	s.bound()
	s.sinceTry += len(in)
	due := s.waitRows >= s.opt.FlushRows && (s.condition.Takes() || s.sinceTry >= s.opt.FlushRows/4)
	s.mu.Unlock()
	if due && s.io.TryLock() {
		_ = s.flush() // what it could not do is told in Status
		s.io.Unlock()
	}
	return errs
}

// streamOf checks a row and finds its stream. mu is held; it is given up while somebody is asked for a stream not seen lately.
func (s *Store) streamOf(in *incoming) (uint32, error) {
	p := in.purpose
	if p == nil || p.Grant.ID == 0 {
		return 0, errors.New("store: a row that no plan cleared")
	}
	if in.day != int64(int32(in.day)) {
		return 0, fmt.Errorf("store: purpose %s: day %d is out of range", p.ID, in.day)
	}
	if err := checkRow(&in.row); err != nil {
		return 0, fmt.Errorf("purpose %s: %w", p.ID, err)
	}
	if s.lately.purpose == p && s.lately.epoch == in.epoch {
		return s.lately.stream, nil
	}
	key := cacheKey{p.Grant.ID, p.Digest, in.epoch}
	stream, ok := s.cache[key]
	if !ok {
		var err error
		if stream, err = s.askStream(p, in.epoch); err != nil {
			return 0, err
		}
		if len(s.cache) >= 256 {
			clear(s.cache)
		}
		s.cache[key] = stream
	}
	s.lately = lately{p, in.epoch, stream}
	return stream, nil
}

// askStream asks for the stream of a purpose and epoch. mu is held, and given up meanwhile.
func (s *Store) askStream(p *consent.Purpose, epoch uint64) (uint32, error) {
	s.mu.Unlock()
	stream, err := s.opt.Streams.Stream(p, epoch)
	s.mu.Lock()
	if err != nil {
		return 0, fmt.Errorf("store: no stream for purpose %s: %w", p.ID, err)
	}
	return stream, s.enroll(stream, p.Grant.ID, epoch)
}

// enroll names a stream; mu is held.
func (s *Store) enroll(stream uint32, grant consent.GrantID, epoch uint64) error {
	known := s.grantOf(stream)
	if known != 0 && known != grant {
		return fmt.Errorf("store: stream %d belongs to grant %d, not %d", stream, known, grant)
	}
	if known == 0 && !s.dropped[grant] {
		s.named[stream] = naming{grant, epoch}
	}
	return nil
}

// keep packs a row into the lot of its stream and day; mu is held.
func (s *Store) keep(stream uint32, in *incoming) {
	k := lotKey{stream, int32(in.day)}
	l := s.open[k]
	if l == nil || l.rows.rows >= s.lotRows() {
		full := l
		l = &lot{stream: stream, grant: in.purpose.Grant.ID, epoch: in.epoch, day: int32(in.day)}
		if full != nil { // there is much of it: this one will be as long
			l.rows.buf = make([]byte, 0, len(full.rows.buf)+len(full.rows.buf)/8)
		}
		s.open[k] = l
		s.waiting = append(s.waiting, l)
	}
	l.rows.add(&in.row)
	s.waitRows++
}

// lotRows is how many rows a lot has at most.
func (s *Store) lotRows() int { return min(maxChunkRows, s.opt.FlushRows) }

// bound gives up the oldest waiting rows when too many wait; mu is held.
func (s *Store) bound() {
	for s.waitRows > waitFactor*s.opt.FlushRows && len(s.waiting) > 0 {
		l := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.giveUp(l)
		s.lose(l.stream, BufferFull, uint64(l.rows.rows))
		l.rows.reset()
	}
}

// giveUp takes a lot out of the books; mu is held.
func (s *Store) giveUp(l *lot) {
	s.waitRows -= l.rows.rows
	if k := (lotKey{l.stream, l.day}); s.open[k] == l {
		delete(s.open, k)
	}
}

// lose counts rows of a stream that are lost; mu is held.
func (s *Store) lose(stream uint32, why Reason, rows uint64) {
	if rows == 0 {
		return
	}
	n := s.losses[stream]
	n[why] += rows
	s.losses[stream] = n
	s.counts[why.String()] += rows
}

// dropLots wipes the waiting lots for which drop says so; mu is held.
func (s *Store) dropLots(drop func(*lot) bool) {
	s.waiting = slices.DeleteFunc(s.waiting, func(l *lot) bool {
		if !drop(l) {
			return false
		}
		s.giveUp(l)
		l.rows.reset()
		return true
	})
}
