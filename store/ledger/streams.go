package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Stream is the random name under which the batches of one grant and epoch travel, and how far it has come. All times
// are 0 where the thing has not happened.
//
// Announcement and Deletion are signed messages as they are sent; their meaning is the uplink's business. Deletion is
// signed when the stream opens, so that a withdrawal has only to mark it due.
type Stream struct {
	Number    uint32
	Grant     consent.GrantID
	Purpose   string
	Recipient string
	Epoch     uint64
	Name      [16]byte
	Plan      consent.Digest // the purpose's compiled rules
	Form      consent.Digest // the purpose's Form: rows of another one must not leave any more
	OpenedAt  sensors.Micros

	Announcement []byte
	Deletion     []byte
	Proof        []byte // the recipient's signed acknowledgement of the deletion

	Offered       bool // something of it was put on the network, whatever the answer was
	Announced     bool // the recipient acknowledged the announcement
	AnnouncedAt   sensors.Micros
	Closed        bool // no new batch goes out under it
	ClosedAt      sensors.Micros
	DeletionDue   bool
	DeletionDueAt sensors.Micros
	DeletionDone  bool
	DeletedAt     sensors.Micros
}

// Format implements fmt.Formatter: the number only. The name identifies what the recipient holds, and the deletion
// request is all it takes to have it deleted.
func (s Stream) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "stream %d", s.Number) }

// LogValue implements slog.LogValuer: the number only.
func (s Stream) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("stream %d", s.Number)) }

// storedStream is a stream without its papers, as stored.
type storedStream struct {
	Grant         consent.GrantID `cbor:"1,keyasint"`
	Purpose       string          `cbor:"2,keyasint"`
	Recipient     string          `cbor:"3,keyasint,omitempty"`
	Epoch         uint64          `cbor:"4,keyasint"`
	Name          [16]byte        `cbor:"5,keyasint"`
	Plan          consent.Digest  `cbor:"6,keyasint"`
	OpenedAt      sensors.Micros  `cbor:"7,keyasint"`
	Flags         uint8           `cbor:"8,keyasint"` // 1 offered, 2 announced, 4 closed, 8 deletion due, 16 done
	AnnouncedAt   sensors.Micros  `cbor:"9,keyasint,omitempty"`
	ClosedAt      sensors.Micros  `cbor:"10,keyasint,omitempty"`
	DeletionDueAt sensors.Micros  `cbor:"11,keyasint,omitempty"`
	DeletedAt     sensors.Micros  `cbor:"12,keyasint,omitempty"`
	Form          consent.Digest  `cbor:"30,keyasint,omitempty"`
}

// The second part of a key in the bucket of papers.
const (
	announcementPaper = 'a'
	deletionPaper     = 'd'
	proofPaper        = 'p'
)

// MaxPaper is the longest announcement, deletion request or proof in bytes.
const MaxPaper = 64 << 10

func flags(bits ...bool) (out uint8) {
	for i, b := range bits {
		if b {
			out |= 1 << i
		}
	}
	return out
}

func (s *Stream) stored() storedStream {
	return storedStream{Grant: s.Grant, Purpose: s.Purpose, Recipient: s.Recipient, Epoch: s.Epoch, Name: s.Name,
		Plan: s.Plan, Form: s.Form, OpenedAt: s.OpenedAt, AnnouncedAt: s.AnnouncedAt, ClosedAt: s.ClosedAt,
		DeletionDueAt: s.DeletionDueAt, DeletedAt: s.DeletedAt,
		Flags: flags(s.Offered, s.Announced, s.Closed, s.DeletionDue, s.DeletionDone)}
}

func (v *storedStream) stream(number uint32) Stream {
	has := func(bit uint8) bool { return v.Flags&bit != 0 }
	return Stream{Number: number, Grant: v.Grant, Purpose: v.Purpose, Recipient: v.Recipient, Epoch: v.Epoch,
		Name: v.Name, Plan: v.Plan, Form: v.Form, OpenedAt: v.OpenedAt, Offered: has(1), Announced: has(2), AnnouncedAt: v.AnnouncedAt,
		Closed: has(4), ClosedAt: v.ClosedAt, DeletionDue: has(8), DeletionDueAt: v.DeletionDueAt,
		DeletionDone: has(16), DeletedAt: v.DeletedAt}
}

