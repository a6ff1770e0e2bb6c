package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/tinyconf"
)

func newCompletion(g *global) *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print what makes the TAB key work in a shell",
		Long:  `Prints a script that completes verbs and flags at the TAB key.`,
		Example: `  source <(candor completion bash)
  candor completion fish > ~/.config/fish/completions/candor.fish`,
		Args:      takes("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			write := map[string]func(io.Writer) error{
				"bash": func(w io.Writer) error { return cmd.Root().GenBashCompletionV2(w, true) },
				"zsh":  cmd.Root().GenZshCompletion,
				"fish": func(w io.Writer) error { return cmd.Root().GenFishCompletion(w, true) },
			}[args[0]]
			if write == nil {
				return usagef(cmd, "there is no completion for %q; %s", args[0], tinyconf.Hint(args[0], shells))
			}
			return write(data(g.out))
		},
	}
}
