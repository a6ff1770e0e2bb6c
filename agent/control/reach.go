package control

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into sun_path (unix(7)) with the zero byte behind it.
const maxSocketPath = 107

// reach gives a name for path that fits into a socket address. A path that is too long is reached through a descriptor of
// its directory, which done closes; the process stays where it is, since its directory belongs to all threads.
func reach(path string) (near string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, name := filepath.Split(path)
	fd, err := unix.Open(filepath.Clean(dir), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("can't open the directory of the control socket %s: %w", path, err)
	}
	near = "/proc/self/fd/" + strconv.Itoa(fd) + "/" + name
	if len(near) > maxSocketPath {
		_ = unix.Close(fd)
		return "", nil, fmt.Errorf("the name of the control socket %s is too long; at most %d bytes after the last slash", path, maxSocketPath-25)
	}
	return near, func() { _ = unix.Close(fd) }, nil
}

// dial connects to the socket at path, however long the path is.
func dial(ctx context.Context, path string) (net.Conn, error) {
	near, done, err := reach(path)
	if err != nil {
		return nil, err
	}
	defer done()
	var d net.Dialer
	return d.DialContext(ctx, "unix", near)
}
