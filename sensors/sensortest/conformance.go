package sensortest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/candor-edge/candor/sensors"
)

const (
	patience = time.Second      // how long a source may take to stop
	longest  = 10 * time.Second // how long a source that ends may take to end
	settling = 2 * time.Second  // how long goroutines may take to be gone
	enough   = 200              // readings of a source that does not end
)

// Conformance holds a source to the contract of [sensors.Source] and of the other interfaces that it implements. open
// returns a fresh source in the same state each time; it is called once for each run, and fails the test itself when
// there is none.
func Conformance(t *testing.T, open func() sensors.Source) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(open); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check is [Conformance] without a test of its own for each thing that is asked, so that it can run under testing/synctest,
// where waiting takes no time. The error is all that was found.
func Check(open func() sensors.Source) error {
	var all []error
	for _, c := range checks() {
		if err := c.check(open); err != nil {
			all = append(all, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(all...)
}

// check is one thing that is asked of a source. It returns all that it finds, joined.
type check struct {
	name  string
	check func(open func() sensors.Source) error
}

func checks() []check {
	return []check{
		{"names", checkNames},
		{"readings", checkReadings},
		{"faults", checkFaults},
		{"cancel", checkCancel},
		{"cancelled before", checkCancelledBefore},
		{"emit fails", checkEmitFails},
		{"says the same again", checkRepeats},
		{"resumes", checkResumes},
	}
}

// errStop is what emit returns to stop a source.
var errStop = errors.New("sensortest: emit has enough")

// run is what one run of a source gave.
type run struct {
	readings []sensors.Reading // copies
	err      error             // what Run returned
	faults   []error           // what was found while it ran
}

// play runs source until it ends, emit has had most readings (0 for any number) or long is over, then cancels and
// waits for it. scribble overwrites Values after each reading, as a source has to expect.
func play(source sensors.Source, most int, long time.Duration, scribble bool) run {
	var result run
	before := Goroutines()
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		result.err = source.Run(ctx, func(r sensors.Reading) error {
			kept := r
			kept.Values = slices.Clone(r.Values)
			result.readings = append(result.readings, kept)
			for i := range r.Values {
				if scribble {
					r.Values[i] = sensors.Value{Num: -1 << 63, Token: "scribble", Quality: 200}
				}
			}
			if most > 0 && len(result.readings) == most {
				return errStop
			}
			return nil
		})
	}()
	select {
	case <-done:
	case <-time.After(long + patience):
		return run{faults: []error{fmt.Errorf("the source goes on %v after its context was done", patience)}}
	}
	if !gone(before) {
		result.faults = append(result.faults, errors.New("goroutines are left after Run returned"))
	}
	return result
}

// gone waits until there are no more goroutines than before.
func gone(before int) bool {
	for end := time.Now().Add(settling); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if Goroutines() <= before {
			return true
		}
	}
	return false
}

// ends says whether the source ends by itself.
func ends(source sensors.Source) bool {
	e, ok := source.(sensors.Ending)
	return ok && e.Ends()
}

// whole runs a source to its end if it has one, else until there is enough to look at.
func whole(source sensors.Source, scribble bool) run {
	if !ends(source) {
		r := play(source, enough, patience, scribble)
		if r.err != nil && !errors.Is(r.err, errStop) && !errors.Is(r.err, context.DeadlineExceeded) {
			r.faults = append(r.faults, fmt.Errorf("running it: %w", r.err))
		}
		return r
	}
	r := play(source, 0, longest, scribble)
	if r.err != nil {
		r.faults = append(r.faults, fmt.Errorf("running a source that ends: %w", r.err))
	}
	if len(r.readings) == 0 {
		r.faults = append(r.faults, errors.New("a source that ends emitted nothing before its end"))
	}
	return r
}

func checkCancel(open func() sensors.Source) error {
	source := open()
	before := Goroutines()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	first, done := make(chan struct{}), make(chan error, 1)
	seen := false
	go func() {
		done <- source.Run(ctx, func(sensors.Reading) error {
			if !seen {
				seen = true
				close(first)
			}
			return nil
		})
	}()
	select {
	case <-first:
	case <-time.After(patience / 4): // nothing to read: it has to stop all the same
	case err := <-done:
		return endedEarly(source, err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("running it gave %w when its context was done; nil or the context's error is right", err)
		}
	case <-time.After(patience):
		return fmt.Errorf("the source goes on %v after its context was done", patience)
	}
	if !gone(before) {
		return errors.New("goroutines are left after Run returned")
	}
	return nil
}

func endedEarly(source sensors.Source, err error) error {
	if err != nil || !ends(source) {
		return fmt.Errorf("it returned before anything stopped it, with error %v", err)
	}
	return nil
}

func checkCancelledBefore(open func() sensors.Source) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan error, 1)
	go func() { done <- open().Run(ctx, func(sensors.Reading) error { return nil }) }()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("running it gave %w when its context was done; nil or the context's error is right", err)
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the source goes on for %v though its context was done from the start", patience)
	}
}

func checkEmitFails(open func() sensors.Source) error {
	source := open()
	r := play(source, 1, patience, false)
	if len(r.readings) == 0 {
		return errors.Join(r.faults...) // there was nothing to emit
	}
	if len(r.readings) > 1 {
		r.faults = append(r.faults, errors.New("emit was called again after it had failed"))
	}
	if !errors.Is(r.err, errStop) {
		r.faults = append(r.faults, fmt.Errorf("running it gave %v and not the error of emit", r.err))
	}
	return errors.Join(r.faults...)
}

func checkRepeats(open func() sensors.Source) error {
	first := open()
	if !ends(first) {
		return nil
	}
	plain, scribbled := whole(first, false), whole(open(), true)
	if faults := append(plain.faults, scribbled.faults...); len(faults) > 0 {
		return errors.Join(faults...)
	}
	if at := difference(plain.readings, scribbled.readings); at >= 0 {
		return fmt.Errorf("reading %d differs in a second run, in which Values were overwritten after each emit", at)
	}
	return nil
}

func checkResumes(open func() sensors.Source) error {
	source := open()
	recorded, ok := source.(sensors.Resuming)
	if !ok || !ends(source) {
		return nil
	}
	name := recorded.Recording()
	if name == "" || name != open().(sensors.Resuming).Recording() {
		return errors.New("the name of the recording is empty or not the same when opened again")
	}
	all := whole(source, false)
	if len(all.faults) > 0 {
		return errors.Join(all.faults...)
	}
	n := len(all.readings)
	for _, from := range []int{0, n / 2, n - 1} {
		again := open()
		again.(sensors.Resuming).Resume(all.readings[from].Position)
		rest := play(again, 0, longest, false)
		if err := errors.Join(append(rest.faults, rest.err)...); err != nil {
			return fmt.Errorf("after Resume: %w", err)
		}
		if at := difference(rest.readings, all.readings[from+1:]); at >= 0 {
			return fmt.Errorf("after Resume with the position of reading %d, reading %d is not the one that follows", from, at)
		}
	}
	return nil
}

// difference returns the first place in which a and b differ, or -1.
func difference(a, b []sensors.Reading) int {
	for i := range min(len(a), len(b)) {
		if !reflect.DeepEqual(a[i], b[i]) {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}
