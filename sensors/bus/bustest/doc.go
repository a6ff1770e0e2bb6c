// Package bustest is a simulated I2C bus, register by register, and the replay of recorded ones.
//
// A [Wire] is a [bus.Adapter] with [Registers] attached to addresses. A [Fault] on an address makes it do what wires in
// the field do: no answer, timeouts, lost arbitration, all ones, all zeros, flipped bits, slowness, hanging for ever.
// [Replay] plays a transcript back and fails the test at the first byte that differs and at the last line that was not
// used.
//
// Delays sleep on the ordinary clock, so that a test under testing/synctest takes no time.
package bustest
