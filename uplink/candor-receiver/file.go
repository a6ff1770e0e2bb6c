package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/candor-edge/candor/tinyconf"
)

// file is the configuration file: one table whose keys are the names of the
// flags. What the command line gives goes before it.
type file struct {
	Receiver map[string]setting `toml:"receiver" conf:"required"`

	flags *flag.FlagSet
}

// setting is a value as the command line would have it.
type setting string

// UnmarshalTOML takes a text, a whole number or a truth value.
func (s *setting) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		*s = setting(v)
	case int64:
		*s = setting(strconv.FormatInt(v, 10))
	case bool:
		*s = setting(strconv.FormatBool(v))
	default:
		return fmt.Errorf("a text, a whole number, true or false is wanted")
	}
	return nil
}

// Check finds keys that are no flags. Those that are about the file or end the
// program stay on the command line.
func (f *file) Check(c *tinyconf.Context) {
	var known []string
	f.flags.VisitAll(func(g *flag.Flag) {
		if g.Name != "config" && g.Name != "check" {
			known = append(known, g.Name)
		}
	})
	for key := range f.Receiver {
		if !slices.Contains(known, key) {
			c.Unknown("receiver."+key, "setting", key, known)
		}
	}
}

// readFile sets every flag the file names and the command line does not.
func readFile(path string, flags *flag.FlagSet) error {
	f := &file{flags: flags}
	if err := tinyconf.LoadFile(os.Open, path, f); err != nil {
		return fmt.Errorf("-config: %w", err)
	}
	given := make(map[string]bool)
	flags.Visit(func(g *flag.Flag) { given[g.Name] = true })
	for key, value := range f.Receiver {
		if given[key] {
			continue
		}
		if err := flags.Set(key, string(value)); err != nil {
			return fmt.Errorf("-config %s: receiver.%s: %w", path, key, err)
		}
	}
	return nil
}
