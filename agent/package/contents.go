package main

import (
	"bytes"
	"crypto/md5" // what dpkg --verify compares; against accidents, not against people
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/cli"
)

//go:embed files QUICKSTART.md
var files embed.FS

func embedded(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic("agent/package: " + err.Error()) // it was there when this was built
	}
	return text
}

// contents is all that a package installs. conf is a folder with the maker's files for /etc/candor, "" for none.
func contents(b *build, parts []licensed, conf string) ([]entry, error) {
	out := []entry{
		program("usr/bin/candor", b.binary),
		file("usr/lib/systemd/system/candor.service", embedded("files/candor.service")),
		file("usr/lib/sysusers.d/candor.conf", embedded("files/candor.sysusers")),
		file("usr/lib/tmpfiles.d/candor.conf", embedded("files/candor.tmpfiles")),
		file("usr/lib/udev/rules.d/60-candor.rules", embedded("files/candor.rules")),
		folder("etc/candor/credentials", 0o700),
	}
	const doc = "usr/share/doc/candor/" // of either package; there is never more than one of them
	sbom, err := makeBill(b, parts)
	if err != nil {
		return nil, err
	}
	log, err := zip(changes(b))
	if err != nil {
		return nil, err
	}
	out = append(out, file(doc+"copyright", copyright(parts)), file(doc+"sbom.cdx.json", sbom), file(doc+"changelog.gz", log),
		file(doc+"QUICKSTART.md", embedded("QUICKSTART.md")),
		file(doc+"examples/candor.toml", []byte(agent.Reference())),
		file(doc+"examples/policy.toml", []byte(agent.PolicyReference())),
		file(doc+"examples/charter.toml", []byte(agent.CharterReference())),
		file(doc+"examples/other-time-service.conf", embedded("files/other-time-service.conf")))
	if b.name != "candor" {
		out = append(out, file("usr/share/doc/"+b.name+"/copyright", copyright(parts)))
	}
	settings, err := settings(conf)
	if err != nil {
		return nil, err
	}
	pages, err := manuals(b)
	if err != nil {
		return nil, err
	}
	words, err := completions()
	return slices.Concat(out, settings, pages, words), err
}

// manuals are the pages of all verbs and of the three files.
func manuals(b *build) ([]entry, error) {
	m := manual{version: b.version, date: b.at.Format("2006-01-02")}
	pages := map[string][]byte{
		"man5/candor.toml.5":         m.reference("candor.toml", "describes a connected object to candor", agent.Reference()),
		"man5/candor-policy.toml.5":  m.reference("candor-policy.toml", "what a maker asks for, purpose by purpose", agent.PolicyReference()),
		"man5/candor-charter.toml.5": m.reference("candor-charter.toml", "what no policy of the maker may exceed", agent.CharterReference()),
	}
	for name, text := range m.pages(cli.Tree()) {
		pages["man1/"+name] = text
	}
	var out []entry
	for name, text := range pages {
		packed, err := zip(text)
		if err != nil {
			return nil, err
		}
		out = append(out, file("usr/share/man/"+name+".gz", packed))
	}
	return out, nil
}

// completions are what makes the TAB key work, each where its shell looks.
func completions() ([]entry, error) {
	root := cli.Tree()
	var bash, zsh, fish bytes.Buffer
	err := errors.Join(root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true))
	return []entry{
		file("usr/share/bash-completion/completions/candor", bash.Bytes()),
		file("usr/share/zsh/vendor-completions/_candor", zsh.Bytes()),
		file("usr/share/fish/vendor_completions.d/candor.fish", fish.Bytes()),
	}, err
}

// settings are the maker's files, which dpkg leaves as somebody has changed them. They have to be right: an object that can't read
// them would be found out at the customer's.
func settings(conf string) ([]entry, error) {
	out := []entry{file("etc/candor/charter.toml", embedded("files/charter.toml"))}
	if conf == "" {
		return out, nil
	}
	if _, err := agent.LoadConfig(filepath.Join(conf, "candor.toml")); err != nil {
		return nil, err
	}
	err := fs.WalkDir(os.DirFS(conf), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case !d.Type().IsRegular():
			return fmt.Errorf("%s: is no file", name)
		case strings.HasPrefix(name, "credentials/"):
			return fmt.Errorf("%s: is a secret, and a package is read by everybody; put it on the object", name)
		}
		text, err := os.ReadFile(filepath.Join(conf, name))
		if name == "charter.toml" {
			out = out[1:]
		}
		out = append(out, file(path.Join("etc/candor", name), text))
		return err
	})
	return out, err
}

// conffiles names the files under /etc, one a line.
func conffiles(entries []entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		if strings.HasPrefix(e.name, "etc/") && !e.mode.IsDir() {
			fmt.Fprintf(&b, "/%s\n", e.name)
		}
	}
	return b.Bytes()
}

// sums is what dpkg --verify compares installed files with; files that may be changed are not in it.
func sums(entries []entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		if !strings.HasPrefix(e.name, "etc/") && !e.mode.IsDir() {
			fmt.Fprintf(&b, "%x  %s\n", md5.Sum(e.data), e.name)
		}
	}
	return b.Bytes()
}
