package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// How long to wait for the one who holds the lock: a daemon that is starting has it before its socket answers, and another
// command is done with it soon.
const (
	lockPatience = 3 * time.Second
	lockPause    = 50 * time.Millisecond
)

// load reads the configuration.
func (g *global) load() (*agent.Config, error) {
	cfg, err := agent.LoadConfig(g.config)
	if err == nil {
		return cfg, nil
	}
	var faults tinyconf.Faults
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &failure{err, exitFailed, "name it with --config FILE, or begin with: candor config init (every key: candor config reference)"}
	case errors.Is(err, fs.ErrPermission):
		return nil, &failure{err, exitNotAllowed, "run this as the owner of " + g.config + ", or as root"}
	case errors.As(err, &faults):
		return nil, &failure{err, exitFailed, "candor config reference"}
	}
	return nil, err
}

// session is a client and, when no daemon runs, the agent behind it.
type session struct {
	*control.Client
	agent *agent.Agent
}

// with opens a session, calls do and closes the session.
func (g *global) with(ctx context.Context, do func(*session) error) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	s, err := g.open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.close())
}

// open goes through the daemon's socket, or, when no daemon runs, opens the agent in this process.
func (g *global) open(ctx context.Context, cfg *agent.Config) (*session, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		client, err := control.Dial(cfg.Socket())
		if err == nil {
			return &session{Client: client}, nil
		}
		if !errors.Is(err, control.ErrNoDaemon) {
			return nil, err
		}
		role, err := g.role(cfg)
		if err != nil {
			return nil, err
		}
		a, err := agent.Open(cfg, g.options(slog.New(slog.DiscardHandler)))
		if err == nil {
			return &session{Client: control.Local(control.NewHandler(a), role), agent: a}, nil
		}
		if !errors.Is(err, agent.ErrLocked) || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// options are what an agent in this process takes from the world.
func (g *global) options(log *slog.Logger) agent.Options {
	o := agent.Options{Clock: sensors.SystemClock{}, Log: log, Rand: g.env.Rand, Version: buildVersion().Version}
	if g.env.UID == 0 {
		o.Role = control.Root
	}
	return o
}

// role is who the user is without a daemon to ask: root, or the owner of the state directory. Who may make that directory
// will own it.
func (g *global) role(cfg *agent.Config) (control.Role, error) {
	if g.env.UID == 0 {
		return control.Root, nil
	}
	owner, there := cfg.StateOwner()
	if there && owner != g.env.UID {
		return "", &failure{fmt.Errorf("no daemon runs, and what this object keeps belongs to user %d", owner), exitNotAllowed,
			"run this as that user or as root, or start the daemon: candor run"}
	}
	return control.Person, nil
}

func (s *session) close() error {
	s.Client.Close()
	if s.agent == nil {
		return nil
	}
	if err := s.agent.Close(); err != nil {
		return fmt.Errorf("can't close the agent's files: %w", err)
	}
	return nil
}
