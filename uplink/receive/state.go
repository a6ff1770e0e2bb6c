package receive

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/candor-edge/candor/uplink/wire"
)

// maxPending bounds the deletion requests kept for streams nobody announced
// yet, in all and for one stream.
const (
	maxPending       = 1 << 14
	maxPendingStream = 4
)

// storedStream is a stream as the journal tells it.
type storedStream struct {
	announcement *wire.Announcement
	digest       [16]byte
	raw          int64 // committed length of its file of signed messages
	head         int64 // length of the announcement, which comes first there
	seen         seenSet
	deletion     []byte // the signed request, from withdrawal until purged
	withdrawn    bool
	purged       bool
	gen          uint64 // of the last rewrite of its file, 0 for none
	forgotten    uint64 // batches removed because their day had come

	erasedRows, erasedBatches uint64 // what the purge removed
}

// storedFile is a purpose's file of rows.
type storedFile struct {
	size int64  // committed length
	gen  uint64 // of the last rewrite, 0 for none
}

// state is everything the journal says. It changes by apply only, on replay
// and after each commit alike, so that a restart can't see another state than
// the one that was running.
type state struct {
	streams  map[wire.StreamID]*storedStream
	byDigest map[[16]byte]*storedStream
	files    map[string]*storedFile
	pending  map[wire.StreamID][][]byte
	waiting  int    // deletion requests in pending
	gen      uint64 // of the newest rewrite
}

func newState() *state {
	return &state{
		streams:  make(map[wire.StreamID]*storedStream),
		byDigest: make(map[[16]byte]*storedStream),
		files:    make(map[string]*storedFile),
		pending:  make(map[wire.StreamID][][]byte),
	}
}

// record applies all entries of a record.
func (s *state) record(body []byte) error { return readEntries(body, s.apply) }

func (s *state) apply(e *entry) error {
	switch e.kind {
	case entryAnnounce:
		return s.announce(e)
	case entryWithdraw:
		s.withdraw(e)
		return nil
	case entryFile, entryReplaced:
		f := s.files[e.purpose]
		if f == nil {
			f = new(storedFile)
			s.files[e.purpose] = f
		}
		f.size = e.end
		if e.kind == entryReplaced {
			f.gen, s.gen = e.gen, max(s.gen, e.gen)
		}
		return nil
	}
	m := s.streams[e.stream]
	if m == nil {
		return fmt.Errorf("an entry of stream %s, which was not announced", e.stream)
	}
	switch e.kind {
	case entryBatch:
		m.seen.add(e.seq, e.digest)
		m.raw = e.end
	case entryPurged:
		m.purged, m.deletion = true, nil
	case entryErased:
		m.erasedRows, m.erasedBatches = e.seq, e.count
	case entryForgot:
		m.raw, m.gen, s.gen = e.end, e.gen, max(s.gen, e.gen)
		m.forgotten += e.count
	}
	return nil
}

func (s *state) announce(e *entry) error {
	payload, err := wire.SignedPayload(e.signed)
	if err != nil {
		return fmt.Errorf("an announcement that does not read: %w", err)
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return fmt.Errorf("an announcement that does not read: %w", err)
	}
	m := &storedStream{announcement: a, digest: wire.AnnouncementDigest(payload), raw: e.end, head: int64(len(e.signed))}
	s.streams[a.Stream], s.byDigest[m.digest] = m, m
	s.waiting -= len(s.pending[a.Stream])
	delete(s.pending, a.Stream)
	return nil
}

func (s *state) withdraw(e *entry) {
	if m := s.streams[e.stream]; m != nil {
		m.withdrawn, m.deletion = true, bytes.Clone(e.signed)
		m.erasedBatches = m.seen.count() - m.forgotten
		m.seen.drop()
		return
	}
	s.pending[e.stream] = append(s.pending[e.stream], bytes.Clone(e.signed))
	s.waiting++
}

// isPending says whether this very request waits already, and room whether
// another may.
func (s *state) isPending(id wire.StreamID, signed []byte) (waits, room bool) {
	list := s.pending[id]
	waits = slices.ContainsFunc(list, func(b []byte) bool { return bytes.Equal(b, signed) })
	return waits, len(list) < maxPendingStream && s.waiting < maxPending
}

// unpurged lists the withdrawn streams whose rows may still be there.
func (s *state) unpurged() []*storedStream {
	var list []*storedStream
	for _, m := range s.streams {
		if m.withdrawn && !m.purged {
			list = append(list, m)
		}
	}
	return list
}

func (m *storedStream) known() Stream {
	return Stream{Announcement: m.announcement, Last: m.seen.last, Withdrawn: m.withdrawn}
}
