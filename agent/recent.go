package agent

import (
	"sync"

	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// What is kept in memory of the last uploads, so that the person can read what left also when she keeps no history.
const (
	recentUploads = 64
	recentBytes   = 64 << 10
)

// recent are the last uploads as they were signed, before any sealing, each with the announcement of its stream. They lie in memory alone, are
// shown to the person alone, and end with the yes they left under. The zero value is ready; it is safe for concurrent use.
type recent struct {
	mu    sync.Mutex
	list  []recentUpload // oldest first
	bytes int
}

type recentUpload struct {
	grant        consent.GrantID
	stream       [16]byte
	seq          uint64
	signed       []byte
	announcement []byte // shared by the uploads of a stream
}

// add takes uploads in the order of their numbers from first on, and lets go of the oldest. Of those that would not stay nothing is copied.
func (r *recent) add(s *ledger.Stream, first uint64, signed [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, room := len(signed), recentBytes
	for from > 0 && len(signed)-from < recentUploads && len(signed[from-1]) <= room {
		from--
		room -= len(signed[from])
	}
	for i, b := range signed[from:] {
		r.list = append(r.list, recentUpload{s.Grant, s.Name, first + uint64(from+i), append([]byte(nil), b...), s.Announcement})
		r.bytes += len(b)
	}
	over := 0
	for ; len(r.list)-over > recentUploads || r.bytes > recentBytes; over++ {
		r.forget(over)
	}
	r.list = append(r.list[:0], r.list[over:]...)
}

// find is the copy of an upload; nil when there is none.
func (r *recent) find(stream [16]byte, seq uint64) (signed, announcement []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.list {
		if u.stream == stream && u.seq == seq {
			return append([]byte(nil), u.signed...), u.announcement
		}
	}
	return nil, nil
}

// drop overwrites what left under a grant; all of it with 0.
func (r *recent) drop(grant consent.GrantID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.list[:0]
	for i, u := range r.list {
		if grant == 0 || u.grant == grant {
			r.forget(i)
			continue
		}
		kept = append(kept, u)
	}
	clear(r.list[len(kept):])
	r.list = kept
}

// forget overwrites the i-th. r.mu is held.
func (r *recent) forget(i int) {
	r.bytes -= len(r.list[i].signed)
	clear(r.list[i].signed)
}
