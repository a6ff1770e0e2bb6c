package jetstream

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patchy is a consumer that delivers messages under the numbers of got and
// says that it delivered so many.
type patchy struct {
	jetstream.Consumer
	got       []uint64
	delivered uint64
	pending   uint64
}

func (p *patchy) Fetch(int, ...jetstream.FetchOpt) (jetstream.MessageBatch, error) {
	c := make(chan jetstream.Msg, len(p.got))
	for _, n := range p.got {
		c <- numbered{n: n}
	}
	close(c)
	p.got = nil
	return batchOf(c), nil
}

func (p *patchy) Info(context.Context) (*jetstream.ConsumerInfo, error) {
	return &jetstream.ConsumerInfo{NumPending: p.pending, Delivered: jetstream.SequenceInfo{Consumer: p.delivered}}, nil
}

type batchOf chan jetstream.Msg

func (b batchOf) Messages() <-chan jetstream.Msg { return b }
func (b batchOf) Error() error                   { return nil }

type numbered struct {
	jetstream.Msg
	n uint64
}

func (m numbered) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Consumer: m.n, Stream: 100 + m.n}}, nil
}
func (numbered) Headers() nats.Header { return nats.Header{} }
func (numbered) Subject() string      { return "candor.acme.trends.x" }
func (numbered) Data() []byte         { return nil }

// A message that was delivered and did not come is told, and not taken for one
// that a purge removed: a deletion would count too few, and a person would get
// back a part as the whole.
func TestLostOnAWalk(t *testing.T) {
	for name, c := range map[string]struct {
		got                []uint64
		delivered, pending uint64
		done               bool
		err                error
	}{
		"a hole":                {[]uint64{1, 3}, 3, 0, false, errLost},
		"the end is missing":    {[]uint64{1, 2}, 3, 0, false, errLost},
		"none came":             {nil, 3, 0, false, errLost},
		"purged":                {[]uint64{1, 2}, 2, 0, true, nil},
		"more is still to come": {[]uint64{1, 2}, 2, 1, false, nil},
	} {
		w := &walker{c: &patchy{got: c.got, delivered: c.delivered, pending: c.pending}, left: 3, most: 3, each: func(*stored) error { return nil }}
		_, err := w.fetch()
		done := false
		if err == nil {
			done, err = w.ended(context.Background())
		}
		if done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%s: %t %v, want %t %v", name, done, err, c.done, c.err)
		}
	}
}
