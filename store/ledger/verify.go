package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
)

// Head names the end of a chain: what a person writes down or photographs to compare later.
type Head struct {
	Count uint64
	Hash  [sha256.Size]byte
}

// Problem is one finding of [Ledger.Verify].
type Problem struct {
	Entry uint64 // the entry concerned; 0 for none in particular
	What  string
}

// Report is what [Ledger.Verify] looked at and found.
type Report struct {
	Entries     uint64 // entries of the chain
	Erased      uint64 // of which the body was erased by an entry that says so
	Lost        uint64 // of which the body was sealed under keys that are gone
	Keys        int    // keys the chain was signed with, one after the other
	Lines       uint64 // lines of what left
	First, Last sensors.Micros
	Head        Head
	Problems    []Problem // at most 100
}

const maxProblems = 100

// Head is where the chain ends now.
func (l *Ledger) Head() Head {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return Head{l.state.tail.count, l.state.tail.hash}
}

// Verify reads everything and checks it: numbers, links, signatures, bodies, erasures, the head the keys remember, the
// given heads that a person saved, and the checksums of streams and lines. The error is [ErrBroken] when there are
// problems, and another one when the file could not be read. It takes some milliseconds an entry on a small board and
// holds nothing up.
func (l *Ledger) Verify(saved ...Head) (Report, error) {
	for tries := 0; ; tries++ {
		from := l.Head().Count
		report, err := l.verify(saved)
		if !errors.Is(err, ErrBroken) || l.Head().Count == from || tries == 10 {
			return report, err
		}
		// An entry was written meanwhile. An erasure takes away bodies that only its own, newer entry accounts for, so
		// what was found may be that: look again.
	}
}

func (l *Ledger) verify(saved []Head) (Report, error) {
	key, err := l.signer()
	if err != nil {
		return Report{}, err
	}
	v := newVerifier(publicKey(key))
	v.l = l
	l.mu.RLock()
	v.until = l.state.tail
	l.mu.RUnlock()
	count, hash := l.keys.Head()
	v.saved = append(v.saved, saved...)
	if count <= v.until.count { // else an entry was just written
		v.saved = append(v.saved, Head{count, hash})
	} else if now := l.Head(); now.Count < count {
		v.problem(0, "the keys remember %d entries, there are %d: the end was cut", count, now.Count)
	}
	if err := v.run(); err != nil {
		return v.report, err
	}
	return v.result()
}

// result is the report, with [ErrBroken] when there are problems.
func (v *verifier) result() (Report, error) {
	if len(v.report.Problems) > 0 {
		p := v.report.Problems[0]
		return v.report, fmt.Errorf("%w: %d problems, the first: entry %d: %s", ErrBroken, len(v.report.Problems), p.Entry, p.What)
	}
	return v.report, nil
}

func newVerifier(public ed25519.PublicKey) *verifier {
	return &verifier{public: public, bodyless: make(map[uint64]error), named: make(map[uint64]bool)}
}

// verifier is one run of Verify, or of [VerifyExport].
type verifier struct {
	l        *Ledger           // nil for an export
	public   ed25519.PublicKey // the key the chain must end with
	key      ed25519.PublicKey // the key in use at this point
	until    tail
	saved    []Head
	prev     tail
	bodyless map[uint64]error
	named    map[uint64]bool // entries that an erasure names
	lost     uint64          // the entry before which bodies were sealed under keys that are gone
	report   Report
}

