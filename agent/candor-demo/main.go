// Command candor-demo shows Candor in one terminal: a simulated house, the agent that senses it and a receiver.
//
// The nouns. The house is the drivers of sensors/simulated, opened a second time beside the agent's own, because the
// agent shows no values. The agent and the receiver are the real packages with a real store, keys, ledger and HTTP over the loopback
// interface. The clock is the one that all of them run on, faster than the one on the wall. The person is whoever
// presses keys, or a short script.
//
// The page is the object's own, on the loopback interface; its address and a code that opens it are shown, and what is said
// there counts like a key.
//
// The promise. Nothing on the screen is made up: what the house senses comes from its sources, what the receiver got from the
// receiver's files, what is granted from the agent. At the end the files are counted against the agent's ledger, and a
// difference is an error. Terminal and temporary directory are left as they were found.
//
// The caveats. What a house senses here was never measured. The terminal is set right again after a failure of the
// demo's own goroutines and after signals, not after a panic deep inside the agent's: `reset` helps then.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// SIGPIPE too, so that `make run | head` ends like Ctrl-C and leaves nothing behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	context.AfterFunc(ctx, stop) // the second Ctrl-C is not asked about
	if err := run(ctx, os.Args[1:], os.Getenv, streams{os.Stdin, os.Stdout, os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "candor-demo:", err)
		os.Exit(1)
	}
}
