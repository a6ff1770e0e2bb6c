//go:build race

package agent_test

// raced: the race detector is in, and what it does to sync.Pool makes allocations of its own.
const raced = true
