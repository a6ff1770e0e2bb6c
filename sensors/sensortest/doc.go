// Package sensortest is what every source is held to.
//
// [Conformance] opens a source several times and checks what the doc comments of package sensors ask of it: names and
// fields, the form of values, how it stops, and, where it ends by itself or is recorded, that it says the same again.
// [Clock] is a clock on which nobody waits.
//
// The promise: a source that passes can be wired into the agent. What a source measures is not checked; that is the
// business of its own tests.
//
// Caveats. Conformance counts goroutines, so a test that calls it must not run in parallel with others. A source that
// ends is read to its end several times: give it a short recording and a pace without waiting.
package sensortest
