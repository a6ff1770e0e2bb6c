package agent

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink/transport"
)

//go:embed reference/candor.toml
var referenceConfig string

//go:embed reference/policy.toml
var referencePolicy string

//go:embed reference/charter.toml
var referenceCharter string

// Reference is candor.toml with every key, commented.
func Reference() string { return referenceConfig }

// PolicyReference is policy.toml with every key, commented.
func PolicyReference() string { return referencePolicy }

// CharterReference is charter.toml with every key, commented.
func CharterReference() string { return referenceCharter }

const (
	defaultState  = "/var/lib/candor"
	defaultSocket = "/run/candor/control.sock"
)

// Config is candor.toml, read and found well-formed. File names in it are absolute after [LoadConfig].
type Config struct {
	Device     Device                     `toml:"device"`
	Sensors    []sensors.Config           `toml:"sensor"`
	Attributes map[string]tinyconf.Secret `toml:"attributes" conf:"literal"`
	Buffer     Buffer                     `toml:"buffer"`
	Home       Home                       `toml:"home"`
	Mine       Mine                       `toml:"mine"`
	Policy     PolicyFiles                `toml:"policy"`
	Keys       Keys                       `toml:"keys"`
	Routes     []transport.Route          `toml:"route"`
	Control    Control                    `toml:"control"`
	Metrics    Metrics                    `toml:"metrics"`
	Log        Log                        `toml:"log"`
	Signals    Signals                    `toml:"signals"`
	Page       Page                       `toml:"page"`

	dir string // where relative names start
}

// Device is the [device] table.
type Device struct {
	State    string `toml:"state"`    // state directory
	Language string `toml:"language"` // of the person: fr or en
}

// Buffer is the [buffer] table.
type Buffer struct {
	Flush   tinyconf.Duration `toml:"flush"`    // at most this much is lost by a power cut
	MaxSize tinyconf.Size     `toml:"max_size"` // of all segments together
	Reserve tinyconf.Size     `toml:"reserve"`  // free space to leave on the disk; 0: 16 MiB, at most an eighth of it
}

// Home is the [home] table: what the person has declared about those who live there. It stays on the object.
type Home struct {
	Minor bool `toml:"minor"` // somebody under age: purposes tagged marketing, profiling or data-sale are refused
}

// Mine is the [mine] table.
type Mine struct {
	Keep tinyconf.Duration `toml:"keep"` // how long the history for the person is kept, once she says yes; whole days
}

// PolicyFiles is the [policy] table.
type PolicyFiles struct {
	File       string          `toml:"file"`
	Charter    string          `toml:"charter"`     // "": no ceilings
	Key        tinyconf.Secret `toml:"key"`         // public key that policies are signed with; unset: they need no signature
	CharterKey tinyconf.Secret `toml:"charter_key"` // public key that charters are signed with, another one
}

// Keys is the [keys] table.
type Keys struct {
	Dir string `toml:"dir"`
}

// Control is the [control] table.
type Control struct {
	Socket     string `toml:"socket"`
	Person     string `toml:"person"`     // group whose members may decide like the person
	Technician string `toml:"technician"` // group whose members may look at the state
}

// Metrics is the [metrics] table.
type Metrics struct {
	Listen string `toml:"listen"` // address and port on this machine alone; "": the control socket only
}

// Log is the [log] table.
type Log struct {
	Format string `toml:"format"` // text (logfmt) or json
}

// NoConfig is an object with the defaults and no sensor, for verbs that need no file.
func NoConfig() *Config { return &Config{Device: Device{State: defaultState, Language: "en"}} }

// LoadConfig reads candor.toml. The error names every fault with file, line and key.
func LoadConfig(path string) (*Config, error) {
	c := &Config{
		Device: Device{State: defaultState, Language: "en"},
		Buffer: Buffer{Flush: tinyconf.Duration(time.Minute), MaxSize: 256 << 20},
		Mine:   Mine{Keep: tinyconf.Duration(30 * 24 * time.Hour)},
		Policy: PolicyFiles{File: "policy.toml"},
		Log:    Log{Format: "text"},
	}
	if err := tinyconf.LoadFile(os.Open, path, c); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w\nno configuration there; `candor config reference` prints one to start from", err)
		}
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.dir = filepath.Dir(abs)
	for i := range c.Routes {
		for _, name := range []*string{&c.Routes[i].CA, &c.Routes[i].Cert} {
			if *name != "" && !filepath.IsAbs(*name) {
				*name = filepath.Join(c.dir, *name)
			}
		}
	}
	for _, name := range []*string{&c.Device.State, &c.Policy.File, &c.Policy.Charter, &c.Keys.Dir, &c.Control.Socket} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(c.dir, *name)
		}
	}
	if rel, err := filepath.Rel(c.Device.State, c.Keys.Dir); c.Keys.Dir != "" && err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return nil, fmt.Errorf("%s: keys.dir: %s lies in the state directory; a copy of that must not hold the keys, so put them elsewhere", path, c.Keys.Dir)
	}
	if c.Keys.Dir == "" {
		c.Keys.Dir = strings.TrimRight(c.Device.State, "/") + "-keys"
	}
	return c, nil
}

