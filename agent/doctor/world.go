package doctor

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors/bus"
)

// Object is the agent: a running daemon, or one that was opened for the walk. Where a technician asks, its answers leave out what
// depends on events.
type Object interface {
	Status(ctx context.Context) (control.Status, error)
	Buffer(ctx context.Context) (control.Buffer, error)
	TestUplink(ctx context.Context, recipient string) ([]control.UplinkTest, error)
}

// World is all that the doctor may look at. Fields that may be nil say so. Its functions are called by one goroutine.
type World struct {
	Root     fs.FS                              // the file system of the machine: proc, sys, boot, etc, dev, run, usr/lib
	Now      func() time.Time                   // the wall clock
	Synced   func() bool                        // something has set it since the boot
	Space    func(dir string) (Space, error)    // of the disk under a directory
	Levels   func(bus string) (Levels, error)   // of an I2C bus's two wires, without touching them
	Line     func(string) (bus.LineInfo, error) // who has a GPIO line
	PageSize int

	File      string        // the configuration, as it was named
	Path      string        // the same, from the root
	Config    *agent.Config // nil: it can't be read
	ConfigErr error
	UID       int // who asks

	Daemon    bool   // Object is a running daemon
	Object    Object // nil: there is none to ask
	ObjectErr error  // why; nil where the object was never started

	// Looks tells how the sensors do: what the daemon read, or three reads now.
	Looks func(ctx context.Context) ([]control.Look, error)
	// Walk goes the ways to the recipients without a message; for when there is no Object.
	Walk func(ctx context.Context) []control.UplinkTest
}

// Space is how full a disk is.
type Space struct {
	Free, Total           int64 // bytes
	FreeFiles, TotalFiles uint64
}

// Levels are the two wires of an idle I2C bus: true is high, as both have to be.
type Levels struct{ SDA, SCL bool }

// text reads a small file of the machine; "" when it is not there.
func (w *walk) text(name string) string {
	b, err := fs.ReadFile(w.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(string(b), "\x00"))
}

// each lists the files DIR/NAME/file for all names in a directory that begin with a prefix, in order. file may be "".
func (w *walk) each(dir, prefix, file string) (out []string) {
	entries, _ := fs.ReadDir(w.Root, dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			out = append(out, strings.TrimSuffix(dir+"/"+e.Name()+"/"+file, "/"))
		}
	}
	return out
}

// table reads a file whose lines are fields between separators.
func (w *walk) table(name, separator string) (out [][]string) {
	for _, line := range strings.Split(w.text(name), "\n") {
		out = append(out, strings.Split(strings.TrimSpace(line), separator))
	}
	return out
}

func (w *walk) exists(name string) bool {
	_, err := fs.Stat(w.Root, name)
	return err == nil
}

// edit tells whether a change of the configuration takes root: for whoever asks it does, unless the file is theirs, or its folder
// where there is none.
func (w *walk) edit() bool {
	info, err := fs.Stat(w.Root, inRoot(w.Path))
	if err != nil {
		info, err = fs.Stat(w.Root, inRoot(path.Dir(w.Path)))
	}
	if err != nil {
		return true
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	return !known || stat.Uid == 0 || int(stat.Uid) != w.UID
}

// inRoot is an absolute name as the file system wants it.
func inRoot(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name == "" {
		return "."
	}
	return name
}
