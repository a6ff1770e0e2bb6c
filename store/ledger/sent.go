package ledger

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
)

// What became of something that was sent.
const (
	ResultAccepted  = "accepted"
	ResultRefused   = "refused"   // the recipient said no
	ResultCancelled = "cancelled" // cut off under way, perhaps with some of it already there
)

// Sent is a line about one batch or control message that left the object. It holds counts and names, no values.
type Sent struct {
	Stream     uint32 // the ledger's number of the stream; 0 for what belongs to none
	Purpose    string
	Recipient  string
	StreamName [16]byte
	Epoch, Seq uint64
	Rows       int
	// ColumnBytes is the length of the rows as encoded, without header and padding; WireBytes of the whole message.
	ColumnBytes, WireBytes int
	SentAt                 sensors.Micros // of the first try
	Fields                 []string
	Result                 string // accepted, refused or cancelled: of the last try
	Control                string // "" for a batch; else announcement, deletion, freshness, test …
	Tries                  int    // how often it went out; RecordSent counts it, and ignores what the caller set
}

// Total is what left under one purpose since the ledger began, pruned lines included.
type Total struct {
	Purpose     string
	Batches     uint64 // whatever the answer was, each once
	Rows        uint64 // of these
	ColumnBytes uint64 // of these
	Controls    uint64 // control messages, each once
	WireBytes   uint64 // all that went out, every try counted
	// Open and OpenRows are those of Batches that no recipient has accepted: refused, or cut off, perhaps with some of it
	// there. One that is accepted later counts no more.
	Open, OpenRows uint64
	First, Last    sensors.Micros
}

type storedTotal struct {
	Batches     uint64         `cbor:"1,keyasint"`
	Rows        uint64         `cbor:"2,keyasint"`
	ColumnBytes uint64         `cbor:"3,keyasint"`
	Controls    uint64         `cbor:"4,keyasint"`
	WireBytes   uint64         `cbor:"5,keyasint"`
	First       sensors.Micros `cbor:"6,keyasint"`
	Last        sensors.Micros `cbor:"7,keyasint"`
	Purpose     string         `cbor:"8,keyasint"`
	Open        uint64         `cbor:"9,keyasint,omitempty"`
	OpenRows    uint64         `cbor:"10,keyasint,omitempty"`
}

// RecordSent writes lines about what left, all in one transaction. What is there already (the same stream, sequence
// number and control) gets no second line: its tries are counted and its result is the newest.
func (l *Ledger) RecordSent(lines []Sent) error {
	if len(lines) == 0 {
		return nil
	}
	for i := range lines {
		if err := lines[i].check(); err != nil {
			return fmt.Errorf("ledger: line about stream %d, number %d: %w", lines[i].Stream, lines[i].Seq, err)
		}
	}
	err := l.change(later, func(c *change) error {
		r := &recorder{change: c, contexts: make(map[string]uint32), totals: make(map[string]Total)}
		for i := range lines {
			if err := r.record(&lines[i]); err != nil {
				return err
			}
		}
		return r.finish()
	})
	if err != nil {
		return fmt.Errorf("ledger: record what was sent: %w", err)
	}
	return nil
}

// check refuses what has no place in a line.
func (s *Sent) check() error {
	switch {
	case resultCode(s.Result) == 0:
		return fmt.Errorf("result %q is not one of %q", s.Result, results()[1:])
	case s.Rows < 0 || s.ColumnBytes < 0 || s.WireBytes < 0:
		return errors.New("a count is negative")
	case len(s.Control) > 32 || len(s.Purpose) > 64 || len(s.Recipient) > 128 || len(s.Fields) > 4096:
		return errors.New("a name is too long or there are too many fields")
	}
	return nil
}

// recorder is one RecordSent within its transaction.
type recorder struct {
	*change
	contexts map[string]uint32 // new in this transaction
	totals   map[string]Total  // changed in this transaction
	offered  []uint32
}

func (r *recorder) record(s *Sent) error {
	sent := r.tx.Bucket([]byte(sentBucket))
	total := r.total(s.Purpose)
	total.WireBytes += uint64(s.WireBytes)
	total.Last = max(total.Last, s.SentAt)

	v := line{seq: s.Seq, rows: uint64(s.Rows), columns: uint64(s.ColumnBytes), wire: uint64(s.WireBytes), sentAt: s.SentAt,
		result: resultCode(s.Result), tries: 1}
	number, err := seen(r.tx, s)
	if err != nil {
		return err
	}
	if number != 0 {
		old, err := decodeLine(key64(number), sent.Get(key64(number)))
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		v.sentAt, v.tries, v.context = old.sentAt, old.tries+1, old.context
		total.settle(s, old.result != accepted, v.result != accepted)
	} else {
		total.add(s)
		total.settle(s, false, v.result != accepted)
		if v.context, err = r.context(s); err != nil {
			return err
		}
		if number, err = sent.NextSequence(); err != nil {
			return err
		}
		if err := setSeen(r.tx, s, number); err != nil {
			return err
		}
	}
	r.totals[s.Purpose] = total
	r.offered = append(r.offered, s.Stream)
	sent.FillPercent = 1.0 // lines only ever come at the end
	return sent.Put(key64(number), v.encode(key64(number)))
}

// total is the purpose's total as of this transaction.
func (r *recorder) total(purpose string) Total {
	t, ok := r.totals[purpose]
	if !ok {
		t = r.l.state.totals[purpose]
		t.Purpose = purpose
	}
	return t
}

