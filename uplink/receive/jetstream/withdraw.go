package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// maxPendingStream is how many deletions of one stream wait for its
// announcement.
const maxPendingStream = 4

// Withdraw removes a stream, see [receive.Sink].
func (s *Sink) Withdraw(ctx context.Context, m *receive.Withdrawal) ([]receive.Erased, error) {
	a, _, err := s.readStream(ctx, m.Stream)
	if receive.IsCode(err, receive.CodeUnknown) {
		if err := s.keepPending(ctx, m); err != nil {
			return nil, err
		}
		// It may have been announced between the two: then one of us sees the
		// other's.
		a, _, err = s.readStream(ctx, m.Stream)
		if receive.IsCode(err, receive.CodeUnknown) {
			return erased(new(tail)), nil
		}
	}
	if err != nil {
		return nil, err
	}
	if err := receive.VerifyDeletion(a, m.Signed); err != nil {
		return nil, err
	}
	t, err := s.end(ctx, a, m.Signed)
	if err != nil {
		return nil, err
	}
	return erased(t), nil
}

func erased(t *tail) []receive.Erased {
	return []receive.Erased{{Store: "jetstream rows", Count: t.rows}, {Store: "jetstream signed messages", Count: t.batches}}
}

// end writes the end of a stream, purges what is before it, and tells those
// who took rows. Each step may have been done already.
func (s *Sink) end(ctx context.Context, a *wire.Announcement, signed []byte) (*tail, error) {
	t, err := s.writeEnd(ctx, a, signed)
	if err != nil {
		return nil, err
	}
	if err := s.purge(ctx, a, t); err != nil {
		return nil, err
	}
	gone := nats.NewMsg(subject(a) + ".gone")
	gone.Data = signed
	gone.Header.Set(headKind, kindWithdrawn)
	gone.Header.Set(headRows, strconv.FormatUint(t.rows, 10))
	gone.Header.Set(headBatches, strconv.FormatUint(t.batches, 10))
	if _, _, err := s.append(ctx, gone, "", new(tail)); err != nil { // moved: it is told already
		return nil, err
	}
	return t, nil
}

// purge removes every message of a stream before its end. Each is overwritten
// first, since a purge alone leaves the bytes in the server's files until those
// are written anew.
func (s *Sink) purge(ctx context.Context, a *wire.Announcement, end *tail) error {
	var list []uint64
	err := s.eachHead(ctx, subject(a), func(m *stored) error {
		if m.tail.at < end.at {
			list = append(list, m.tail.at)
		}
		return nil
	})
	for _, at := range list {
		if err == nil {
			_, err = s.erase(ctx, at)
		}
	}
	if err != nil {
		return err
	}
	err = s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject(a)), jetstream.WithPurgeSequence(end.at))
	if err != nil {
		return fmt.Errorf("jetstream: purge a stream: %w", err)
	}
	return nil
}

// writeEnd makes the deletion the last message of the subject, whatever else is being written there: a load of batches would
// else win every time against one who reads first. What is before the end can't grow any more, and is counted then.
func (s *Sink) writeEnd(ctx context.Context, a *wire.Announcement, signed []byte) (*tail, error) {
	s.writing[a.Stream[0]].Lock()
	defer s.writing[a.Stream[0]].Unlock()
	t, err := s.readTail(ctx, a)
	if err != nil {
		return nil, err
	}
	if t.kind != kindWithdrawn {
		m := nats.NewMsg(subject(a))
		m.Data = signed
		m.Header.Set(headKind, kindWithdrawn)
		m.Header.Set(headAccepted, t.accepted.String())
		if t, err = s.write(ctx, m); err != nil {
			return nil, err
		}
	}
	for range attempts { // others may be ending it too
		if t.counted {
			return t, nil
		}
		if t, err = s.countEnd(ctx, subject(a), t, signed); err != nil {
			return nil, err
		}
		if t == nil {
			if t, err = s.readTail(ctx, a); err != nil {
				return nil, err
			}
		}
	}
	return nil, errMoved
}

// countEnd puts behind an end one that says what is before it; nil when somebody else was faster.
func (s *Sink) countEnd(ctx context.Context, subject string, end *tail, signed []byte) (*tail, error) {
	var rows, batches uint64
	accepted := end.accepted
	err := s.eachHead(ctx, subject, func(m *stored) error {
		if m.tail.kind == kindBatch && m.tail.at < end.at {
			rows, batches, accepted = rows+m.tail.rows, batches+1, m.tail.accepted
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	m.Data = signed
	m.Header.Set(headKind, kindWithdrawn)
	m.Header.Set(headAccepted, accepted.String())
	m.Header.Set(headRows, strconv.FormatUint(rows, 10))
	m.Header.Set(headBatches, strconv.FormatUint(batches, 10))
	at, moved, err := s.append(ctx, m, "", end)
	if err != nil || moved {
		return nil, err
	}
	return tailOf(at, m.Header)
}

// keepPending keeps a deletion that nobody can verify yet.
func (s *Sink) keepPending(ctx context.Context, m *receive.Withdrawal) error {
	full := &receive.Refusal{Code: receive.CodeBusy, Text: "too many deletion requests for streams that are not announced", After: retryFull}
	list, err := s.readPending(ctx, m.Stream)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(m.Signed)
	key := m.Stream.String() + "." + hex.EncodeToString(sum[:8])
	for _, p := range list {
		if p.Subject == valueSubject(PendingName, key) {
			return nil
		}
	}
	if len(list) >= maxPendingStream {
		return full
	}
	_, err = s.pending.Create(ctx, key, m.Signed)
	var api *jetstream.APIError
	switch {
	case err == nil || exists(err):
		return nil
	case errors.As(err, &api) && api.ErrorCode == maxBytesCode:
		full.Cause = err
		return full
	}
	return fmt.Errorf("jetstream: keep a deletion: %w", err)
}

// readPending reads the deletions that wait for a stream's announcement.
func (s *Sink) readPending(ctx context.Context, id wire.StreamID) (list []*message, err error) {
	for from := uint64(1); len(list) <= maxPendingStream; {
		m, err := s.get(ctx, "KV_"+PendingName, lookup{From: from, First: valueSubject(PendingName, id.String()+".*")})
		if errors.Is(err, errNoMessage) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if len(m.Data) > 0 {
			list = append(list, m)
		}
		from = m.Sequence + 1
	}
	return list, nil
}

// settlePending carries out the deletions that waited for a stream and says
// whether one held.
func (s *Sink) settlePending(ctx context.Context, a *wire.Announcement) (withdrawn bool, err error) {
	list, err := s.readPending(ctx, a.Stream)
	if err != nil {
		return false, err
	}
	for _, m := range list {
		if receive.VerifyDeletion(a, m.Data) == nil {
			if _, err := s.end(ctx, a, m.Data); err != nil {
				return false, err
			}
			withdrawn = true
		}
	}
	for _, m := range list {
		if err := s.pending.Purge(ctx, m.Subject[len(valueSubject(PendingName, "")):]); err != nil {
			return false, fmt.Errorf("jetstream: put a deletion away: %w", err)
		}
	}
	return withdrawn, nil
}
