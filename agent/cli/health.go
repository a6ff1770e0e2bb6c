package cli

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

func newHealth(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "say whether data flows, by the exit code",
		Long: `Health is that data flows: every sensor is read in time, the buffer takes rows,
and no way to a recipient has failed for over an hour. It ends with 0 when all
that holds, else with 1, and says what does not. It shows no measured value and
nothing of what happens in the home.`,
		Example: `  candor health
  candor health --json
  candor health >/dev/null || logger -p user.warning "no data flows"`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := g.askHealth(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(g.out, h)
			} else {
				printHealth(g, &h)
			}
			if err != nil || h.OK {
				return err
			}
			return failf("candor status", "%s", notWell(&h))
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// askHealth asks the daemon. Where none runs nothing flows, and nothing is opened to say so.
func (g *global) askHealth(cmd *cobra.Command) (control.Health, error) {
	cfg, err := g.load()
	if err != nil {
		return control.Health{}, err
	}
	client, err := control.Dial(cfg.Socket())
	if errors.Is(err, control.ErrNoDaemon) {
		if _, err := g.role(cfg); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return control.Health{}, err
		}
		return control.NewHealth([3]string{"agent", "daemon", "no daemon runs"}), nil
	}
	if err != nil {
		return control.Health{}, err
	}
	defer client.Close()
	return client.Health(cmd.Context())
}

func printHealth(g *global, h *control.Health) {
	tw := newTable(g.out)
	for _, p := range h.Parts {
		well := "ok"
		if !p.OK {
			well = p.Why
		}
		row(tw, p.Kind, p.Name, well)
	}
	_ = tw.Flush()
}

// notWell names what does not do its work.
func notWell(h *control.Health) string {
	var names []string
	for _, p := range h.Parts {
		if !p.OK {
			names = append(names, p.Kind+" "+clean(p.Name))
		}
	}
	return "data does not flow: " + strings.Join(names, ", ")
}
