package receive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/candor-edge/candor/uplink/wire"
)

// withdraw carries out deletion requests. The tombstones are committed first,
// so that nothing of the streams is taken from then on, whatever happens
// next; a crash leaves the rest to the next start.
func (s *DirSink) withdraw(list []*request) {
	var body []byte
	waiting := list[:0]
	for _, r := range list {
		e, err := s.tombstone(r.withdrawal)
		if err != nil {
			r.reply <- err
			continue
		}
		if e != nil {
			body = e.append(body)
		}
		waiting = append(waiting, r)
	}
	var err error
	if len(body) > 0 {
		err = s.record(body)
	}
	if err == nil {
		s.reach("tombstone")
		err = s.purge()
	}
	if err != nil {
		s.log.Error("a deletion is not finished", "requests", len(waiting), "error", err)
	}
	for _, r := range waiting {
		r.reply <- err
	}
}

// tombstone returns what the journal has to be told of a deletion request, nil
// when it knows already. A request for a stream that nobody announced yet
// can't be verified; it is kept, and verified should an announcement come.
func (s *DirSink) tombstone(m *Withdrawal) (*entry, error) {
	e := &entry{kind: entryWithdraw, stream: m.Stream, signed: m.Signed}
	if st := s.st.streams[m.Stream]; st != nil {
		if st.withdrawn {
			return nil, nil
		}
		return e, VerifyDeletion(st.announcement, m.Signed)
	}
	waits, room := s.st.isPending(m.Stream, m.Signed)
	switch {
	case waits:
		return nil, nil
	case !room:
		return nil, &Refusal{Code: CodeBusy, Text: "too many deletion requests for streams that are not announced", After: retryStorage}
	}
	return e, nil
}

// purge removes what is left of withdrawn streams: the batches among their raw
// messages, then their rows.
func (s *DirSink) purge() error {
	gone := s.st.unpurged()
	if len(gone) == 0 {
		return nil
	}
	for _, m := range gone {
		if err := s.purgeRaw(m); err != nil {
			return err
		}
	}
	if err := syncDir(s.at.rawDir()); err != nil {
		return err
	}
	if err := s.reach("raw purged"); err != nil {
		return err
	}
	body, moves, rows, err := s.purgeRows(gone)
	if err != nil {
		return err
	}
	if err := s.reach("rows rewritten"); err != nil {
		return err
	}
	for _, m := range gone {
		id := m.announcement.Stream
		body = (&entry{kind: entryErased, stream: id, seq: rows[id.String()], count: m.erasedBatches}).append(body)
		body = (&entry{kind: entryPurged, stream: id}).append(body)
	}
	if err := s.record(body); err != nil {
		return err
	}
	s.reach("purge committed")
	// From here the new files are the right ones; a crash leaves the rename
	// to the next start, and a failure leaves nothing else to go on with.
	if err := s.moveIn(moves); err != nil {
		s.breakDown(err)
		return err
	}
	s.reach("moved")
	return nil
}

// purgeRaw leaves the announcement and the deletion request: the proof that
// there was a consent and that its end was obeyed, without a batch.
func (s *DirSink) purgeRaw(m *storedStream) error {
	path := s.at.raw(m.announcement.Stream)
	head := make([]byte, m.head)
	f, err := os.Open(path)
	if err == nil {
		_, err = io.ReadFull(f, head)
		f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("receive: read %s: %w", path, err)
	}
	if err != nil {
		head = nil // somebody removed it; the request alone is kept
	}
	err = writeSynced(path+tempSuffix, func(f *os.File) error {
		_, err := f.Write(slices.Concat(head, m.deletion))
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return nil
}

// move is a rewritten file that waits for its place.
type move struct{ from, to string }

// purgeRows writes, for each purpose concerned, its rows without those of the
// streams, and returns the journal entries and the moves that make them count,
// and how many rows of each stream went.
func (s *DirSink) purgeRows(gone []*storedStream) (body []byte, moves []move, rows map[string]uint64, err error) {
	byPurpose := make(map[string][]wire.StreamID)
	for _, m := range gone {
		if m.seen.last > 0 {
			p := m.announcement.Purpose
			byPurpose[p] = append(byPurpose[p], m.announcement.Stream)
		}
	}
	gen, rows := s.st.gen, make(map[string]uint64)
	for purpose, ids := range byPurpose {
		gen++
		to := move{s.at.rewritten(purpose, gen), s.at.rows(purpose)}
		drop := make(map[string]bool, len(ids))
		for _, id := range ids {
			drop[id.String()] = true
		}
		size, err := copyLines(to.from, to.to, s.st.files[purpose].size, func(line []byte) bool {
			id := rowStream(line)
			if !drop[id] {
				return false
			}
			rows[id]++
			return true
		})
		if err != nil {
			return nil, nil, nil, err
		}
		body = (&entry{kind: entryReplaced, purpose: purpose, gen: gen, end: size}).append(body)
		moves = append(moves, to)
	}
	if len(moves) > 0 {
		err = syncDir(s.at.indexDir())
	}
	return body, moves, rows, err
}

// maxLine is the longest row, in bytes: 256 fields with the longest names and
// labels, every byte of them escaped, are shorter.
const maxLine = 512 << 10

// copyLines copies the committed lines of a file of rows, except those that
// drop names, and returns the length of the copy. drop sees each line once, in
// order, with its end.
func copyLines(to, from string, committed int64, drop func(line []byte) bool) (size int64, err error) {
	err = writeSynced(to, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 256<<10)
		err := eachLine(from, committed, func(line []byte) error {
			if drop(line) {
				return nil
			}
			size += int64(len(line))
			_, err := w.Write(line)
			return err
		})
		if err != nil {
			return err
		}
		return w.Flush()
	})
	return size, err
}

// eachLine hands over the committed lines of a file of rows.
func eachLine(path string, committed int64, each func(line []byte) error) error {
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer in.Close()
	r := bufio.NewReaderSize(io.LimitReader(in, committed), maxLine)
	for read := int64(0); read < committed; {
		line, err := r.ReadSlice('\n')
		read += int64(len(line))
		if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
			return &DamageError{path, read, fmt.Sprintf("a line has no end, while %d bytes are committed", committed)}
		}
		if err == nil {
			err = each(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rowPrefix begins every row.
const rowPrefix = `{"stream":"`

// rowStream returns the stream a line begins with.
func rowStream(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(rowPrefix))
	if !ok || len(rest) < 2*len(wire.StreamID{}) {
		return ""
	}
	return string(rest[:2*len(wire.StreamID{})])
}

// moveIn puts rewritten files in their place.
func (s *DirSink) moveIn(moves []move) error {
	for _, m := range moves {
		if err := os.Rename(m.from, m.to); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
	if len(moves) == 0 {
		return nil
	}
	if err := syncDir(s.at.dir); err != nil {
		return err
	}
	return syncDir(s.at.indexDir())
}
