package cli

import (
	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

// newPause makes `pause` or `resume`.
func newPause(g *global, on bool) *cobra.Command {
	o := &decideOptions{}
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "end a pause",
		Long: `Ends a pause: what is granted leaves again. What was sensed during the pause never
leaves.`,
		Example: `  candor consent resume`,
		Args:    takes(),
	}
	if on {
		cmd.Use, cmd.Short = "pause", "have nothing leave for now"
		cmd.Long = `Has nothing leave from now on, requests on their way included, until you resume.
What is sensed meanwhile never leaves. No yes is taken back by it, it survives a
restart, and the ledger does not say who paused; only that it was root, if it was.`
		cmd.Example = `  candor consent pause
  candor consent resume`
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.check(cmd); err != nil {
			return err
		}
		return g.with(cmd.Context(), func(s *session) error {
			do := s.Resume
			if on {
				do = s.Pause
			}
			done, err := do(cmd.Context(), control.Decision{OnBehalf: o.onBehalf, Language: o.lang})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(g.out, done)
			}
			paragraph(g.out, "", done.Notice)
			return nil
		})
	}
	o.flags(cmd)
	return cmd
}
