package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
	"sort"

	"github.com/candor-edge/candor/store/consent"
)

const (
	stateMagic   = "CSTA"
	stateVersion = 1
	maxState     = 1 << 20 // bytes of a state record
	maxReason    = 120     // bytes of a parking reason
)

var errState = errors.New("store: state record is not well formed")

// stateSeq is the sequence in the state's key: all ones, so that it sorts behind every record and shares the last page.
const stateSeq = ^uint64(0)

// stateKey is the bbolt key of the state record.
func stateKey() []byte { return bytes.Repeat([]byte{0xff}, keySize) }

// Flags of a stream in the state record.
const (
	flagRetired = 1 << iota
	flagUncertain
	flagMoved
	flagsEnd
)

func bit(b bool, f uint64) uint64 {
	if b {
		return f
	}
	return 0
}

// encode writes the state in the one form it has: numbers are shortest uvarints, maps are sorted, a CRC-32C ends it.
func (s *state) encode() []byte {
	put := binary.AppendUvarint
	b := append([]byte(stateMagic), stateVersion)
	for _, n := range []uint64{s.segment, s.commit, s.tx, s.records, s.nextSeq, s.floor, bit(s.clean, 1)} {
		b = put(b, n)
	}
	b = put(b, uint64(len(s.streams)))
	for _, id := range rising(slices.Collect(maps.Keys(s.streams))) {
		b = s.streams[id].encode(put(b, uint64(id)))
	}
	b = put(b, uint64(len(s.replays)))
	replays := slices.Collect(maps.Keys(s.replays))
	sort.Slice(replays, func(i, j int) bool { return compareReplays(replays[i], replays[j]) < 0 })
	for _, r := range replays {
		b = put(b, uint64(r.grant))
		b = append(b, r.recording[:]...)
		b = put(b, s.replays[r])
	}
	b = put(b, uint64(len(s.parked)))
	for _, p := range s.parked {
		b = put(put(put(b, uint64(p.stream)), p.batches.lo), p.batches.hi-p.batches.lo)
		b = append(put(b, uint64(len(p.reason))), p.reason...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func compareReplays(a, b replay) int {
	return cmp.Or(cmp.Compare(a.grant, b.grant), bytes.Compare(a.recording[:], b.recording[:]))
}

func (st *streamState) encode(b []byte) []byte {
	put := binary.AppendUvarint
	flags := bit(st.retired, flagRetired) | bit(st.uncertain, flagUncertain) | bit(st.moved, flagMoved)
	b = put(put(put(b, uint64(st.grant)), st.epoch), flags)
	if st.moved {
		b = put(b, uint64(st.to))
	}
	b = put(put(put(b, st.mark.order), st.mark.seq), st.nextBatch)
	b = binary.AppendVarint(b, int64(st.lastDay))
	b = put(b, uint64(len(st.gone)))
	for _, r := range st.gone {
		b = put(put(b, r.lo), r.hi-r.lo)
	}
	for _, n := range st.losses {
		b = put(b, n)
	}
	return b
}

// stateReader reads numbers and remembers the first failure.
type stateReader struct {
	rowReader
	bad bool
}

func (r *stateReader) num() uint64 {
	v, ok := r.uvarint()
	if !ok {
		r.bad, r.in = true, nil
	}
	return v
}

func (r *stateReader) upTo(limit uint64) uint64 {
	v := r.num()
	if v > limit {
		r.bad, r.in = true, nil
		return 0
	}
	return v
}

// count reads a number of things that take at least size bytes each.
func (r *stateReader) count(size int) int { return int(r.upTo(uint64(len(r.in) / size))) }

func (r *stateReader) bytes(n int) []byte {
	if n > len(r.in) {
		r.bad, r.in = true, nil
		return nil
	}
	b := r.in[:n]
	r.in = r.in[n:]
	return b
}

// decodeState reads what encode wrote and refuses everything else.
func decodeState(b []byte) (*state, error) {
	const frame = len(stateMagic) + 1
	if len(b) < frame+4 || len(b) > maxState || string(b[:len(stateMagic)]) != stateMagic || b[frame-1] != stateVersion {
		return nil, errState
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return nil, errState
	}
	r := &stateReader{rowReader: rowReader{in: body[frame:]}}
	s := newState()
	for _, p := range []*uint64{&s.segment, &s.commit, &s.tx, &s.records, &s.nextSeq, &s.floor} {
		*p = r.num()
	}
	s.clean = r.upTo(1) == 1
	for range r.count(12) {
		id := uint32(r.upTo(1<<32 - 1))
		s.streams[id] = r.stream()
	}
	for range r.count(18) {
		key := replay{grant: consent.GrantID(r.upTo(1<<32 - 1))}
		copy(key.recording[:], r.bytes(len(key.recording)))
		s.replays[key] = r.num()
	}
	for range r.count(4) {
		p := parking{stream: uint32(r.upTo(1<<32 - 1)), batches: r.span()}
		p.reason = string(r.bytes(int(r.upTo(maxReason))))
		s.parked = append(s.parked, p)
	}
	// One form only: what was read must write itself again. It catches doubles and wrong orders in one place.
	if r.bad || len(r.in) != 0 || !bytes.Equal(s.encode(), b) {
		return nil, errState
	}
	return s, nil
}

func (r *stateReader) span() span {
	lo := r.num()
	return span{lo, lo + r.upTo(^uint64(0)-lo)}
}

func (r *stateReader) stream() *streamState {
	st := &streamState{grant: consent.GrantID(r.upTo(1<<32 - 1)), epoch: r.num()}
	flags := r.upTo(flagsEnd - 1)
	st.retired, st.uncertain, st.moved = flags&flagRetired != 0, flags&flagUncertain != 0, flags&flagMoved != 0
	if st.moved {
		st.to = uint32(r.upTo(1<<32 - 1))
	}
	st.mark = position{r.num(), r.num()}
	st.nextBatch = r.num()
	day, ok := r.varint()
	if !ok || day != int64(int32(day)) {
		r.bad, r.in = true, nil
	}
	st.lastDay = int32(day)
	for range r.count(2) {
		s := r.span()
		if n := len(st.gone); n > 0 && st.gone[n-1].hi >= s.lo {
			r.bad = true
		}
		st.gone = append(st.gone, s)
	}
	for i := range st.losses {
		st.losses[i] = r.num()
	}
	return st
}
