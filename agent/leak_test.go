package agent_test

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// held is what a process holds of the system.
type held struct{ routines, files int }

func holds(t *testing.T) held {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("open files can't be counted here: %v", err)
	}
	return held{runtime.NumGoroutine(), len(files)}
}

// An agent that was opened, used and closed leaves no goroutine and no open file behind, whether its recipient answers or not.
func TestAgentLeavesNothingBehind(t *testing.T) {
	url, _ := receiver(t)
	life := func() {
		for _, to := range []string{url, "http://127.0.0.1:1"} {
			o := newObject(t, to, 300)
			_ = o.once(time.Nanosecond, "trends", "air") // what is left of the second is its business
			a := o.open()
			if _, err := a.Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	life() // what is made once for the whole process
	before := holds(t)
	for range 5 {
		life()
	}
	after := holds(t)
	for range 1500 { // connections of the receiver end a little later
		if after.routines <= before.routines && after.files <= before.files {
			return
		}
		time.Sleep(20 * time.Millisecond)
		after = holds(t)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("five lives of two agents leave %d goroutines and %d files more\n%s", after.routines-before.routines, after.files-before.files, stacks[:runtime.Stack(stacks, true)])
}
