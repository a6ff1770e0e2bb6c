package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/agent/doctor"
)

func newDoctor(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "find out why the object is silent, and what to do",
		Long: `Walks from board and power over clock, disk, buses, chips and lines to policy,
consent, buffer and the way to the recipients, and ends at the first break: what
was seen, one thing to do about it, and whether that takes root. It works with
a dead daemon; a living one is asked, and no bus is touched then. It mends
nothing by itself and shows no measured value. At the end of the way it sends a
test message, as candor uplink test does.

Exit codes: 0 all works, 1 something is broken, 3 all works but nothing leaves,
as somebody decided so, or something will break, 4 not for this user to see.`,
		Example: `  candor doctor
  candor doctor --json`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, end := g.world(cmd.Context())
			var tell func(*doctor.Check)
			if !asJSON {
				tell = func(c *doctor.Check) { g.printCheck(c); _ = g.out.flush() }
			}
			r := doctor.Run(cmd.Context(), &w, tell)
			err := end()
			switch {
			case asJSON:
				err = errors.Join(err, printJSON(g.out, r))
			default:
				g.printReport(&r)
			}
			if err == nil {
				err = cmd.Context().Err()
			}
			return errors.Join(err, doctorsWord(&r))
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// doctorsWord is the error that a walk ends with, nil where all works.
func doctorsWord(r *doctor.Report) error {
	if r.Exit() == exitDone {
		return nil
	}
	f := &failure{fmt.Errorf("%s: %s (%s)", r.First.State, r.First.Name, r.First.Code), r.Exit(), ""}
	if r.Fix != nil {
		if f.hint = r.Fix.Command; f.hint == "" {
			f.hint = r.Fix.Do
		}
	}
	return f
}

// world is what the doctor may look at here: the machine, the configuration, and the agent as far as this user may ask it. end
// closes what was opened.
func (g *global) world(ctx context.Context) (w doctor.World, end func() error) {
	w, end = g.env.Host(), func() error { return nil }
	w.File, w.UID = g.config, g.env.UID
	w.Path, _ = filepath.Abs(g.config) // "" where this directory is gone: then the file is not seen either
	cfg, err := agent.LoadConfig(g.config)
	if err != nil {
		w.ConfigErr = err
		return w, end
	}
	w.Config = cfg
	o := g.options(newLog(io.Discard, "text"))
	w.Looks = func(ctx context.Context) ([]control.Look, error) { return agent.Examine(ctx, cfg, 3, o) }
	w.Walk = func(ctx context.Context) []control.UplinkTest { return agent.WalkRoutes(ctx, cfg, o) }
	if _, there := cfg.StateOwner(); !there {
		client, err := control.Dial(cfg.Socket()) // beside a state that this user may not see
		if !errors.Is(err, control.ErrNoDaemon) {
			w.ObjectErr = err
		}
		if err != nil {
			return w, end
		}
		client.Close()
	}
	s, err := g.open(ctx, cfg)
	if err != nil {
		w.ObjectErr = notHere(err)
		return w, end
	}
	w.Object = s.Client
	if w.Daemon = s.agent == nil; w.Daemon {
		w.Looks = func(ctx context.Context) ([]control.Look, error) {
			looks, err := s.Look(ctx, nil)
			return looks.Sensors, err
		}
	}
	return w, s.close
}

// notHere tells a state that is another user's from a socket that is not for this one.
func notHere(err error) error {
	var own *failure
	if errors.As(err, &own) && own.code == exitNotAllowed {
		return fmt.Errorf("%w: %w", fs.ErrPermission, own.err)
	}
	return err
}

func (g *global) printCheck(c *doctor.Check) {
	state := map[doctor.State]string{doctor.Skipped: "-", doctor.Unknown: "?", doctor.Refused: "REFUSED", doctor.Broken: "BROKEN"}[c.State]
	if state == "" {
		state = string(c.State)
	}
	paragraph(g.out, fmt.Sprintf("%-8s %-14s ", state, c.Name), c.Evidence)
}

func (g *global) printReport(r *doctor.Report) {
	_, _ = fmt.Fprintln(g.out)
	if r.Fix == nil {
		_, _ = fmt.Fprintln(g.out, "Nothing is broken.")
	} else {
		switch r.Verdict {
		case doctor.Broken:
			_, _ = fmt.Fprintf(g.out, "First break: %s\n", r.First.Name)
		default:
			_, _ = fmt.Fprintf(g.out, "Nothing is broken. Worth knowing: %s\n", r.First.Name)
		}
		lead := "Fix: "
		if r.Fix.Root {
			lead = "Fix (needs root): "
		}
		paragraph(g.out, lead, r.Fix.Do)
		if r.Fix.Command != "" {
			_, _ = fmt.Fprintf(g.out, "  %s\n", clean(r.Fix.Command))
		}
	}
	if len(r.NotReached) > 0 {
		paragraph(g.out, "Not reached: ", strings.Join(r.NotReached, ", "))
	}
}
