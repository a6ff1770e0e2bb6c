package store

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/candor-edge/candor/store/consent"
)

// Outgoing is an upload that waits to be sent or acknowledged. Only the store makes one, from rows that a plan cleared,
// so what takes an Outgoing can send nothing else. The zero value is no upload. It is not printed.
type Outgoing struct {
	stream  uint32
	grant   consent.GrantID
	seq     uint64
	rows    int
	size    int
	columns int
	fields  []string
	body    []byte
	sealed  bool
	inner   [16]byte
}

// Stream is the stream it belongs to.
func (o Outgoing) Stream() uint32 { return o.stream }

// Grant is the grant under which its rows were cleared.
func (o Outgoing) Grant() consent.GrantID { return o.grant }

// Seq is its number in the stream, from 1.
func (o Outgoing) Seq() uint64 { return o.seq }

// Rows is how many rows it has.
func (o Outgoing) Rows() int { return o.rows }

// Size is the length of its bytes.
func (o Outgoing) Size() int { return o.size }

// ColumnBytes is what the encoder said its columns take; known with Body.
func (o Outgoing) ColumnBytes() int { return o.columns }

// Fields are the fields it carries; known with Body, since names are kept sealed. Treat it as read-only.
func (o Outgoing) Fields() []string { return o.fields }

// Body is the bytes to send, the same at every retry; nil until [Store.Load] filled it. Treat it as read-only.
func (o Outgoing) Body() []byte { return o.body }

// Sealed tells whether Body is sealed to the recipient, so that this object can't read it any more. inner is then the name
// its encoder gave what is inside: a digest. Known with Body.
func (o Outgoing) Sealed() (inner [16]byte, ok bool) { return o.inner, o.sealed }

// Format implements fmt.Formatter: stream and number are shown, nothing else.
func (o Outgoing) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[upload %d of stream %d]", o.seq, o.stream)
}

// LogValue implements slog.LogValuer.
func (o Outgoing) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// Outgoing lists the uploads of a stream that are neither acknowledged nor parked, oldest first, without their bytes.
func (s *Store) Outgoing(stream uint32) []Outgoing {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitLocked(never)
	return s.outgoing(stream)
}

// outgoing is Outgoing of what was looked through so far; mu is held.
func (s *Store) outgoing(stream uint32) []Outgoing {
	x := s.index[stream]
	if x == nil {
		return nil
	}
	grant := s.grantOf(stream)
	out := make([]Outgoing, 0, len(x.outs))
	for _, o := range x.outs {
		if s.state.parkedAt(stream, o.batch) < 0 {
			out = append(out, Outgoing{stream: stream, grant: grant, seq: o.batch, rows: int(o.rows), size: int(o.size)})
		}
	}
	return out
}

// LastCut is the number of the newest upload that was ever cut of a stream; 0 when none was, or none is known.
func (s *Store) LastCut(stream uint32) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.state.streams[stream]; st != nil && st.nextBatch > 0 {
		return st.nextBatch - 1
	}
	return 0
}

// Load fills in the bytes of an upload. ErrGone says that it was acknowledged, dropped, withdrawn, or that its key was
// destroyed; any other error that it cannot be read and is given up, which is counted as a loss of the stream.
func (s *Store) Load(o Outgoing) (Outgoing, error) {
	s.Await()
	return s.loadKnown(o)
}

