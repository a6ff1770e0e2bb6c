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
	paired   bool // there is an entry that says so, whatever became of its body

	// lost says that the file was sealed under keys that are gone: nothing but the chain itself can be read.
	lost bool

	streams  []Stream // by number, from 1
	contexts contexts
	totals   map[string]Total
	// totalKeys are the numbers under which the totals are stored, by purpose.
	totalKeys map[string]uint32
}

func newState() *state {
	return &state{
		refusals: make(map[string]Answer),
		contexts: contexts{ids: make(map[string]uint32)},
		totals:   make(map[string]Total), totalKeys: make(map[string]uint32),
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

// begin begins the chain, or has it go on under another key; lost says that what was said before can't be read any more.
func (c *change) begin(when sensors.Micros, public ed25519.PublicKey, lost bool) error {
	text := "the ledger begins"
	switch {
	case lost:
		text = "the keys are new: what was written before can't be read any more, and this object can't vouch for it"
	case c.key != nil:
		text = "the keys are new: this object can't vouch any more for what was signed before"
	}
	c.key = public
	return c.append(entry{Kind: Began, Key: public, Lost: lost}, when, &body{Text: text})
}

// add appends an entry to the chain within the transaction.
func (c *change) add(when sensors.Micros, kind Kind, grant consent.GrantID, b *body) error {
	key, err := c.l.signer()
	if err != nil {
		return err
	}
	if public := publicKey(key); string(c.key) != string(public) { // the keyring was reset meanwhile
		if err := c.begin(when, public, false); err != nil {
			return err
		}
	}
	return c.append(entry{Kind: kind, Grant: grant}, when, b)
}

// append completes the entry, signs it and stores it with its body.
func (c *change) append(e entry, when sensors.Micros, b *body) error {
	key, err := c.l.signer()
	if err != nil {
		return err
	}
	b.When = when
	b.clean()
	encoded, err := encode(b)
	if err != nil {
		return err
	}
	salted := make([]byte, saltSize, saltSize+len(encoded))
	if _, err := io.ReadFull(c.l.rand, salted); err != nil {
		return fmt.Errorf("ledger: read randomness: %w", err)
	}
	salted = append(salted, encoded...)
	e.Version, e.Seq, e.Time, e.Commit, e.Prev = entryVersion, c.tail.count+1, millis(when), commitment(salted), c.tail.hash
	stored, err := sealEntry(e, key)
	if err != nil {
		return err
	}
	number := key64(e.Seq)
	if err := c.tx.Bucket([]byte(chainBucket)).Put(number, stored); err != nil {
		return err
	}
	if err := c.put(bodyBucket, number, salted); err != nil {
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
		s.key = e.Key
	case Paired:
		s.paired = true
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
	err := chain.ForEach(func(k, stored []byte) error {
		e, err := openEntry(stored)
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
		var b *body
		if salted, err := l.unlock(bodyBucket, k, bodies.Get(k)); err == nil {
			if b, err = readBody(salted, e); err != nil {
				b = nil
			}
		}
		s.take(e, b)
		return nil
	})
	if err == nil && s.lost {
		err = l.checkLost(s)
	}
	return err
}

// checkLost tells keys that are new from a mark that is damaged: only new keys sign with another key too.
func (l *Ledger) checkLost(s *state) error {
	key, err := l.signer()
	if err == nil && string(publicKey(key)) == string(s.key) {
		err = errors.New("the mark that tells under which key it is sealed is damaged")
	}
	return err
}

var (
	errBodyGone    = errors.New("its body is missing")
	errBodyChanged = errors.New("its body was changed")
)

// readBody takes a salted body apart after checking that it is the one the entry was made for.
func readBody(salted []byte, e entry) (*body, error) {
	if salted == nil {
		return nil, errBodyGone
	}
	if len(salted) < saltSize || commitment(salted) != e.Commit {
		return nil, errBodyChanged
	}
	b := new(body)
	if err := decode(salted[saltSize:], b); err != nil {
		return nil, err
	}
	return b, nil
}
