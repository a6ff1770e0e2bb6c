// Command candor-receiver is the reference backend: it takes what objects send
// and keeps it as files. `candor-receiver -h` says how it is started, and
// PROTOCOL.md in uplink/receive what it answers.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "candor-receiver:", err)
		os.Exit(exitCode(err))
	}
}
