package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo is what `version --json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source
	Modified bool   `json:"modified,omitempty"` // the source had changes that no revision has
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func newVersion(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "print the version of this program",
		Example: "  candor version",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			return version(g.out, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// buildVersion is what the build has written into this program.
func buildVersion() versionInfo {
	v := versionInfo{Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func version(w io.Writer, asJSON bool) error {
	v := buildVersion()
	if asJSON {
		return printJSON(w, v)
	}
	_, _ = fmt.Fprintf(w, "candor %s (%s %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
	return nil
}
