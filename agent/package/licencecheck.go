package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// mains are the programs that are shipped; the device binary with all that it can be built with.
var mains = []string{"./agent/candor", "./agent/candor-demo", "./uplink/candor-receiver"}

// checkLicences reads the licence of every module that anything here is built or tested with, and says which. One that is not known,
// or that what is shipped may not be under, is an error. It is run from the top of the tree.
func checkLicences(out io.Writer) error {
	shipped, err := modules(append([]string{"-tags", "mqtt"}, mains...)...)
	if err != nil {
		return err
	}
	all, err := modules("-test", "-tags", "mqtt,soak,hardwaresim", "./...")
	if err != nil {
		return err
	}
	at, err := folders(all)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range all {
		path, version, _ := strings.Cut(m, "@")
		l, err := readLicence(path, version, at[m])
		use, allowed := "tests", slices.Concat(shippable, testable)
		if slices.Contains(shipped, m) {
			use, allowed = "shipped", shippable
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case !l.within(allowed):
			errs = append(errs, fmt.Errorf("%s: is under %s, which is not for what is %s", path, l.expression(), use))
		default:
			_, _ = fmt.Fprintf(out, "%-8s %-14s %s\n", use, l.expression(), m)
		}
	}
	return errors.Join(errs...)
}

// modules lists the modules of others, path@version, that packages are built from.
func modules(args ...string) ([]string, error) {
	args = append([]string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}"}, args...)
	text, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	out := strings.Fields(string(text))
	slices.Sort(out)
	return slices.Compact(out), nil
}