func (v *verifier) problem(entry uint64, format string, args ...any) {
	if len(v.report.Problems) < maxProblems {
		v.report.Problems = append(v.report.Problems, Problem{entry, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) run() error {
	for last := []byte(nil); ; {
		links, err := v.l.links(last)
		if err != nil {
			return err
		}
		for _, k := range links {
			if v.prev.count == v.until.count && len(k.key) == 8 && string(k.key) > string(key64(v.until.count)) {
				links = nil // written since, or added: told apart below
				break
			}
			v.link(k)
			last = k.key
		}
		if len(links) == 0 {
			break
		}
	}
	v.ends()
	v.written()
	return v.rest()
}

// link checks one entry and goes on from it.
func (v *verifier) link(k link) {
	seq := v.prev.count + 1
	hash := sha256.Sum256(k.stored)
	defer func() { v.prev = tail{count: seq, hash: hash} }()
	if len(k.key) != 8 || string(k.key) != string(key64(seq)) {
		v.problem(seq, "missing: another one stands in its place")
		if len(k.key) == 8 {
			seq = max(seq, uint64FromKey(k.key)) // go on behind the hole
		}
	}
	e, err := openEntry(k.stored)
	if err != nil {
		v.problem(seq, "can't be read: %v", err)
		return
	}
	if e.Seq != seq {
		v.problem(seq, "says it is entry %d", e.Seq)
	}
	if e.Prev != v.prev.hash {
		v.problem(seq, "does not follow from the entry before")
	}
	if e.Kind == Began && len(e.Key) == ed25519.PublicKeySize {
		v.key = ed25519.PublicKey(e.Key)
		v.report.Keys++
		if e.Lost {
			v.lost = seq
		}
	}
	if k.fault != nil {
		v.bodyless[seq] = k.fault
	} else if b, err := readBody(k.salted, e); err != nil {
		v.bodyless[seq] = err
	} else {
		v.body(seq, e, b)
	}
	if !signedBy(v.key, k.stored) {
		v.problem(seq, "the signature is wrong")
	}
	when := sensors.Micros(e.Time) * sensors.Millisecond
	if v.report.Entries == 0 {
		v.report.First = when
	}
	v.report.Last = when
	v.report.Entries++
	for _, h := range v.saved {
		if h.Count == seq && h.Hash != hash {
			v.problem(seq, "is not the entry that a remembered head names")
		}
	}
}

// body follows what an entry says about the chain itself.
func (v *verifier) body(seq uint64, e entry, b *body) {
	switch {
	case e.Kind == Erased:
		for _, n := range b.Erased {
			v.named[n] = n < seq
		}
	case b.Cut != nil:
		v.problem(seq, "the end of the ledger did not fit the keys when it was opened: %d entries were remembered, %d were there",
			b.Cut.Count, b.Cut.Found)
	}
}

// ends checks what only the whole chain tells.
func (v *verifier) ends() {
	v.report.Head = Head{v.prev.count, v.prev.hash}
	for _, h := range v.saved {
		if h.Count > v.prev.count {
			v.problem(v.prev.count+1, "missing: a remembered head names entry %d", h.Count)
		}
	}
	if string(v.key) != string(v.public) {
		v.problem(0, "the chain is not signed by this object's key")
	}
	for _, seq := range v.remarkable() { // not every number up to the end: a key that rotted is one of 2^64
		err := v.bodyless[seq]
		switch {
		case errors.Is(err, errBodyGone) && seq < v.lost:
			v.report.Lost++
		case errors.Is(err, errBodyGone) && v.named[seq]:
			v.report.Erased++
		case err != nil:
			v.problem(seq, "%v", err)
		case v.named[seq]:
			v.problem(seq, "its body is there although it was erased")
		}
	}
}

// remarkable are the entries, in order, whose body is missing or wrong or ought to be.
func (v *verifier) remarkable() []uint64 {
	out := slices.AppendSeq(slices.Collect(maps.Keys(v.bodyless)), maps.Keys(v.named))
	slices.Sort(out)
	out = slices.Compact(out)
	end, found := slices.BinarySearch(out, v.prev.count)
	if found {
		end++
	}
	return out[:end]
}

// written compares the end with the one in memory.
func (v *verifier) written() {
	if v.prev.count < v.until.count {
		v.problem(v.prev.count+1, "missing: there were %d entries", v.until.count)
	} else if v.prev.hash != v.until.hash {
		v.problem(v.prev.count, "is not the entry that was written")
	}
}

// rest checks what is not in the chain: bodies without entry, streams, papers, lines.
func (v *verifier) rest() error {
	if err := v.extra(); err != nil {
		return err
	}
	for _, read := range []func(*bolt.Tx, *state) error{v.l.loadStreams, v.l.loadContexts, v.l.loadTotals} {
		var fault error
		err := v.l.view(func(tx *bolt.Tx) error {
			fault = read(tx, newState())
			return nil
		})
		if err != nil {
			return err
		}
		if fault != nil {
			v.problem(0, "%v", fault)
		}
	}
	err := v.l.sentLines(func(line uint64, _ Sent, err error) error {
		v.report.Lines++
		if err != nil {
			v.problem(0, "line %d of what left: %v", line, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.l.view(func(tx *bolt.Tx) error {
		last := []byte(nil)
		err := tx.Bucket([]byte(sentBucket)).ForEach(func(k, _ []byte) error {
			if last != nil && bytes.Compare(k, last) <= 0 { // a walk may have passed over it
				v.problem(0, "line %x of what left is out of its order", k)
			}
			last = k
			return nil
		})
		if err != nil {
			return err
		}
		err = tx.Bucket([]byte(seenBucket)).ForEach(func(k, stored []byte) error {
			if _, err := decodeBlock(k, stored); err != nil {
				v.problem(0, "the index of lines: %v", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(paperBucket)).ForEach(func(k, stored []byte) error {
			if _, err := v.l.unlock(paperBucket, k, stored); err != nil {
				v.problem(0, "a signed message of a stream: %v", err)
			}
			return nil
		})
	})
}

// extra finds entries and bodies behind the end.
func (v *verifier) extra() error {
	// Between a commit and its arrival in memory the file is ahead: not while write is held.
	v.l.write.Lock()
	defer v.l.write.Unlock()
	if err := v.l.refresh(); err != nil {
		return err
	}
	now := v.l.Head()
	return v.l.view(func(tx *bolt.Tx) error {
		for _, name := range []string{chainBucket, bodyBucket} {
			k, _ := tx.Bucket([]byte(name)).Cursor().Last()
			if k != nil && (len(k) != 8 || uint64FromKey(k) > now.Count) {
				v.problem(0, "there is more in %s than was written", name)
			}
		}
		return nil
	})
}
