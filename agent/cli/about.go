package cli

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// supportEnd is the last day on which this series gets security fixes, in its latest release. SECURITY.md says the same.
const supportEnd = "2031-12-31"

// aboutInfo is what `about --json` prints.
type aboutInfo struct {
	versionInfo
	Support string `json:"support_end"` // the last day, as 2031-12-31
	Licence string `json:"licence"`
	SHA256  string `json:"sha256"` // of this program's file
	Rebuild string `json:"rebuild"`
	Parts   []part `json:"parts"`
}

// part is a module that was linked in.
type part struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"`
	Changed bool   `json:"changed,omitempty"` // it is a copy in which something was cut out
}

func newAbout(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "about",
		Short: "say what this program is made of, and how long it is supported",
		Long: `Prints version and commit, the last day of security fixes, the digest of this
program's file, how to build the same bytes again, and every module in it with
its licence. It looks at nothing but the program itself.`,
		Example: `  candor about
  candor about --json`,
		Args: takes(),
		RunE: func(*cobra.Command, []string) error {
			a, err := about()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(g.out, a)
			}
			printAbout(g.out, &a)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func about() (aboutInfo, error) {
	a := aboutInfo{versionInfo: buildVersion(), Support: supportEnd, Licence: "Apache-2.0", Parts: []part{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			a.Parts = append(a.Parts, part{d.Path, d.Version, Licence(d.Path), d.Replace != nil})
		}
	}
	a.Parts = append(a.Parts, part{"std", a.Go, Licence("std"), false})
	switch {
	case a.Revision == "":
		a.Rebuild = "can't be told: this was built outside of version control"
	case a.Modified:
		a.Rebuild = "can't be done: this was built from commit " + a.Revision + " with changes that no commit has"
	default:
		a.Rebuild = "make deb at commit " + a.Revision + " with " + a.Go + " makes the same bytes"
	}
	var err error
	a.SHA256, err = ownDigest()
	return a, err
}

// ownDigest is the SHA-256 of the file that this process was started from.
func ownDigest() (string, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", failf("", "this program's own file can't be read: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", failf("", "this program's own file can't be read: %w", err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// Licence is the licence of a module that is in the device binary, as SPDX names it; "unknown" for any other. A test of the
// packages holds it against the texts.
func Licence(module string) string {
	switch module {
	case "github.com/coreos/go-systemd/v22", "github.com/spf13/cobra", "periph.io/x/conn/v3":
		return "Apache-2.0"
	case "github.com/BurntSushi/toml", "go.etcd.io/bbolt":
		return "MIT"
	case "github.com/spf13/pflag", "golang.org/x/crypto", "golang.org/x/sys", "golang.org/x/term", "golang.org/x/net", "std":
		return "BSD-3-Clause"
	case "github.com/eclipse/paho.golang":
		return "EPL-2.0"
	case "github.com/gorilla/websocket":
		return "BSD-2-Clause"
	}
	return "unknown"
}

func printAbout(w io.Writer, a *aboutInfo) {
	commit := a.Revision
	if commit == "" {
		commit = "unknown"
	}
	lines := []string{"version", a.Version, "commit", commit, "built", "with " + a.Go + " for " + a.OS + "/" + a.Arch,
		"support", "security fixes until " + a.Support + ", in the latest release", "licence", a.Licence}
	for i := 0; i < len(lines); i += 2 {
		_, _ = fmt.Fprintf(w, "%-9s%s\n", lines[i], lines[i+1])
	}
	_, _ = fmt.Fprintf(w, "sha256   %s\n", a.SHA256)
	paragraph(w, "rebuild  ", a.Rebuild)
	_, _ = fmt.Fprintln(w, "parts")
	for _, p := range a.Parts {
		changed := ""
		if p.Changed {
			changed = " (changed)"
		}
		_, _ = fmt.Fprintf(w, "  %-13s %s %s%s\n", p.Licence, p.Name, p.Version, changed)
	}
}
