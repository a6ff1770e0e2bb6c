package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is one file or folder of a package.
type entry struct {
	name string      // from the root, without a slash at its start
	mode fs.FileMode // with fs.ModeDir for a folder
	data []byte
}

func file(name string, data []byte) entry     { return entry{name, 0o644, data} }
func program(name string, b []byte) entry     { return entry{name, 0o755, b} }
func folder(name string, m fs.FileMode) entry { return entry{name, fs.ModeDir | m, nil} }

// withFolders sorts entries and adds the folders they lie in, for everybody to read.
func withFolders(entries []entry) ([]entry, error) {
	known := map[string]bool{".": true}
	out := slices.Clone(entries)
	for _, e := range entries {
		if known[e.name] {
			return nil, fmt.Errorf("%s is there twice", e.name)
		}
		known[e.name] = true
	}
	for _, e := range entries {
		for dir := path.Dir(e.name); !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			out = append(out, folder(dir, 0o755))
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// tarball is the entries as ./name, owned by root and of one time, compressed.
func tarball(entries []entry, at time.Time) ([]byte, error) {
	entries, err := withFolders(entries)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(z)
	for _, e := range append([]entry{folder(".", 0o755)}, entries...) {
		h := &tar.Header{Name: "./" + e.name, Typeflag: tar.TypeReg, Mode: int64(e.mode.Perm()), Size: int64(len(e.data)),
			ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatGNU}
		if e.name == "." {
			h.Name = "."
		}
		if e.mode.IsDir() {
			h.Name, h.Typeflag = h.Name+"/", tar.TypeDir
		}
		if err := t.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		if _, err := t.Write(e.data); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// zip compresses one document.
func zip(text []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// member is one file of an ar archive.
type member struct {
	name string // at most 16 bytes
	data []byte
}

// archive writes members as ar does (deb(5)).
func archive(w io.Writer, members []member, at time.Time) error {
	if _, err := io.WriteString(w, "!<arch>\n"); err != nil {
		return err
	}
	for _, m := range members {
		if _, err := fmt.Fprintf(w, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, at.Unix(), 0, 0, 0o100644, len(m.data)); err != nil {
			return err
		}
		data := m.data
		if len(data)%2 == 1 {
			data = append(slices.Clone(data), '\n')
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}