// Check implements tinyconf.Checker.
func (c *Config) Check(ctx *tinyconf.Context) {
	if c.Device.State == "" {
		ctx.Fault("device.state", "is empty; name a directory, or leave the key out for %s", defaultState)
	}
	if !slices.Contains([]string{"fr", "en"}, c.Device.Language) {
		ctx.Unknown("device.language", "language", c.Device.Language, []string{"fr", "en"})
	}
	if c.Buffer.Flush < tinyconf.Duration(100*time.Millisecond) || c.Buffer.Flush > tinyconf.Duration(time.Hour) {
		ctx.Fault("buffer.flush", "%s won't do; from 100ms to 1h", c.Buffer.Flush)
	}
	if c.Buffer.MaxSize < 1<<20 {
		ctx.Fault("buffer.max_size", "%s is too small to be of use; at least 1MiB", c.Buffer.MaxSize)
	}
	if day := tinyconf.Duration(24 * time.Hour); c.Mine.Keep < day || c.Mine.Keep > 366*day || c.Mine.Keep%day != 0 {
		ctx.Fault("mine.keep", "%s won't do; whole days from 1d to 366d", c.Mine.Keep)
	}
	c.checkSensors(ctx)
	if c.Policy.CharterKey.IsSet() && c.Policy.Charter == "" {
		ctx.Fault("policy.charter_key", "says what the charter is signed with, and there is no charter")
	}
	c.Signals.check(ctx, c)
	if err := control.CheckLoopback(c.Metrics.Listen); c.Metrics.Listen != "" && err != nil {
		ctx.Fault("metrics.listen", "%v", err)
	}
	if !slices.Contains([]string{"text", "json"}, c.Log.Format) {
		ctx.Unknown("log.format", "format", c.Log.Format, []string{"text", "json"})
	}
	c.Page.check(ctx)
	seen := map[string]bool{}
	for i, r := range c.Routes {
		if seen[r.Recipient] {
			ctx.Fault(fmt.Sprintf("route[%d].recipient", i), "%q has a route already", r.Recipient)
		}
		seen[r.Recipient] = true
	}
	for name := range c.Attributes {
		if source, _, ok := strings.Cut(name, "."); !ok || source == "" {
			ctx.Fault("attributes."+tinyconf.Quote(name), "is no field name; use \"device.serial\" or \"site.area\"")
		}
	}
}

func (c *Config) checkSensors(ctx *tinyconf.Context) {
	seen := map[string]bool{}
	for i, s := range c.Sensors {
		at := fmt.Sprintf("sensor[%d]", i)
		if seen[s.Name] {
			ctx.Fault(at+".name", "%q is there twice", s.Name)
		}
		seen[s.Name] = true
		d, err := sensors.DriverNamed(Drivers(), s.Driver)
		if err != nil {
			if s.Driver != "" {
				ctx.Fault(at+".driver", "%v", err)
			}
			continue
		}
		if err := d.Check(s); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				ctx.Fault(at, "%s", line)
			}
		}
	}
}

// Dir is the folder of candor.toml, where relative names start.
func (c *Config) Dir() string { return c.dir }

// Socket is where the control socket is: beside the default state directory's world, else inside the state directory.
func (c *Config) Socket() string {
	switch {
	case c.Control.Socket != "":
		return c.Control.Socket
	case c.Device.State == defaultState:
		return defaultSocket
	}
	return filepath.Join(c.Device.State, "control.sock")
}

// StateOwner is the user who owns the state directory; false while there is none.
func (c *Config) StateOwner() (uid int, ok bool) {
	info, err := os.Stat(c.Device.State)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
