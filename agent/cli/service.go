package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

// newService makes `consent service`, the switch of what strictly necessary purposes are necessary for.
func newService(g *global) *cobra.Command {
	o := &decideOptions{}
	cmd := &cobra.Command{
		Use:   "service [on|off NAME]",
		Short: "switch a service on or off, with all that it needs",
		Long: `Shows the services that the policy names, or switches one. A service is what a
purpose can be strictly necessary for: who switches it on has asked for what it
needs, and who switches it off has all of that end, as "consent withdraw" does:
nothing more leaves, what waited is destroyed, and recipients are asked to delete.
Each purpose has a receipt of its own.`,
		Example: `  candor consent service
  candor consent service off heating
  candor consent service on heating`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && cmd.Flags().Changed("on-behalf"):
				return usagef(cmd, "--on-behalf goes with on or off")
			case len(args) == 0, len(args) == 2 && (args[0] == "on" || args[0] == "off"):
				return nil
			}
			return usagef(cmd, "say on or off and the name of a service, or nothing to see which there are")
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(cmd); err != nil {
			return err
		}
		return g.with(cmd.Context(), func(s *session) error {
			if len(args) == 0 {
				all, err := s.Services(cmd.Context(), o.lang)
				if err == nil && o.json {
					err = printJSON(g.out, all)
				} else if err == nil {
					printServices(g.out, all.Services)
				}
				return err
			}
			done, err := s.SwitchService(cmd.Context(), args[1], args[0] == "on", o.decision())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(g.out, done)
			}
			for i := range done.Purposes {
				printDecided(g.out, &done.Purposes[i])
			}
			return nil
		})
	}
	o.flags(cmd)
	return cmd
}

func printServices(w io.Writer, all []control.Service) {
	if len(all) == 0 {
		paragraph(w, "", "The policy names no service: no purpose is strictly necessary for one.")
		return
	}
	tw := newTable(w)
	row(tw, "SERVICE", "IS", "NEEDS")
	for _, s := range all {
		state := "off"
		if s.On {
			state = "on"
		}
		var needs []string
		for _, p := range s.Purposes {
			needs = append(needs, fmt.Sprintf("%s (%s)", p.ID, p.State))
		}
		row(tw, s.Name, state, strings.Join(needs, ", "))
	}
	_ = tw.Flush()
}
