package ledger

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"

	"github.com/candor-edge/candor/sensors"
)

// left is what an owner leaves behind: a deletion request that no recipient has acknowledged, without a word of whose it was.
type left struct {
	Recipient string
	Epoch     uint64
	Name      [16]byte
	Deletion  []byte
}

func (v *left) fields(p *pass) {
	p.text(1, &v.Recipient, optional)
	number(p, 2, &v.Epoch, required)
	p.fixed(3, v.Name[:])
	p.bytes(4, &v.Deletion)
}

// dueNow lists what would be left behind at this moment.
func (l *Ledger) dueNow() (out []left) {
	for _, s := range l.Streams() {
		if s.DeletionDue && !s.DeletionDone {
			out = append(out, left{Recipient: s.Recipient, Epoch: s.Epoch, Name: s.Name, Deletion: s.Deletion})
		}
	}
	return out
}

// Bequeath stores the deletion requests that are due once more, sealed under the next keys: if the object is interrupted
// between the new keys and the new ledger, the next start finds them and ends what was begun. Call it before the keys are
// reset, with the cipher that will be theirs, and [Ledger.Reset] after. Without that, nothing reads what it wrote.
func (l *Ledger) Bequeath(next cipher.AEAD) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	all := l.dueNow()
	err := l.changeLocked(always, func(c *change) error {
		bucket, err := emptyBequest(c.tx)
		if err != nil {
			return err
		}
		put := func(number uint32, plain []byte) error {
			key := key32(number)
			sealed := make([]byte, nonceSize, nonceSize+len(plain)+next.Overhead())
			if _, err := io.ReadFull(l.rand, sealed); err != nil {
				return fmt.Errorf("read randomness: %w", err)
			}
			return bucket.Put(key, next.Seal(sealed, sealed, plain, place(leftBucket, key)))
		}
		for i := range all {
			plain, err := encode(&all[i])
			if err == nil {
				err = put(uint32(i+1), plain)
			}
			if err != nil {
				return err
			}
		}
		return put(0, key32(uint32(len(all))))
	})
	if err != nil {
		return fmt.Errorf("ledger: keep the deletion requests that are due for the next keys: %w", err)
	}
	return nil
}

// emptyBequest makes the bucket anew: files of before have none.
func emptyBequest(tx *bolt.Tx) (*bolt.Bucket, error) {
	if tx.Bucket([]byte(leftBucket)) != nil {
		if err := tx.DeleteBucket([]byte(leftBucket)); err != nil {
			return nil, err
		}
	}
	return tx.CreateBucket([]byte(leftBucket))
}

// bequest reads what was left behind for the present keys; ok is false when nothing was, or for other keys.
func (l *Ledger) bequest() (out []left, ok bool, err error) {
	err = guard(l.path, "read", func() error {
		return l.db.read(func(tx *bolt.Tx) error {
			bucket := tx.Bucket([]byte(leftBucket))
			if bucket == nil {
				return nil
			}
			count, err := l.unlock(leftBucket, key32(0), bucket.Get(key32(0)))
			if errors.Is(err, errSealed) || len(count) != 4 {
				return nil
			}
			for i := uint32(1); err == nil && i <= uint32FromKey(count); i++ {
				var v left
				var plain []byte
				if plain, err = l.unlock(leftBucket, key32(i), bucket.Get(key32(i))); err == nil {
					err = decode(plain, &v)
				}
				out = append(out, v)
			}
			ok = err == nil
			return err
		})
	})
	return out, ok, err
}

// inherit puts what was left behind into a new file: streams of which nothing is known but a deletion request that is due.
func (l *Ledger) inherit(tx *bolt.Tx, all []left, when sensors.Micros) error {
	c := &change{l: l, tx: tx}
	for _, v := range all {
		n, err := tx.Bucket([]byte(streamBucket)).NextSequence()
		if err != nil {
			return err
		}
		s := Stream{Number: uint32(n), Recipient: v.Recipient, Epoch: v.Epoch, Name: v.Name, Deletion: v.Deletion, Offered: true,
			Closed: true, ClosedAt: when, DeletionDue: true, DeletionDueAt: when}
		if err := c.putPaper(s.Number, deletionPaper, s.Deletion); err != nil {
			return err
		}
		if err := c.putStream(s); err != nil {
			return err
		}
	}
	return nil
}
