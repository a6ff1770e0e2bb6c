package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errEnough ends a walk early and is not told.
var errEnough = errors.New("enough")

// How many messages are asked for at once, and held in memory: headers of 8 KiB
// at most, or whole messages of 1 MiB.
const (
	mostHeads = 256
	mostWhole = 16
)

// stored is a message on a walk.
type stored struct {
	subject  string
	tail     *tail
	deleteBy string
	data     []byte // nil when only headers were asked for
}

// eachHead walks over the headers of all messages of a subject, in order.
func (s *Sink) eachHead(ctx context.Context, subject string, each func(*stored) error) error {
	return s.walk(ctx, subject, true, each)
}

// walk hands over the messages of a subject, which may have wildcards, that
// were there when it began.
func (s *Sink) walk(ctx context.Context, subject string, heads bool, each func(*stored) error) error {
	c, err := s.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: subject, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckNonePolicy,
		HeadersOnly: heads, InactiveThreshold: time.Minute, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return fmt.Errorf("jetstream: walk over %s: %w", subject, err)
	}
	defer s.stream.DeleteConsumer(context.WithoutCancel(ctx), c.CachedInfo().Name) // it ends by itself where this fails
	w := &walker{c: c, left: c.CachedInfo().NumPending, most: mostWhole, each: each}
	if heads {
		w.most = mostHeads
	}
	for stuck := time.Now(); w.left > 0; {
		got, err := w.fetch()
		switch {
		case errors.Is(err, errEnough):
			return nil
		case got > 0 && err == nil:
			stuck = time.Now()
			continue
		case err != nil && !errors.Is(err, nats.ErrNoResponders):
			return fmt.Errorf("jetstream: walk over %s: %w", subject, err)
		case err == nil:
			done, err := w.ended(ctx)
			if done || err != nil {
				return err
			}
		}
		// The other servers of a cluster learn of a new consumer a moment later.
		if time.Since(stuck) > callTimeout {
			return fmt.Errorf("jetstream: walk over %s: it stopped %d messages before the end: %w", subject, w.left, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// walker counts what a consumer delivers: it delivers once, so that a message
// lost on the way shows as a hole only.
type walker struct {
	c    jetstream.Consumer
	left uint64
	seen uint64
	most uint64 // messages asked for at once
	each func(*stored) error
}

// fetch visits the next messages.
func (w *walker) fetch() (got int, err error) {
	messages, err := w.c.Fetch(int(min(w.left, w.most)), jetstream.FetchMaxWait(callTimeout))
	if err != nil {
		return 0, err
	}
	for m := range messages.Messages() {
		got++
		w.left--
		w.seen++
		if err = visit(m, w.seen, w.each); err != nil {
			return got, err
		}
	}
	return got, messages.Error()
}

// ended says whether there is nothing more: a purge meanwhile leaves fewer
// messages than there were.
func (w *walker) ended(ctx context.Context) (bool, error) {
	info, err := w.c.Info(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("jetstream: %w", err)
	case info.NumPending > 0:
		return false, nil
	case info.Delivered.Consumer != w.seen:
		return false, errLost
	}
	return true, nil
}

var errLost = errors.New("jetstream: a message got lost on the way, try again")

func visit(m jetstream.Msg, number uint64, each func(*stored) error) error {
	info, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	if info.Sequence.Consumer != number {
		return errLost
	}
	t, err := tailOf(info.Sequence.Stream, m.Headers())
	if err != nil {
		return err
	}
	return each(&stored{subject: m.Subject(), tail: t, deleteBy: m.Headers().Get(headDeleteBy), data: m.Data()})
}
