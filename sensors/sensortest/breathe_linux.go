package sensortest

import "syscall"

// breathe lets whoever else wants the machine have it for a millisecond. In a bubble of testing/synctest time.Sleep takes no time at all,
// and a goroutine that has ended but for its last step would still be counted.
func breathe() {
	_ = syscall.Nanosleep(&syscall.Timespec{Nsec: 1_000_000}, nil) // cut short by a signal is as good
}
