// Command rigctl drives the emulated hardware of a guest from outside: it sets what the chips measure, pulls cables and
// presses buttons. It is built by the rig's scripts and is no part of the product.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rigctl:", err)
		os.Exit(1)
	}
}
