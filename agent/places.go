package agent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

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
// root has looked after the object. Nothing is followed, and files with a second name are left alone: the owner could have laid
// a link to what is somebody else's.
func giveBack(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	var owner unix.Stat_t
	if err := unix.Fstat(int(d.Fd()), &owner); err != nil || owner.Uid == 0 {
		return errors.Join(err, d.Close())
	}
	return giveAll(d, &owner)
}

// giveAll gives what is in a folder, and closes that.
func giveAll(d *os.File, owner *unix.Stat_t) error {
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	errs := []error{err}
	for _, name := range names {
		fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			continue // a link, a socket, or it is gone
		}
		f := os.NewFile(uintptr(fd), filepath.Join(d.Name(), name))
		var of unix.Stat_t
		err = unix.Fstat(fd, &of)
		folder := err == nil && of.Mode&unix.S_IFMT == unix.S_IFDIR
		if err == nil && of.Uid == 0 && (folder || of.Nlink == 1) {
			err = unix.Fchown(fd, int(owner.Uid), int(owner.Gid))
		}
		if folder {
			errs = append(errs, err, giveAll(f, owner))
		} else {
			errs = append(errs, err, f.Close())
		}
	}
	return errors.Join(errs...)
}
