package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/tinyconf"
)

const width = 80 // columns of everything that is printed for people

// help prints what a verb does, how it is called, examples, its verbs and its flags. Cobra's own help goes through
// text/template, which would keep every method of the program alive in the binary.
func help(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	for i, part := range strings.Split(strings.TrimSpace(about), "\n\n") {
		if i > 0 {
			_, _ = fmt.Fprintln(out)
		}
		if strings.HasPrefix(part, " ") { // a list
			_, _ = fmt.Fprintln(out, part)
			continue
		}
		paragraph(out, "", part)
	}
	if cmd.Runnable() {
		_, _ = fmt.Fprintf(out, "\nUsage:\n  %s\n", useLine(cmd))
	}
	if cmd.Example != "" {
		_, _ = fmt.Fprintf(out, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	if !cmd.Runnable() {
		return // a topic
	}
	if cmd.HasAvailableSubCommands() {
		_, _ = fmt.Fprint(out, "\nVerbs:\n")
		tw := newTable(out)
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				_, _ = fmt.Fprintf(tw, "  %s\t%s\n", c.Name(), c.Short)
			}
		}
		_ = tw.Flush()
	}
	for i, c := range topics(cmd) {
		if i == 0 {
			_, _ = fmt.Fprint(out, "\nTopics:\n")
		}
		_, _ = fmt.Fprintf(out, "  candor help %s: %s\n", c.Name(), c.Short)
	}
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		_, _ = fmt.Fprintf(out, "\nFlags:\n%s", flags.FlagUsagesWrapped(width))
	}
	if flags := cmd.InheritedFlags(); flags.HasAvailableFlags() {
		_, _ = fmt.Fprintf(out, "\nFlags of every verb:\n%s", flags.FlagUsagesWrapped(width))
	}
}

func topics(cmd *cobra.Command) (out []*cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.IsAdditionalHelpTopicCommand() {
			out = append(out, c)
		}
	}
	return out
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " VERB [flags]"
	}
	return cmd.UseLine()
}

// group makes cmd a verb that only has verbs: alone or with an unknown one it is used wrongly.
func group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var verbs []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				verbs = append(verbs, c.Name())
			}
		}
		if len(args) == 0 {
			return usagef(cmd, "say what to do: %s VERB, where VERB is one of %s", cmd.CommandPath(), strings.Join(verbs, ", "))
		}
		return usagef(cmd, "%s has no verb %q; %s", cmd.CommandPath(), args[0], tinyconf.Hint(args[0], verbs))
	}
}

// newHelp is `candor help VERB`, the same as `candor VERB --help`.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB]",
		Short:   "explain a verb",
		Example: "  candor help consent grant",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef(cmd.Root(), "there is no verb %q to explain", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			help(found, nil)
			return nil
		},
	}
}

// takes makes a check for positional arguments: the names of those that must be there, then of those that may,
// written [NAME].
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for i, name := range names {
			if i >= len(args) && !strings.HasPrefix(name, "[") {
				return usagef(cmd, "%s needs %s", cmd.CommandPath(), name)
			}
		}
		if len(args) > len(names) {
			return usagef(cmd, "%s takes no %q", cmd.CommandPath(), args[len(names)])
		}
		return nil
	}
}
