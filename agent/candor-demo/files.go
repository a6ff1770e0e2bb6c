package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed conf/*.toml
var confFiles embed.FS

// workDir makes the directory a run works in. clean removes it, unless it is to be kept.
func workDir(keep string) (dir string, clean func() error, err error) {
	if keep == "" {
		if dir, err = os.MkdirTemp("", "candor-demo-"); err != nil {
			return "", nil, err
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if dir, err = filepath.Abs(keep); err != nil {
		return "", nil, fmt.Errorf("-keep: %w", err)
	}
	there, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, fmt.Errorf("-keep: %w", err)
		}
	case err != nil:
		return "", nil, fmt.Errorf("-keep: %w", err)
	case len(there) > 0:
		return "", nil, fmt.Errorf("-keep: %s is not empty; name a new directory, each run begins with a new object", dir)
	}
	return dir, func() error { return nil }, nil
}

// writeConf writes candor.toml, policy.toml and charter.toml into dir and returns the path of the first. page is where the page
// listens.
func writeConf(dir, url, page string, seed int64) (string, error) {
	fill := strings.NewReplacer("@URL@", url, "@PAGE@", page, "@SEED@", strconv.FormatInt(seed, 10))
	for _, name := range []string{"candor.toml", "policy.toml", "charter.toml"} {
		text, err := confFiles.ReadFile("conf/" + name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(string(text))), 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "candor.toml"), nil
}
