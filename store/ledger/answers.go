package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Party is a legal entity as a receipt names it.
type Party struct {
	ID      string `cbor:"1,keyasint,omitempty"`
	Name    string `cbor:"2,keyasint,omitempty"`
	Country string `cbor:"3,keyasint,omitempty"` // ISO 3166-1 alpha-2
	Contact string `cbor:"4,keyasint,omitempty"`
	Role    string `cbor:"5,keyasint,omitempty"` // controller, processor, third party
	Address string `cbor:"6,keyasint,omitempty"`
}

// Answer is a yes (or, for [Ledger.Refuse], a no) with the facts of its receipt, which follow ISO/IEC TS 27560. Facts
// that are not known stay empty.
type Answer struct {
	ID        consent.GrantID `cbor:"-"` // 0 for a no
	Withdrawn sensors.Micros  `cbor:"-"` // when it ended, however it ended; 0: in force
	Ending    Kind            `cbor:"-"` // Withdrawn, Expired or Replaced once it ended
	Entry     uint64          `cbor:"-"` // number of its entry in the chain

	// Receipt is the entry's salted commitment to everything below: it names the receipt and tells nothing of it.
	Receipt [sha256.Size]byte `cbor:"-"`

	Purpose       string         `cbor:"1,keyasint"`
	Recipient     string         `cbor:"2,keyasint,omitempty"`
	Given         sensors.Micros `cbor:"3,keyasint"`           // moment of the answer, from which readings count
	Until         sensors.Micros `cbor:"4,keyasint,omitempty"` // when it lapses to no; 0 never
	Extent        consent.Digest `cbor:"5,keyasint"`           // what was answered: the purpose's Extent
	Digest        consent.Digest `cbor:"6,keyasint"`           // the compiled rules then
	PolicyVersion uint64         `cbor:"7,keyasint,omitempty"`
	Language      string         `cbor:"8,keyasint,omitempty"`  // of the notice shown
	Notice        [32]byte       `cbor:"9,keyasint"`            // SHA-256 of the exact notice shown
	Channel       string         `cbor:"10,keyasint,omitempty"` // cli, page, button
	Role          string         `cbor:"11,keyasint,omitempty"` // the role that answered
	OnBehalf      string         `cbor:"12,keyasint,omitempty"` // for whom, in the words given to root's command

	Schema       string         `cbor:"31,keyasint,omitempty"` // [ReceiptSchema]
	Subject      [16]byte       `cbor:"32,keyasint,omitempty"` // random alias of the person towards this controller
	Template     string         `cbor:"33,keyasint,omitempty"` // how the notice was made from the rules
	Jurisdiction string         `cbor:"34,keyasint,omitempty"` // ISO 3166-1 alpha-2
	Event        string         `cbor:"35,keyasint,omitempty"` // how it was said: explicit
	DeleteBy     sensors.Micros `cbor:"36,keyasint,omitempty"` // when the last that leaves under it is deleted; 0 with no end
	Processing   []string       `cbor:"37,keyasint,omitempty"` // where it is processed
	Safeguard    string         `cbor:"38,keyasint,omitempty"` // of a transfer out of the Union
	Linkability  string         `cbor:"39,keyasint,omitempty"` // L0, L1 or L2
	Plan         consent.Digest `cbor:"40,keyasint,omitempty"` // all rules in force then
	Items        []Item         `cbor:"41,keyasint,omitempty"` // what Fields says, field by field
	// KeyMark is what tells the key of this yes from one that got the same number in another life of the object, see keyring.Mark.
	KeyMark []byte `cbor:"42,keyasint,omitempty"`

	ReceiptID     [16]byte `cbor:"13,keyasint"` // UUID version 4; made by Give and Refuse when zero
	Title         string   `cbor:"14,keyasint,omitempty"`
	DPV           string   `cbor:"15,keyasint,omitempty"` // the purpose in the Data Privacy Vocabulary
	Access        string   `cbor:"16,keyasint,omitempty"` // ePrivacy ground
	Basis         string   `cbor:"17,keyasint,omitempty"` // GDPR art. 6 ground
	Service       string   `cbor:"18,keyasint,omitempty"`
	Controller    Party    `cbor:"19,keyasint"`
	Receiver      Party    `cbor:"20,keyasint"`
	StoredIn      []string `cbor:"21,keyasint,omitempty"`
	Onward        []string `cbor:"22,keyasint,omitempty"`
	RetentionDays int      `cbor:"23,keyasint,omitempty"`
	Authority     string   `cbor:"24,keyasint,omitempty"`
	Fields        []string `cbor:"25,keyasint,omitempty"` // each with its actions, "hall.temperature: mean 1h"
	Withdrawal    string   `cbor:"26,keyasint,omitempty"` // how to take it back
	Rights        string   `cbor:"27,keyasint,omitempty"`
	BitsPerDay    int      `cbor:"28,keyasint,omitempty"` // upper bound of what the purpose can reveal
	Assurance     string   `cbor:"29,keyasint,omitempty"` // of erasure: software or hardware
	Terms         []byte   `cbor:"30,keyasint,omitempty"` // exactly what was answered: consent.Terms, to be compiled again
}

