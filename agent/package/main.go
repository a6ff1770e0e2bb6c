package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// run makes a package of each binary that is named, or looks at licences.
func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("package", flag.ContinueOnError)
	dir := f.String("out", ".", "write packages to this `FOLDER`")
	version := f.String("version", "", "`VERSION` of a binary that was built without version control")
	conf := f.String("conf", "", "`FOLDER` of the maker's files for /etc/candor")
	check := f.Bool("licences", false, "look at the licence of every module instead, those of tests too")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *check {
		return checkLicences(out)
	}
	if f.NArg() == 0 {
		return errors.New("name the binaries to pack")
	}
	for _, path := range f.Args() {
		name, data, err := pack(path, *version, *conf)
		if err != nil {
			return err
		}
		name = filepath.Join(*dir, name)
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d bytes\n", name, len(data))
	}
	return nil
}

// pack makes the package of one binary, and its file name.
func pack(path, version, conf string) (name string, data []byte, err error) {
	b, err := readBuild(path, version)
	if err != nil {
		return "", nil, err
	}
	parts, err := licences(b)
	if err != nil {
		return "", nil, err
	}
	return assemble(b, parts, conf)
}

// assemble makes the package of a build and its parts.
func assemble(b *build, parts []licensed, conf string) (name string, data []byte, err error) {
	entries, err := contents(b, parts, conf)
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	err = writePackage(&out, b, entries)
	return fmt.Sprintf("%s_%s_%s.deb", b.name, b.version, b.arch), out.Bytes(), err
}