// loadKnown is Load of what was looked through so far.
func (s *Store) loadKnown(o Outgoing) (Outgoing, error) {
	s.io.Lock()
	defer s.io.Unlock()
	ref, ok := s.outRef(o)
	if !ok {
		return o, ErrGone
	}
	h := header{seq: ref.seq, kind: kindOutgoing, stream: o.stream}
	plain, head, err := s.fetchOnce(uint64(ref.segment), &h)
	if lostPage(err) {
		s.repairOne(uint64(ref.segment), err)
		if _, still := s.outRef(o); !still {
			return o, fmt.Errorf("store: upload %d of stream %d: %w", o.seq, o.stream, err)
		}
		plain, head, err = s.fetchOnce(uint64(ref.segment), &h)
	}
	var u Upload
	if err == nil {
		u, err = unpackUpload(plain, int(head.size))
	}
	if err != nil {
		return o, s.unreadable(o, ref, err)
	}
	if _, ok := s.outRef(o); !ok { // withdrawn meanwhile
		return o, ErrGone
	}
	o.body, o.fields, o.columns, o.sealed, o.inner = u.Bytes, u.Fields, u.ColumnBytes, u.Sealed, u.Inner
	o.rows, o.size = int(head.rows), len(u.Bytes)
	return o, nil
}

func (s *Store) fetchOnce(segment uint64, h *header) ([]byte, header, error) {
	r := s.openSegment(segment)
	if r != nil {
		defer r.close()
	}
	return s.fetch(r, h)
}

// unreadable gives an upload up.
func (s *Store) unreadable(o Outgoing, ref outRef, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := Gap{fmt.Sprintf("%08d%s", ref.segment, segmentExt), droppedDamaged, 1, uint64(ref.rows)}
	s.state.finish(o.stream, o.seq)
	s.removeOut(o.stream, o.seq)
	s.changes++
	if errors.Is(cause, errNoKey) {
		g.What = droppedKey
		s.counts[droppedKey] += uint64(ref.rows)
		s.gap(g)
		return ErrGone
	}
	s.lose(o.stream, Damaged, uint64(ref.rows))
	s.gap(g)
	return fmt.Errorf("store: upload %d of stream %d: %w", o.seq, o.stream, cause)
}

func (s *Store) outRef(o Outgoing) (outRef, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.index[o.stream]
	if x == nil || s.closed || s.grantOf(o.stream) != o.grant {
		return outRef{}, false
	}
	i, found := x.find(o.seq)
	if !found {
		return outRef{}, false
	}
	return x.outs[i], true
}

// Acknowledge says that the uploads have arrived for good, or are given up: they are dead, in one transaction for all.
// Those that are gone already are passed over. From its call on none of them is offered again; an error says that this is
// not durable yet, and the next commit makes it so.
func (s *Store) Acknowledge(out []Outgoing) error {
	if len(out) == 0 {
		return nil
	}
	return s.alter(func() {
		for _, o := range out {
			if s.grantOf(o.stream) == o.grant {
				s.state.finish(o.stream, o.seq)
				s.removeOut(o.stream, o.seq)
			}
		}
	})
}

// Park keeps an upload back that the recipient will not take: it stays, and Outgoing does not list it until Unpark. Of
// the reason at most 120 bytes are kept, in clear: it must not tell content. An error says that this is not durable yet.
func (s *Store) Park(o Outgoing, reason string) error {
	s.Await()
	if _, ok := s.outRef(o); !ok {
		return ErrGone
	}
	return s.alter(func() { s.state.park(o.stream, o.seq, reason[:min(len(reason), maxReason)]) })
}

// Unpark offers every parked upload again. An error says that this is not durable yet.
func (s *Store) Unpark() error {
	if len(s.Parked()) == 0 {
		return nil
	}
	return s.alter(func() { s.state.parked = nil })
}

// Parked is a run of uploads that are kept back.
type Parked struct {
	Stream      uint32
	First, Last uint64
	Reason      string
}

// Parked lists what is kept back.
func (s *Store) Parked() []Parked {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Parked
	for _, p := range s.state.parked {
		out = append(out, Parked{p.stream, p.batches.lo, p.batches.hi, p.reason})
	}
	return out
}

// alter changes the state in memory, where it has effect at once, and commits it.
func (s *Store) alter(f func()) error {
	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	err := s.ready()
	s.mu.Lock()
	f()
	s.changes++
	if s.doubt != nil { // were it to count after all, it would bring the old state back
		s.doubt.after = append(s.doubt.after, f)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	err = s.commit(s.begin())
	_ = s.tidy()
	return err
}
