//go:build !linux

package sensortest

import "runtime"

// breathe lets whoever else wants the machine have it for a moment.
func breathe() { runtime.Gosched() }