// loadStreams reads every stream with its papers.
func (l *Ledger) loadStreams(tx *bolt.Tx, s *state) error {
	streams, papers := tx.Bucket([]byte(streamBucket)), tx.Bucket([]byte(paperBucket))
	if streams == nil || papers == nil {
		return errors.New("a bucket is missing")
	}
	if s.lost {
		return nil
	}
	return streams.ForEach(func(k, stored []byte) error {
		if len(k) != 4 {
			return errors.New("a stream has a wrong number")
		}
		number := uint32FromKey(k)
		var v storedStream
		value, err := l.unlock(streamBucket, k, stored)
		if err == nil {
			err = decode(value, &v)
		}
		if err != nil {
			return fmt.Errorf("stream %d: %w", number, err)
		}
		out := v.stream(number)
		for paper, into := range map[byte]*[]byte{announcementPaper: &out.Announcement, deletionPaper: &out.Deletion, proofPaper: &out.Proof} {
			key := append(slices.Clone(k), paper)
			if stored := papers.Get(key); stored != nil {
				value, err := l.unlock(paperBucket, key, stored)
				if err != nil {
					return fmt.Errorf("signed message of stream %d: %w", number, err)
				}
				*into = value
			}
		}
		s.streams = append(s.streams, out)
		return nil
	})
}

// putStream stores a stream without its papers and has memory follow.
func (c *change) putStream(s Stream) error {
	v := s.stored()
	value, err := encode(&v)
	if err != nil {
		return err
	}
	key := key32(s.Number)
	c.after(func(st *state) {
		if i := st.stream(s.Number); i >= 0 {
			st.streams[i] = s
		} else {
			st.streams = append(st.streams, s)
		}
	})
	return c.put(streamBucket, key, value)
}

func (c *change) putPaper(number uint32, paper byte, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	key := append(key32(number), paper)
	return c.put(paperBucket, key, b)
}

// stream is the index of a stream in memory, -1 when there is none.
func (s *state) stream(number uint32) int {
	i, ok := slices.BinarySearchFunc(s.streams, number, func(s Stream, n uint32) int { return cmp.Compare(s.Number, n) })
	if !ok {
		return -1
	}
	return i
}

// AddStream writes a new stream and returns its number, which was never used before. Number, and what only happens
// later (flags, their times, Proof), are ignored.
func (l *Ledger) AddStream(s Stream) (uint32, error) {
	if len(s.Announcement) > MaxPaper || len(s.Deletion) > MaxPaper {
		return 0, fmt.Errorf("ledger: add a stream for %q: a signed message has at most %d bytes", s.Purpose, MaxPaper)
	}
	fresh := Stream{Grant: s.Grant, Purpose: s.Purpose, Recipient: s.Recipient, Epoch: s.Epoch, Name: s.Name, Plan: s.Plan, Form: s.Form,
		OpenedAt: s.OpenedAt, Announcement: slices.Clone(s.Announcement), Deletion: slices.Clone(s.Deletion)}
	err := l.change(later, func(c *change) error {
		n, err := c.tx.Bucket([]byte(streamBucket)).NextSequence()
		if err != nil {
			return err
		}
		if n > 1<<32-1 {
			return errors.New("all numbers are used up")
		}
		fresh.Number = uint32(n)
		if err := c.putPaper(fresh.Number, announcementPaper, fresh.Announcement); err != nil {
			return err
		}
		if err := c.putPaper(fresh.Number, deletionPaper, fresh.Deletion); err != nil {
			return err
		}
		return c.putStream(fresh)
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: add a stream for %q: %w", s.Purpose, err)
	}
	return fresh.Number, nil
}

// Streams lists all streams, by number.
func (l *Ledger) Streams() []Stream {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := slices.Clone(l.state.streams)
	for i := range out {
		l.overlayStream(&out[i])
	}
	return out
}

// StreamsThat lists the streams that keep wants, by number, without a copy of the others. keep is asked under a lock: it must be short,
// must not call the ledger, and keep nothing of what it sees.
func (l *Ledger) StreamsThat(keep func(*Stream) bool) (out []Stream) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := range l.state.streams {
		s := &l.state.streams[i]
		if len(l.ended) > 0 { // few objects have such an end, and none for long
			shown := *s
			s = &shown
			l.overlayStream(s)
		}
		if keep(s) {
			out = append(out, *s)
		}
	}
	return out
}

// overlayStream shows what follows for a stream from an end that the disk refused. The caller holds l.mu.
func (l *Ledger) overlayStream(s *Stream) {
	end, ok := l.ended[s.Grant]
	if !ok {
		return
	}
	if !s.Closed {
		s.Closed, s.ClosedAt = true, end.when
	}
	if end.how == Withdrawn && s.Offered && !s.DeletionDue {
		s.DeletionDue, s.DeletionDueAt = true, end.when
	}
}

