package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a socket. A user can't keep others out: nobody gets more than maxPerUser of its connections.
const (
	maxConns   = 64
	maxPerUser = 16
	maxHeader  = 16 << 10

	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = time.Minute
	idleTime   = 30 * time.Second
	probeTime  = time.Second     // to find out whether a socket is alive
	drainTime  = 2 * time.Second // for answers under way when the server ends
)

// Server serves a handler on a unix socket and tells it the role of each peer.
type Server struct {
	Path    string       // of the socket; of any length
	Handler http.Handler // made by [NewHandler]
	Roles   Roles

	// Mode of the socket: who may connect at all. 0 is 0660, the daemon's user and group. 0666 is right where the
	// groups of Roles are not the daemon's; Roles then decides alone.
	Mode os.FileMode

	Ready func()       // called once, when the socket accepts connections; may be nil
	Log   *slog.Logger // for failures of the server itself; nil for none
}

// Serve answers on the socket at path until ctx is done, then lets requests under way end for two seconds, removes the
// socket and returns nil. It is a [Server] with mode 0660.
//
// The directory of the socket is made, with mode 0755, if the one above it is there. A socket left behind by a dead daemon is replaced. One that a living daemon serves is an [ErrInUse], and anything
// else at the path is an error: it is not touched.
func Serve(ctx context.Context, path string, h http.Handler, roles Roles) error {
	return (&Server{Path: path, Handler: h, Roles: roles}).Run(ctx)
}

// Run is [Serve] for a server with more to say. It is called once.
func (s *Server) Run(ctx context.Context) error {
	if s.Handler == nil || s.Roles == nil {
		return errors.New("control: a server needs a handler and roles")
	}
	ln, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer ln.remove()
	return s.until(ctx, ln)
}

// until answers what comes in at ln until ctx is done, and closes it.
func (s *Server) until(ctx context.Context, ln net.Listener) error {
	srv := s.http()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	if s.Ready != nil {
		s.Ready()
	}
	select {
	case err := <-ended:
		_ = srv.Close()
		return fmt.Errorf("the server at %s has failed: %w", s.Path, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if srv.Shutdown(drain) != nil {
		_ = srv.Close() // what is still under way after two seconds is cut
	}
	<-ended
	return nil
}

func (s *Server) http() *http.Server {
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			p, ok := c.(*peerConn)
			if !ok {
				return ctx
			}
			role, ok := s.Roles(p.peer.uid, p.peer.gid, p.peer.groups)
			if !ok {
				return ctx
			}
			return WithRole(ctx, role)
		},
	}
}

// listen makes the socket, with its mode from the first moment on.
func (s *Server) listen(ctx context.Context) (*listener, error) {
	if err := makeRoom(ctx, s.Path); err != nil {
		return nil, err
	}
	// Where no service manager made the directory, as /run/candor; what can't be made is told by what follows.
	_ = os.Mkdir(filepath.Dir(s.Path), 0o755)
	near, done, err := reach(s.Path)
	if err != nil {
		return nil, err
	}
	defer done()
	mode := s.Mode
	if mode == 0 {
		mode = 0o660
	}
	// On Linux a socket file is made with the mode of the socket itself, less the umask. So nobody gets in between bind
	// and the chmod below, which only gives back what the umask took.
	config := net.ListenConfig{Control: func(_, _ string, c syscallConn) error {
		var inner error
		err := c.Control(func(fd uintptr) { inner = unix.Fchmod(int(fd), uint32(mode.Perm())) })
		return errors.Join(err, inner)
	}}
	ln, err := config.Listen(ctx, "unix", near)
	if err != nil {
		return nil, fmt.Errorf("can't make the control socket %s: %w", s.Path, err)
	}
	ul := ln.(*net.UnixListener)
	ul.SetUnlinkOnClose(false)
	if err := os.Chmod(near, mode.Perm()); err != nil {
		_ = ul.Close()
		return nil, fmt.Errorf("can't set the mode of the control socket %s: %w", s.Path, err)
	}
	made, err := os.Lstat(s.Path)
	if err != nil {
		_ = ul.Close()
		return nil, fmt.Errorf("the control socket %s went away: %w", s.Path, err)
	}
	return &listener{UnixListener: ul, path: s.Path, made: made, users: map[uint32]int{}}, nil
}

// makeRoom sees to it that there is room for a socket at path: nothing is there, or a socket nobody serves.
func makeRoom(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("can't look at the control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is in the way of the control socket: it is no socket, and is left as it is", path)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := dial(ctx, path)
	if err == nil {
		_ = conn.Close()
		return Errorf(ErrInUse, "candor status", "a daemon answers at the control socket %s already", path)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("can't tell whether a daemon serves the control socket %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("can't remove the control socket of a daemon that is gone: %w", err)
	}
	return nil
}
