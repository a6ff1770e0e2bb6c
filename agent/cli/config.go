package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
)

func newConfig(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "begin and check the files, print reference ones",
		Example: `  candor config init
  candor config check --config candor.toml`,
	}
	cmd.AddCommand(newConfigInit(g), newConfigCheck(g), newConfigReference(g))
	group(cmd)
	return cmd
}

func newConfigCheck(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "check configuration, sensors, policy, charter and routes together",
		Long: `Reads candor.toml and the files it names, and says what is wrong with them, a
fault a line, and what is right but worth knowing. It changes nothing.`,
		Example: `  candor config check --config candor.toml`,
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			return configCheck(g.out, g.config, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// checked is what `config check --json` prints.
type checked struct {
	File   string   `json:"file"`
	Report []string `json:"report"` // what is right but worth knowing
}

func configCheck(w io.Writer, path string, asJSON bool) error {
	report, err := agent.CheckConfig(path)
	if asJSON {
		if err != nil {
			return err
		}
		if report == nil {
			report = []string{}
		}
		return printJSON(w, checked{path, report})
	}
	for _, line := range report {
		paragraph(w, "- ", line)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%s can be used.\n", clean(path))
	return nil
}

type referenceOptions struct{ policy, charter bool }

func newConfigReference(g *global) *cobra.Command {
	o := &referenceOptions{}
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "print a file with every key, commented",
		Long: `Prints candor.toml with every key it can have and what it means. With --policy
or --charter it prints that file instead.`,
		Example: `  candor config reference > candor.toml
  candor config reference --policy > policy.toml`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := agent.Reference()
			switch {
			case o.policy && o.charter:
				return usagef(cmd, "--policy and --charter are two files; ask for one at a time")
			case o.policy:
				text = agent.PolicyReference()
			case o.charter:
				text = agent.CharterReference()
			}
			_, _ = io.WriteString(data(g.out), text)
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&o.policy, "policy", false, "policy.toml: purposes and rules")
	cmd.Flags().BoolVar(&o.charter, "charter", false, "charter.toml: ceilings no policy may exceed")
	return cmd
}
