package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors"
)

// maxLength is how many bytes i2c-dev takes in one message (i2cdev_ioctl_rdwr in drivers/i2c/i2c-dev.c).
const maxLength = 8192

var (
	_ i2c.Bus  = (*Bus)(nil)
	_ Transfer = (*Bus)(nil)
)

// Transfer is what can carry a transfer under a deadline: a [Bus], a [Recorder], a replay, a multiplexer's channel.
type Transfer interface {
	// TxContext writes w to the part at addr, then fills r. It returns when ctx ends at the latest, and then r holds
	// nothing of use. It may be called from any goroutine and keeps neither w nor r.
	TxContext(ctx context.Context, addr uint16, w, r []byte) error
}

// Bus is one I2C bus. All methods may be called from any goroutine. Its one goroutine starts with the first transfer
// and ends with Close.
type Bus struct {
	o       Options
	queue   chan *request // unbuffered: whoever waits to send on it has not had its turn, first come first served
	closing chan struct{}

	mu      sync.Mutex
	started bool
	closed  bool
	ended   chan struct{} // closed when the goroutine has ended
	health  *health
	current *request // on the wire now
	reopen  uint64
	failure error // why the adapter could not be opened
}

// request is one transfer. The goroutine of the bus owns w and r until done is closed, whoever waits or not.
type request struct {
	addr    uint16
	w, r    []byte
	only    bool // open the adapter, transfer nothing
	done    chan struct{}
	err     error // valid when done is closed
	started time.Time

	// Under Bus.mu.
	finished bool
	givenUp  bool
}

// New returns the bus of these options. It opens nothing: a bus that is missing is an error of each transfer, and is
// there as soon as its node is.
func New(o Options) *Bus {
	o = o.withDefaults()
	return &Bus{o: o, queue: make(chan *request), closing: make(chan struct{}), ended: make(chan struct{}), health: newHealth(o)}
}

// String returns the bus's name, "i2c-1".
func (b *Bus) String() string { return b.o.Name }

// SetSpeed always fails: Linux fixes the speed of a bus when it starts.
func (b *Bus) SetSpeed(physic.Frequency) error {
	return fmt.Errorf("%s: %w", b.o.Name, errSpeed)
}

// Tx is [Bus.TxContext] with the default deadline, for callers that know none.
func (b *Bus) Tx(addr uint16, w, r []byte) error {
	return b.TxContext(context.Background(), addr, w, r)
}

// TxContext writes w to the part at addr, then fills r, as one transfer. It returns when ctx ends at the latest, or after
// Options.Deadline where ctx has no deadline. Errors are [*sensors.FaultError]: Busy when its turn did not come, Timeout
// when the kernel or the wire took too long, the last kind and ErrQuarantined when the address was not tried. After an
// error r is as it was.
func (b *Bus) TxContext(ctx context.Context, addr uint16, w, r []byte) error {
	if err := refusal(addr, w, r); err != nil {
		return b.fault(addr, w, r, sensors.Other, err)
	}
	if err := b.admit(addr, w, r); err != nil {
		return err
	}
	q := &request{addr: addr, w: slices.Clone(w), r: make([]byte, len(r))}
	if err := b.do(ctx, q); err != nil {
		return err
	}
	copy(r, q.r)
	return nil
}

// Check opens the adapter if it is not open, and says why it can't be.
func (b *Bus) Check(ctx context.Context) error { return b.do(ctx, &request{only: true}) }

// refusal says what of a transfer's form is impossible.
func refusal(addr uint16, w, r []byte) error {
	switch {
	case len(w) == 0 && len(r) == 0:
		return ErrEmpty
	case addr < 0x03 || addr > 0x77:
		return ErrAddress
	case len(w) > maxLength || len(r) > maxLength:
		return ErrLength
	}
	return nil
}

