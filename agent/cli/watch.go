package cli

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent/control"
)

const watchEvery = 2 * time.Second

// watch shows the status again and again. It goes through a daemon only: a state on the disk does not change, and opening
// it every two seconds would wear the card.
func (g *global) watch(ctx context.Context, o *statusOptions) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	client, err := control.Dial(cfg.Socket())
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	for n := 1; ; n++ {
		if g.out.screen && !o.json {
			g.out.put([]byte("\x1b[H\x1b[2J")) // to the corner, and clear: every terminal since the VT100 knows it
		} else if n > 1 && !o.json {
			_, _ = fmt.Fprintln(g.out)
		}
		err := o.show(ctx, g, &session{Client: client})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := g.out.flush(); err != nil || n == o.times {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}