const (
	maxAnswer = 64 << 10
	maxText   = 4 << 10
)

// Give writes the receipt of a yes and returns it with its number, which is higher than any used before and at least
// floor (the keyring's highest plus one). ID, Entry, Receipt, Withdrawn and Ending of a are ignored; Given must be set.
// A yes to the same purpose that is in force ends as [Replaced], and its streams are closed: destroy its keys when
// nothing of it has to leave any more.
func (l *Ledger) Give(a Answer, floor consent.GrantID) (Answer, error) {
	if err := l.prepare(&a); err != nil {
		return Answer{}, err
	}
	err := l.change(later, func(c *change) error {
		for _, old := range l.state.answers {
			if old.Purpose == a.Purpose && old.Withdrawn == 0 {
				if err := c.end(old.ID, Replaced, a.Given, &body{Purpose: a.Purpose}); err != nil {
					return err
				}
			}
		}
		a.ID = max(l.state.last+1, floor)
		b := a
		if err := c.add(a.Given, Given, a.ID, &body{Answer: &b, Purpose: a.Purpose, Role: a.Role}); err != nil {
			return err
		}
		a.Entry = c.tail.count
		return nil
	})
	if err != nil {
		return Answer{}, fmt.Errorf("ledger: write the receipt for %q: %w", a.Purpose, err)
	}
	given, _ := l.Answer(a.ID)
	return given, nil
}

// Refuse writes an explicit no; Given is its moment. A yes in force is not touched by it.
func (l *Ledger) Refuse(a Answer) error {
	if err := l.prepare(&a); err != nil {
		return err
	}
	err := l.change(later, func(c *change) error {
		return c.add(a.Given, Refused, 0, &body{Answer: &a, Purpose: a.Purpose, Role: a.Role})
	})
	if err != nil {
		return fmt.Errorf("ledger: write the refusal of %q: %w", a.Purpose, err)
	}
	return nil
}