// add counts a line that is new.
func (t *Total) add(s *Sent) {
	if t.First == 0 {
		t.First = s.SentAt
	}
	if s.Control != "" {
		t.Controls++
		return
	}
	t.Batches++
	t.Rows += uint64(s.Rows)
	t.ColumnBytes += uint64(s.ColumnBytes)
}

// settle counts a batch as open or no longer.
func (t *Total) settle(s *Sent, was, is bool) {
	if s.Control != "" || was == is {
		return
	}
	if is {
		t.Open, t.OpenRows = t.Open+1, t.OpenRows+uint64(s.Rows)
		return
	}
	t.Open, t.OpenRows = t.Open-min(t.Open, 1), t.OpenRows-min(t.OpenRows, uint64(s.Rows))
}

// finish writes what the lines changed besides themselves.
func (r *recorder) finish() error {
	for purpose, t := range r.totals {
		value, err := encode(&storedTotal{t.Batches, t.Rows, t.ColumnBytes, t.Controls, t.WireBytes, t.First, t.Last, purpose, t.Open, t.OpenRows})
		if err != nil {
			return err
		}
		number, known := r.l.state.totalKeys[purpose]
		if !known {
			n, err := r.tx.Bucket([]byte(totalBucket)).NextSequence()
			if err != nil {
				return err
			}
			number = uint32(n)
		}
		if err := r.put(totalBucket, key32(number), value); err != nil {
			return err
		}
		r.after(func(s *state) { s.totals[purpose], s.totalKeys[purpose] = t, number })
	}
	sort.Slice(r.offered, func(i, j int) bool { return r.offered[i] < r.offered[j] })
	for _, number := range slices.Compact(r.offered) {
		if i := r.l.state.stream(number); i >= 0 && !r.l.state.streams[i].Offered {
			s := r.l.state.streams[i]
			s.Offered = true
			if err := r.putStream(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Ledger) loadTotals(tx *bolt.Tx, s *state) error {
	bucket := tx.Bucket([]byte(totalBucket))
	if bucket == nil {
		return errors.New("a bucket is missing")
	}
	if s.lost {
		return nil
	}
	return bucket.ForEach(func(k, stored []byte) error {
		var v storedTotal
		value, err := l.unlock(totalBucket, k, stored)
		if err == nil {
			err = decode(value, &v)
		}
		if err == nil && len(k) != 4 {
			err = errors.New("a wrong number")
		}
		if err != nil {
			return fmt.Errorf("total: %w", err)
		}
		purpose := v.Purpose
		s.totalKeys[purpose] = uint32FromKey(k)
		s.totals[purpose] = Total{purpose, v.Batches, v.Rows, v.ColumnBytes, v.Controls, v.WireBytes, v.Open, v.OpenRows, v.First, v.Last}
		return nil
	})
}

// Totals lists what left per purpose, by purpose.
func (l *Ledger) Totals() []Total {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]Total, 0, len(l.state.totals))
	for _, t := range l.state.totals {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Purpose < out[j].Purpose })
	return out
}

// Sent visits every line in the order in which they were first written, and ends with visit's first error. visit may
// call the ledger.
func (l *Ledger) Sent(visit func(Sent) error) error {
	return l.sentLines(func(number uint64, s Sent, err error) error {
		if err != nil {
			return l.damaged(fmt.Errorf("line %d: %w", number, err))
		}
		return visit(s)
	})
}

// errMisplaced is a line whose number rotted.
var errMisplaced = errors.New("a number out of its order")

// sentLines visits every line with its number; err says that it can't be read, or not which number it had: then that of the next.
func (l *Ledger) sentLines(visit func(number uint64, s Sent, err error) error) error {
	type stored struct{ key, value []byte }
	for from, after := uint64(0), []byte(nil); ; {
		var got []stored
		misplaced := 0
		err := l.view(func(tx *bolt.Tx) error {
			misplaced = stretch(tx.Bucket([]byte(sentBucket)), after, func(k, v []byte) {
				got = append(got, stored{slices.Clone(k), slices.Clone(v)})
			})
			return nil
		})
		if err != nil {
			return fmt.Errorf("ledger: read what was sent: %w", err)
		}
		for range misplaced {
			if err := visit(from, Sent{}, errMisplaced); err != nil {
				return err
			}
		}
		if len(got) == 0 {
			return nil
		}
		for _, g := range got {
			if len(g.key) != 8 {
				return l.damaged(errors.New("a line has a wrong number"))
			}
			number := uint64FromKey(g.key)
			v, err := decodeLine(g.key, g.value)
			var s Sent
			if err == nil {
				s, err = l.sent(v)
			}
			if err := visit(number, s, err); err != nil {
				return err
			}
			from, after = number+1, g.key
		}
	}
}

// Prune deletes the lines about what was sent before that moment. The totals keep counting them.
func (l *Ledger) Prune(before sensors.Micros) error {
	type old struct {
		number uint64
		what   Sent
	}
	var gone []old
	err := l.sentLines(func(number uint64, s Sent, err error) error {
		if err == nil && s.SentAt < before {
			gone = append(gone, old{number, Sent{Stream: s.Stream, Seq: s.Seq, Control: s.Control}})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for len(gone) > 0 {
		n := min(len(gone), 1000)
		err := l.change(always, func(c *change) error {
			sent := c.tx.Bucket([]byte(sentBucket))
			for i := range gone[:n] {
				o := &gone[i]
				if err := sent.Delete(key64(o.number)); err != nil {
					return err
				}
				if err := setSeen(c.tx, &o.what, 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ledger: prune what was sent: %w", err)
		}
		gone = gone[n:]
	}
	return nil
}
