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
	all := bytes.Split(stacks[:n], []byte("\n\n"))
	makes := map[string]string{} // by a goroutine's number, the bubble that those are in which it makes
	for _, stack := range all {
		if number, _ := numbersOf(stack); !bytes.Contains(stack, []byte(" [synctest.Run")) { // which is around the bubble
			makes[number] = bubbleOf(stack)
		}
	}
	mine, count := bubbleOf(all[0]), 0 // the caller's is the first
	for _, stack := range all {
		bubble := bubbleOf(stack)
		if bubble == "" { // one that begins a garbage collection is out of its bubble meanwhile; who made it is not
			_, parent := numbersOf(stack)
			bubble = makes[parent]
		}
		if bubble == mine {
			count++
		}
	}
	return count
}

// numbersOf are the numbers of a goroutine and of the one that made it: "goroutine 8 [select]:" … "created by main.f in goroutine 1".
func numbersOf(stack []byte) (own, parent string) {
	head, _, _ := bytes.Cut(bytes.TrimPrefix(stack, []byte("goroutine ")), []byte(" "))
	_, from, _ := bytes.Cut(stack, []byte(" in goroutine "))
	from, _, _ = bytes.Cut(from, []byte("\n"))
	return string(head), string(from)
}

// bubbleOf is what the first line of a goroutine's stack, "goroutine 8 [sleep (durable), synctest bubble 1]:", says of its bubble; "" when
// it is in none.
func bubbleOf(stack []byte) string {
	head, _, _ := bytes.Cut(stack, []byte("\n"))
	_, bubble, _ := bytes.Cut(head, []byte("synctest bubble "))
	number, _, _ := bytes.Cut(bubble, []byte("]"))
	return string(number)
}
