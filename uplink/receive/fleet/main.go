// Command fleet plays many objects against receivers on this machine: every
// stream with a key of its own, on its schedule, with the sizes the reference
// policy gives, with people who change their minds, answers that get lost,
// outages, restarts and copies of a card. It starts the receivers, measures
// them, asks them at the end whether everything is there once, and looks
// through what they keep for whatever names a person. `make fleet` builds and
// starts it; it is shipped with nothing.
//
// What is simulated: the objects and the people, from a seed; the values are
// drawn, not measured. What is real: the messages, the receivers, the NATS
// servers, the disk and the sockets. One machine carries both sides, so the
// rates are below what the receivers alone would reach.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if node := os.Getenv(asNode); node != "" {
		os.Exit(runNode(node))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}
