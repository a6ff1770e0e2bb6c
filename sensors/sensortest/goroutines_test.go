package sensortest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/candor-edge/candor/sensors/sensortest"
)

// TestGoroutines: those of one's own bubble count, those outside don't, and the other way round.
func TestGoroutines(t *testing.T) {
	outside := make(chan struct{})
	for range 300 { // more than one page of stacks
		go func() { <-outside }()
	}
	if n := sensortest.Goroutines(); n <= 300 { // those of the tests before come and go
		t.Errorf("%d goroutines outside of any bubble, want this and 300", n)
	}
	synctest.Test(t, func(t *testing.T) {
		first := sensortest.Goroutines()
		inside := make(chan struct{})
		for range 3 {
			go func() { <-inside }()
		}
		go time.Sleep(time.Hour)
		synctest.Wait()
		if n := sensortest.Goroutines(); n != first+4 {
			t.Errorf("%d goroutines in the bubble, want %d", n, first+4)
		}
		close(inside)
		time.Sleep(2 * time.Hour)
		if n := sensortest.Goroutines(); n != first || first > 3 { // two are synctest's
			t.Errorf("%d goroutines are left in the bubble, of %d", n, first)
		}
	})
	close(outside)
	for end := time.Now().Add(10 * time.Second); sensortest.Goroutines() >= 300; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("goroutines that ended are counted")
		}
	}
}
