package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/candor-edge/candor/tinyconf"
)

const maxConfig = 1 << 20 // bytes of a candor.toml that are looked at

// LoadPlaces finds where state, keys and control socket are in a candor.toml that [LoadConfig] refuses, since a
// withdrawal must not fail for what somebody wrote into another section. It looks at device.state, keys.dir and
// control.socket and ignores everything else; a key that is not there has its default.
func LoadPlaces(path string) (*Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s: longer than %d bytes, which is no candor.toml", path, maxConfig)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := &Config{Device: Device{State: defaultState, Language: "en"}}
	found := map[string]*string{"device.state": &c.Device.State, "keys.dir": &c.Keys.Dir, "control.socket": &c.Control.Socket}
	table := ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if strings.HasPrefix(line, "[") {
			table = strings.TrimSpace(strings.Trim(strings.SplitN(line, "]", 2)[0], "["))
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if table != "" {
			name = table + "." + name
		}
		if into := found[name]; ok && into != nil {
			if err := oneString(path, value, into); err != nil {
				return nil, err
			}
		}
	}
	return c, c.settlePlaces(path)
}

// oneString reads a single value the way the whole file would be.
func oneString(path, value string, into *string) error {
	var one struct {
		V string `toml:"v"`
	}
	if err := tinyconf.Load(path, []byte("v = "+value), &one); err != nil {
		return fmt.Errorf("%s: the place %s can't be read", path, strings.TrimSpace(value))
	}
	*into = one.V
	return nil
}

// settlePlaces makes the places absolute and fills in the key directory.
func (c *Config) settlePlaces(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c.dir = filepath.Dir(abs)
	for _, name := range []*string{&c.Device.State, &c.Keys.Dir, &c.Control.Socket} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(c.dir, *name)
		}
	}
	if c.Keys.Dir == "" {
		c.Keys.Dir = strings.TrimRight(c.Device.State, "/") + "-keys"
	}
	return nil
}

// giveBack gives to the owner of dir what root has made in it, so that the daemon, which is not root, still has its files after
// root has looked after the object. Links are left alone: the owner could have laid them.
func giveBack(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := root.Lstat(name)
		if err != nil {
			return err
		}
		of, ok := info.Sys().(*syscall.Stat_t)
		if !ok || of.Uid != 0 || !d.IsDir() && (!d.Type().IsRegular() || of.Nlink > 1) {
			return nil
		}
		return root.Lchown(name, int(owner.Uid), int(owner.Gid))
	})
}
