package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// recheck is how often lapsed grants and new epochs are looked for.
const recheck = time.Minute

// task is one thing that runs for as long as the agent does.
type task struct {
	name string
	run  func(ctx context.Context) error
}

// tasks lists what Run runs; nothing is started by it.
func (a *Agent) tasks() []task {
	list := []task{
		{"control", a.serveControl},
		{"uplink", a.up.Run},
		{"flush", a.flushLoop},
		{"recheck", a.recheckLoop},
		{"reload", a.reloadLoop},
	}
	for _, r := range a.sources {
		list = append(list, task{"sensor " + r.source.Name(), func(ctx context.Context) error {
			a.runSource(ctx, r)
			return nil
		}})
	}
	return list
}

// Run is the daemon: it senses, clears, stores and sends until ctx is done, and returns when everything has ended and
// what waited is on disk. A task that fails is logged; only a control socket that can't be opened ends the agent.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	a.daemon = true
	a.recompile()
	a.tellAttributes()
	a.mu.Unlock()
	a.opts.Log.Info("candor runs", "state", a.cfg.Device.State, "plan", a.pipe.Plan().Digest().String()[:16])
	var all sync.WaitGroup
	failed := make(chan error, len(a.tasks()))
	for _, t := range a.tasks() {
		all.Go(func() {
			if err := t.run(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", t.name, err)
				stop()
			}
		})
	}
	all.Wait()
	close(failed)
	errs := []error{a.store.Flush()}
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (a *Agent) serveControl(ctx context.Context) error {
	owner, ok := a.cfg.StateOwner()
	if !ok {
		owner = -1
	}
	roles, err := control.RolesOf(owner, a.cfg.Control.Person, a.cfg.Control.Technician)
	if err != nil {
		return err
	}
	server := control.Server{Path: a.cfg.Socket(), Handler: control.NewHandler(a), Roles: roles, Log: a.opts.Log}
	if a.cfg.Control.Person != "" || a.cfg.Control.Technician != "" {
		server.Mode = 0o666 // whoever connects is told apart by the kernel's word for who it is, not by the file's mode
	}
	return server.Run(ctx)
}

// flushLoop commits what waits, every [buffer] flush.
func (a *Agent) flushLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.opts.Clock.After(a.cfg.Buffer.Flush.Std()):
		}
		if err := a.store.Flush(); err != nil {
			a.opts.Log.Error("the buffer could not be written; readings wait in memory", "error", err)
		}
	}
}

// recheckLoop lets grants lapse and tells attributes in a new epoch.
func (a *Agent) recheckLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.opts.Clock.After(recheck):
		}
		a.mu.Lock()
		a.recompile()
		a.tellAttributes()
		a.expireRows()
		a.mu.Unlock()
	}
}

// expireRows lets go of what has waited longer than the recipient could keep it. a.mu is held.
func (a *Agent) expireRows() {
	today := a.now().DayNumber()
	for _, p := range a.pipe.Plan().Purposes() {
		if p.State != consent.Given {
			continue
		}
		if err := a.store.Expire(p.Grant.ID, today-int64(p.Retention)); err != nil {
			a.opts.Log.Warn("rows past their retention are still in the buffer", "purpose", p.ID, "error", err)
		}
	}
}

// reloadLoop reads the policy again on SIGHUP.
func (a *Agent) reloadLoop(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
		}
		if err := a.Reload(); err != nil {
			a.opts.Log.Error("the new policy is not in force; the last good one is", "error", err)
		}
	}
}

// LeftError says what `run --once` could not get rid of. It is kept.
type LeftError struct {
	Rows, Batches int
	Parked        int
	Cause         error
}

// Error says what is left and why.
func (e *LeftError) Error() string {
	text := fmt.Sprintf("%d rows and %d uploads are still buffered, and kept", e.Rows, e.Batches)
	if e.Parked > 0 {
		text += fmt.Sprintf("; %d uploads were refused by the recipient and are kept aside", e.Parked)
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
	a.mu.Lock()
	a.recompile()
	a.tellAttributes()
	a.expireRows()
	a.mu.Unlock()
	sensing, stop := context.WithCancel(ctx)
	defer stop()
	var all, flusher sync.WaitGroup
	flusher.Go(func() { _ = a.flushLoop(sensing) })
	for _, r := range a.sources {
		all.Go(func() { a.runSource(sensing, r) })
	}
	all.Wait()
	stop()
	flusher.Wait()
	if err := a.store.Flush(); err != nil {
		return &LeftError{Rows: a.store.Status().WaitingRows, Cause: err}
	}
	if ctx.Err() != nil {
		return a.left(ctx.Err())
	}
	return a.left(errors.Join(a.up.Drain(ctx, patience), a.failedSources()))
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

// left says what is still buffered; nil when nothing is and nothing failed.
func (a *Agent) left(cause error) error {
	b := a.store.Status()
	e := &LeftError{Rows: b.WaitingRows + b.BufferedRows, Batches: b.OutgoingBatches, Parked: b.Parked, Cause: cause}
	if e.Rows == 0 && e.Batches == 0 && e.Parked == 0 {
		return cause
	}
	return e
}
