package ledger

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// perBlock is how many sequence numbers of a stream share one record of the index.
const perBlock = 64

// block says for each of perBlock sequence numbers which line is about it; 0 is none.
type block [perBlock]uint64

// blockKey names the record of a line; slot is its place in it.
func blockKey(s *Sent) (key []byte, slot int) {
	key = binary.BigEndian.AppendUint64(key32(s.Stream), s.Seq/perBlock)
	return append(key, s.Control...), int(s.Seq % perBlock)
}

// encode is the lowest line, then for each slot 0 or the distance from it plus one; slots at the end that are 0 are
// left out. The lines of one block lie close together, so most slots take a byte or two.
func (b *block) encode(key []byte) []byte {
	base, last := uint64(0), -1
	for i, n := range b {
		if n != 0 {
			last = i
			if base == 0 || n < base {
				base = n
			}
		}
	}
	out := binary.AppendUvarint(nil, base)
	for _, n := range b[:last+1] {
		if n != 0 {
			n += 1 - base
		}
		out = binary.AppendUvarint(out, n)
	}
	return guarded(key, out)
}

// decodeBlock is strict: what it accepts, encode gives back.
func decodeBlock(key, stored []byte) (b block, err error) {
	v, err := unguarded(key, stored)
	if err != nil {
		return block{}, err
	}
	base, size := binary.Uvarint(v)
	if size <= 0 {
		return block{}, errLine
	}
	v = v[size:]
	for i := 0; len(v) > 0; i++ {
		n, size := binary.Uvarint(v)
		if size <= 0 || i >= perBlock {
			return block{}, errLine
		}
		if n != 0 {
			b[i] = base + n - 1
		}
		v = v[size:]
	}
	if string(b.encode(key)) != string(stored) {
		return block{}, errLine
	}
	return b, nil
}

// readBlock is the record under key, empty when there is none.
func readBlock(tx *bolt.Tx, key []byte) (block, error) {
	stored := tx.Bucket([]byte(seenBucket)).Get(key)
	if stored == nil {
		return block{}, nil
	}
	b, err := decodeBlock(key, stored)
	if err != nil {
		return block{}, fmt.Errorf("index of lines: %w", err)
	}
	return b, nil
}

// seen is the line about the same message, 0 when there is none.
func seen(tx *bolt.Tx, s *Sent) (uint64, error) {
	key, slot := blockKey(s)
	b, err := readBlock(tx, key)
	return b[slot], err
}

// setSeen notes the line about a message; 0 forgets it.
func setSeen(tx *bolt.Tx, s *Sent, number uint64) error {
	key, slot := blockKey(s)
	b, err := readBlock(tx, key)
	if err != nil {
		return err
	}
	b[slot] = number
	bucket := tx.Bucket([]byte(seenBucket))
	if b == (block{}) {
		return bucket.Delete(key)
	}
	return bucket.Put(key, b.encode(key))
}
