package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/sensors/bus"
	"github.com/candor-edge/candor/uplink/timeline"
)

// Host is the world of this machine; configuration and object are the caller's to fill in.
func Host() World {
	return World{
		Root: os.DirFS("/"), Now: time.Now, Synced: timeline.System().Synced, Space: space, UID: os.Geteuid(), PageSize: os.Getpagesize(),
		Levels: func(name string) (l Levels, err error) {
			l.SDA, l.SCL, err = bus.Idle(name)
			return l, err
		},
		Line: func(name string) (bus.LineInfo, error) { return bus.FindLine("/dev", name) },
	}
}

// space asks for the disk under a directory, or under the nearest one above it that is there.
func space(dir string) (Space, error) {
	for at := dir; ; at = filepath.Dir(at) {
		var s unix.Statfs_t
		err := unix.Statfs(at, &s)
		if err == nil {
			return Space{Free: int64(s.Bavail) * int64(s.Bsize), Total: int64(s.Blocks) * int64(s.Bsize), FreeFiles: s.Ffree, TotalFiles: s.Files}, nil
		}
		if err != unix.ENOENT || at == filepath.Dir(at) {
			return Space{}, fmt.Errorf("%s: %w", dir, err)
		}
	}
}
