package ledger

import (
	"errors"
	"fmt"
)

// The errors a caller may ask for with errors.Is.
var (
	// ErrDamaged is what errors.Is finds in every [DamagedError].
	ErrDamaged = errors.New("the ledger is damaged")
	// ErrBroken is what errors.Is finds in the error of a [Ledger.Verify] that found something.
	ErrBroken = errors.New("the ledger does not verify")
	// ErrNoRoom: the file can't grow, and what free pages it has are kept for withdrawals.
	ErrNoRoom = errors.New("the ledger can't grow, probably because the disk is full, and what room it has is kept for withdrawals")
	// ErrUnknown: there is no grant, stream or entry of that number.
	ErrUnknown = errors.New("not in the ledger")
	// ErrClosed: the ledger was closed.
	ErrClosed = errors.New("the ledger is closed")
	// ErrInUse: another process has the file open.
	ErrInUse = errors.New("the ledger is in use by another process, probably the running agent")
)

// DamagedError says that an existing ledger file can't be read. The file is left as it is.
type DamagedError struct {
	Path string
	What string // what was found, without personal data
	Err  error  // the cause, if there is one
}

// Error implements error.
func (e *DamagedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("ledger: %s is damaged: %s: %v", e.Path, e.What, e.Err)
	}
	return fmt.Sprintf("ledger: %s is damaged: %s", e.Path, e.What)
}

// Unwrap is the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// Is reports that every DamagedError is [ErrDamaged].
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }
