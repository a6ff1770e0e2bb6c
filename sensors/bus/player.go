package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors"
)

// Player answers with a transcript instead of a bus. It is strict: whatever is not asked as it was recorded, in the same
// order and for the same length, is an error, and so is all that comes after. It may be used from any goroutine.
type Player struct {
	name string

	mu   sync.Mutex
	ops  []Op
	next int
	lost error            // what was asked otherwise than recorded: the rest means nothing
	now  func() time.Time // nil: pauses are not looked at
	most int              // percent of a recorded pause that may be missing
	over time.Time        // when the last transfer was
}

var (
	_ i2c.Bus  = (*Player)(nil)
	_ Transfer = (*Player)(nil)
)

// NewPlayer returns a player of ops, which it keeps. name is the bus's name in errors.
func NewPlayer(name string, ops []Op) *Player { return &Player{name: name, ops: ops} }

// Timed makes the player strict about time as well: a transfer that comes sooner after the one before than was recorded is
// an error, because the part may not have had its answer by then. less is how many percent sooner is all the same to it: 0
// for a transcript that says what the datasheet wants, more for a recording, whose pauses hold what the sleeping process
// overslept. now is the clock that the driver waits on. It is for before the first transfer.
func (p *Player) Timed(now func() time.Time, less int) *Player {
	p.now, p.most = now, less
	return p
}

// Rest returns how many transfers of the transcript have not been used.
func (p *Player) Rest() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ops) - p.next
}

// Check says what was asked otherwise than recorded, or that the transcript has not been used to its end; nil if it
// was played as it was recorded.
func (p *Player) Check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		return p.lost
	}
	if rest := len(p.ops) - p.next; rest > 0 {
		return fmt.Errorf("%s: %d transfers of the transcript were not used; the next is %s", p.name, rest, p.ops[p.next])
	}
	return nil
}

// String returns the player's name.
func (p *Player) String() string { return p.name }

// SetSpeed fails, as that of a Bus does.
func (p *Player) SetSpeed(physic.Frequency) error { return fmt.Errorf("%s: %w", p.name, errSpeed) }

// Tx is TxContext without a deadline.
func (p *Player) Tx(addr uint16, w, r []byte) error {
	return p.TxContext(context.Background(), addr, w, r)
}

var errLost = errors.New("the replay has lost its thread")

// TxContext implements [Transfer]. Recorded failures come back with their kind.
func (p *Player) TxContext(ctx context.Context, addr uint16, w, r []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return &sensors.FaultError{Bus: p.name, Address: addr, Operation: operation(len(w), len(r)), Kind: kindOf(err), Cause: err}
	}
	if p.lost != nil {
		return fmt.Errorf("%s: %w", p.name, errLost)
	}
	asked := fmt.Sprintf("write %x to 0x%02x and read %d", w, addr, len(r))
	if p.next == len(p.ops) {
		p.lost = fmt.Errorf("%s: after the end of the transcript: %s", p.name, asked)
		return p.lost
	}
	op := p.ops[p.next]
	if op.Address != addr || !bytes.Equal(op.Write, w) || op.Asked != len(r) {
		p.lost = fmt.Errorf("%s: transfer %d was %s, and now it is: %s", p.name, p.next+1, op, asked)
		return p.lost
	}
	if err := p.early(op); err != nil {
		p.lost = err
		return err
	}
	p.next++
	copy(r, op.Read)
	return op.Err(p.name)
}

// early says that a transfer comes sooner than it was recorded.
func (p *Player) early(op Op) error {
	if p.now == nil {
		return nil
	}
	now, before := p.now(), p.over
	p.over = now
	least := op.Pause * time.Duration(100-p.most) / 100
	if waited := now.Sub(before); op.Pause > 0 && !before.IsZero() && waited < least {
		return fmt.Errorf("%s: transfer %d, %s, comes after %v; it has to be %v at least", p.name, p.next+1, op, waited, least)
	}
	return nil
}
