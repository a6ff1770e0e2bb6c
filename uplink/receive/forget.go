package receive

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/candor-edge/candor/uplink/wire"
)

// forgetting is a request to remove what has had its time.
type forgetting struct {
	today   uint32
	batches int
}

// Forget removes batches whose day has come and their rows, see [Forgetter].
// It rewrites the files concerned, during which nothing is accepted; where
// nothing is due it reads a file at most once.
func (s *DirSink) Forget(ctx context.Context, today uint32) (batches int, err error) {
	f := &forgetting{today: today}
	err = s.submit(ctx, &request{forget: f})
	return f.batches, err
}

// expects notes the delete-by of a batch, so that a file is not read before
// something in it is due.
func (s *DirSink) expects(purpose string, day uint32) {
	if first, read := s.earliest[purpose]; read {
		s.earliest[purpose] = min(first, day)
	}
}

// forget writes new files without what is due, commits that they count, and
// moves them in. Rows and signed messages go in one record.
func (s *DirSink) forget(f *forgetting) error {
	var body []byte
	var moves []move
	due := make(map[wire.StreamID]timelessDue)
	first := make(map[string]uint32)
	for purpose, file := range s.st.files {
		if day, read := s.earliest[purpose]; read && day > f.today {
			continue
		}
		any, day, err := s.dueRows(purpose, file.size, f.today, due)
		if err != nil {
			return err
		}
		if first[purpose] = day; !any {
			continue
		}
		gen := s.st.gen + uint64(len(moves)) + 1
		m := move{s.at.rewritten(purpose, gen), s.at.rows(purpose)}
		size, err := copyLines(m.from, m.to, file.size, func(line []byte) bool { return rowDay(line) <= f.today })
		if err != nil {
			return err
		}
		body = (&entry{kind: entryReplaced, purpose: purpose, gen: gen, end: size}).append(body)
		moves = append(moves, m)
	}
	for id, numbers := range due {
		gen := s.st.gen + uint64(len(moves)) + 1
		m := move{s.at.rewritten(id.String(), gen), s.at.raw(id)}
		size, gone, err := s.copyUndue(m.from, id, f.today, numbers)
		if err != nil {
			return err
		}
		body = (&entry{kind: entryForgot, stream: id, gen: gen, end: size, count: gone}).append(body)
		moves = append(moves, m)
		f.batches += int(gone)
	}
	if err := s.replace(body, moves); err != nil {
		f.batches = 0
		return err
	}
	for purpose, day := range first {
		s.earliest[purpose] = day
	}
	return nil
}

// replace commits rewritten files and moves them in.
func (s *DirSink) replace(body []byte, moves []move) error {
	if len(moves) == 0 {
		return nil
	}
	if err := syncDir(s.at.indexDir()); err != nil {
		return err
	}
	if err := s.reach("forget rewritten"); err != nil {
		return err
	}
	if err := s.record(body); err != nil {
		return err
	}
	s.reach("forget committed")
	if err := s.moveIn(moves); err != nil {
		s.breakDown(err) // the next start finishes it
		return err
	}
	return syncDir(s.at.rawDir())
}

// timelessDue are the numbers of a stream's due batches that know no time: the
// day on their rows may be sooner than the signed one, see checkBatch. It is
// nil while the stream has none.
type timelessDue map[uint64]bool

// dueRows says whether rows of a purpose are due, adds their streams to due,
// and returns the first day on which one of the others will be.
func (s *DirSink) dueRows(purpose string, size int64, today uint32, due map[wire.StreamID]timelessDue) (any bool, next uint32, err error) {
	next = math.MaxUint32
	err = eachLine(s.at.rows(purpose), size, func(line []byte) error {
		day := rowDay(line)
		if day > today {
			next = min(next, day)
			return nil
		}
		any = true
		id, err := wire.ParseStreamID(rowStream(line))
		if err != nil || s.st.streams[id] == nil {
			return fmt.Errorf("receive: %s: a row of no known stream", s.at.rows(purpose))
		}
		if !s.st.streams[id].withdrawn { // else its messages are gone, or about to go
			numbers := due[id]
			if seq, ok := timelessRow(line); ok {
				if numbers == nil {
					numbers = make(timelessDue)
				}
				numbers[seq] = true
			}
			due[id] = numbers
		}
		return nil
	})
	return any, next, err
}

// rowDay reads delete_by off a line, as a day number. Strings in a row have
// their quotes escaped, so that these bytes are nowhere else. A line without it
// is none of ours and stays.
func rowDay(line []byte) uint32 {
	const mark = `},"delete_by":"`
	at := bytes.LastIndex(line, []byte(mark))
	if at < 0 || len(line) < at+len(mark)+len(time.DateOnly) {
		return math.MaxUint32
	}
	day, err := time.Parse(time.DateOnly, string(line[at+len(mark):][:len(time.DateOnly)]))
	if err != nil {
		return math.MaxUint32
	}
	return uint32(day.Unix() / 86400)
}

// timelessRow reads the number of its batch off a row that has no time.
func timelessRow(line []byte) (seq uint64, ok bool) {
	const mark = `,"seq":`
	at := bytes.Index(line, []byte(mark))
	if at < 0 || !bytes.Contains(line, []byte(`,"boot":"`)) {
		return 0, false
	}
	digits, _, _ := bytes.Cut(line[at+len(mark):], []byte(","))
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	return seq, err == nil
}

// copyUndue writes the signed messages of a stream without the batches that
// are due, and returns the length of the copy and how many batches went.
func (s *DirSink) copyUndue(to string, id wire.StreamID, today uint32, numbers timelessDue) (size int64, gone uint64, err error) {
	err = writeSynced(to, func(f *os.File) error {
		return eachSigned(s.at.raw(id), s.st.streams[id].raw, func(i int, signed []byte) error {
			if i > 0 {
				b, err := storedBatch(signed)
				if err != nil {
					return err
				}
				if b.DeleteBy <= today || timeless(b) && numbers[b.Seq] {
					gone++
					return nil
				}
			}
			size += int64(len(signed))
			_, err := f.Write(signed)
			return err
		})
	})
	return size, gone, err
}
