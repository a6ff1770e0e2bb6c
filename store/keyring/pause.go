package keyring

import (
	"fmt"
	"os"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Pause notes since when nothing may leave, 0 that it may again, and makes that durable before it returns nil. It lies
// beside the keys because it must hold where a withdrawal does: with a full disk, and without a readable ledger.
//
// A pause holds in memory from the first moment of the call, whatever the disk says; an error says that a restart would
// not know of it yet. The end of a pause counts only once it is durable: after an error the pause goes on.
func (r *Ring) Pause(since sensors.Micros) error {
	r.write.Lock()
	defer r.write.Unlock()
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	before := r.content.paused
	if before != since {
		r.content.paused = since
		r.changes++
	}
	r.mu.Unlock()
	err := r.syncLocked()
	if err == nil {
		return nil
	}
	if since == 0 {
		r.mu.Lock()
		r.content.paused = before
		r.changes++
		r.mu.Unlock()
	}
	return fmt.Errorf("keyring: note the pause: %w", err)
}

// Paused says since when nothing may leave; 0 when it may.
func (r *Ring) Paused() sensors.Micros {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.content.paused
}

// Writable tells whether the file system takes writing now, which it may again after [Ring.ReadOnly] was found out.
func (r *Ring) Writable() bool {
	f, err := os.OpenFile(r.path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// ReadOnly is why nothing can be destroyed here, because the file system takes no writing; nil normally. It is found out
// when the ring is opened.
func (r *Ring) ReadOnly() error {
	r.write.Lock()
	defer r.write.Unlock()
	return r.readOnly
}

// GrantsOf lists the grants of a purpose whose secret exists, in rising order. It is all that a withdrawal needs to know.
func (r *Ring) GrantsOf(purpose string) []consent.GrantID {
	return slices.DeleteFunc(r.Grants(), func(id consent.GrantID) bool { return r.Purpose(id) != purpose })
}

// Purpose is the id of the purpose a grant is for, "" when there is no such grant.
func (r *Ring) Purpose(id consent.GrantID) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if g := r.content.grants[id]; g != nil {
		return g.purpose
	}
	return ""
}

// Days lists the UTC days since 1970 for which a grant has a key, in rising order.
func (r *Ring) Days(id consent.GrantID) []int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	g := r.content.grants[id]
	if g == nil {
		return nil
	}
	out := make([]int64, 0, len(g.days))
	for day := range g.days {
		out = append(out, int64(day))
	}
	return rising(out)
}

// DestroyDays destroys the keys of a grant for the days from first to last, both included: in memory at once, and in
// both copies of the file before it returns nil. It says how many there were; see [Ring.Destroy] for errors.
func (r *Ring) DestroyDays(id consent.GrantID, first, last int64) (int, error) {
	n := 0
	for _, day := range r.Days(id) {
		if day >= first && day <= last {
			r.drop(id, int32(day))
			n++
		}
	}
	if err := r.Sync(); err != nil {
		return n, fmt.Errorf("keyring: destroy day keys of grant %d: %w", id, err)
	}
	return n, nil
}
