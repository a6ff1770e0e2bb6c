package store

import (
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Lot is what Cut hands to an Encode.
type Lot struct {
	Seq    uint64 // number of the first upload; the next ones follow without a hole, and begin at 1 for a new stream
	Rows   []Row  // oldest first; valid until Encode returns
	Losses []Loss // rows that are missing since the last upload; to be said in the first one
}

// Upload is what an Encode makes of rows. The store keeps Bytes as they are, encrypted, and hands them out unchanged at
// every retry.
type Upload struct {
	Bytes       []byte // at most 4 MiB; not to be changed afterwards
	Sealed      bool   // Bytes are sealed to the recipient; then Inner names what is inside
	Inner       [16]byte
	Rows        int
	ColumnBytes int
	Fields      []string // what leaves in it; at most 256 names of at most 255 bytes
}

// Format implements fmt.Formatter: the size is shown, not the bytes.
func (u Upload) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[upload of %d bytes]", len(u.Bytes))
}

// Encode makes uploads of rows: upload i has the number Seq+i. Rows that do not fill one are handed back as carry, to
// come first the next time; they must be of those it was given, each at most once. After an error nothing has happened.
// It runs while the store does no other disk work: it must not call methods that touch files (Append, Advance, Status,
// Losses, Position, Streams and Outgoing do not wait for that), nor take a lock under which somebody else calls them.
type Encode func(lot Lot) (uploads []Upload, carry []Row, err error)

// Cut takes the oldest committed rows of a stream, at least max of them if there are so many, and replaces them in one
// transaction by what encode makes of them. Chunks are read whole, so it may be given up to 1,023 rows more than max,
// and the carry of the cut before is never split. With max 0, or nothing buffered, encode is called without rows and may
// make an upload that says so. Rows that wait in memory are not seen: Flush first.
//
// What cannot be read is left out: rows whose key was destroyed are counted in Status, damaged ones are in Lot.Losses too.
//
// The uploads are in the order of their numbers and have their bytes. When encode makes nothing and hands everything
// back, nothing is written. An error that is ErrUnknown, ErrUncertain or ErrGone concerns the stream, another the disk.
func (s *Store) Cut(stream uint32, max int, encode Encode) ([]Outgoing, error) {
	s.Await()
	s.io.Lock()
	defer s.io.Unlock()
	if s.isClosed() {
		return nil, ErrClosed
	}
	if err := s.ready(); err != nil {
		return nil, err
	}
	if err := s.mayCut(stream); err != nil {
		return nil, err
	}
	refs := s.choose(stream, max)
	got := s.borrow()
	s.readInto(got, refs)
	c := s.begin()
	st := c.next.streams[stream]
	if st == nil { // dropped a moment ago
		s.undo(c)
		return nil, ErrGone
	}
	losses := st.losses
	losses[Damaged] += got.damaged
	uploads, carry, err := encode(Lot{Seq: st.nextBatch, Rows: got.rows, Losses: losses.list()})
	if err == nil {
		err = got.checkCarry(carry)
	}
	if err != nil || len(uploads) == 0 && len(carry) == len(got.rows) && got.skipped == 0 {
		s.undo(c)
		return nil, err
	}
	st.losses = losses
	out, err := s.cutInto(c, stream, refs, got, uploads, carry)
	if err != nil {
		s.undo(c)
		return nil, err
	}
	if out, err = s.finishCut(c, stream, refs, got, out); err == nil { // a commit in doubt still needs what was read
		s.giveBack(got, len(got.rows))
	}
	return out, err
}

func (s *Store) finishCut(c *change, stream uint32, refs []chunkRef, got *batch, out []Outgoing) ([]Outgoing, error) {
	taken := map[uint64]bool{}
	for _, r := range refs {
		taken[r.seq] = true
	}
	c.apply = func() {
		s.removeChunks(stream, func(r chunkRef) bool { return taken[r.seq] })
		s.told(got)
	}
	if err := s.commit(c); err != nil {
		return nil, err
	}
	_ = s.tidy()
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.state.streams[stream]; st == nil || s.dropped[st.grant] {
		return nil, ErrGone
	}
	return out, nil
}

func (s *Store) mayCut(stream uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.streams[stream]
	switch {
	case s.dropped[s.grantOf(stream)]:
		return ErrGone
	case st == nil && s.named[stream].grant == 0:
		return ErrUnknown
	case st == nil:
		return nil
	case st.retired || st.moved:
		return ErrGone
	case st.uncertain:
		return ErrUncertain
	}
	return nil
}

// choose lists the chunks a cut reads. What has the same order stays together: it is the carry of one cut.
func (s *Store) choose(stream uint32, max int) []chunkRef {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.index[stream]
	if x == nil || max <= 0 {
		return nil
	}
	rows, n := 0, 0
	for n < len(x.chunks) && (rows < max || n > 0 && x.chunks[n].order == x.chunks[n-1].order) {
		rows += int(x.chunks[n].rows)
		n++
	}
	return slices.Clone(x.chunks[:n])
}

