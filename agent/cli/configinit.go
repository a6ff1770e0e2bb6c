package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
)

type initOptions struct {
	force, json bool
	begin       agent.BeginOptions
}

// begun is what `config init --json` prints.
type begun struct {
	File string `json:"file"`
	agent.Beginning
	Next string `json:"next"` // what to type next
}

func newConfigInit(g *global) *cobra.Command {
	o := &initOptions{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "write a candor.toml from the sensors that are found",
		Long: `Asks the I2C buses and the kernel's sensors who is there, as "candor sensor scan"
does, and writes the file that --config names: what was found by its identity,
and commented out what has to be looked at first. It never writes over a file
that is there, but with --force. It changes no setting of a part, and works
without any hardware: then it says what it asked and did not find.`,
		Example: `  candor config init
  candor config init --config candor.toml --language en
  candor config init --config candor.toml --simulated`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.begin.Language != "fr" && o.begin.Language != "en" {
				return usagef(cmd, "--language is fr or en, not %q", o.begin.Language)
			}
			if o.begin.Policy == "" {
				return usagef(cmd, "--policy is empty; name a file")
			}
			return g.configInit(cmd, o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&o.force, "force", false, "write over a file that is there")
	cmd.Flags().StringVar(&o.begin.Language, "language", "fr", "`LANGUAGE` of the person: fr or en")
	cmd.Flags().StringVar(&o.begin.Policy, "policy", "policy.toml", "the policy's `FILE`, from the folder of the configuration")
	cmd.Flags().BoolVar(&o.begin.Simulated, "simulated", false, "add a simulated room, for a trial without hardware")
	jsonFlag(cmd, &o.json)
	return cmd
}

func (g *global) configInit(cmd *cobra.Command, o *initOptions) error {
	if _, err := os.Lstat(g.config); err == nil && !o.force {
		return failf("name another file with --config, or say --force", "%s is there already, and is left as it is", g.config)
	}
	o.begin.State = "state"
	socket := filepath.Join(filepath.Dir(g.config), "state", "control.sock")
	if cfg := agent.NoConfig(); g.config == defaultConfig {
		o.begin.State, socket = cfg.Device.State, cfg.Socket()
	}
	if client, err := control.Dial(socket); err == nil {
		client.Close()
		return failf("systemctl stop candor, and start it again afterwards", "a daemon runs and has the sensors, so they can't be asked who they are")
	}
	found, err := agent.Begin(cmd.Context(), o.begin, g.options(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	if err := writeConfig(g.config, found.Text, o.force); err != nil {
		return err
	}
	out := begun{g.config, found, nextAfterInit(g.config, o.begin.Policy)}
	if o.json {
		return printJSON(g.out, out)
	}
	printBegun(g, &out)
	return nil
}

// writeConfig writes a configuration that was made here, once it loads. What is there stays if anything fails.
func writeConfig(name, text string, force bool) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return fmt.Errorf("can't write the configuration: %w", err)
	}
	defer func() { _ = os.Remove(tmp) }()
	if _, err := agent.LoadConfig(tmp); err != nil {
		return fmt.Errorf("what was found makes no configuration that loads: %w", err)
	}
	if force {
		if err := os.Rename(tmp, name); err != nil {
			return fmt.Errorf("can't write the configuration: %w", err)
		}
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return failf("name another file with --config, or say --force", "%s is there already, and is left as it is", name)
	}
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("can't write the configuration: %w", err)
	}
	return nil
}

// nextAfterInit is what to type next.
func nextAfterInit(config, policy string) string {
	if !filepath.IsAbs(policy) {
		policy = filepath.Join(filepath.Dir(config), policy)
	}
	check := "candor config check"
	if config != defaultConfig {
		check += " --config " + config
	}
	if _, err := os.Stat(policy); err == nil {
		return check
	}
	return "put the maker's policy at " + policy + ", or begin one with: candor config reference --policy > " + policy
}

func printBegun(g *global, b *begun) {
	found := count(len(b.Sensors), "sensor", "sensors")
	if len(b.Sensors) > 0 {
		found += ": " + strings.Join(b.Sensors, ", ")
	}
	paragraph(g.out, "", b.File+" is written, with "+found+".")
	for _, m := range b.Maybe {
		paragraph(g.out, "  - ", m+": look what it is; its lines are commented out")
	}
	for _, n := range b.Notes {
		paragraph(g.out, "  ! ", n)
	}
	paragraph(g.out, "next: ", b.Next)
}
