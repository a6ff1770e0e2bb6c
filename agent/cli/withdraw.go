package cli

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

// withdraw takes a yes back, also where nothing else works any more: a configuration that can't be read, a ledger that
// is damaged. Then the keys alone are asked and destroyed.
func (g *global) withdraw(cmd *cobra.Command, o *decideOptions, purpose string) error {
	cfg, err := g.load()
	if err != nil {
		places, none := agent.LoadPlaces(g.config)
		if none != nil {
			return err
		}
		g.warn("the configuration can't be read as a whole; only where the keys are is taken from it")
		cfg = places
	}
	s, opened := g.open(cmd.Context(), cfg)
	if opened == nil {
		done, err := s.Withdraw(cmd.Context(), purpose, o.decision())
		if err = errors.Join(err, s.close()); err != nil {
			return err
		}
		return o.print(g.out, &done)
	}
	var refused *control.Error
	var own *failure
	if errors.Is(opened, agent.ErrLocked) || errors.As(opened, &refused) || errors.As(opened, &own) {
		return opened
	}
	role, err := g.role(cfg)
	if err != nil {
		return err
	}
	if role == control.Root && o.onBehalf == "" {
		return &failure{errors.New("only the person decides; root can pass on what the person said, and must say on whose behalf"), exitNotAllowed, "add --on-behalf TEXT"}
	}
	g.warn(clean(opened.Error()))
	done, err := agent.WithdrawByKeys(cfg, g.options(slog.New(slog.DiscardHandler)), purpose)
	if err != nil {
		return err
	}
	return o.print(g.out, &done)
}
