//go:build !linux

package store

// forgetMapped does nothing where it is not needed: devices run Linux.
func forgetMapped(uintptr, int64) {}