// batch is the rows of some chunks.
type batch struct {
	rows    []Row
	days    []int32 // of each row
	skipped int     // chunks left out
	keyless uint64  // rows whose key is gone
	damaged uint64  // rows that do not authenticate
	gaps    []Gap
	cells   arena // of the rows
}

// Between these numbers of rows a cut's memory is kept for the next one: more than a chunk, since there is a backlog, and
// not so much that it would be missed elsewhere.
const (
	leastSpare = maxChunkRows
	mostSpare  = 16 * maxChunkRows
)

// reset empties a batch, wipes what it held and keeps its memory.
func (b *batch) reset() {
	clear(b.rows)
	b.cells.reset()
	*b = batch{rows: b.rows[:0], days: b.days[:0], cells: b.cells}
}

func (b *batch) skip(c chunkRef, err error) {
	b.skipped++
	what := droppedDamaged
	if errors.Is(err, errNoKey) {
		what = droppedKey
		b.keyless += uint64(c.rows)
	} else {
		b.damaged += uint64(c.rows)
	}
	b.gaps = append(b.gaps, Gap{fmt.Sprintf("%08d%s", c.segment, segmentExt), what, 1, uint64(c.rows)})
}

// told counts what a reading had to leave out; mu is held.
func (s *Store) told(b *batch) {
	for _, g := range b.gaps {
		s.gap(g)
	}
	if b.skipped > 0 {
		s.counts[droppedKey] += b.keyless
		s.counts[droppedDamaged] += b.damaged
	}
}

// checkCarry makes sure that rows are carried which the store handed out, each once.
func (b *batch) checkCarry(carry []Row) error {
	seen := make([]bool, len(b.rows)+1)
	for i := range carry {
		m := carry[i].mark
		if m < 1 || m > len(b.rows) || seen[m] {
			return errors.New("store: a row is carried that was not handed out, or twice")
		}
		seen[m] = true
	}
	return nil
}

// cutInto fills a change with the uploads, the carried rows and the new mark.
func (s *Store) cutInto(c *change, stream uint32, refs []chunkRef, got *batch, uploads []Upload, carry []Row) ([]Outgoing, error) {
	st := c.next.streams[stream]
	if len(refs) > 0 {
		st.mark = refs[len(refs)-1].position()
	}
	s.mu.Lock()
	day := max(st.lastDay, s.newest[st.grant])
	s.mu.Unlock()
	for _, d := range got.days {
		day = min(day, d)
	}
	out := make([]Outgoing, 0, len(uploads))
	for i := range uploads {
		u := &uploads[i]
		plain, err := packUpload(u)
		if err != nil {
			return nil, err
		}
		h := header{kind: kindOutgoing, stream: stream, grant: st.grant, day: day, place: st.nextBatch,
			rows: uint32(u.Rows), size: uint32(len(u.Bytes))}
		if err := s.add(c, h, plain); err != nil {
			return nil, err
		}
		out = append(out, Outgoing{stream: stream, grant: st.grant, seq: st.nextBatch, rows: u.Rows, size: len(u.Bytes),
			columns: u.ColumnBytes, fields: slices.Clone(u.Fields), body: u.Bytes, sealed: u.Sealed, inner: u.Inner})
		st.nextBatch++
	}
	if len(uploads) > 0 {
		st.losses = lossCount{}
	}
	return out, s.carry(c, stream, got, carry)
}

// carry stores rows again that did not fit, day by day, at the place they came from.
func (s *Store) carry(c *change, stream uint32, got *batch, rows []Row) error {
	st := c.next.streams[stream]
	day := func(r *Row) int32 { return got.days[r.mark-1] }
	rows = slices.Clone(rows)
	sort.SliceStable(rows, func(i, j int) bool { return day(&rows[i]) < day(&rows[j]) })
	for len(rows) > 0 {
		var w rowWriter
		n := 0
		for n < len(rows) && n < maxChunkRows && day(&rows[n]) == day(&rows[0]) {
			if err := checkRow(&rows[n]); err != nil {
				return err
			}
			w.add(&rows[n])
			n++
		}
		h := header{kind: kindChunk, stream: stream, grant: st.grant, day: day(&rows[0]), epoch: st.epoch,
			place: st.mark.order, rows: uint32(n), size: uint32(len(w.buf))}
		err := s.add(c, h, w.buf)
		w.reset()
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// Peek hands the rows that Cut would take to visit, and changes nothing. visit may call the store.
func (s *Store) Peek(stream uint32, max int, visit func(rows []Row) error) error {
	s.Await()
	s.io.Lock()
	if s.isClosed() {
		s.io.Unlock()
		return ErrClosed
	}
	got := s.read(s.choose(stream, max))
	s.io.Unlock()
	s.mu.Lock()
	gone := s.dropped[s.grantOf(stream)]
	s.mu.Unlock()
	if gone {
		return ErrGone
	}
	return visit(got.rows)
}
