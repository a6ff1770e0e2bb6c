package bus

import (
	"time"

	"github.com/candor-edge/candor/sensors"
)

// Adapter carries transfers. Its methods are called by one goroutine at a time, never two at once.
type Adapter interface {
	// Transfer writes w to the part at addr, then, after a repeated start, fills r; one of the two may be empty. It may
	// block longer than anyone wants to wait. Its error is or wraps a syscall.Errno where there is one.
	Transfer(addr uint16, w, r []byte) error
	// Close gives the adapter back. It is not called while Transfer runs.
	Close() error
}

// Options say what a Bus is made of. Zero fields take the defaults.
type Options struct {
	// Name is "i2c-1". It names the device node and stands in errors.
	Name string
	// Open opens the adapter. It is called at the first transfer, and again after the bus was stuck or gone, never
	// twice at once; a maker whose board can take the power from the parts does so here. Default: the kernel's
	// /dev/<Name>, with KernelTimeout and Retries set.
	Open func() (Adapter, error)
	// Now is the clock of counters, quarantine and recovery. Default time.Now. Deadlines are those of contexts.
	Now func() time.Time
	// Deadline is how long one transfer may take, the wait for its turn included, when the caller's context has no
	// deadline of its own. Default 1 s.
	Deadline time.Duration
	// KernelTimeout is after which time the kernel gives up one attempt. Kernels count in steps of 10 ms. Default
	// 250 ms.
	KernelTimeout time.Duration
	// Retries is how often the kernel repeats a transfer that lost arbitration. Default 1; negative is none.
	Retries int
	// QuarantineAfter is how many failures in a row put an address into quarantine. Default 5; negative is never.
	QuarantineAfter int
	// QuarantineFirst and QuarantineLongest are the first and the longest time in quarantine; it doubles in between.
	// Defaults 1 s and 10 s.
	QuarantineFirst, QuarantineLongest time.Duration
	// StuckAfter is how many transfers in a row, at whatever address, have to time out or lose arbitration for the bus
	// to count as stuck. Default 5; negative is never.
	StuckAfter int
	// ReopenFirst and ReopenLongest are the first and the longest time between two attempts to open the adapter again.
	// Defaults 1 s and 1 min.
	ReopenFirst, ReopenLongest time.Duration
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&o.Deadline, time.Second)
	set(&o.KernelTimeout, 250*time.Millisecond)
	set(&o.QuarantineFirst, time.Second)
	set(&o.QuarantineLongest, 10*time.Second)
	set(&o.ReopenFirst, time.Second)
	set(&o.ReopenLongest, time.Minute)
	count := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
		*n = max(*n, 0)
	}
	count(&o.Retries, 1)
	count(&o.QuarantineAfter, 5)
	count(&o.StuckAfter, 5)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Open == nil {
		device := Device{Dir: "/dev", Name: o.Name, Timeout: o.KernelTimeout, Retries: o.Retries}
		o.Open = func() (Adapter, error) { return device.Open() }
	}
	return o
}

// Device says which device node to open and how.
type Device struct {
	Dir     string        // "/dev"
	Name    string        // "i2c-1"
	Timeout time.Duration // of one attempt; the kernel takes steps of 10 ms and at least one
	Retries int           // after lost arbitration; 0 for none
}

// Counter is what happened at one address since the Bus was made.
type Counter struct {
	Address     uint16
	Transfers   uint64                       // all that were tried on the wire
	Faults      map[sensors.FaultKind]uint64 // those that failed, by kind; the caller's to keep
	InARow      int                          // failures since the last success
	LastFault   time.Time                    // zero when there was none
	LastKind    sensors.FaultKind            // of LastFault
	Quarantined time.Time                    // no transfer is tried before; zero when not in quarantine
}

// Condition is how a bus is.
type Condition struct {
	Stuck       bool      // every transfer times out, or one never returned
	Since       time.Time // when it got stuck; zero when it is not
	HeldBy      uint16    // the address whose transfer the kernel has not returned, 0 for none
	Reopened    uint64    // how often the adapter was opened again
	OpenFailure error     // why the adapter is not open; nil when it is or was not asked for
}
