// Package agent wires the stages together and gives them a lifetime; it has no logic of its own.
//
// The nouns: a [Config] is candor.toml; an [Agent] is everything opened and nothing started; its tasks are sources, the flush,
// one uplink, the control socket. [Open] builds, [Agent.Run] and [Agent.Once] run.
//
// The promise: one agent a state directory; what fails in one task does not stop sensing, and what it was is in `status`. A
// configuration or policy that can't be read lets nothing out and loses nothing. Every goroutine started here has ended when
// Run or Once returns.
package agent
