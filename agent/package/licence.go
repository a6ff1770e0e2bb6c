package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// licensed is a module and under what its authors give it.
type licensed struct {
	path, version string
	ids           []string // as SPDX names them; all of them hold
	text          string   // of the licence
	notice        string   // that has to come along; "" if there is none
	changed       string   // what was changed in it; "" if nothing
}

// tells are sentences by which a licence is known, once white space is one space and letters are small. All of a row must be there.
var tells = []struct {
	id   string
	with []string
}{
	{"Apache-2.0", []string{"apache license version 2.0, january 2004", "grant of patent license"}},
	{"EPL-2.0", []string{"eclipse public license - v 2.0"}},
	{"MPL-2.0", []string{"mozilla public license version 2.0"}},
	{"ISC", []string{"permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
	{"ISC", []string{"permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"}},
	{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy", "the above copyright notice and this permission notice"}},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "neither the name of"}},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms", "redistributions in binary form must reproduce"}},
}

// shippable are the licences under which something may be in what is shipped. EPL-2.0 asks that the source is to be had, which for
// a module it is.
var shippable = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "EPL-2.0"}

// testable are further ones under which something may be used in tests only.
var testable = []string{"MPL-2.0"}

// identify names the licences in a text; none if none is known.
func identify(text string) (ids []string) {
	plain := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, t := range tells {
		missing := slices.ContainsFunc(t.with, func(s string) bool { return !strings.Contains(plain, s) })
		if !missing && !slices.Contains(ids, t.id) && (t.id != "BSD-2-Clause" || !slices.Contains(ids, "BSD-3-Clause")) {
			ids = append(ids, t.id)
		}
	}
	return ids
}

// expression is the licences of a module as SPDX writes them.
func (l licensed) expression() string { return strings.Join(l.ids, " AND ") }

// within says whether all licences of a module are allowed.
func (l licensed) within(allowed []string) bool {
	return !slices.ContainsFunc(l.ids, func(id string) bool { return !slices.Contains(allowed, id) })
}

// readLicence reads the licence in a module's folder.
func readLicence(path, version, dir string) (licensed, error) {
	l := licensed{path: path, version: version}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range entries { // sorted by name
		name := strings.ToLower(strings.SplitN(e.Name(), ".", 2)[0])
		licence := slices.Contains([]string{"license", "licence", "copying"}, name)
		if e.IsDir() || !licence && name != "notice" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return l, fmt.Errorf("%s: %w", path, err)
		}
		plain := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")) + "\n\n"
		if !licence {
			l.notice += plain
			continue
		}
		l.text += plain
		l.ids = append(l.ids, identify(string(text))...)
	}
	if len(l.ids) == 0 {
		return l, fmt.Errorf("%s: its licence is none that is known here; read it, and add it to the table or leave the module out", path)
	}
	return l, nil
}

// slimCobra is the copy of cobra that device binaries are built with, as their go.mod names it, and slimChange what differs in it.
const (
	slimCobra  = "./bin/slim/cobra"
	slimChange = "text/template and regexp are cut out of it (agent/package/slim in the source of Candor)"
)

// licences reads those of the modules in a binary and of Go's own library, which is in it too.
func licences(b *build) ([]licensed, error) {
	var out []licensed
	var errs []error
	wanted := []string{}
	for _, d := range b.info.Deps {
		if d.Replace != nil && d.Replace.Path != slimCobra {
			errs = append(errs, fmt.Errorf("%s: is replaced by %s, and nobody has said here what that is", d.Path, d.Replace.Path))
		}
		wanted = append(wanted, d.Path+"@"+d.Version)
	}
	found, err := folders(wanted)
	if err != nil {
		return nil, err
	}
	for _, d := range b.info.Deps {
		l, err := readLicence(d.Path, d.Version, found[d.Path+"@"+d.Version])
		if err == nil && !l.within(shippable) {
			err = fmt.Errorf("%s: is under %s, which nothing that is shipped may be", d.Path, l.expression())
		}
		if d.Replace != nil {
			l.changed = slimChange
		}
		out, errs = append(out, l), append(errs, err)
	}
	l, err := goLicence(b.info.GoVersion)
	return append(out, l), errors.Join(append(errs, err)...)
}

// goLicence is that of Go's own library, as it lies beside the tools.
func goLicence(version string) (licensed, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return licensed{}, fmt.Errorf("go env: %w", err)
	}
	if version != runtime.Version() {
		return licensed{}, fmt.Errorf("the binary is of %s and this tool of %s: the licence beside it is another's", version, runtime.Version())
	}
	return readLicence("std", version, strings.TrimSpace(string(out)))
}

// folders asks Go where modules, path@version, lie.
func folders(modules []string) (map[string]string, error) {
	out := map[string]string{}
	if len(modules) == 0 {
		return out, nil
	}
	text, err := exec.Command("go", append([]string{"mod", "download", "-json"}, modules...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		out[m.Path+"@"+m.Version] = m.Dir
	}
}