// Stream finds a stream by its number.
func (l *Ledger) Stream(number uint32) (Stream, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if i := l.state.stream(number); i >= 0 {
		out := l.state.streams[i]
		l.overlayStream(&out)
		return out, true
	}
	return Stream{}, false
}

// FindStream finds the newest stream of that grant, epoch and plan that is not closed.
func (l *Ledger) FindStream(grant consent.GrantID, epoch uint64, plan consent.Digest) (Stream, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := len(l.state.streams) - 1; i >= 0; i-- {
		s := l.state.streams[i]
		if s.Grant == grant && s.Epoch == epoch && s.Plan == plan && !s.Closed {
			return s, true
		}
	}
	return Stream{}, false
}

// SetAnnounced notes that the recipient acknowledged the announcement.
func (l *Ledger) SetAnnounced(number uint32, when sensors.Micros) error {
	return l.mark(number, later, func(_ *change, s *Stream) error {
		if !s.Announced {
			s.Announced, s.AnnouncedAt = true, when
		}
		s.Offered = true
		return nil
	})
}

// CloseStream notes that nothing new goes out under the stream.
func (l *Ledger) CloseStream(number uint32, when sensors.Micros) error {
	return l.mark(number, always, func(_ *change, s *Stream) error {
		if !s.Closed {
			s.Closed, s.ClosedAt = true, when
		}
		return nil
	})
}

// SetDeletionDone notes that the recipient acknowledged the deletion, with its signed proof if it gave one.
func (l *Ledger) SetDeletionDone(number uint32, proof []byte, when sensors.Micros) error {
	if len(proof) > MaxPaper {
		return fmt.Errorf("ledger: stream %d: a proof has at most %d bytes", number, MaxPaper)
	}
	return l.mark(number, always, func(c *change, s *Stream) error {
		if s.DeletionDone {
			return nil
		}
		s.DeletionDone, s.DeletedAt, s.Proof = true, when, slices.Clone(proof)
		return c.putPaper(number, proofPaper, proof)
	})
}

// mark changes one stream by fn, which leaves it alone when there is nothing to change; then nothing is written.
func (l *Ledger) mark(number uint32, p priority, fn func(*change, *Stream) error) error {
	err := l.change(p, func(c *change) error {
		i := l.state.stream(number)
		if i < 0 {
			return ErrUnknown
		}
		s := l.state.streams[i]
		before := s.stored()
		if err := fn(c, &s); err != nil {
			return err
		}
		if s.stored() == before {
			return errNothing
		}
		return c.putStream(s)
	})
	if err != nil {
		return fmt.Errorf("ledger: stream %d: %w", number, err)
	}
	return nil
}

// MarkDeletionDue closes the grant's streams and marks the deletion requests of those that the recipient may know.
// Streams that never met the network have nothing to delete. [Ledger.Withdraw] does it too.
func (l *Ledger) MarkDeletionDue(grant consent.GrantID, when sensors.Micros) error {
	err := l.change(always, func(c *change) error {
		if err := c.closeStreams(grant, when, true); err != nil {
			return err
		}
		if len(c.done) == 0 {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: mark the deletions of grant %d: %w", grant, err)
	}
	return nil
}

// closeStreams closes a grant's streams within a transaction, and on demand marks their deletion due.
func (c *change) closeStreams(grant consent.GrantID, when sensors.Micros, deletion bool) error {
	for _, s := range c.l.state.streams {
		if s.Grant != grant {
			continue
		}
		before := s.stored()
		if !s.Closed {
			s.Closed, s.ClosedAt = true, when
		}
		if deletion && s.Offered && !s.DeletionDue {
			s.DeletionDue, s.DeletionDueAt = true, when
		}
		if s.stored() == before {
			continue
		}
		if err := c.putStream(s); err != nil {
			return err
		}
	}
	return nil
}

// AskDeletion closes one stream and marks its deletion request due, if the recipient may know it.
func (l *Ledger) AskDeletion(number uint32, when sensors.Micros) error {
	return l.mark(number, always, func(_ *change, s *Stream) error {
		if !s.Closed {
			s.Closed, s.ClosedAt = true, when
		}
		if s.Offered && !s.DeletionDue {
			s.DeletionDue, s.DeletionDueAt = true, when
		}
		return nil
	})
}
