package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
)

// line is what differs between the lines of one context.
type line struct {
	context             uint32
	seq                 uint64
	rows, columns, wire uint64
	sentAt              sensors.Micros
	result              uint8
	tries               uint64
}

// context is what many lines have in common; it is stored once.
type context struct {
	Stream    uint32   `cbor:"1,keyasint"`
	Purpose   string   `cbor:"2,keyasint"`
	Recipient string   `cbor:"3,keyasint"`
	Name      [16]byte `cbor:"4,keyasint"`
	Epoch     uint64   `cbor:"5,keyasint"`
	Fields    []string `cbor:"6,keyasint,omitempty"`
	Control   string   `cbor:"7,keyasint,omitempty"`
}

// contexts are the contexts in memory: all[i] has number i+1.
type contexts struct {
	all []context
	ids map[string]uint32 // by encoded form
}

// accepted is the code of ResultAccepted.
const accepted = 1

func results() []string { return []string{"", ResultAccepted, ResultRefused, ResultCancelled} }

// resultCode is 0 for a result that does not exist.
func resultCode(result string) uint8 {
	return uint8(max(0, slices.Index(results(), result)))
}

func (v *line) encode(key []byte) []byte {
	b := make([]byte, 0, 40)
	for _, n := range []uint64{uint64(v.context), v.seq, v.rows, v.columns, v.wire} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, int64(v.sentAt))
	b = append(b, v.result)
	b = binary.AppendUvarint(b, v.tries)
	return guarded(key, b)
}

var errLine = errors.New("it is no line")

// decodeLine is strict: what it accepts, encode gives back.
func decodeLine(key, stored []byte) (line, error) {
	b, err := unguarded(key, stored)
	if err != nil {
		return line{}, err
	}
	var v line
	var context uint64
	next := func() (n uint64) {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			err = errLine
			return 0
		}
		b = b[size:]
		return n
	}
	context, v.seq, v.rows, v.columns, v.wire = next(), next(), next(), next(), next()
	at, size := binary.Varint(b)
	if err != nil || size <= 0 || len(b) < size+1 || context > 1<<32-1 {
		return line{}, errLine
	}
	v.context, v.sentAt, v.result = uint32(context), sensors.Micros(at), b[size]
	b = b[size+1:]
	v.tries = next()
	if err != nil || len(b) > 0 || v.result == 0 || int(v.result) >= len(results()) {
		return line{}, errLine
	}
	if again := v.encode(key); string(again) != string(stored) {
		return line{}, errLine
	}
	return v, nil
}

// contextOf finds a context in memory.
func (l *Ledger) contextOf(id uint32) (context, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if id == 0 || int64(id) > int64(len(l.state.contexts.all)) {
		return context{}, false
	}
	return l.state.contexts.all[id-1], true
}

// sent joins a line with its context.
func (l *Ledger) sent(v line) (Sent, error) {
	c, ok := l.contextOf(v.context)
	if !ok {
		// The line may be from a change that is in the file already but not yet in memory: wait for it to end.
		l.write.Lock()
		c, ok = l.contextOf(v.context)
		l.write.Unlock()
	}
	if !ok {
		return Sent{}, fmt.Errorf("it names context %d, which does not exist", v.context)
	}
	return Sent{Stream: c.Stream, Purpose: c.Purpose, Recipient: c.Recipient, StreamName: c.Name, Epoch: c.Epoch, Seq: v.seq,
		Rows: int(v.rows), ColumnBytes: int(v.columns), WireBytes: int(v.wire), SentAt: v.sentAt, Fields: c.Fields,
		Result: results()[v.result], Control: c.Control, Tries: int(v.tries)}, nil
}

// context is the number of the line's context, which is written when it is new.
func (r *recorder) context(s *Sent) (uint32, error) {
	v := context{Stream: s.Stream, Purpose: s.Purpose, Recipient: s.Recipient, Name: s.StreamName, Epoch: s.Epoch,
		Fields: slices.Clone(s.Fields), Control: s.Control}
	encoded, err := encode(&v)
	if err != nil {
		return 0, err
	}
	if id, ok := r.l.state.contexts.ids[string(encoded)]; ok {
		return id, nil
	}
	if id, ok := r.contexts[string(encoded)]; ok {
		return id, nil
	}
	id := uint32(len(r.l.state.contexts.all) + len(r.contexts) + 1)
	key := key32(id)
	if err := r.put(contextBucket, key, encoded); err != nil {
		return 0, err
	}
	r.contexts[string(encoded)] = id
	r.after(func(st *state) {
		st.contexts.all = append(st.contexts.all, v)
		st.contexts.ids[string(encoded)] = id
	})
	return id, nil
}

func (l *Ledger) loadContexts(tx *bolt.Tx, s *state) error {
	bucket := tx.Bucket([]byte(contextBucket))
	if bucket == nil {
		return errors.New("a bucket is missing")
	}
	if s.lost {
		return nil
	}
	return bucket.ForEach(func(k, stored []byte) error {
		id := uint32(len(s.contexts.all) + 1)
		if string(k) != string(key32(id)) {
			return fmt.Errorf("context %d is missing", id)
		}
		var v context
		value, err := l.unlock(contextBucket, k, stored)
		if err == nil {
			err = decode(value, &v)
		}
		if err != nil {
			return fmt.Errorf("context %d: %w", id, err)
		}
		s.contexts.all = append(s.contexts.all, v)
		s.contexts.ids[string(value)] = id
		return nil
	})
}