// admit refuses what need not be tried: an address in quarantine, or a bus that the kernel has held for longer than the
// default deadline.
func (b *Bus) admit(addr uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.o.Now()
	if b.closed {
		return b.fault(addr, w, r, sensors.Gone, ErrClosed)
	}
	if c := b.current; c != nil && c.givenUp && now.Sub(c.started) >= b.o.Deadline {
		kind := sensors.Busy
		if c.addr == addr {
			kind = sensors.Timeout // it is this part that the others wait for
		}
		return b.fault(addr, w, r, kind, fmt.Errorf("%w, to 0x%02x, for %v", errHeld, c.addr,
			now.Sub(c.started).Round(time.Millisecond)))
	}
	if kind, yes := b.health.quarantined(addr, now); yes {
		return b.fault(addr, w, r, kind, ErrQuarantined)
	}
	return nil
}

// do has a request carried out. The caller may use q.r only when it returned nil.
func (b *Bus) do(ctx context.Context, q *request) error {
	if _, has := ctx.Deadline(); !has {
		limited, cancel := context.WithTimeout(ctx, b.o.Deadline)
		defer cancel()
		ctx = limited
	}
	if err := ctx.Err(); err != nil {
		return b.fault(q.addr, q.w, q.r, kindOf(err), fmt.Errorf("not tried: %w", err))
	}
	if !b.start() {
		return b.fault(q.addr, q.w, q.r, sensors.Gone, ErrClosed)
	}
	q.done = make(chan struct{})
	select {
	case b.queue <- q:
	case <-b.closing:
		return b.fault(q.addr, q.w, q.r, sensors.Gone, ErrClosed)
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return b.fault(q.addr, q.w, q.r, sensors.Other, ctx.Err())
		}
		return b.fault(q.addr, q.w, q.r, sensors.Busy, errTurn)
	}
	select {
	case <-q.done:
		return q.err
	case <-ctx.Done():
		return b.giveUp(q, ctx.Err())
	}
}

// giveUp leaves a transfer to the kernel, unless it has just come back.
func (b *Bus) giveUp(q *request, why error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if q.finished {
		return q.err
	}
	q.givenUp = true
	if !errors.Is(why, context.DeadlineExceeded) {
		return b.fault(q.addr, q.w, q.r, sensors.Other, why)
	}
	if !q.only {
		b.health.bad(q.addr, sensors.Timeout, b.o.Now())
	}
	return b.fault(q.addr, q.w, q.r, sensors.Timeout, fmt.Errorf("%w: %w", errHeld, why))
}

// fault builds the error of a transfer.
func (b *Bus) fault(addr uint16, w, r []byte, kind sensors.FaultKind, cause error) error {
	what := operation(len(w), len(r))
	if len(w) == 0 && len(r) == 0 {
		what = "opening"
		if addr != 0 {
			what = "transfer of no bytes"
		}
	}
	return &sensors.FaultError{Bus: b.o.Name, Address: addr, Operation: what, Kind: kind, Cause: cause}
}

// Counters returns what happened at each address that was tried, in the order of addresses. The caller may keep it.
func (b *Bus) Counters() []Counter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health.counters(b.o.Now())
}

// Condition returns how the bus is now.
func (b *Bus) Condition() Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := Condition{Stuck: !b.health.since.IsZero(), Since: b.health.since, Reopened: b.reopen, OpenFailure: b.failure}
	if q := b.current; q != nil && q.givenUp {
		c.HeldBy = q.addr
		if !c.Stuck {
			c.Stuck, c.Since = true, q.started
		}
	}
	return c
}

// Close ends the goroutine of the bus and closes the adapter. It waits for a transfer on the wire, but no longer than
// the default deadline: then it returns an error, and the rest is done when the kernel lets go. Closing twice is fine.
func (b *Bus) Close() error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.closing)
		if !b.started {
			close(b.ended)
		}
	}
	b.mu.Unlock()
	timer := time.NewTimer(b.o.Deadline)
	defer timer.Stop()
	select {
	case <-b.ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("closing %s: %w; it is closed when the kernel returns", b.o.Name, errHeld)
	}
}
