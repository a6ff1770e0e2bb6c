package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Keys that are no printable sign.
const (
	keyInterrupt = 3 // Ctrl-C, which raw mode passes on
	keyEnd       = 4 // Ctrl-D
	keyEscape    = 27
)

// keyWait is how long a look at the keyboard takes at most, in milliseconds: so soon the reader ends.
const keyWait = 100

// readKeys passes on the keys that are pressed, without cursor keys and the like, until ctx is done or the terminal is
// gone; then it closes keys.
func readKeys(ctx context.Context, fd int, keys chan<- byte) error {
	defer close(keys)
	buf := make([]byte, 64)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, keyWait)
		if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
			continue
		}
		if err == nil {
			n, err = unix.Read(fd, buf)
		}
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return fmt.Errorf("keyboard: %w", err)
		case n <= 0:
			return nil
		}
		for _, k := range plainKeys(buf[:n]) {
			select {
			case keys <- k:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// plainKeys leaves out control sequences (ECMA-48 section 5.4): an escape, [ or O, what belongs to it, and a last sign.
// The digits of one would otherwise be taken for answers.
func plainKeys(read []byte) (keys []byte) {
	for i := 0; i < len(read); i++ {
		if read[i] != keyEscape {
			keys = append(keys, read[i])
			continue
		}
		i++
		if i < len(read) && (read[i] == '[' || read[i] == 'O') {
			for i++; i < len(read) && (read[i] < '@' || read[i] > '~'); i++ {
			}
		}
	}
	return keys
}

// quits tells whether a key ends the demo.
func quits(key byte) bool {
	return key == 'q' || key == 'Q' || key == keyInterrupt || key == keyEnd
}
