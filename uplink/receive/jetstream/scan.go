package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// errEnough ends a walk early and is not told.
var errEnough = errors.New("enough")

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
	for left := c.CachedInfo().NumPending; left > 0; {
		got := 0
		messages, err := c.Fetch(int(min(left, 256)), jetstream.FetchMaxWait(callTimeout))
		if err != nil {
			return fmt.Errorf("jetstream: walk over %s: %w", subject, err)
		}
		for m := range messages.Messages() {
			got++
			left--
			if err = visit(m, each); err != nil {
				break
			}
		}
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		case messages.Error() != nil || got == 0:
			// A purge meanwhile leaves fewer than there were.
			if info, err := c.Info(ctx); err == nil && info.NumPending == 0 {
				return nil
			}
			return fmt.Errorf("jetstream: walk over %s: it stopped %d messages before the end: %w", subject, left, messages.Error())
		}
	}
	return ctx.Err()
}

func visit(m jetstream.Msg, each func(*stored) error) error {
	info, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	t, err := tailOf(info.Sequence.Stream, m.Headers())
	if err != nil {
		return err
	}
	return each(&stored{subject: m.Subject(), tail: t, deleteBy: m.Headers().Get(headDeleteBy), data: m.Data()})
}
