package keyring

import (
	"errors"
	"fmt"
)

// The errors a caller may ask for with errors.Is.
var (
	// ErrGone: there is no such grant any more, or its key was destroyed. What was sealed under it is lost for ever.
	ErrGone = errors.New("the key is gone")
	// ErrFull: the key file has no room for another key.
	ErrFull = errors.New("the key file is full: let the buffer drain or erase what waits in it, so that keys of past days can go")
	// ErrInUse: another process has the key directory open.
	ErrInUse = errors.New("the keys are in use by another process, probably the running agent")
	// ErrClosed: the ring was closed.
	ErrClosed = errors.New("the keyring is closed")
)

// DamagedError says that no slot of an existing key file can be read. The file is left as it is and never replaced:
// whoever decides to start anew removes it, and with it everything that was sealed.
type DamagedError struct {
	Path  string
	Slots [2]error // what is wrong with each slot; nil where the file as a whole is wrong
}

// Error implements error.
func (e *DamagedError) Error() string {
	if e.Slots[1] == nil {
		return fmt.Sprintf("keyring: %s is damaged: %v", e.Path, e.Slots[0])
	}
	return fmt.Sprintf("keyring: %s is damaged: first copy: %v; second copy: %v", e.Path, e.Slots[0], e.Slots[1])
}

// Is reports that every DamagedError is [ErrDamaged].
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// ErrDamaged is what errors.Is finds in every [DamagedError].
var ErrDamaged = errors.New("the key file is damaged")
