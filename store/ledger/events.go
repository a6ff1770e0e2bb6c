package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Event is an entry of the chain as a person reads it. Text is for people and holds no measured value.
type Event struct {
	Seq     uint64
	Time    sensors.Micros // of the entry: whole milliseconds
	Kind    Kind
	Grant   consent.GrantID // 0 where the entry is about no grant
	Hash    [sha256.Size]byte
	Erased  bool // the body was erased or can't be read; the fields below are empty
	Text    string
	Role    string
	Channel string
	// OnBehalf is for whom root acted, in the words given to the command.
	OnBehalf      string
	Purpose       string
	Recipient     string
	PolicyVersion uint64
	Digest        consent.Digest // of the policy or plan, where the entry is about one
	Answer        *Answer        // the receipt, for Given and Refused; read only
	// Signed is the entry as it lies in the chain, COSE_Sign1, and Body the salted body whose SHA-256 it holds (nil once erased): with the
	// public key they prove to anybody what the entry says.
	Signed []byte
	Body   []byte
}

// Record appends an entry of one that is about no answer: [Policy], [Gap], [Incident], [Act] and the kinds from
// [Paused] on; Seq, Hash and Erased of e are ignored. It returns the entry's number. Texts are at most 4 KiB together.
func (l *Ledger) Record(e Event) (uint64, error) {
	if !e.Kind.plain() {
		return 0, fmt.Errorf("ledger: entries of kind %s are not written this way", e.Kind)
	}
	if len(e.Text)+len(e.Role)+len(e.Channel)+len(e.OnBehalf)+len(e.Purpose)+len(e.Recipient) > maxText {
		return 0, fmt.Errorf("ledger: record %s: the texts have more than %d bytes", e.Kind, maxText)
	}
	b := &body{Text: e.Text, Role: e.Role, OnBehalf: e.OnBehalf, Channel: e.Channel, Purpose: e.Purpose,
		Recipient: e.Recipient, PolicyVersion: e.PolicyVersion}
	if e.Digest != (consent.Digest{}) {
		b.Digest = e.Digest[:]
	}
	var seq uint64
	err := l.change(later, func(c *change) error {
		err := c.add(e.Time, e.Kind, e.Grant, b)
		seq = c.tail.count
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: record %s: %w", e.Kind, err)
	}
	return seq, nil
}

const chunk = 128 // entries or lines read at a time, so that no read transaction lasts

// link is an entry with its bytes, copied out of the file.
type link struct {
	key    []byte
	stored []byte
	salted []byte // nil: gone
	fault  error  // why salted could not be opened
}

// links reads up to chunk entries behind the key after; nil is the beginning. Keys are whatever the file has.
func (l *Ledger) links(after []byte) ([]link, error) {
	var out []link
	err := l.view(func(tx *bolt.Tx) error {
		bodies := tx.Bucket([]byte(bodyBucket))
		stretch(tx.Bucket([]byte(chainBucket)), after, func(k, v []byte) {
			salted, err := l.unlock(bodyBucket, k, bodies.Get(k))
			out = append(out, link{slices.Clone(k), slices.Clone(v), salted, err})
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: read the chain: %w", err)
	}
	return out, nil
}

// stretch gives up to chunk keys and values to take, behind a key, and says how many it left out because they are out of their order: whoever
// goes on behind the last of a stretch would go round for ever over a page that rotted. One that rotted upwards, and is followed by those
// that belong behind the one before it, hides none of them.
func stretch(bucket *bolt.Bucket, after []byte, take func(k, v []byte)) (out int) {
	cursor, from := bucket.Cursor(), behind(after)
	k, v := cursor.Seek(after)
	if after != nil {
		for n := 0; n < chunk && k != nil && !bytes.Equal(k, after); n++ { // one that rotted upwards stands in the way of the search
			k, _ = cursor.Next()
		}
		if bytes.Equal(k, after) {
			k, v = cursor.Next()
		} else { // it is gone meanwhile
			k, v = cursor.Seek(after)
		}
	}
	for n := 0; k != nil && n < chunk; {
		next, value := cursor.Next()
		if bytes.Compare(k, from) < 0 || next != nil && bytes.Compare(next, k) < 0 && bytes.Compare(next, from) >= 0 {
			out++
		} else {
			take(k, v)
			from, n = behind(k), n+1
		}
		k, v = next, value
	}
	return out
}

// behind is the first key that sorts after that one.
func behind(key []byte) []byte {
	if key == nil {
		return nil
	}
	return append(slices.Clone(key), 0)
}

// Events visits every entry, oldest first, and ends with visit's first error. visit may call the ledger; entries
// written meanwhile may be visited too.
func (l *Ledger) Events(visit func(Event) error) error {
	return l.walk(func(e entry, k *link, b *body) error {
		out := event(e, sha256.Sum256(k.stored), b)
		if out.Signed = k.stored; b != nil {
			out.Body = k.salted
		}
		return visit(out)
	})
}

// walk visits every entry; b is nil where the body is gone or not the one that was written.
func (l *Ledger) walk(visit func(e entry, k *link, b *body) error) error {
	for last := []byte(nil); ; {
		links, err := l.links(last)
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return nil
		}
		for i := range links {
			k := &links[i]
			e, err := openEntry(k.stored)
			if err != nil {
				return l.damaged(fmt.Errorf("an entry of the chain: %w", err))
			}
			b, err := readBody(k.salted, e)
			if err != nil {
				b = nil
			}
			if err := visit(e, k, b); err != nil {
				return err
			}
			last = k.key
		}
	}
}

func event(e entry, hash [sha256.Size]byte, b *body) Event {
	out := Event{Seq: e.Seq, Time: sensors.Micros(e.Time) * sensors.Millisecond, Kind: e.Kind, Grant: e.Grant, Hash: hash}
	if b == nil {
		out.Erased = true
		return out
	}
	out.Text, out.Role, out.Channel, out.OnBehalf = b.Text, b.Role, b.Channel, b.OnBehalf
	out.Purpose, out.Recipient, out.PolicyVersion = b.Purpose, b.Recipient, b.PolicyVersion
	copy(out.Digest[:], b.Digest)
	if a := b.Answer; a != nil {
		out.Answer = a
		out.Channel, out.Role, out.OnBehalf, out.Recipient = a.Channel, a.Role, a.OnBehalf, a.Recipient
		out.PolicyVersion, out.Digest = a.PolicyVersion, a.Digest
	}
	return out
}

// Ended lists the entries whose bodies may go: those about a yes that ended before that moment, and refusals and
// what [Ledger.Record] wrote when they are older. Pass the moment five years ago, and the result to [Ledger.Erase].
func (l *Ledger) Ended(before sensors.Micros) ([]uint64, error) {
	old := make(map[consent.GrantID]bool)
	for _, a := range l.Answers() {
		old[a.ID] = a.Withdrawn != 0 && a.Withdrawn < before
	}
	var out []uint64
	err := l.walk(func(e entry, _ *link, b *body) error {
		if b == nil || b.Cut != nil {
			return nil
		}
		switch e.Kind {
		case Given, Withdrawn, Expired, Replaced:
			if old[e.Grant] {
				out = append(out, e.Seq)
			}
		default:
			if (e.Kind.plain() || e.Kind == Refused) && b.When < before {
				out = append(out, e.Seq)
			}
		}
		return nil
	})
	return out, err
}

var errNotErasable = errors.New("the body of this entry holds the chain together and can't be erased")

// Erase deletes the bodies of those entries, writes an entry that says so, and rewrites the file, so that it holds no
// trace of them; that takes as much free disk as the file is long. The chain goes on verifying. The receipt of a yes
// that is in force can't be erased, nor the entries that carry keys, cut tails and earlier erasures. At most 1,000
// entries at a time.
func (l *Ledger) Erase(entries []uint64, when sensors.Micros, role string) error {
	if len(entries) == 0 {
		return nil
	}
	if len(entries) > 1000 {
		return fmt.Errorf("ledger: erase: at most 1000 entries at a time, got %d", len(entries))
	}
	l.write.Lock()
	defer l.write.Unlock()
	err := l.changeLocked(later, func(c *change) error {
		for _, seq := range entries {
			if err := c.erase(seq); err != nil {
				return fmt.Errorf("entry %d: %w", seq, err)
			}
		}
		all := slices.Clone(entries)
		sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
		return c.add(when, Erased, 0, &body{Role: role, Erased: all})
	})
	if err != nil {
		return fmt.Errorf("ledger: erase: %w", err)
	}
	if err := l.rewrite(); err != nil {
		return fmt.Errorf("ledger: the entries are erased, but the file still holds traces of them until it is rewritten: %w", err)
	}
	return nil
}

func (c *change) erase(seq uint64) error {
	key := key64(seq)
	stored := c.tx.Bucket([]byte(chainBucket)).Get(key)
	if stored == nil {
		return ErrUnknown
	}
	e, err := openEntry(stored)
	if err != nil {
		return err
	}
	bodies := c.tx.Bucket([]byte(bodyBucket))
	salted, err := c.l.unlock(bodyBucket, key, bodies.Get(key))
	if err != nil {
		return err
	}
	b, err := readBody(salted, e)
	if err == nil && b.Cut != nil || e.Kind == Began || e.Kind == Erased {
		return errNotErasable
	}
	if a := c.l.state.answer(e.Grant); a != nil && a.Withdrawn == 0 {
		return errors.New("it belongs to a yes in force: withdraw that first")
	}
	if e.Kind == Given {
		grant := e.Grant
		c.after(func(s *state) {
			s.answers = slices.DeleteFunc(slices.Clone(s.answers), func(a Answer) bool { return a.ID == grant })
		})
	}
	if e.Kind == Refused {
		c.after(func(s *state) {
			for purpose, a := range s.refusals {
				if a.Entry == seq {
					delete(s.refusals, purpose)
				}
			}
		})
	}
	return bodies.Delete(key)
}
