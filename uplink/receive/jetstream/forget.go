package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/candor-edge/candor/uplink/receive"
	"github.com/candor-edge/candor/uplink/wire"
)

// retryFull is when to come again with a deletion that found no room.
const retryFull = 30 * time.Second

// maxBytesCode is JetStream's error "maximum bytes exceeded", for a stream
// that refuses rather than drops.
const maxBytesCode jetstream.ErrorCode = 10077

// leaseKey is held by the receiver that forgets at the moment; it lapses when
// that one was killed.
const (
	leaseKey = "forgetting"
	leaseFor = 6 * time.Hour
)

// passKey holds the day of the last pass that found everything. Until the next
// day nothing can be due but what came late, and that takes the key away.
const passKey = "forgotten"

// Forget removes batches whose day has come, see [receive.Forgetter]. One
// receiver does it at a time and once a day; for the others there is nothing to
// do. It also finishes deletions that a receiver left half done when it was killed.
func (s *Sink) Forget(ctx context.Context, today uint32) (batches int, err error) {
	if _, err := s.known.Create(ctx, leaseKey, nil, jetstream.KeyTTL(leaseFor)); exists(err) {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("jetstream: begin to forget: %w", err)
	}
	defer s.known.Purge(context.WithoutCancel(ctx), leaseKey) // it lapses where this fails
	day := strconv.FormatUint(uint64(today), 10)
	switch m, err := s.get(ctx, "KV_"+AnnouncedName, lookup{Last: valueSubject(AnnouncedName, passKey)}); {
	case err == nil && string(m.Data) == day:
		return 0, nil
	case err != nil && !errors.Is(err, errNoMessage):
		return 0, err
	}
	begun, err := s.known.PutString(ctx, passKey, "begun")
	if err != nil {
		return 0, fmt.Errorf("jetstream: begin to forget: %w", err)
	}
	if batches, err = s.forgetDue(ctx, today); err != nil {
		return batches, err
	}
	// Where something due came meanwhile, the next one looks again.
	if _, err := s.known.Update(ctx, passKey, []byte(day), begun); err != nil && !exists(err) {
		return batches, fmt.Errorf("jetstream: note what was forgotten: %w", err)
	}
	return batches, nil
}

// cameLate has the next pass look for a batch that was due when it came.
func (s *Sink) cameLate(ctx context.Context) error {
	if _, err := s.known.PutString(ctx, passKey, "due"); err != nil {
		return fmt.Errorf("jetstream: note a batch that is due: %w", err)
	}
	return nil
}

// forgetDue looks through everything.
func (s *Sink) forgetDue(ctx context.Context, today uint32) (batches int, err error) {
	day := time.Unix(int64(today)*86400, 0).UTC().Format(time.DateOnly)
	ended, err := s.ended(ctx)
	if err != nil {
		return 0, err
	}
	err = s.eachHead(ctx, batchSubjects, func(m *stored) error {
		switch {
		case m.tail.kind == kindWithdrawn:
			return nil
		case ended[m.subject]: // left by a receiver that was killed between the end and the purge
			_, err := s.erase(ctx, m.tail.at)
			return err
		case m.tail.kind == kindBatch && m.deleteBy > day:
			return nil
		}
		last, err := s.get(ctx, StreamName, lookup{Last: m.subject})
		if errors.Is(err, errNoMessage) {
			return nil
		}
		if err != nil {
			return err
		}
		gone, err := s.forget(ctx, m, last.Sequence)
		if gone && m.tail.kind == kindBatch {
			batches++
		}
		return err
	})
	return batches, err
}

// ended lists the subjects whose end is written and not told yet: their purge
// may not be finished.
func (s *Sink) ended(ctx context.Context) (map[string]bool, error) {
	list := make(map[string]bool)
	err := s.eachHead(ctx, batchSubjects, func(m *stored) error {
		if m.tail.kind != kindWithdrawn {
			return nil
		}
		if _, err := s.get(ctx, StreamName, lookup{Last: m.subject + ".gone"}); !errors.Is(err, errNoMessage) {
			return err
		}
		list[m.subject] = true
		if m.tail.counted {
			return nil
		}
		last, err := s.get(ctx, StreamName, lookup{Last: m.subject})
		if err == nil && last.Sequence == m.tail.at { // its counts are still to be taken, while there is something to count
			_, err = s.countEnd(ctx, m.subject, m.tail, last.Data)
		}
		return err
	})
	return list, err
}

// forget removes one message. When it is the last of its subject, one without
// data takes its place, so that its stream's numbers stay known.
func (s *Sink) forget(ctx context.Context, m *stored, last uint64) (gone bool, err error) {
	if m.tail.at == last {
		if m.tail.kind == kindForgotten {
			return false, nil
		}
		mark := nats.NewMsg(m.subject)
		mark.Header.Set(headKind, kindForgotten)
		mark.Header.Set(headAccepted, m.tail.accepted.String())
		if _, _, err := s.append(ctx, mark, "", m.tail); err != nil { // moved: it is not the last any more
			return false, err
		}
	}
	return s.erase(ctx, m.tail.at)
}

// erase overwrites a message and removes it; gone is false when somebody else
// did.
func (s *Sink) erase(ctx context.Context, at uint64) (gone bool, err error) {
	err = s.stream.SecureDeleteMsg(ctx, at)
	if err == nil {
		return true, nil
	}
	if _, read := s.get(ctx, StreamName, lookup{From: at}); errors.Is(read, errNoMessage) {
		return false, nil
	}
	return false, fmt.Errorf("jetstream: erase message %d: %w", at, err)
}

// Export hands the batches of a stream over, see [receive.Exporter].
func (s *Sink) Export(ctx context.Context, id wire.StreamID, each func(signed []byte) error) error {
	a, _, err := s.readStream(ctx, id)
	if receive.IsCode(err, receive.CodeUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.walk(ctx, subject(a), false, func(m *stored) error {
		if m.tail.kind != kindBatch {
			return nil
		}
		return each(m.data)
	})
}
