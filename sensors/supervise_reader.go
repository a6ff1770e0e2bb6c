package sensors

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// grace is how much longer than its deadline a call may take before it is abandoned.
const grace = 250 * time.Millisecond

// errAbandoned is what a call gives that has not returned.
var errAbandoned = fmt.Errorf("the call has not returned; it is left alone: %w", Timeout)

// call has the reader make one call of a part. When that does not return, the reader is left to it.
func (l *loop) call(ctx context.Context, s *supervised, do func(context.Context) error) error {
	if l.reader == nil {
		l.reader = startReader()
	}
	limited, cancel := context.WithTimeout(ctx, s.Deadline)
	defer cancel()
	timer := time.NewTimer(s.Deadline + grace)
	defer timer.Stop()
	l.reader.in <- task{limited, do}
	select {
	case err := <-l.reader.out:
		return err
	case <-timer.C:
	case <-ctx.Done():
		timer.Reset(grace)
		select {
		case err := <-l.reader.out:
			return err
		case <-timer.C:
		}
	}
	l.reader.stop()
	s.turn.away, l.reader = l.reader, nil
	return errAbandoned
}

// reader is a goroutine that makes calls, one at a time, and can be left behind.
type reader struct {
	in  chan task
	out chan error // holds one, so that a call nobody waits for can end
}

type task struct {
	ctx context.Context
	do  func(context.Context) error
}

func startReader() *reader {
	r := &reader{in: make(chan task), out: make(chan error, 1)}
	go func() {
		for t := range r.in {
			r.out <- t.run()
		}
	}()
	return r
}

// stop ends the goroutine, as soon as its call has returned.
func (r *reader) stop() { close(r.in) }

// returned says whether a call that was left alone has returned.
func (r *reader) returned() bool {
	select {
	case <-r.out:
		return true
	default:
		return false
	}
}

// run makes the call. A driver that panics is a part that fails, not the end of the agent. What it panics with may hold
// what was measured, so only the place is told.
func (t task) run() (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the driver panicked at %s", panicPlace())
		}
	}()
	return t.do(t.ctx)
}

// panicPlace is the file and line that panicked, for a deferred function that has just recovered.
func panicPlace() string {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	panicking := false
	for {
		frame, more := frames.Next()
		ofRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !ofRuntime {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
