package jetstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// Keys of the bucket of streams: an announcement lies under its stream's name,
// which alone decides, and its digest points there.
func streamKey(id wire.StreamID) string      { return "stream." + id.String() }
func digestKey(digest [16]byte) string       { return "digest." + hex.EncodeToString(digest[:]) }
func valueSubject(bucket, key string) string { return "$KV." + bucket + "." + key }

// copied is what a receiver keeps of a stream to save reading it again. The
// announcement never changes; the tail is confirmed by each write.
type copied struct {
	announcement *wire.Announcement
	tail         *tail // nil: has to be read; under Sink.mu
}

var errName = &receive.Refusal{Code: receive.CodePurpose, Text: "purpose and recipient here have 1 to 32 of a-z, 0-9 and hyphens"}

// Announce keeps a new stream, see [receive.Sink]. Purpose and recipient become
// part of a subject.
func (s *Sink) Announce(ctx context.Context, m *receive.Announced) (known bool, err error) {
	a := m.Announcement
	if !token(a.Purpose) || !token(a.Recipient) {
		return false, errName
	}
	_, err = s.known.Create(ctx, streamKey(a.Stream), m.Signed)
	if exists(err) {
		_, digest, err := s.readStream(ctx, a.Stream)
		if err != nil {
			return false, err
		}
		if digest != m.Digest {
			return false, receive.ErrStream
		}
		known = true
	} else if err != nil {
		return false, fmt.Errorf("jetstream: keep an announcement: %w", err)
	}
	if _, err := s.known.Create(ctx, digestKey(m.Digest), a.Stream[:]); err != nil && !exists(err) {
		return false, fmt.Errorf("jetstream: keep an announcement: %w", err)
	}
	withdrawn, err := s.settlePending(ctx, a)
	if err != nil {
		return false, err
	}
	if !withdrawn {
		t, err := s.readTail(ctx, a)
		if err != nil {
			return false, err
		}
		withdrawn = t.kind == kindWithdrawn
	}
	if withdrawn {
		return known, receive.ErrWithdrawn
	}
	return known, s.describe(ctx, a)
}

// describe tells what the rows of the purpose mean, for those who use them.
func (s *Sink) describe(ctx context.Context, a *wire.Announcement) error {
	text, err := receive.Meaning(a)
	if err == nil {
		_, err = s.purposes.Create(ctx, a.Purpose+"."+hex.EncodeToString(a.Plan[:]), text)
	}
	if err != nil && !exists(err) {
		return fmt.Errorf("jetstream: describe a purpose: %w", err)
	}
	return nil
}

// exists says whether a key was there already.
func exists(err error) bool { return errors.Is(err, jetstream.ErrKeyExists) || wrongLast(err) }

// readStream reads the announcement of a stream from the leader.
func (s *Sink) readStream(ctx context.Context, id wire.StreamID) (*wire.Announcement, [16]byte, error) {
	m, err := s.get(ctx, "KV_"+AnnouncedName, lookup{Last: valueSubject(AnnouncedName, streamKey(id))})
	if errors.Is(err, errNoMessage) {
		return nil, [16]byte{}, receive.ErrUnknown
	}
	if err != nil {
		return nil, [16]byte{}, err
	}
	payload, err := wire.SignedPayload(m.Data)
	if err != nil {
		return nil, [16]byte{}, fmt.Errorf("jetstream: the stored announcement of stream %s: %w", id, err)
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return nil, [16]byte{}, fmt.Errorf("jetstream: the stored announcement of stream %s: %w", id, err)
	}
	return a, wire.AnnouncementDigest(payload), nil
}

// copyOf finds a stream by the digest batches carry.
func (s *Sink) copyOf(ctx context.Context, digest [16]byte) (*copied, error) {
	s.mu.Lock()
	c := s.copies[digest]
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	m, err := s.get(ctx, "KV_"+AnnouncedName, lookup{Last: valueSubject(AnnouncedName, digestKey(digest))})
	if errors.Is(err, errNoMessage) {
		return nil, receive.ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	if len(m.Data) != len(wire.StreamID{}) {
		return nil, fmt.Errorf("jetstream: the bucket %s: a digest that points nowhere", AnnouncedName)
	}
	a, found, err := s.readStream(ctx, wire.StreamID(m.Data))
	if err != nil {
		return nil, err
	}
	if found != digest {
		return nil, receive.ErrUnknown
	}
	c = &copied{announcement: a}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.copies) >= cached {
		for other := range s.copies { // any: what is used comes back at the cost of two reads
			delete(s.copies, other)
			break
		}
	}
	s.copies[digest] = c
	return c, nil
}

func (s *Sink) tailCopy(c *copied) *tail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.tail
}

func (s *Sink) setTail(c *copied, t *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.tail = t
}

// ByAnnouncement finds a stream by the digest batches carry. What it says of
// the stream may be a moment old; Store decides.
func (s *Sink) ByAnnouncement(ctx context.Context, digest [16]byte) (receive.Stream, error) {
	c, err := s.copyOf(ctx, digest)
	if err != nil {
		return receive.Stream{}, err
	}
	t := s.tailCopy(c)
	if t == nil {
		if t, err = s.readTail(ctx, c.announcement); err != nil {
			return receive.Stream{}, err
		}
		s.setTail(c, t)
	}
	return t.of(c.announcement), nil
}

// ByID finds a stream by its name, as the cluster knows it now.
func (s *Sink) ByID(ctx context.Context, id wire.StreamID) (receive.Stream, error) {
	a, _, err := s.readStream(ctx, id)
	if receive.IsCode(err, receive.CodeUnknown) {
		// As many reads as for one that is here: who asks with a wrong
		// capability learns nothing from the time it takes.
		if _, err := s.readTail(ctx, &wire.Announcement{Recipient: "x", Purpose: "x", Stream: id}); err != nil {
			return receive.Stream{}, err
		}
	}
	if err != nil {
		return receive.Stream{}, err
	}
	t, err := s.readTail(ctx, a)
	if err != nil {
		return receive.Stream{}, err
	}
	return t.of(a), nil
}

func (t *tail) of(a *wire.Announcement) receive.Stream {
	return receive.Stream{Announcement: a, Last: t.accepted.last(), Withdrawn: t.kind == kindWithdrawn}
}
