package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/candor-edge/candor/sensors"
)

// LeftError says what `run --once` could not get rid of. It is kept.
type LeftError struct {
	Rows, Batches int
	Parked        int
	Deletions     int               // deletion requests that no recipient has confirmed yet
	Lost          map[string]uint64 // rows given up in this run, by reason
	Cause         error
}

// Error says what is left and why.
func (e *LeftError) Error() string {
	text := fmt.Sprintf("%d rows and %d uploads are still buffered, and kept", e.Rows, e.Batches)
	if e.Parked > 0 {
		text += fmt.Sprintf("; %d uploads were refused by the recipient and are kept aside", e.Parked)
	}
	if e.Deletions > 0 {
		text += fmt.Sprintf("; %d deletion requests are not confirmed yet, and are sent again", e.Deletions)
	}
	for _, reason := range slices.Sorted(maps.Keys(e.Lost)) {
		text += fmt.Sprintf("; %d rows were lost: %s", e.Lost[reason], reason)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns why.
func (e *LeftError) Unwrap() error { return e.Cause }

// Once runs every source to its end, stores and sends all that is granted, and returns nil when nothing is left.
// A recipient that acknowledges nothing for as long as patience is given up on: *LeftError then says what is kept. Sources that
// never end are an error before anything starts. ctx ends it early, with what was sensed stored.
func (a *Agent) Once(ctx context.Context, patience time.Duration) error {
	for _, r := range a.sources {
		if e, ok := r.source.(sensors.Ending); !ok || !e.Ends() {
			return fmt.Errorf("sensor %s never ends, so `run --once` never would; use `run`, or give a simulated sensor `for`", r.source.Name())
		}
	}
	a.awaitFiles() // what has waited too long must be known before anything is sent
	a.mu.Lock()
	a.once = true
	a.recompile()
	a.tellAttributes(0)
	a.retryParked()
	a.expireRows()
	a.beginBuffer()
	a.mu.Unlock()
	serving, stop := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() { // so that a purpose can be taken back while it runs
		if err := a.serveControl(serving); err != nil {
			a.opts.Log.Warn("nobody can talk to this run", "error", err)
		}
	})
	if !a.opts.Detached {
		for _, t := range a.signalTasks() {
			served.Go(func() { _ = t.run(serving) }) // its trouble is in the status
		}
	}
	defer served.Wait()
	defer stop()
	a.store.Hold(true) // what does not fit is read again the next time
	a.senseOnce(ctx, patience)
	flushed := a.store.Flush()
	if ctx.Err() != nil {
		return a.left(errors.Join(flushed, ctx.Err()))
	}
	drained := a.up.Drain(ctx, patience)
	if flushed != nil && drained == nil { // what was sent has made room for what waited
		if flushed = a.store.Flush(); flushed == nil {
			drained = a.up.Drain(ctx, patience)
		}
	}
	a.tellFaults()
	return a.left(errors.Join(drained, flushed, a.failedSources(), a.pipe.trouble(), a.rulesError()))
}

// tellFaults logs what the sources could not use, which a run that ends would else take with it.
func (a *Agent) tellFaults() {
	for _, r := range a.sources {
		s := r.status()
		for _, f := range s.Faults {
			a.opts.Log.Warn("a sensor gave what can't be used", "sensor", s.Name, "what", f.What, "where", f.Where, "times", f.Count, "hint", f.Hint)
		}
	}
}

// rulesError is what is wrong with the policy or charter; nil when they are in force.
func (a *Agent) rulesError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rules.err
}

// senseOnce runs every source to its end. Recordings can wait, so a buffer that is full makes them wait, while what is
// in it is sent, rather than lose rows; when nothing gets through for as long as patience they are given up, and go on
// from there the next time.
func (a *Agent) senseOnce(ctx context.Context, patience time.Duration) {
	sensing, stop := context.WithCancel(ctx)
	var all, helpers sync.WaitGroup
	a.pipe.hold = a.holdWhenFull(sensing, patience)
	helpers.Go(func() { _ = a.flushLoop(sensing) })
	helpers.Go(func() { a.relieveLoop(sensing) })
	for _, r := range a.sources {
		all.Go(func() { a.runSource(sensing, r) })
	}
	all.Wait()
	stop()
	helpers.Wait()
	a.pipe.hold = nil
}

const (
	holdEvery  = 256   // readings that pass between two looks at the buffer
	maxWaiting = 16384 // rows in memory before a recording waits; the buffer drops some only at twice as many
)

// holdWhenFull makes the function that a reading waits in while the buffer has no room.
func (a *Agent) holdWhenFull(ctx context.Context, patience time.Duration) func() error {
	var mu sync.Mutex
	var passed atomic.Uint64
	return func() error {
		if passed.Add(1)%holdEvery != 0 {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		var since time.Time
		least := 0
		for {
			b := a.store.Status()
			if b.State.Takes() && b.WaitingRows < maxWaiting {
				return nil
			}
			if kept := b.WaitingRows + b.BufferedRows + b.OutgoingBatches; since.IsZero() || kept < least {
				since, least = a.opts.Clock.Now(), kept
			}
			if a.opts.Clock.Now().Sub(since) > patience {
				return fmt.Errorf("the buffer takes no more (%s) and nothing gets through", b.Detail)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-a.opts.Clock.After(20 * time.Millisecond):
			}
		}
	}
}

// relieveLoop sends what is buffered whenever the buffer has no room.
func (a *Agent) relieveLoop(ctx context.Context) {
	const often, seldom = 50 * time.Millisecond, time.Second
	wait := often
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.opts.Clock.After(wait):
		}
		wait = often
		if a.store.Status().State.Takes() {
			continue
		}
		err := errors.Join(a.up.Relieve(ctx), a.store.Flush())
		if err != nil && ctx.Err() == nil {
			a.opts.Log.Warn("the buffer is full and could not be relieved", "error", err)
			wait = seldom
		}
	}
}

// failedSources joins what ended a source before its time.
func (a *Agent) failedSources() error {
	var errs []error
	for _, r := range a.sources {
		if s := r.status(); s.State == "failed" {
			errs = append(errs, fmt.Errorf("sensor %s: %s", s.Name, s.Error))
		}
	}
	return errors.Join(errs...)
}

// left says what is still buffered or to be deleted at a recipient; nil when nothing is and nothing failed.
func (a *Agent) left(cause error) error {
	a.store.Await()
	b := a.store.Status()
	e := &LeftError{Rows: b.WaitingRows + b.BufferedRows, Batches: b.OutgoingBatches, Parked: b.Parked, Lost: b.Dropped, Cause: cause}
	for _, s := range a.book.Streams() {
		if s.DeletionDue && !s.DeletionDone {
			e.Deletions++
		}
	}
	if e.Rows == 0 && e.Batches == 0 && e.Parked == 0 && e.Deletions == 0 {
		return cause
	}
	return e
}
