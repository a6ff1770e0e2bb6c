package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// tail is where the chain ends.
type tail struct {
	count uint64
	hash  [sha256.Size]byte
}

// state is what the file says, in memory.
type state struct {
	tail tail
	key  []byte // the public key that signs now
	// remembered is the hash of the entry that the keys' head names, zeros when the file has no such entry.
	remembered [sha256.Size]byte

	last     consent.GrantID // highest grant in any entry, erased ones included
	answers  []Answer        // by rising number
	refusals map[string]Answer

	streams  []Stream // by number, from 1
	contexts contexts
	totals   map[string]Total
}

func newState() *state {
	return &state{
		refusals: make(map[string]Answer),
		contexts: contexts{ids: make(map[string]uint32)},
		totals:   make(map[string]Total),
	}
}

// fits says whether the chain as read contains the head that the keys remember.
func (s *state) fits(count uint64, hash [sha256.Size]byte) bool {
	return count == 0 || (count <= s.tail.count && s.remembered == hash)
}

// answer finds a yes by number.
func (s *state) answer(id consent.GrantID) *Answer {
	for i := range s.answers {
		if s.answers[i].ID == id {
			return &s.answers[i]
		}
	}
	return nil
}

// signer is the ledger key, checked: a closed keyring has none.
func (l *Ledger) signer() (ed25519.PrivateKey, error) {
	key := l.keys.LedgerKey()
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("ledger: there is no ledger key: the keyring is closed")
	}
	return key, nil
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// begin begins the chain, or has it go on under another key.
func (c *change) begin(when sensors.Micros, public ed25519.PublicKey) error {
	text := "the ledger begins"
	if c.key != nil {
		text = "the keys are new: this object can't vouch any more for what was signed before"
	}
	return c.add(when, Began, 0, &body{Text: text, Key: public})
}

// add appends an entry to the chain within the transaction.
func (c *change) add(when sensors.Micros, kind Kind, grant consent.GrantID, b *body) error {
	key, err := c.l.signer()
	if err != nil {
		return err
	}
	public := publicKey(key)
	switch {
	case kind == Began:
		c.key = public
	case string(c.key) != string(public): // the keyring was reset meanwhile
		if err := c.begin(when, public); err != nil {
			return err
		}
	}
	b.When = when
	b.clean()
	encoded, err := c.l.encode(b)
	if err != nil {
		return err
	}
	salted := make([]byte, saltSize, saltSize+len(encoded))
	if _, err := io.ReadFull(c.l.rand, salted); err != nil {
		return fmt.Errorf("ledger: read randomness: %w", err)
	}
	salted = append(salted, encoded...)
	e := entry{Version: entryVersion, Seq: c.tail.count + 1, Time: millis(when), Kind: kind, Grant: grant,
		Commit: commitment(salted), Prev: c.tail.hash}
	stored, err := c.l.seal(e, key)
	if err != nil {
		return err
	}
	number := key64(e.Seq)
	if err := c.tx.Bucket([]byte(chainBucket)).Put(number, stored); err != nil {
		return err
	}
	if err := c.tx.Bucket([]byte(bodyBucket)).Put(number, salted); err != nil {
		return err
	}
	c.tail = tail{count: e.Seq, hash: sha256.Sum256(stored)}
	c.after(func(s *state) { s.take(e, b) })
	return nil
}

// take has an entry change what is in force. b is nil when the body is gone or was changed behind our back.
func (s *state) take(e entry, b *body) {
	s.last = max(s.last, e.Grant)
	when := sensors.Micros(e.Time) * sensors.Millisecond
	if b != nil {
		when = b.When
	}
	switch e.Kind {
	case Given:
		if b == nil || b.Answer == nil {
			return // a yes that can't be read is no yes
		}
		a := *b.Answer
		a.ID, a.Entry, a.Receipt = e.Grant, e.Seq, e.Commit
		s.answers = append(s.answers, a)
		delete(s.refusals, a.Purpose)
	case Refused:
		if b != nil && b.Answer != nil {
			a := *b.Answer
			a.Entry, a.Receipt = e.Seq, e.Commit
			s.refusals[a.Purpose] = a
		}
	case Withdrawn, Expired, Replaced:
		if a := s.answer(e.Grant); a != nil && a.Withdrawn == 0 {
			a.Withdrawn, a.Ending = max(when, 1), e.Kind
		}
	case Began:
		if b != nil {
			s.key = b.Key
		}
	}
}

// loadChain reads the chain and computes from it what is in force. Links are checked, signatures are not: that takes
// long on a small board and is what Verify is for. A body that does not fit its entry counts as missing.
func (l *Ledger) loadChain(tx *bolt.Tx, s *state) error {
	headCount, _ := l.keys.Head()
	bodies := tx.Bucket([]byte(bodyBucket))
	chain := tx.Bucket([]byte(chainBucket))
	if chain == nil || bodies == nil {
		return errors.New("a bucket is missing")
	}
	return chain.ForEach(func(k, stored []byte) error {
		e, err := l.open(stored)
		if err != nil {
			return fmt.Errorf("entry %d: %w", s.tail.count+1, err)
		}
		if e.Seq != s.tail.count+1 || string(k) != string(key64(e.Seq)) || e.Prev != s.tail.hash {
			return fmt.Errorf("entry %d: it does not continue the chain", s.tail.count+1)
		}
		s.tail = tail{count: e.Seq, hash: sha256.Sum256(stored)}
		if e.Seq == headCount {
			s.remembered = s.tail.hash
		}
		b, err := l.readBody(bodies.Get(k), e)
		if err != nil {
			b = nil
		}
		s.take(e, b)
		return nil
	})
}

var (
	errBodyGone    = errors.New("its body is missing")
	errBodyChanged = errors.New("its body was changed")
)

// readBody takes a salted body apart after checking that it is the one the entry was made for.
func (l *Ledger) readBody(salted []byte, e entry) (*body, error) {
	if salted == nil {
		return nil, errBodyGone
	}
	if len(salted) < saltSize || commitment(salted) != e.Commit {
		return nil, errBodyChanged
	}
	b := new(body)
	if err := l.decode(salted[saltSize:], b); err != nil {
		return nil, err
	}
	return b, nil
}