// prepare checks an answer and gives it a receipt number.
func (l *Ledger) prepare(a *Answer) error {
	a.ID, a.Entry, a.Receipt, a.Withdrawn, a.Ending = 0, 0, [32]byte{}, 0, 0
	if a.Purpose == "" || a.Given <= 0 {
		return errors.New("ledger: an answer needs a purpose and its moment")
	}
	if a.ReceiptID == [16]byte{} {
		l.write.Lock()
		_, err := io.ReadFull(l.rand, a.ReceiptID[:])
		l.write.Unlock()
		if err != nil {
			return fmt.Errorf("ledger: read randomness: %w", err)
		}
		// RFC 9562 §5.4: version 4, which carries neither a time nor an address.
		a.ReceiptID[6] = a.ReceiptID[6]&0x0f | 0x40
		a.ReceiptID[8] = a.ReceiptID[8]&0x3f | 0x80
	}
	b, err := encode(a)
	if err == nil {
		err = decode(b, new(Answer)) // what can't be read back would be lost
	}
	if err != nil {
		return fmt.Errorf("ledger: answer to %q: %w", a.Purpose, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("ledger: answer to %q: a receipt has at most %d bytes, this has %d", a.Purpose, maxAnswer, len(b))
	}
	return nil
}

// Withdraw ends a yes: receipt, streams closed, deletion requests due, all in one transaction that uses no new disk
// space. In memory the yes has ended from the first moment of the call, whatever the result; an error says that the
// file does not have it yet, and that the call should be repeated. Texts over 4 KiB are cut. Withdrawing again what has ended is nil. Destroy
// the keys before: they decide, see [Ledger.Reconcile].
func (l *Ledger) Withdraw(id consent.GrantID, when sensors.Micros, role, onBehalf string) error {
	return l.end(id, Withdrawn, when, &body{Role: role, OnBehalf: onBehalf})
}

// Expire ends a yes that has lapsed. Like [Ledger.Withdraw], but nothing is asked of the recipient.
func (l *Ledger) Expire(id consent.GrantID, when sensors.Micros) error {
	return l.end(id, Expired, when, &body{})
}

func (l *Ledger) end(id consent.GrantID, how Kind, when sensors.Micros, b *body) error {
	l.mu.Lock()
	a := l.state.answer(id)
	if a != nil && a.Withdrawn == 0 {
		if _, ok := l.ended[id]; !ok {
			l.ended[id] = ending{when: max(when, 1), how: how, body: *b}
		}
	}
	l.mu.Unlock()
	if a == nil {
		return fmt.Errorf("ledger: end grant %d: %w", id, ErrUnknown)
	}
	err := l.change(always, func(c *change) error {
		a := l.state.answer(id)
		if a == nil || a.Withdrawn != 0 {
			return errNothing
		}
		b.Purpose = a.Purpose
		return c.end(id, how, when, b)
	})
	if err != nil {
		return fmt.Errorf("ledger: end grant %d: %w", id, err)
	}
	l.mu.Lock()
	delete(l.ended, id)
	l.mu.Unlock()
	return nil
}

// Settle writes down the ends that the disk refused so far. It costs nothing when there are none.
func (l *Ledger) Settle() error {
	l.mu.RLock()
	open := maps.Clone(l.ended)
	l.mu.RUnlock()
	var errs []error
	for id, e := range open {
		errs = append(errs, l.end(id, e.how, e.when, &e.body))
	}
	return errors.Join(errs...)
}

// end is what the end of a yes does within a transaction.
func (c *change) end(id consent.GrantID, how Kind, when sensors.Micros, b *body) error {
	if err := c.closeStreams(id, when, how == Withdrawn); err != nil {
		return err
	}
	return c.add(when, how, id, b)
}

// Answers lists every yes that can still be read, oldest first.
func (l *Ledger) Answers() []Answer {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := slices.Clone(l.state.answers)
	for i := range out {
		l.overlay(&out[i])
	}
	return out
}

// overlay shows an end that the disk refused. The caller holds l.mu.
func (l *Ledger) overlay(a *Answer) {
	if end, ok := l.ended[a.ID]; ok && a.Withdrawn == 0 {
		a.Withdrawn, a.Ending = end.when, end.how
	}
}

// Answer finds a yes by its number.
func (l *Ledger) Answer(id consent.GrantID) (Answer, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if a := l.state.answer(id); a != nil {
		out := *a
		l.overlay(&out)
		return out, true
	}
	return Answer{}, false
}

// Current finds the yes to a purpose that is in force. It does not look at Until: whoever has a clock calls Expire.
func (l *Ledger) Current(purpose string) (Answer, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i := len(l.state.answers) - 1; i >= 0; i-- {
		a := l.state.answers[i]
		if l.overlay(&a); a.Purpose == purpose && a.Withdrawn == 0 {
			return a, true
		}
	}
	return Answer{}, false
}

// Refused finds the latest no to a purpose since its last yes.
func (l *Ledger) Refused(purpose string) (Answer, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.state.refusals[purpose]
	return a, ok
}

// Highest is the highest grant number ever used, 0 when none was.
func (l *Ledger) Highest() consent.GrantID {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.last
}

// Reconcile withdraws every yes in force whose key is gone, since a destroyed key is a withdrawal whose receipt could
// not be written. It returns the grants concerned; call it at every start. has must not take the key of another yes for it: in an older
// copy of this file a number can be that of another.
func (l *Ledger) Reconcile(has func(*Answer) bool, when sensors.Micros) ([]consent.GrantID, error) {
	var gone []consent.GrantID
	for _, a := range l.Answers() {
		if a.Withdrawn == 0 && !has(&a) {
			gone = append(gone, a.ID)
		}
	}
	for _, id := range gone {
		err := l.end(id, Withdrawn, when, &body{Role: "object", Text: "its keys were destroyed before"})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// Paired tells whether there is an entry of that kind: the object's page was opened with a code.
func (l *Ledger) Paired() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.paired
}

// Handed tells whether the object was handed over to a person: somebody answered a purpose with yes, or opened its page with a
// code ([Paired]).
func (l *Ledger) Handed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.last != 0 || l.state.paired
}
