package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

type decideOptions struct {
	onBehalf string
	lang     string
	json     bool
	keep     bool
}

func (o *decideOptions) flags(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.onBehalf, "on-behalf", "", "as root: `WHO` said so; the receipt keeps it")
	langFlag(cmd, &o.lang)
	jsonFlag(cmd, &o.json)
}

// check refuses what could only be a mistake.
func (o *decideOptions) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("on-behalf") && strings.TrimSpace(o.onBehalf) == "" {
		return usagef(cmd, "--on-behalf is empty; say on whose behalf")
	}
	return checkLang(cmd, o.lang)
}

// The verbs that answer a purpose.
const (
	grantVerb    = "grant"
	refuseVerb   = "refuse"
	withdrawVerb = "withdraw"
)

func (o *decideOptions) decision() control.Decision {
	return control.Decision{OnBehalf: o.onBehalf, Language: o.lang, KeepHistory: o.keep}
}

func (o *decideOptions) print(w io.Writer, done *control.Decided) error {
	if o.json {
		return printJSON(w, done)
	}
	printDecided(w, done)
	return nil
}

// newDecision makes `grant`, `refuse` or `withdraw`, which differ in what they ask for only.
func newDecision(g *global, verb string) *cobra.Command {
	o := &decideOptions{}
	cmd := &cobra.Command{
		Use:   "withdraw PURPOSE",
		Short: "take a yes back",
		Long: `Takes a yes back. Nothing of the purpose leaves from this moment on, what was
kept for it can't be read any more, and the recipient is asked to delete what it
has. It needs no network.`,
		Example: `  candor consent withdraw trends
  candor consent withdraw mine --keep-history
  candor consent withdraw trends --on-behalf "Ms Martin, by phone"`,
	}
	switch verb {
	case refuseVerb:
		cmd.Use, cmd.Short = "refuse PURPOSE", "say no to one purpose"
		cmd.Long = `Says no to one purpose. Nothing of it leaves, you are not asked again for six months
unless you open the purpose yourself, and a yes given before is taken back.`
		cmd.Example = `  candor consent refuse trends`
	case grantVerb:
		cmd.Use, cmd.Short = "grant PURPOSE", "say yes to one purpose"
		cmd.Long = `Says yes to one purpose, to the extent that "candor consent show" prints. It
counts from now on: nothing sensed before leaves under it.

Only the person can say yes: the owner of the state directory, or root who
passes it on and says on whose behalf.`
		cmd.Example = `  candor consent grant trends
  candor consent grant trends --lang fr
  candor consent grant trends --on-behalf "Ms Martin, by phone"`
	}
	cmd.Args = takes("PURPOSE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(cmd); err != nil {
			return err
		}
		if verb == withdrawVerb {
			return g.withdraw(cmd, o, args[0])
		}
		return g.with(cmd.Context(), func(s *session) error {
			do := s.Grant
			if verb == refuseVerb {
				do = s.Refuse
			}
			done, err := do(cmd.Context(), args[0], o.decision())
			if err != nil {
				return err
			}
			return o.print(g.out, &done)
		})
	}
	if verb == withdrawVerb {
		cmd.Flags().BoolVar(&o.keep, "keep-history", false, "of mine: keep what is there until its days are over")
	}
	o.flags(cmd)
	return cmd
}

func printDecided(w io.Writer, d *control.Decided) {
	words := string(d.State)
	if d.Grant != 0 {
		words = fmt.Sprintf("%s, grant %d", words, d.Grant)
	}
	paragraph(w, "", d.Purpose+": "+words+".")
	if d.Notice != "" {
		paragraph(w, "", d.Notice)
	}
}
