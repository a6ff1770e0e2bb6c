package bus

import (
	"context"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// With returns a view of the bus for a driver that knows no contexts, such as periph's: every Tx has the deadline of
// ctx, and fails at once when ctx has ended. A driver that asks for ever for an answer that never comes stops then,
// provided it stops at errors.
func (b *Bus) With(ctx context.Context) i2c.Bus { return View(ctx, b, b.String()) }

// View is [Bus.With] for anything that carries transfers; name is what its String returns.
func View(ctx context.Context, t Transfer, name string) i2c.Bus { return &view{ctx, t, name} }

// view keeps a context because i2c.Bus has no room for one in Tx.
type view struct {
	ctx      context.Context
	transfer Transfer
	name     string
}

func (v *view) String() string { return v.name }

func (v *view) Tx(addr uint16, w, r []byte) error { return v.transfer.TxContext(v.ctx, addr, w, r) }

func (v *view) SetSpeed(physic.Frequency) error { return errSpeed }
