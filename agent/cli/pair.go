package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newPair(g *global) *cobra.Command {
	o := &decideOptions{}
	var end, brief bool
	cmd := &cobra.Command{
		Use:   "pair",
		Short: "show the code that opens the page, or close it",
		Long: `Shows an address and a code. Whoever types the code into the page speaks as the
person this object belongs to, until the page is closed, has not been touched for
15 minutes, or 12 hours are over. A code works once, for ten minutes and five tries.
Below it stands the page to leave with whoever gets the object.

The page is served on the object itself, where candor.toml has [page]. From another
machine: ssh -L 8088:127.0.0.1:8088 USER@OBJECT, then open http://127.0.0.1:8088/.

The first time a code opens the page the object counts as handed over: live values
are shown to its person alone from then on, and the ledger says so.`,
		Example: `  candor pair
  candor pair --lang fr
  candor pair --end
  sudo candor pair --on-behalf "Ms Martin, at hand-over"`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				if end {
					return g.unpair(cmd.Context(), s, o)
				}
				return g.pair(cmd.Context(), s, o, brief)
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.onBehalf, "on-behalf", "", "as root: on `WHO`'s behalf; the ledger keeps it")
	langFlag(cmd, &o.lang)
	cmd.Flags().BoolVar(&brief, "brief", false, "the code alone, without the hand-over sheet")
	jsonFlag(cmd, &o.json)
	cmd.Flags().BoolVar(&end, "end", false, "close every page that is open, and void the code")
	return cmd
}

// pair shows the code, and below it the hand-over sheet unless brief.
func (g *global) pair(ctx context.Context, s *session, o *decideOptions, brief bool) error {
	p, err := s.Pair(ctx, o.decision())
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, p)
	}
	_, _ = fmt.Fprintf(g.out, "%s\n%s\n", p.URL, p.Code)
	paragraph(g.out, "", "The code opens the page once, until "+p.Until.Format(time.TimeOnly)+" UTC.")
	if brief {
		return nil
	}
	sheet, err := s.Sheet(ctx, o.lang)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(g.out)
	printSheet(g.out, &sheet)
	return nil
}

// unpair closes every page and voids the code.
func (g *global) unpair(ctx context.Context, s *session, o *decideOptions) error {
	done, err := s.Unpair(ctx, o.decision())
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, done)
	}
	paragraph(g.out, "", fmt.Sprintf("Closed: %d. No code is open.", done.Ended))
	return nil
}
