package receive

import (
	"encoding/binary"
	"errors"

	"github.com/candor-edge/candor/uplink/wire"
)

// A journal record holds entries, one after the other: a byte that says what
// it is, then its parts. Numbers are unsigned varints, byte strings have their
// length before them, names of streams and digests have 16 bytes.
type entryKind byte

const (
	entryAnnounce entryKind = 'A' // signed announcement, end of the raw file
	entryBatch    entryKind = 'B' // stream, seq, digest, end of the raw file
	entryFile     entryKind = 'F' // purpose, end of its file of rows
	entryWithdraw entryKind = 'W' // stream, signed deletion request
	entryPurged   entryKind = 'P' // stream: rows and batches are gone
	entryErased   entryKind = 'E' // stream, rows, batches: what the purge removed
	entryForgot   entryKind = 'D' // stream, generation of its new file of signed messages, its size, batches removed: their day had come
	entryReplaced entryKind = 'R' // purpose, generation of the file that takes the place of the old, its size
)

// entry is any of them; which fields count depends on kind.
type entry struct {
	kind    entryKind
	stream  wire.StreamID
	digest  [16]byte
	seq     uint64
	end     int64
	purpose string
	signed  []byte // points into what was read
	gen     uint64
	count   uint64
}

func (e *entry) append(dst []byte) []byte {
	dst = append(dst, byte(e.kind))
	switch e.kind {
	case entryAnnounce:
		dst = appendBlob(dst, e.signed)
		dst = binary.AppendUvarint(dst, uint64(e.end))
	case entryBatch:
		dst = append(dst, e.stream[:]...)
		dst = binary.AppendUvarint(dst, e.seq)
		dst = append(dst, e.digest[:]...)
		dst = binary.AppendUvarint(dst, uint64(e.end))
	case entryFile:
		dst = appendBlob(dst, []byte(e.purpose))
		dst = binary.AppendUvarint(dst, uint64(e.end))
	case entryWithdraw:
		dst = append(dst, e.stream[:]...)
		dst = appendBlob(dst, e.signed)
	case entryPurged:
		dst = append(dst, e.stream[:]...)
	case entryErased:
		dst = append(dst, e.stream[:]...)
		dst = binary.AppendUvarint(dst, e.seq)
		dst = binary.AppendUvarint(dst, e.count)
	case entryForgot:
		dst = append(dst, e.stream[:]...)
		dst = binary.AppendUvarint(dst, e.gen)
		dst = binary.AppendUvarint(dst, uint64(e.end))
		dst = binary.AppendUvarint(dst, e.count)
	case entryReplaced:
		dst = appendBlob(dst, []byte(e.purpose))
		dst = binary.AppendUvarint(dst, e.gen)
		dst = binary.AppendUvarint(dst, uint64(e.end))
	}
	return dst
}

func appendBlob(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

var errEntry = errors.New("an entry of the record does not read, though its checksum fits; written by a newer version?")

// readEntries hands every entry of a record to apply.
func readEntries(body []byte, apply func(*entry) error) error {
	r := entryReader{data: body}
	for len(r.data) > 0 {
		e := entry{kind: entryKind(r.data[0])}
		r.data = r.data[1:]
		switch e.kind {
		case entryAnnounce:
			e.signed, e.end = r.blob(), r.offset()
		case entryBatch:
			r.fixed(e.stream[:])
			e.seq = r.number()
			r.fixed(e.digest[:])
			e.end = r.offset()
		case entryFile:
			e.purpose, e.end = string(r.blob()), r.offset()
		case entryWithdraw:
			r.fixed(e.stream[:])
			e.signed = r.blob()
		case entryPurged:
			r.fixed(e.stream[:])
		case entryErased:
			r.fixed(e.stream[:])
			e.seq, e.count = r.number(), r.number()
		case entryForgot:
			r.fixed(e.stream[:])
			e.gen, e.end, e.count = r.number(), r.offset(), r.number()
		case entryReplaced:
			e.purpose, e.gen, e.end = string(r.blob()), r.number(), r.offset()
		default:
			return errEntry
		}
		if r.bad {
			return errEntry
		}
		if err := apply(&e); err != nil {
			return err
		}
	}
	return nil
}

// entryReader reads parts; bad stays set after the first that is not there.
type entryReader struct {
	data []byte
	bad  bool
}

func (r *entryReader) number() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *entryReader) offset() int64 {
	v := r.number()
	if v > 1<<62 {
		r.bad = true
		return 0
	}
	return int64(v)
}

func (r *entryReader) take(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *entryReader) blob() []byte { return r.take(r.number()) }

func (r *entryReader) fixed(dst []byte) { copy(dst, r.take(uint64(len(dst)))) }
