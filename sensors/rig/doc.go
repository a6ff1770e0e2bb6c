// Package rig runs the agent on emulated boards: a stock Debian kernel with its own drivers, and sensor chips, lines, SD
// cards and cables of QEMU, which we did not write. What is there besides this text are shell scripts, the tool rigctl and
// tests behind the build tag hardwaresim; `make hardware-sim` runs them, and README.md says what they can and can't show.
package rig
