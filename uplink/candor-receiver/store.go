package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/candor-edge/candor/uplink/receive"
)

// store is a sink with all a receiver needs of it.
type store interface {
	receive.Sink
	receive.Seen
	keeper
}

// keeper is the rest of a sink.
type keeper interface {
	receive.Forgetter
	receive.Exporter
	upkeep
}

// upkeep is what only the program asks of a sink.
type upkeep interface {
	Err() error // why nothing can be stored at the moment
	Close() error
}

// openStore opens the sink the options name.
func (o *options) openStore(ctx context.Context, log *slog.Logger) (store, error) {
	if o.nats.url != "" {
		return o.nats.open(ctx, log)
	}
	return receive.OpenDir(o.dir, log)
}

// firstForget is how soon after a start the receiver looks at what is due, so
// that one which is started often does it too.
const firstForget = 10 * time.Minute

// forget removes what is due, again and again until ctx ends.
func forget(ctx context.Context, s receive.Forgetter, every time.Duration, m *receive.Metrics, log *slog.Logger) {
	timer := time.NewTimer(min(every, firstForget))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			n, err := s.Forget(ctx, uint32(now.Unix()/86400))
			m.Forgot(n)
			switch {
			case err != nil && ctx.Err() == nil:
				log.Error("what is due could not all be removed; it is tried again", "batches", n, "error", err)
			case n > 0:
				log.Info("removed what was due", "batches", n)
			}
			timer.Reset(every)
		}
	}
}
