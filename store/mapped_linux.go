package store

import "golang.org/x/sys/unix"

// forgetMapped tells the kernel that the mapped pages of a file are not needed now. They stay in the page cache, and one
// that is looked at again is mapped again; until then they do not count as memory of the agent. An error changes nothing.
func forgetMapped(at uintptr, size int64) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, at, uintptr(size), unix.MADV_DONTNEED)
}
