package bustest

import (
	"sync"
	"syscall"
)

// Registers is a part with up to 256 registers of one or two bytes: the first byte written is the register, more are
// put into it and those that follow; a read starts there. Set and Get may be called from any goroutine, at any time.
type Registers struct {
	mu      sync.Mutex
	width   int
	memory  []byte
	pointer int
	fixed   map[byte]bool
}

var _ Device = (*Registers)(nil)

// NewRegisters returns a part whose registers are width bytes wide (1 or 2) and zero.
func NewRegisters(width int) *Registers {
	return &Registers{width: width, memory: make([]byte, 256*width), fixed: map[byte]bool{}}
}

// Set puts bytes into register reg and those that follow.
func (r *Registers) Set(reg byte, bytes ...byte) *Registers {
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(r.memory[int(reg)*r.width:], bytes)
	return r
}

// Fix makes a register read-only for the bus, such as one that holds the part's identity.
func (r *Registers) Fix(reg byte) *Registers {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fixed[reg] = true
	return r
}

// Get returns n bytes from register reg on.
func (r *Registers) Get(reg byte, n int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := int(reg) * r.width
	return append([]byte(nil), r.memory[from:min(from+n, len(r.memory))]...)
}

// Transfer implements [Device]. More than the part has is not acknowledged when written, and ones when read.
func (r *Registers) Transfer(written, read []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(written) > 0 {
		r.pointer = int(written[0]) * r.width
		for i, b := range written[1:] {
			at := r.pointer + i
			if at >= len(r.memory) {
				return syscall.ENXIO
			}
			if !r.fixed[byte(at/r.width)] {
				r.memory[at] = b
			}
		}
	}
	for i := range read {
		read[i] = 0xff
		if at := r.pointer + i; at < len(r.memory) {
			read[i] = r.memory[at]
		}
	}
	return nil
}
