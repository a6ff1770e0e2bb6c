package keyring

import (
	"crypto/cipher"
	"fmt"
	"math"

	"github.com/candor-edge/candor/store/consent"
)

// Sealer is the cipher (ChaCha20-Poly1305, RFC 8439) for what is buffered under that grant and UTC day since 1970. The
// key is made when missing, and is durable when Sealer returns. Making one writes 128 KiB; getting one again is cheap.
//
// The error is [ErrGone] when the grant does not exist and [ErrFull] when the file has no room. The result may be kept
// and shared; once the key is destroyed it seals to zeros and opens nothing.
func (r *Ring) Sealer(id consent.GrantID, day int64) (cipher.AEAD, error) {
	if day < math.MinInt32 || day > math.MaxInt32 {
		return nil, fmt.Errorf("keyring: day %d is out of range", day)
	}
	if k := r.find(id, int32(day)); k != nil {
		return box{k}, nil
	}
	r.write.Lock()
	defer r.write.Unlock()
	if k := r.find(id, int32(day)); k != nil {
		return box{k}, nil // another caller made it meanwhile
	}
	k, err := r.addDay(id, int32(day))
	if err == nil {
		err = r.save()
		if err != nil {
			r.drop(id, int32(day))
		} else {
			err = r.confirm(id, k)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: key of grant %d for day %d: %w", id, day, err)
	}
	return box{k}, nil
}

// find is the key if it is there and durable.
func (r *Ring) find(id consent.GrantID, day int32) *dayKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if g := r.content.grants[id]; g != nil {
		if k := g.days[day]; k != nil && k.durable {
			return k
		}
	}
	return nil
}

func (r *Ring) addDay(id consent.GrantID, day int32) (*dayKey, error) {
	s, err := newSecret(r.rand)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.content.grants[id]
	switch {
	case r.closed:
		return nil, ErrClosed
	case g == nil:
		return nil, ErrGone
	case r.content.size()+daySize > capacity-grantsSpare:
		return nil, ErrFull
	}
	k := newDayKey(s, false)
	g.days[day] = k
	r.changes++
	return k, nil
}

// confirm marks a key durable, unless its grant was destroyed while it was written.
func (r *Ring) confirm(id consent.GrantID, k *dayKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.content.grants[id] == nil {
		return ErrGone
	}
	k.durable = true
	return nil
}

// drop destroys a day key in memory.
func (r *Ring) drop(id consent.GrantID, day int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.content.grants[id]
	if g == nil || g.days[day] == nil {
		return
	}
	g.days[day].wipe()
	delete(g.days, day)
	r.changes++
}

// Opener is the cipher for that grant and day if its key exists; it never makes one. See [Ring.Sealer] for what a
// caller may do with it.
func (r *Ring) Opener(id consent.GrantID, day int64) (cipher.AEAD, bool) {
	if day < math.MinInt32 || day > math.MaxInt32 {
		return nil, false
	}
	k := r.find(id, int32(day))
	if k == nil {
		return nil, false
	}
	return box{k}, true
}

// Discard destroys the key of one grant and day, because nothing sealed under it is wanted any more. In memory it is
// gone at once; in the file with the next write, [Ring.Sync] or [Ring.Close]. Discarding what is not there succeeds.
func (r *Ring) Discard(id consent.GrantID, day int64) error {
	r.mu.RLock()
	closed := r.closed
	r.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	if day >= math.MinInt32 && day <= math.MaxInt32 {
		r.drop(id, int32(day))
	}
	return nil
}
