package chip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"github.com/candor-edge/candor/sensors"
)

// NXP PCA9540, PCA9542, PCA9543, PCA9544, PCA9545, PCA9546, PCA9547, PCA9548; TI's TCA954x are the same. Each has one
// register, written and read without an address (PCA9546A datasheet, revision 6, §6.2, p. 6; PCA9545A, revision 9, §6.2, p. 7).
const (
	muxOff    = 0x00 // §6.2.1, table 4, p. 6: no branch is connected, as at power on; a PCA9547 has branch 0 connected at power on
	mux4or2   = 0x04 // PCA9544A §6.2, table 4, p. 7 (PCA9540B, revision 6: §6.2.1, p. 5: an enable bit above the number); PCA9540, 9542, 9544: a branch is a number, with this bit to connect it
	mux8Coded = 0x08 // PCA9547, revision 4, §6.2.1, table 4, p. 7: the same for eight branches
)

// muxType is how one of the family is told which branch to connect.
type muxType struct {
	branches int
	enable   byte // 0: a bit for each branch; else a number with this bit set
	mask     byte // the bits of the register that say what is connected; those above are interrupts on some
	pins     int  // that set the low bits of its address
}

// Branches and connect bits: PCA9540B p. 5, PCA9543A p. 6, PCA9544A p. 7, PCA9545A p. 7, PCA9546A p. 6, PCA9547 p. 7, PCA9548A p. 7; of the PCA9542
// p. 4 (three bits, a number) and p. 6 (where they are) of the Philips editions, and Linux's driver, whose table is the same for all. Address
// pins: none, PCA9540B p. 5; two, PCA9543 p. 4 (Philips) and PCA9545A p. 5 (Texas Instruments); three, PCA9542 p. 6, PCA9544A p. 5, PCA9546A p. 4
// (Texas Instruments), PCA9547 p. 6, PCA9548 p. 5 (Philips). The B and C types of a PCA9543 and PCA9545 are at other addresses, which are not here.
func muxTypes() map[string]muxType {
	return map[string]muxType{
		"pca9540": {2, mux4or2, 0x07, 0}, "pca9542": {2, mux4or2, 0x07, 3}, "pca9543": {2, 0, 0x03, 2}, "pca9544": {4, mux4or2, 0x07, 3},
		"pca9545": {4, 0, 0x0f, 2}, "pca9546": {4, 0, 0x0f, 3}, "pca9547": {8, mux8Coded, 0x0f, 3}, "pca9548": {8, 0, 0xff, 3},
	}
}

func muxRows() []Row {
	var rows []Row
	addresses := []uint16{0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77} // PCA9547 §6.1, p. 6, and §"device addressing" of the others: 1110, then its pins
	for _, name := range []string{"pca9540", "pca9542", "pca9543", "pca9544", "pca9545", "pca9546", "pca9547", "pca9548"} {
		evidence := FromModel
		if name == "pca9546" { // a TMP105 was recorded behind one
			evidence = FromRig
		}
		rows = append(rows, Row{
			Name: name, On: Mux, Datasheet: "NXP PCA9546A, revision 6, and its relatives", Evidence: evidence,
			Doc:       fmt.Sprintf("%d bus branches behind one address: bus = \"i2c-1/%s@0x70.0\"", muxTypes()[name].branches, name),
			Addresses: addresses[:1<<muxTypes()[name].pins],
			Identity:  "the register keeps which branch is connected",
		})
	}
	return rows
}

// hop is one mux on the way to a branch.
type hop struct {
	address uint16
	connect byte
	mask    byte
	kind    string
}

// Muxed gives the branches behind muxes a name of their own: "i2c-1/pca9546@0x70.2" is branch 2 of the PCA9546 at
// 0x70 of i2c-1, "i2c-1/0x70.2" the same of a PCA9548, and muxes behind muxes go on with another slash. Names without a
// slash are given to open, so that it can stand wherever an [Opener] is wanted.
//
// A transfer to a branch connects it, does what is to be done, and disconnects it again, with nobody else on the bus in
// between: two parts with one address on two branches never meet, whatever fails. All users of a bus have to come through one Muxed.
func Muxed(open Opener) Opener {
	m := &muxes{open: open, trunks: map[string]*trunk{}}
	return m.bus
}

type muxes struct {
	open   Opener
	mu     sync.Mutex
	trunks map[string]*trunk
}

// trunk is a bus with muxes. The lock is a channel, because a context can't end a wait for a mutex.
type trunk struct {
	lock  chan struct{}
	mu    sync.Mutex
	bus   i2c.Bus
	dirty []hop           // what may still be connected: disconnecting failed, or a life before was cut off. Of who has the lock
	met   map[uint16]bool // the muxes on the bus itself that were given out, under mu
	fresh []hop           // those of them that nobody used yet, under mu
}

func (m *muxes) bus(name string) (i2c.Bus, error) {
	root, way, branched := strings.Cut(name, "/")
	var hops []hop
	if branched {
		var err error
		if hops, err = parseHops(way); err != nil {
			return nil, fmt.Errorf("bus %q: %w", name, err)
		}
	}
	bus, err := m.open(root)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trunks[root]
	if t == nil {
		t = &trunk{lock: make(chan struct{}, 1)}
		m.trunks[root] = t
	}
	t.mu.Lock()
	t.bus = bus
	if len(hops) > 0 && !t.met[hops[0].address] {
		if t.met == nil {
			t.met = map[uint16]bool{}
		}
		t.met[hops[0].address] = true
		t.fresh = append(t.fresh, hops[0])
	}
	t.mu.Unlock()
	return &branch{trunk: t, name: name, hops: hops}, nil
}

