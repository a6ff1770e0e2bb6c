package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

type runOptions struct {
	once     bool
	deadline time.Duration
	log      string
}

func (o *runOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.once, "once", false, "read sources that end to their end, send what is due and exit")
	f.DurationVar(&o.deadline, "deadline", 30*time.Second, "with --once: give up sending after `TIME`, as 30s or 5m")
	f.StringVar(&o.log, "log", "", "`FORM` of the log on standard error: text or json (default that of candor.toml)")
}

func newRun(g *global) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "read the sensors and send what was agreed to",
		Long: `Runs the agent: reads the sensors, keeps what the person agreed to and sends it.
It ends at SIGTERM or SIGINT, with exit code 0, and loses nothing.

With --once it reads sources that end by themselves (recordings, a simulation
with a length), sends all of it and exits: with 0 when everything was
acknowledged, with 3 when something is left, which is kept for the next time.`,
		Example: `  candor run --config candor.toml
  candor run --once --deadline 2m`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			// A second signal ends the process at once.
			context.AfterFunc(ctx, stop)
			return run(ctx, g, o)
		},
	}
	o.flags(cmd)
	return cmd
}

func (o *runOptions) check(cmd *cobra.Command) error {
	switch {
	case o.log != "text" && o.log != "json" && cmd.Flags().Changed("log"):
		return usagef(cmd, "--log is text or json, not %q", o.log)
	case cmd.Flags().Changed("deadline") && !o.once:
		return usagef(cmd, "--deadline goes with --once; without it the agent runs until it is told to end")
	case o.deadline <= 0:
		return usagef(cmd, "--deadline is a time to come, as 30s")
	}
	return nil
}

func run(ctx context.Context, g *global, o *runOptions) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	log := newLog(g.env.Stderr, cmp.Or(o.log, cfg.Log.Format))
	a, err := g.take(ctx, cfg, log)
	if err != nil {
		return err
	}
	if o.once {
		err = once(ctx, a, o.deadline)
	} else {
		spareMemory(g.env.Getenv)
		err = g.daemon(ctx, a, cfg.Socket(), log)
	}
	return errors.Join(err, a.Close())
}

// take opens the agent. It waits for a command that has the state directory for a moment, and not for a daemon.
func (g *global) take(ctx context.Context, cfg *agent.Config, log *slog.Logger) (*agent.Agent, error) {
	for deadline := time.Now().Add(lockPatience); ; {
		a, err := agent.Open(cfg, g.options(log))
		if err == nil || !errors.Is(err, agent.ErrLocked) || time.Now().After(deadline) {
			return a, err
		}
		if client, dialErr := control.Dial(cfg.Socket()); dialErr == nil {
			client.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lockPause):
		}
	}
}

// daemon runs the agent until ctx is done and keeps systemd informed.
func (g *global) daemon(ctx context.Context, a *agent.Agent, socket string, log *slog.Logger) error {
	running, end := context.WithCancel(ctx)
	told := make(chan struct{})
	m := g.manager(log)
	m.watch(a.OnFlow)
	go func() {
		defer close(told)
		m.follow(running, socket)
	}()
	err := a.Run(ctx)
	end()
	<-told
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was told to end, and did
	}
	return err
}

// once runs to the end of the sources. When it was interrupted, what was not sent is kept as after a deadline.
func once(ctx context.Context, a *agent.Agent, deadline time.Duration) error {
	err := a.Once(ctx, deadline)
	var left *agent.LeftError
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) && !errors.As(err, &left) {
		return &failure{errors.New("interrupted; what was not sent is kept"), exitLeft, "candor run --once"}
	}
	return err
}

func newLog(w io.Writer, form string) *slog.Logger {
	if form == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
