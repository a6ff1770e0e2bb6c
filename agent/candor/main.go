// Command candor is the agent that runs on a connected object, and the command line to it.
package main

import (
	"os"

	"github.com/candor-edge/candor/agent/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.HostEnv()))
}
