package bustest

import (
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/candor-edge/candor/sensors/bus"
)

// Device is a simulated part. Transfer is called by one goroutine at a time.
type Device interface {
	// Transfer takes in what was written and fills read. It returns a syscall.Errno as the kernel would, such as
	// ENXIO for a byte that the part does not acknowledge.
	Transfer(written, read []byte) error
}

// Func is a part made of one function.
type Func func(written, read []byte) error

// Transfer implements [Device].
func (f Func) Transfer(written, read []byte) error { return f(written, read) }

// All stands for every address of a wire.
const All uint16 = 0

// Fault is what is wrong at an address. The zero value is nothing.
type Fault struct {
	Mode Mode
	// Delay is how long a transfer takes: for Slow before it is carried out, for Timeout before it fails (default
	// 250 ms). The other modes take no time.
	Delay time.Duration
	// Times is how many transfers it strikes; 0 is all, until it is cleared.
	Times int
}

// Mode is the way in which a wire fails.
type Mode uint8

// The modes.
const (
	Nothing         Mode = iota
	NoAnswer             // the address is not acknowledged; a part that is unplugged does the same
	Timeout              // a line is held low until the controller gives up
	LostArbitration      // another master, or a disturbance, wins
	Ones                 // SDA floats high: every bit read is one
	Zeros                // SDA is held low by the part: every bit read is zero
	Flip                 // the last bit of each read is wrong, which a checksum at its end shows
	Slow                 // it works, after Delay
	Hang                 // the transfer does not come back until the fault is cleared
	Vanished             // the bus itself is gone, as when a USB adapter is pulled
)

// String returns the mode in words.
func (m Mode) String() string {
	return [...]string{"nothing", "no answer", "timeout", "lost arbitration", "all ones", "all zeros", "flipped bit", "slow",
		"hang", "vanished"}[m]
}

// Wire is a simulated bus. Its methods may be called from any goroutine; transfers come one at a time.
type Wire struct {
	mu       sync.Mutex
	parts    map[uint16][]Device
	faults   map[uint16]*fault
	attempts map[uint16]int
	opened   int
	missing  error
	open     bool
}

type fault struct {
	Fault
	cleared chan struct{}
}

var _ bus.Adapter = (*Wire)(nil)

// NewWire returns a wire without parts.
func NewWire() *Wire {
	return &Wire{parts: map[uint16][]Device{}, faults: map[uint16]*fault{}, attempts: map[uint16]int{}}
}

// Open is what to put into [bus.Options].Open: it opens the wire, again and again.
func (w *Wire) Open() (bus.Adapter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.missing != nil {
		return nil, w.missing
	}
	w.opened++
	w.open = true
	return w, nil
}

// Missing makes Open fail with err, until it is nil again.
func (w *Wire) Missing(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missing = err
}

// Opened returns how often the wire was opened, and whether it is open.
func (w *Wire) Opened() (times int, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened, w.open
}

// Close implements [bus.Adapter].
func (w *Wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = false
	return nil
}

// Attach connects a part. Two parts at one address both take what is written, and pull down each other's bits.
func (w *Wire) Attach(addr uint16, d Device) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parts[addr] = append(w.parts[addr], d)
}

// Detach unplugs all parts at an address.
func (w *Wire) Detach(addr uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.parts, addr)
}

// Break puts a fault on an address, or on [All]; an address's own fault goes before that of All. It replaces the one
// before.
func (w *Wire) Break(addr uint16, f Fault) {
	w.Mend(addr)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[addr] = &fault{Fault: f, cleared: make(chan struct{})}
}

// Mend clears the fault of an address, or of [All]. A transfer that hangs fails then with ETIMEDOUT.
func (w *Wire) Mend(addr uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.faults[addr]; f != nil {
		close(f.cleared)
		delete(w.faults, addr)
	}
}

// Attempts returns how many transfers an address has seen, those that failed too.
func (w *Wire) Attempts(addr uint16) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attempts[addr]
}

// take returns the parts at an address and its present fault, which has struck once more.
func (w *Wire) take(addr uint16) ([]Device, fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[addr]++
	key := addr
	f := w.faults[key]
	if f == nil {
		key = All
		f = w.faults[key]
	}
	if f == nil {
		return slices.Clone(w.parts[addr]), fault{}
	}
	struck := *f
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(w.faults, key)
		}
	}
	return slices.Clone(w.parts[addr]), struck
}

// Transfer implements [bus.Adapter].
func (w *Wire) Transfer(addr uint16, written, read []byte) error {
	parts, f := w.take(addr)
	switch f.Mode {
	case NoAnswer:
		return syscall.ENXIO
	case LostArbitration:
		return syscall.EAGAIN
	case Vanished:
		return syscall.ENODEV
	case Timeout:
		if f.Delay == 0 {
			f.Delay = 250 * time.Millisecond
		}
		time.Sleep(f.Delay)
		return syscall.ETIMEDOUT
	case Hang:
		<-f.cleared
		return syscall.ETIMEDOUT
	case Slow:
		time.Sleep(f.Delay)
	}
	if len(parts) == 0 {
		return syscall.ENXIO
	}
	if err := both(parts, written, read); err != nil {
		return err
	}
	f.spoil(read)
	return nil
}

// both carries a transfer to all parts at one address; a bit that one of them pulls low is low.
func both(parts []Device, written, read []byte) error {
	for i := range read {
		read[i] = 0xff
	}
	var refused error
	answered := false
	own := make([]byte, len(read))
	for _, p := range parts {
		if err := p.Transfer(written, own); err != nil {
			refused = err
			continue
		}
		answered = true
		for i := range read {
			read[i] &= own[i]
		}
	}
	if !answered {
		return refused
	}
	return nil
}

// spoil does to the bytes read what the fault does.
func (f fault) spoil(read []byte) {
	for i := range read {
		switch f.Mode {
		case Ones:
			read[i] = 0xff
		case Zeros:
			read[i] = 0
		case Flip:
			if i == len(read)-1 {
				read[i] ^= 1
			}
		}
	}
}
