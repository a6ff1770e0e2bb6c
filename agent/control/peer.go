package control

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

type syscallConn = syscall.RawConn

// peer is who is at the other end of a connection, as the kernel says (SO_PEERCRED and SO_PEERGROUPS, unix(7) and
// socket(7)): the user at the time it connected.
type peer struct {
	uid, gid uint32
	groups   []uint32
}

const maxGroups = 1 << 16 // NGROUPS_MAX

// peerOf asks the kernel who is at the other end of c.
func peerOf(c *net.UnixConn) (peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var p peer
	var inner error
	if err := raw.Control(func(fd uintptr) { p, inner = peerOfSocket(int(fd)) }); err != nil {
		return peer{}, err
	}
	return p, inner
}

func peerOfSocket(fd int) (peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return peer{}, fmt.Errorf("the kernel does not say who connected: %w", err)
	}
	p := peer{uid: cred.Uid, gid: cred.Gid}
	for size := uint32(32); size <= maxGroups; {
		groups := make([]uint32, size)
		length := size * 4
		// x/sys has no call for an option of any length.
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&length)), 0)
		switch {
		case errno == 0:
			p.groups = groups[:length/4]
			return p, nil
		case errno == unix.ERANGE && length/4 > size:
			size = length / 4
		default:
			return p, nil // kernels before 4.13 don't tell; the user and its first group still count
		}
	}
	return p, nil
}

// listener accepts a bounded number of connections and knows who made them.
type listener struct {
	*net.UnixListener
	path string
	made fs.FileInfo // the socket, to remove this one only

	mu    sync.Mutex
	users map[uint32]int // connections of each user
	conns int
}

// Accept implements net.Listener. Connections over the limits are closed without a word.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		p, err := peerOf(c)
		if err != nil || !l.enter(p.uid) {
			_ = c.Close()
			continue
		}
		return &peerConn{UnixConn: c, peer: p, listener: l}, nil
	}
}

func (l *listener) enter(uid uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns >= maxConns || l.users[uid] >= maxPerUser {
		return false
	}
	l.conns++
	l.users[uid]++
	return true
}

func (l *listener) leave(uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns--
	if l.users[uid]--; l.users[uid] == 0 {
		delete(l.users, uid)
	}
}

// remove takes the socket away, unless another daemon has put its own there.
func (l *listener) remove() {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.made) {
		_ = os.Remove(l.path) // a socket that stays is replaced at the next start
	}
}

// peerConn is a connection with who made it.
type peerConn struct {
	*net.UnixConn
	peer     peer
	listener *listener
	once     sync.Once
}

// Close implements net.Conn.
func (c *peerConn) Close() error {
	c.once.Do(func() { c.listener.leave(c.peer.uid) })
	return c.UnixConn.Close()
}
