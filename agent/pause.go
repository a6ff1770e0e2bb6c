package agent

import (
	"context"
	"errors"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/ledger"
)

// Pause implements control.Pauser. It lies beside the keys, in the file that is overwritten in place, so that it needs
// neither room on the disk nor a readable ledger. The ledger's line says that there was a pause and not whose it was, but for root: that is a privileged act.
func (a *Agent) Pause(_ context.Context, role control.Role, d control.Decision) (control.Paused, error) {
	a.up.Halt(true) // before anything that may wait for a disk
	a.pipe.pause(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up.Halt(true) // an end of a pause may have come between
	a.pipe.pause(true)
	if since := a.keys.Paused(); since != 0 {
		if err := a.keys.Sync(); err != nil { // one that the disk refused before
			return control.Paused{}, pauseNotKept(err)
		}
		return control.Paused{Since: timeOf(since), Notice: say(d, "paused-already")}, nil
	}
	now := a.now()
	if err := a.keys.Pause(max(now, 1)); err != nil {
		return control.Paused{}, pauseNotKept(err)
	}
	a.note(byRoot(ledger.Event{Kind: ledger.Paused, Time: now}, role))
	a.opts.Log.Info("paused: nothing leaves")
	return control.Paused{Since: timeOf(now), Notice: sayThen(d, say(d, "paused"), "resume-with")}, nil
}

// byRoot says of an event that it was root's; for whom is not kept, as of nobody who pauses.
func byRoot(e ledger.Event, role control.Role) ledger.Event {
	if role == control.Root {
		e.Role = string(role)
	}
	return e
}

func pauseNotKept(err error) error {
	return control.Errorf(control.ErrUnavailable, "candor consent pause", "nothing leaves any more, but the pause could not be written down and would end with a restart: %w", err)
}

// Resume implements control.Pauser.
func (a *Agent) Resume(_ context.Context, role control.Role, d control.Decision) (control.Paused, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys.Paused() == 0 {
		return control.Paused{Notice: say(d, "nothing-paused")}, nil
	}
	if err := a.keys.Pause(0); err != nil {
		return control.Paused{Since: timeOf(a.keys.Paused())}, control.Errorf(control.ErrUnavailable, "candor status", "the end of the pause could not be written down, so the pause goes on: %w", err)
	}
	a.note(byRoot(ledger.Event{Kind: ledger.Resumed, Time: a.now()}, role))
	a.pipe.pause(false)
	a.up.Halt(a.mute)
	a.tellAttributes(0)
	a.opts.Log.Info("the pause has ended")
	return control.Paused{Notice: say(d, "resumed")}, nil
}

// TogglePause is the button on the object: it pauses, or ends a pause. Whoever presses it, a guest too, says nothing
// about who they are.
func (a *Agent) TogglePause(ctx context.Context) (control.Paused, error) {
	if a.keys.Paused() != 0 {
		return a.Resume(ctx, control.Person, control.Decision{})
	}
	return a.Pause(ctx, control.Person, control.Decision{})
}

// startPaused has a pause from before the start go on. On a disk that takes no writing nothing leaves either: it could
// be neither noted nor taken back.
func (a *Agent) startPaused() {
	a.mute = a.keys.ReadOnly() != nil || a.book.ReadOnly()
	if a.keys.Paused() != 0 || a.mute {
		a.up.Halt(true)
	}
	if a.keys.Paused() != 0 {
		a.pipe.pause(true)
	}
	if a.mute {
		a.opts.Log.Error("the disk takes no writing, so nothing leaves: it could be neither noted nor taken back")
	}
}

// note writes an entry about what was done; that it could not be written undoes nothing. The head goes beside the keys
// at once. a.mu is held.
func (a *Agent) note(e ledger.Event) {
	if e.Time <= 0 {
		e.Time = sensors.Micros(1)
	}
	_, err := a.book.Record(e)
	if err = errors.Join(err, a.keys.Sync()); err != nil {
		a.opts.Log.Warn("the ledger could not note what was done", "what", e.Kind, "error", err)
	}
}
