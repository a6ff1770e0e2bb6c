package chip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"periph.io/x/conn/v3/i2c"

	"github.com/candor-edge/candor/sensors"
)

// Opener gives the I2C bus of that name ("i2c-1"). It is called again after a bus went away, and by several parts for
// the same bus: giving them one bus, with one queue, is its business. It must be safe for use by several goroutines.
type Opener func(bus string) (i2c.Bus, error)

// transactor is a bus that stops waiting when ctx is done. A bus that is not one is asked through Tx.
type transactor interface {
	TxContext(ctx context.Context, addr uint16, w, r []byte) error
}

// transfer does one transfer on bus, within ctx where the bus lets it.
func transfer(ctx context.Context, bus i2c.Bus, address uint16, w, r []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t, ok := bus.(transactor); ok {
		return t.TxContext(ctx, address, w, r)
	}
	return bus.Tx(address, w, r)
}

// place is where one chip is: it opens the bus, says what was tried when something fails, and waits.
type place struct {
	open    Opener
	name    string // of the bus
	address uint16
	driver  string
	clock   sensors.Clock
	bus     i2c.Bus // nil until opened
}

// tx writes w, then reads r. what says in words what it is for: "reading the calibration".
func (p *place) tx(ctx context.Context, what string, w, r []byte) error {
	if p.bus == nil {
		bus, err := p.open(p.name)
		if err != nil {
			return p.wrap("opening the bus", err)
		}
		p.bus = bus
	}
	if err := transfer(ctx, p.bus, p.address, w, r); err != nil {
		err = p.wrap(what, err)
		if errors.Is(err, sensors.Gone) {
			p.bus = nil
		}
		return err
	}
	return nil
}

// wrap makes err a fault of this chip that keeps the kind a bus gave it, and its cause for errors.Is.
func (p *place) wrap(what string, err error) error {
	return &sensors.FaultError{Driver: p.driver, Bus: p.name, Address: p.address, Operation: what,
		Kind: kindOf(err), Cause: bare(err)}
}

// bare takes off a bus's own fault what would be said twice: place and kind are the chip's to say.
func bare(err error) error {
	if fault, ok := err.(*sensors.FaultError); ok && fault.Cause != nil {
		return fault.Cause
	}
	return err
}

// kindOf is the fault kind of a bus error: what the bus said, else what the errno means (Linux,
// Documentation/i2c/fault-codes.rst).
func kindOf(err error) sensors.FaultKind {
	if kind := sensors.FaultOf(err); kind != sensors.Other {
		return kind
	}
	for _, row := range []struct {
		errno syscall.Errno
		kind  sensors.FaultKind
	}{
		{syscall.ENXIO, sensors.NoAnswer}, {syscall.EREMOTEIO, sensors.NoAnswer},
		{syscall.ETIMEDOUT, sensors.Timeout}, {syscall.EAGAIN, sensors.Arbitration},
		{syscall.EACCES, sensors.Permission}, {syscall.EPERM, sensors.Permission},
		{syscall.ENODEV, sensors.Gone}, {syscall.ENOENT, sensors.Gone}, {syscall.EBUSY, sensors.Busy},
	} {
		if errors.Is(err, row.errno) {
			return row.kind
		}
	}
	return sensors.Other
}

// fault is a fault that the chip's answer shows. format must not be given what was measured.
func (p *place) fault(what string, kind sensors.FaultKind, format string, args ...any) error {
	return &sensors.FaultError{Driver: p.driver, Bus: p.name, Address: p.address, Operation: what,
		Kind: kind, Cause: fmt.Errorf(format, args...)}
}

// wait returns after d, or with a timeout when ctx is done before.
func (p *place) wait(ctx context.Context, what string, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return p.wrap(what, err)
	}
	select {
	case <-p.clock.After(d):
		return nil
	case <-ctx.Done():
		return p.wrap(what, ctx.Err())
	}
}

// read reads from register reg on.
func (p *place) read(ctx context.Context, what string, reg byte, into []byte) error {
	return p.tx(ctx, what, []byte{reg}, into)
}

// byteAt reads one register of 8 bits.
func (p *place) byteAt(ctx context.Context, what string, reg byte) (byte, error) {
	var b [1]byte
	err := p.read(ctx, what, reg, b[:])
	return b[0], err
}

// wordAt reads one register of 16 bits, high byte first.
func (p *place) wordAt(ctx context.Context, what string, reg byte) (uint16, error) {
	var b [2]byte
	err := p.read(ctx, what, reg, b[:])
	return binary.BigEndian.Uint16(b[:]), err
}

// writeByte writes one register of 8 bits.
func (p *place) writeByte(ctx context.Context, what string, reg, value byte) error {
	return p.tx(ctx, what, []byte{reg, value}, nil)
}

// writeWord writes one register of 16 bits, high byte first.
func (p *place) writeWord(ctx context.Context, what string, reg byte, value uint16) error {
	return p.tx(ctx, what, []byte{reg, byte(value >> 8), byte(value)}, nil)
}

// dead says whether every byte is 0x00 or every byte is 0xff: what a line that is held or open gives.
func dead(b ...byte) bool {
	zeros, ones := true, true
	for _, x := range b {
		zeros = zeros && x == 0
		ones = ones && x == 0xff
	}
	return zeros || ones
}

// deadWord is dead for a register of 16 bits.
func deadWord(w uint16) bool { return w == 0 || w == 0xffff }
