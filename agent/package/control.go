package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// writePackage writes a Debian package (deb(5)) of a build.
func writePackage(w io.Writer, b *build, entries []entry) error {
	entries, err := withFolders(entries)
	if err != nil {
		return err
	}
	scripts := []entry{file("control", control(b, entries)), file("md5sums", sums(entries))}
	if names := conffiles(entries); len(names) > 0 {
		scripts = append(scripts, file("conffiles", names))
	}
	for _, name := range []string{"postinst", "prerm", "postrm"} {
		scripts = append(scripts, program(name, embedded("files/"+name)))
	}
	packed, err := tarball(scripts, b.at)
	if err != nil {
		return err
	}
	// The folders that entries lie in are there already.
	data, err := tarball(entries, b.at)
	if err != nil {
		return err
	}
	return archive(w, []member{{"debian-binary", []byte("2.0\n")}, {"control.tar.gz", packed}, {"data.tar.gz", data}}, b.at)
}

// control describes the package to dpkg.
func control(b *build, entries []entry) []byte {
	kib := 0
	for _, e := range entries {
		kib += (len(e.data) + 1023) / 1024 // dpkg counts so, a folder as one
		if e.mode.IsDir() {
			kib++
		}
	}
	var c bytes.Buffer
	fmt.Fprintf(&c, "Package: %s\nVersion: %s\nArchitecture: %s\n", b.name, b.version, b.arch)
	fmt.Fprintf(&c, "Maintainer: The Candor developers <candor-edge@users.noreply.github.com>\nInstalled-Size: %d\n", kib)
	fmt.Fprint(&c, "Depends: systemd (>= 250)\nRecommends: ca-certificates, systemd-timesyncd, udev\nSuggests: i2c-tools\n")
	if b.name == "candor" {
		fmt.Fprint(&c, "Conflicts: candor-mqtt\nReplaces: candor-mqtt\n")
	} else {
		fmt.Fprint(&c, "Provides: candor\nConflicts: candor\nReplaces: candor\n")
	}
	fmt.Fprint(&c, `Section: net
Priority: optional
Homepage: https://github.com/candor-edge/candor
Description: agent of a connected object that lets out what was agreed to
 Candor reads an object's sensors, lets out only what the person living with
 it agreed to, in the form they agreed to, and shows anyone who asks exactly
 what left, why and to whom. What is not agreed to touches no disk and no wire.
 .
 It opens no port to the network, and starts once /etc/candor/candor.toml is
 there. Nothing is agreed to by installing it.
`)
	return c.Bytes()
}

// changes is the changelog that a package carries: where the changes are told.
func changes(b *build) []byte {
	at := b.at.Format(time.RFC1123Z)
	return fmt.Appendf(nil, `%s (%s) stable; urgency=medium

  * What has changed is told in CHANGELOG.md of the source, commit %s.

 -- The Candor developers <candor-edge@users.noreply.github.com>  %s
`, b.name, b.version, orUnknown(b.setting("vcs.revision")), at)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// copyright is the file in which Debian looks for licences: ours, and those of all that was linked in, in full.
func copyright(parts []licensed) []byte {
	var c bytes.Buffer
	fmt.Fprint(&c, `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Candor
Source: https://github.com/candor-edge/candor

Files: *
Copyright: the Candor developers
License: Apache-2.0
 See /usr/share/common-licenses/Apache-2.0 on Debian.
Comment:
 The program holds the following modules. Their source is at the address
 that is their name, by "go mod download NAME@VERSION".
`)
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, func(a, b licensed) int { return strings.Compare(a.path, b.path) })
	for _, p := range sorted {
		changed := ""
		if p.changed != "" {
			changed = "Comment: changed: " + p.changed + "\n"
		}
		fmt.Fprintf(&c, "\nFiles: %s@%s\nCopyright: see the text\n%sLicense: %s\n", p.path, p.version, changed, strings.ReplaceAll(p.expression(), " AND ", " and "))
		text := p.text
		if p.expression() == "Apache-2.0" { // every Debian has it, and wants it once
			text = "The text is /usr/share/common-licenses/Apache-2.0.\n\n"
		}
		for line := range strings.Lines(strings.TrimSpace(text+p.notice) + "\n") {
			if line = strings.TrimRight(line, " \t\n"); line == "" {
				line = "."
			}
			fmt.Fprintf(&c, " %s\n", line)
		}
	}
	return c.Bytes()
}