// parseHops reads "pca9546@0x70.2/0x71.0".
func parseHops(way string) ([]hop, error) {
	var hops []hop
	for step := range strings.SplitSeq(way, "/") {
		kind, place, named := strings.Cut(step, "@")
		if !named {
			kind, place = "pca9548", step
		}
		mux, ok := muxTypes()[kind]
		if !ok {
			return nil, fmt.Errorf("no mux is called %q", kind)
		}
		at, number, _ := strings.Cut(place, ".")
		address, err := strconv.ParseUint(at, 0, 7)
		if err != nil || address < 0x70 || address > 0x77 {
			return nil, fmt.Errorf("%q is no mux and branch; write 0x70.0 or pca9546@0x70.0, from 0x70 to 0x77", step)
		}
		if last := 0x70 + 1<<mux.pins - 1; int(address) > last {
			return nil, fmt.Errorf("%q: a %s can be from 0x70 to 0x%02x, by its address pins", step, kind, last)
		}
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil || int(n) >= mux.branches {
			return nil, fmt.Errorf("%q: a %s has the branches 0 to %d", step, kind, mux.branches-1)
		}
		h := hop{address: uint16(address), connect: 1 << n, mask: mux.mask, kind: kind}
		if mux.enable != 0 {
			h.connect = mux.enable | byte(n)
		}
		hops = append(hops, h)
	}
	return hops, nil
}

// branch is an i2c.Bus of one branch, or of the trunk itself.
type branch struct {
	trunk *trunk
	name  string
	hops  []hop
}

var (
	_ i2c.Bus    = (*branch)(nil)
	_ transactor = (*branch)(nil)
)

// String returns the name of the branch.
func (b *branch) String() string { return b.name }

// SetSpeed fails: the branches of a mux have the speed of its bus.
func (b *branch) SetSpeed(physic.Frequency) error {
	return errors.New(b.name + ": the speed of a branch is that of the bus")
}

// Tx is TxContext without a deadline of its own.
func (b *branch) Tx(addr uint16, w, r []byte) error {
	return b.TxContext(context.Background(), addr, w, r)
}

// TxContext waits for the bus, connects the branch, does the transfer and disconnects.
func (b *branch) TxContext(ctx context.Context, addr uint16, w, r []byte) (err error) {
	t := b.trunk
	select {
	case t.lock <- struct{}{}:
	case <-ctx.Done():
		return &sensors.FaultError{Bus: b.name, Address: addr, Operation: "waiting for the bus", Kind: sensors.Timeout, Cause: ctx.Err()}
	}
	defer func() { <-t.lock }()
	t.mu.Lock()
	bus := t.bus
	for _, h := range t.fresh { // the one that is about to be used is told what to connect anyway
		if len(b.hops) == 0 || b.hops[0].address != h.address {
			t.soil(h)
		}
	}
	t.fresh = nil
	t.mu.Unlock()
	if err := b.clean(ctx, bus); err != nil {
		return err
	}
	// What is connected gets disconnected, even when ctx is done: the bus's own deadline holds then.
	defer func() {
		if clean := b.clean(context.WithoutCancel(ctx), bus); err == nil {
			err = clean
		}
	}()
	for _, h := range b.hops {
		t.soil(h)
		if err := b.connect(ctx, bus, h); err != nil {
			return err
		}
	}
	return transfer(ctx, bus, addr, w, r)
}

// soil notes that a branch is or may be connected.
func (t *trunk) soil(h hop) {
	t.dirty = append(slices.DeleteFunc(t.dirty, func(d hop) bool { return d.address == h.address }), h)
}

// clean disconnects all that is or may be connected, the farthest first. A mux that does not answer is tried again before
// the next transfer, and is no error: one that is not there connects nothing, and one behind another is cut off by that.
func (b *branch) clean(ctx context.Context, bus i2c.Bus) error {
	t := b.trunk
	var silent []hop
	defer func() { t.dirty = append(silent, t.dirty...) }()
	for len(t.dirty) > 0 {
		h := t.dirty[len(t.dirty)-1]
		if err := transfer(ctx, bus, h.address, []byte{muxOff}, nil); err != nil {
			if kindOf(err) != sensors.NoAnswer {
				return b.fault(h, "disconnecting a branch", kindOf(err), bare(err))
			}
			silent = append(silent, h)
		}
		t.dirty = t.dirty[:len(t.dirty)-1]
	}
	return nil
}

// connect connects a branch and reads back that it is: that is all the identity a mux has.
func (b *branch) connect(ctx context.Context, bus i2c.Bus, h hop) error {
	const what = "connecting a branch"
	if err := transfer(ctx, bus, h.address, []byte{h.connect}, nil); err != nil {
		return b.fault(h, what, kindOf(err), bare(err))
	}
	var got [1]byte
	if err := transfer(ctx, bus, h.address, nil, got[:]); err != nil {
		return b.fault(h, what, kindOf(err), bare(err))
	}
	if got[0]&h.mask != h.connect {
		return b.fault(h, what, sensors.WrongPart, fmt.Errorf("it is 0x%02x after 0x%02x was written", got[0], h.connect))
	}
	return nil
}

func (b *branch) fault(h hop, what string, kind sensors.FaultKind, cause error) error {
	return &sensors.FaultError{Driver: h.kind, Bus: b.name, Address: h.address, Operation: what, Kind: kind, Cause: cause}
}
