package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// keepLines is how long the ledger keeps a line for each upload; the totals stay.
const keepLines = 90 * sensors.Day

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
		{"uplink", a.up.Run},
		{"flush", a.flushLoop},
		{"recheck", a.recheckLoop},
	}
	if !a.opts.Detached {
		list = append(list, task{"control", a.serveControl}, task{"reload", a.reloadLoop}, task{"link", a.linkLoop})
		list = append(list, a.signalTasks()...)
		if a.cfg.Metrics.Listen != "" {
			list = append(list, task{"metrics", a.serveMetrics})
		}
		if a.page != nil {
			list = append(list, task{"page", a.pageLoop})
		}
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
// what waited is on disk. A task that fails ends the agent, with its error; a sensor that fails does not.
func (a *Agent) Run(ctx context.Context) error { return a.runTasks(ctx, a.tasks()) }

func (a *Agent) runTasks(ctx context.Context, tasks []task) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.mu.Lock()
	a.daemon, a.stop = true, stop
	a.retryParked()
	a.recompile()
	a.tellAttributes(0)
	a.beginBuffer()
	a.mu.Unlock()
	a.opts.Log.Info("candor runs", "state", a.cfg.Device.State, "plan", a.pipe.Plan().Digest().String()[:16])
	var all sync.WaitGroup
	failed := make(chan error, len(tasks))
	for _, t := range tasks {
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

// serveMetrics serves the metrics on loopback. That its address is taken must not keep an object from sensing.
func (a *Agent) serveMetrics(ctx context.Context) error {
	if err := control.ServeMetrics(ctx, a.cfg.Metrics.Listen, a, a.opts.Log); err != nil {
		a.opts.Log.Error("nobody can collect the metrics over loopback; the control socket has them too", "error", err)
	}
	return nil
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
		a.flushMine()
	}
}

// errWritable ends an agent that was started on a disk which took no writing: keys and ledger are open for reading only, and
// stay so. Whoever keeps the agent running starts it anew.
var errWritable = errors.New("the disk takes writing again, which it did not when this agent was started; start it anew, so that something can be noted and leave")

// writable tells whether state and keys can be written now.
func (a *Agent) writable() bool {
	f, err := os.OpenFile(filepath.Join(a.cfg.Device.State, "lock"), os.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil && a.keys.Writable()
}

// recheckLoop lets grants lapse, to the moment, and tells attributes in a new epoch.
func (a *Agent) recheckLoop(ctx context.Context) error {
	var next nextLook
	for {
		wait := next.wait(a.nextLapse())
		select {
		case <-ctx.Done():
			return nil
		case <-a.opts.Clock.After(wait):
		}
		if a.mute && a.writable() {
			return errWritable
		}
		a.awaitFiles() // before the lock: a decision must not wait for the disk
		a.mu.Lock()
		a.settle()
		a.recompile()
		a.tellAttributes(0)
		a.expireRows()
		a.endReceipts()
		a.mu.Unlock()
	}
}

// nextLook says when grants are looked at again.
type nextLook struct {
	lapse sensors.Micros // the moment that the last look was for; 0 for none
	least time.Duration
}

// wait is how long it is until the first of them lapses, if that is sooner than usual. When the last look was for that moment already and
// came before it, the clock runs slowly or stands still: it is looked at less and less often then, instead of without end.
func (n *nextLook) wait(now, lapse sensors.Micros) time.Duration {
	left := time.Duration(lapse-now) * time.Microsecond
	if lapse == 0 || left >= recheck {
		n.lapse = 0
		return recheck
	}
	if lapse != n.lapse {
		n.lapse, n.least = lapse, time.Millisecond
		return left
	}
	n.least = min(2*n.least, recheck)
	return max(left, n.least)
}

// nextLapse is when the first yes lapses, by which clock; 0 for none. What was taken before that moment and waits would leave in between. One
// that should have lapsed and has not, by a clock that nobody vouches for, is left to the usual look.
func (a *Agent) nextLapse() (now, lapse sensors.Micros) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now = a.now()
	for _, p := range a.pipe.Plan().Purposes() {
		if until := p.Grant.Until; until > now && (lapse == 0 || until < lapse) {
			lapse = until
		}
	}
	return now, lapse
}

// awaitFiles waits until it is known what lies in buffer and history. a.mu is not held.
func (a *Agent) awaitFiles() {
	a.store.Await()
	if h := a.mine.history.Load(); h != nil {
		h.Await()
	}
}

// beginBuffer marks the buffer as open when rows may come, so that a power cut before the first of them is told. a.mu is held.
func (a *Agent) beginBuffer() {
	if !slices.ContainsFunc(a.pipe.Plan().Purposes(), func(p *consent.Purpose) bool { return p.State == consent.Given }) {
		return
	}
	if err := a.store.Begin(); err != nil {
		a.opts.Log.Warn("a power cut before the first rows are written would not be told", "error", err)
	}
}

// retryParked offers what a recipient refused once more after each start: the fault may have been mended there.
func (a *Agent) retryParked() {
	if err := a.store.Unpark(); err != nil {
		a.opts.Log.Warn("uploads that were refused stay aside", "error", err)
	}
}

// expireRows lets go of what has waited longer than the recipient could keep it. a.mu is held.
func (a *Agent) expireRows() {
	if a.time != nil {
		if err := a.time.Save(false); err != nil {
			a.opts.Log.Warn("what is known of the clock can't be kept", "error", err)
		}
	}
	if !a.clockTrusted() {
		return // a clock that nobody vouches for ends nothing
	}
	today := a.now().DayNumber()
	a.expireMine(today)
	if a.prunedDay != today { // it looks at every line
		if err := a.book.Prune(a.now() - keepLines); err != nil {
			a.opts.Log.Warn("old lines about what was sent are still in the ledger", "error", err)
		} else {
			a.prunedDay = today
		}
	}
	for _, p := range a.pipe.Plan().Purposes() {
		answer, ok := a.book.Current(p.ID)
		if !ok {
			continue
		}
		if err := a.store.Expire(answer.ID, a.expired(today-int64(p.Retention))); err != nil {
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
