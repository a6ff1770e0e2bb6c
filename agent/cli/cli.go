package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/doctor"
)

// The exit codes, fixed so that scripts can rely on them.
const (
	exitDone       = 0
	exitFailed     = 1
	exitWrongUse   = 2
	exitLeft       = 3 // something is left undone and kept
	exitNotAllowed = 4
)

const defaultConfig = "/etc/candor/candor.toml"

// Env is the world a verb runs in. All fields are needed; [HostEnv] fills them.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	UID    int                 // effective user: decides what may be done without a daemon
	Rand   io.Reader           // for keys and names, cryptographic
	Host   func() doctor.World // what the doctor may look at of this machine
	Shield func() error        // keeps the memory of the process to itself, for good
}

// HostEnv is the world of this process.
func HostEnv() Env {
	return Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, UID: os.Geteuid(), Rand: rand.Reader, Host: doctor.Host, Shield: shieldMemory}
}

// Main runs candor with arguments that do not include the program's name, and returns the exit code. It never ends the process and
// returns when the verb is done; SIGINT and SIGTERM end `run` in order.
func Main(args []string, env Env) int {
	if err := env.Shield(); err != nil {
		_, _ = fmt.Fprintln(env.Stderr, "candor:", err)
	}
	out := newOutput(env.Stdout, env.Getenv)
	g := &global{env: env, out: out}
	root := newRoot(g)
	root.SetArgs(append([]string{}, args...)) // nil would be os.Args
	root.SetIn(env.Stdin)
	root.SetOut(out)
	root.SetErr(env.Stderr)
	cmd, err := root.ExecuteContextC(context.Background())
	if flushErr := out.flush(); err == nil && flushErr != nil {
		err = failf("make room, or send the output elsewhere", "can't write the output: %w", flushErr)
	}
	errs := newOutput(env.Stderr, env.Getenv)
	code := report(errs, err, cmd.CommandPath()+" --help")
	_ = errs.flush() // there is nowhere left to say that it failed
	return code
}

// global is what every verb has: the world, the output and the flags of the whole program.
type global struct {
	env    Env
	out    *output
	config string
}

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:   "candor",
		Short: "sense what the person agreed to, and show what left",
		Long: `Candor runs on a connected object. It reads the object's sensors, lets out only
what the person living with it agreed to, and shows what left, why and to whom.`,
		Example: `  candor status
  candor consent show
  candor preview`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&g.config, "config", defaultConfig, "the `FILE` that describes the object")
	// SortFlags off everywhere: flags are listed as written, the usual one first.
	root.PersistentFlags().SortFlags = false
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(help)
	root.SetUsageFunc(func(cmd *cobra.Command) error { help(cmd, nil); return nil })
	root.AddCommand(
		newRun(g), newStatus(g), newHealth(g), newCharter(g), newConsent(g), newPreview(g), newSent(g), newExport(g), newBuffer(g), newSensor(g), newUplink(g), newDoctor(g), newBundle(g),
		newLedger(g), newErase(g), newTransfer(g), newPair(g),
		newDecode(g), newConfig(g), newPolicy(g), newCompletion(g), newAbout(g), newVersion(g),
	)
	group(root)
	root.AddCommand(newTopics()...)
	root.SetHelpCommand(newHelp())
	return root
}

// Tree is every verb with its help and flags, for tools that write manuals and completions. It must not be run: [Main] does that.
func Tree() *cobra.Command {
	env := HostEnv()
	return newRoot(&global{env: env, out: newOutput(io.Discard, env.Getenv)})
}
