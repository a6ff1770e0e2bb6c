//go:build linux && (amd64 || arm64)

package simulation

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file has the kernel tell this very process of each call by which it changes a disk, before it is made, so that the packages
// under test need no hook and none can be forgotten: what is not synced by a call of the kernel is not synced. It is seccomp's
// user notification (seccomp_unotify(2)): a filter lets all calls pass but those that write, and those wait until a goroutine of ours
// has said "go on" or "no, with this error". The filter can't be taken off again, so it is put on in a process of its own.

// call is one system call that waits for an answer.
type call struct {
	nr   int32
	args [6]uint64
}

// answers says what becomes of a call: 0 lets it happen, else it fails with that error and nothing happens.
type answers func(c *call) syscall.Errno

// The structures of linux/seccomp.h.
type seccompData struct {
	nr   int32
	arch uint32
	ip   uint64
	args [6]uint64
}

type seccompNotif struct {
	id    uint64
	pid   uint32
	flags uint32
	data  seccompData
}

type seccompNotifResp struct {
	id    uint64
	val   int64
	error int32
	flags uint32
}

const (
	retAllow  = 0x7fff0000 // SECCOMP_RET_ALLOW
	retNotify = 0x7fc00000 // SECCOMP_RET_USER_NOTIF
	retDone   = 0x00050000 // SECCOMP_RET_ERRNO with no error: not made, and said to have been

	mappedFiles = 0x7f00 // the high half of the addresses that the kernel gives to mapped files
	setFilter   = 1      // SECCOMP_SET_MODE_FILTER
	// SECCOMP_FILTER_FLAG_TSYNC | NEW_LISTENER | TSYNC_ESRCH | WAIT_KILLABLE_RECV: for all threads, and a signal does not repeat a call.
	filterFlags  = 1 | 8 | 16 | 32
	notifRecv    = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	notifSend    = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	flagContinue = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
	notifFlags   = 0x40082104 // SECCOMP_IOCTL_NOTIF_SET_FLAGS
	syncWakeUp   = 1          // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP: who is told runs at once on the core of who waits
)

// watched are the calls that change a disk. Go writes bytes to files that have a place in them with pwrite64 alone but for new
// files, which are written with write before anything knows of them.
func watched() []uint32 {
	return []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_RENAMEAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT}
}

// filter is the program in the kernel: the watched calls, and openat for writing, are told; all else passes. But for one: the object tells
// the kernel after each commit that it can forget the mapped pages of the file. No promise that is looked at here hangs on it, and on a
// virtual machine it takes a fifth of the run, so it is not made. Go's heap lies elsewhere and counts on what it tells the kernel.
func filter() []unix.SockFilter {
	const load, jumpEqual, jumpAtLeast, jumpSet, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	p := []unix.SockFilter{{Code: load, K: 0}}
	if uintptr(unsafe.Pointer(new(unix.SockFilter)))>>32 < mappedFiles {
		p = append(p,
			unix.SockFilter{Code: jumpEqual, K: unix.SYS_MADVISE, Jf: 4},
			unix.SockFilter{Code: load, K: 16 + 4}, // the high half of the first argument
			unix.SockFilter{Code: jumpAtLeast, K: mappedFiles, Jf: 1},
			unix.SockFilter{Code: ret, K: retDone},
			unix.SockFilter{Code: ret, K: retAllow},
		)
	}
	calls := watched()
	for i, nr := range calls {
		p = append(p, unix.SockFilter{Code: jumpEqual, K: nr, Jt: uint8(len(calls) - i + 3)})
	}
	return append(p,
		unix.SockFilter{Code: jumpEqual, K: unix.SYS_OPENAT, Jf: 2},
		unix.SockFilter{Code: load, K: 16 + 2*8}, // the low half of the third argument
		unix.SockFilter{Code: jumpSet, K: unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT, Jt: 1},
		unix.SockFilter{Code: ret, K: retAllow},
		unix.SockFilter{Code: ret, K: retNotify},
	)
}

// watch puts the filter on for the rest of this process's life and answers its calls by ask, one at a time, in a goroutine
// of its own. ask must not itself change a disk, nor wait for a goroutine that does.
func watch(ask answers) error {
	program := filter()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, setFilter, filterFlags, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("seccomp with a listener: %w", errno)
	}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, fd, notifFlags, syncWakeUp) // since Linux 6.6: a third of the time; without it all works too
	go serveCalls(int(fd), ask)
	return nil
}

// serveCalls answers until the process ends.
func serveCalls(fd int, ask answers) {
	runtime.LockOSThread()
	for {
		var n seccompNotif
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifRecv, uintptr(unsafe.Pointer(&n))); errno != 0 {
			if errors.Is(errno, unix.EINTR) || errors.Is(errno, unix.ENOENT) {
				continue
			}
			panic(fmt.Sprintf("the kernel tells of no more calls: %v", errno))
		}
		r := seccompNotifResp{id: n.id, flags: flagContinue}
		if e := ask(&call{n.data.nr, n.data.args}); e != 0 {
			r.flags, r.error = 0, -int32(e)
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifSend, uintptr(unsafe.Pointer(&r))); errno != 0 && !errors.Is(errno, unix.ENOENT) {
			panic(fmt.Sprintf("the kernel takes no answer: %v", errno))
		}
	}
}

// memory reads this process's own memory at an address that a call gave to the kernel.
type memory struct{ f *os.File }

var openMemory = sync.OnceValues(func() (*memory, error) {
	f, err := os.Open("/proc/self/mem")
	return &memory{f}, err
})

// text is the text at an address, up to its zero byte; at most a path long.
func (m *memory) text(at uint64) string {
	var b [4096]byte
	n, _ := m.f.ReadAt(b[:], int64(at))
	for i := range n {
		if b[i] == 0 {
			return string(b[:i])
		}
	}
	return ""
}
