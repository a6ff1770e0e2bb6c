package receive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"
)

// The journal says what is committed. It is one append-only file:
//
//	"candor-receive-journal 1\n" record*
//	record = "\xc0JR\n" length:uint32 checksum:uint32 body   (little endian)
//
// A record is one group commit: it is written only after the files it speaks
// of are synced, and synced before anything in it is answered. The checksum
// (CRC-32C) covers the record's offset, length and body, so a record is valid
// only where it was written. Since the next record begins after the one before
// is synced, only the last one can be torn: what follows a broken record tells
// a power cut, which is cut off, from a damaged disk, which is an error.
const (
	journalHead   = "candor-receive-journal 1\n"
	recordMark    = "\xc0JR\n"
	recordHead    = len(recordMark) + 4 + 4
	maxRecordBody = 64 << 20
)

// DamageError is a file of the sink that is not as it was left. The sink does
// not open and changes nothing: a copy may have to be restored.
type DamageError struct {
	File   string
	Offset int64 // -1 when the whole file is meant
	What   string
}

// Error names file, offset and what is wrong.
func (e *DamageError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("receive: %s: %s", e.File, e.What)
	}
	return fmt.Sprintf("receive: %s: damaged at byte %d: %s", e.File, e.Offset, e.What)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func recordSum(offset int64, body []byte) uint32 {
	var at [12]byte
	binary.LittleEndian.PutUint64(at[:], uint64(offset))
	binary.LittleEndian.PutUint32(at[8:], uint32(len(body)))
	return crc32.Update(crc32.Checksum(at[:], castagnoli), castagnoli, body)
}

// journal appends records. It is used by one goroutine.
type journal struct {
	f   *os.File
	end int64 // of the last committed record
	buf []byte
}

// openJournal opens or creates the journal, hands every committed record to
// apply and cuts a torn one off. It returns how many bytes were cut.
func openJournal(path string, apply func(body []byte) error) (j *journal, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("receive: open the journal: %w", err)
	}
	j = &journal{f: f}
	size, err := j.replay(path, apply)
	if err == nil && size > j.end {
		torn = size - j.end
		err = j.cut()
	}
	if err == nil && j.end == 0 {
		err = j.begin()
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return j, torn, nil
}

func (j *journal) begin() error {
	if _, err := j.f.WriteAt([]byte(journalHead), 0); err != nil {
		return fmt.Errorf("receive: begin the journal: %w", err)
	}
	j.end = int64(len(journalHead))
	return j.sync()
}

// replay reads records until the end or the first broken one and sets j.end.
func (j *journal) replay(path string, apply func([]byte) error) (size int64, err error) {
	if size, err = j.f.Seek(0, io.SeekEnd); err == nil {
		_, err = j.f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("receive: read the journal: %w", err)
	}
	in := bufio.NewReaderSize(j.f, 1<<20)
	head := make([]byte, min(size, int64(len(journalHead))))
	if _, err := io.ReadFull(in, head); err != nil {
		return 0, fmt.Errorf("receive: read the journal: %w", err)
	}
	if string(head) != journalHead {
		// Cut short while it was created: nothing was ever committed.
		if size <= int64(len(journalHead)) && strings.HasPrefix(journalHead, string(bytes.TrimRight(head, "\x00"))) {
			return size, nil
		}
		return size, &DamageError{path, 0, "this is no journal of this version"}
	}
	j.end = int64(len(journalHead))
	var body []byte
	for j.end < size {
		var ok bool
		if body, ok, err = readRecord(in, body, j.end, size); err != nil {
			return size, fmt.Errorf("receive: read the journal: %w", err)
		}
		if !ok {
			return size, j.torn(path, size)
		}
		if err := apply(body); err != nil {
			return size, &DamageError{path, j.end, err.Error()}
		}
		j.end += int64(recordHead + len(body))
	}
	return size, nil
}

// readRecord reads the record at an offset into body; ok is false when none
// is whole there.
func readRecord(in io.Reader, body []byte, at, size int64) (_ []byte, ok bool, err error) {
	if size-at < int64(recordHead) {
		return body, false, nil
	}
	var head [recordHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return body, false, err
	}
	n, sum, ok := splitHead(head[:], size-at)
	if !ok {
		return body, false, nil
	}
	body = slices.Grow(body[:0], n)[:n]
	if _, err := io.ReadFull(in, body); err != nil {
		return body, false, err
	}
	return body, recordSum(at, body) == sum, nil
}

// splitHead reads the head of a record that has so many bytes left at most.
func splitHead(head []byte, left int64) (n int, sum uint32, ok bool) {
	length := binary.LittleEndian.Uint32(head[len(recordMark):])
	sum = binary.LittleEndian.Uint32(head[len(recordMark)+4:])
	ok = string(head[:len(recordMark)]) == recordMark && length <= maxRecordBody && int64(length) <= left-int64(recordHead)
	return int(length), sum, ok
}

// torn decides what a broken record at j.end is: nil for a torn end, an error
// when a whole record follows it.
func (j *journal) torn(path string, size int64) error {
	rest := make([]byte, size-j.end)
	if _, err := j.f.ReadAt(rest, j.end); err != nil {
		return fmt.Errorf("receive: read the journal: %w", err)
	}
	for from := 1; ; from++ {
		i := bytes.Index(rest[min(from, len(rest)):], []byte(recordMark))
		if i < 0 {
			return nil
		}
		from += i
		at := rest[from:]
		if len(at) < recordHead {
			return nil
		}
		n, sum, ok := splitHead(at, int64(len(at)))
		if ok && recordSum(j.end+int64(from), at[recordHead:recordHead+n]) == sum {
			return &DamageError{path, j.end, fmt.Sprintf("a broken record, while the one at byte %d is whole", j.end+int64(from))}
		}
	}
}

// errJournal is a journal whose end is not known any more: nothing can be
// committed until it was read again.
var errJournal = errors.New("receive: the journal could not be synced; start the receiver again")

// commit appends one record and syncs it. When it fails and the error is not
// errJournal, the journal is as before.
func (j *journal) commit(body []byte) error {
	if len(body) > maxRecordBody {
		return fmt.Errorf("receive: a record of %d bytes, the most is %d", len(body), maxRecordBody)
	}
	b := append(j.buf[:0], recordMark...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, recordSum(j.end, body))
	b = append(b, body...)
	j.buf = b
	if _, err := j.f.WriteAt(b, j.end); err != nil {
		if cut := j.cut(); cut != nil {
			return fmt.Errorf("%w: %w, after: %w", errJournal, cut, err)
		}
		return fmt.Errorf("receive: write the journal: %w", err)
	}
	if err := j.sync(); err != nil {
		return err
	}
	j.end += int64(len(b))
	return nil
}

// cut removes what lies beyond the last committed record.
func (j *journal) cut() error {
	if err := j.f.Truncate(j.end); err != nil {
		return fmt.Errorf("receive: cut the journal to %d bytes: %w", j.end, err)
	}
	return j.sync()
}

// sync makes what was written durable. After a failed sync nobody knows what
// is on the disk (the kernel may have dropped the pages), so the journal says
// so instead of trying again.
func (j *journal) sync() error {
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errJournal, err)
	}
	return nil
}

func (j *journal) close() error { return j.f.Close() }
