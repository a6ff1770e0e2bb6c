// Package bus is the wire between the agent and its parts: an I2C bus that cannot hang the agent, and GPIO lines.
//
// A [Bus] is one I2C bus of Linux, /dev/i2c-N. It is an i2c.Bus of periph, so that periph's drivers work on it, and more:
// [Bus.TxContext] takes a deadline, [Bus.With] gives a driver that knows no deadlines a view that ends with a context.
// An [Adapter] is what carries a transfer: the kernel, or a simulated wire (package bustest). A [Transcript] is what
// passed on a bus, written by a [Recorder] and played back by a [Player]. A [Line] is one GPIO input, an [Output] one output.
//
// The promise. A call returns when its context ends, whatever the hardware or the kernel does. One transfer is on the
// wire at a time, in the order of asking. Memory that the kernel was given stays where it is until the kernel has
// returned, even when the caller has given up. Errors are [sensors.FaultError]: they name bus, address, operation and
// kind, keep the errno for errors.Is, and never hold what was read. Addresses that fail again and again are
// quarantined, so that they don't take the time of the others, and come back by themselves. A zero-length transfer is
// refused: it would say "present" of any address. Asking about a line never changes it.
//
// Caveats. A transfer that is stuck in the kernel can't be called back by any process: its goroutine and one thread
// stay until the kernel lets go, and until then nobody uses that bus. A bus on which every transfer times out is opened
// again, because the kernel's timeout and the state of a USB adapter start afresh then; that is all a process can do.
// It can't clock SCL to free a part that holds SDA low (the kernel's driver does that on some controllers), can't take
// the power from a part (a GPIO line could, see [Options.Open]), and rebinding the controller's driver needs root. The
// speed of a bus is fixed at boot. This package reads no configuration and starts nothing until a Bus is used.
package bus
