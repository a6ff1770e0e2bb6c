package sensortest

import (
	"bytes"
	"runtime"
)

// Goroutines is how many goroutines there are in the caller's bubble of [testing/synctest], its own included; for a caller outside of any
// bubble, how many there are outside of all of them. [runtime.NumGoroutine] counts the whole process: what a test before this one left to
// end by itself, a timer or the collector's helpers, comes and goes in it while a test counts. In a bubble that waited (synctest.Wait, or a
// sleep) the count is exact: a goroutine that ends is waited for. It stops the process for as long as the stacks take to write.
func Goroutines() int {
	stacks := make([]byte, 64<<10)
	n := runtime.Stack(stacks, true)
	for n == len(stacks) {
		stacks = make([]byte, 2*len(stacks))
		n = runtime.Stack(stacks, true)
	}
	mine, count := "", 0
	for i, stack := range bytes.Split(stacks[:n], []byte("\n\n")) { // the caller's is the first
		bubble := bubbleOf(stack)
		if i == 0 {
			mine = bubble
		}
		if bubble == mine {
			count++
		}
	}
	return count
}

// bubbleOf is what the first line of a goroutine's stack, "goroutine 8 [sleep (durable), synctest bubble 1]:", says of its bubble; "" when
// it is in none.
func bubbleOf(stack []byte) string {
	head, _, _ := bytes.Cut(stack, []byte("\n"))
	_, bubble, _ := bytes.Cut(head, []byte("synctest bubble "))
	number, _, _ := bytes.Cut(bubble, []byte("]"))
	return string(number)
}
