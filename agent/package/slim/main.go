// slim writes a go.mod and an overlay with which the device binary is 700,000 bytes smaller.
//
// cobra makes a regular expression when a program starts, to turn a name into that of an environment variable, and has a
// map of functions for text/template, of which nothing here is used: help is ours, and variables are not read. Both packages come
// into every binary that has cobra, and are a third of what it weighs. It also has a verb `completion` and texts for help of its own,
// which are there although ours stand in their place. slim copies cobra out of the module cache, byte by
// byte but for these places, and writes a go.mod that takes the copy. It fails when the places are not as it knows
// them, so that an update of cobra is looked at. names.go does the like with the standard library's tables for host names in other
// scripts than ASCII, and curves.go with the arithmetic of two curves that hardly anybody uses.
//
//	go run ./agent/package/slim bin/slim
//	go build -modfile=bin/slim/go.mod -overlay=bin/slim/overlay.json …
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: slim DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "slim:", err)
		os.Exit(1)
	}
}
