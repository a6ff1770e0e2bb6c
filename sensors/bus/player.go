package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

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
	lost error // what was asked otherwise than recorded: the rest means nothing
}

var (
	_ i2c.Bus  = (*Player)(nil)
	_ Transfer = (*Player)(nil)
)

// NewPlayer returns a player of ops, which it keeps. name is the bus's name in errors.
func NewPlayer(name string, ops []Op) *Player { return &Player{name: name, ops: ops} }

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
	p.next++
	copy(r, op.Read)
	return op.Err(p.name)
}
