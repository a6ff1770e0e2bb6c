package uplink

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
)

// lineError is an error of the way to a recipient, or an answer of the recipient; all others are this object's own.
type lineError struct{ err error }

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// wayClosed tells whether an error says that nothing gets through to the recipient now, and not just one message.
func wayClosed(err error) bool {
	var l *lineError
	return errors.As(err, &l) && transport.Judge(l.err) == transport.Retry
}

// round does what is due for one recipient: deletion requests, then each stream oldest first. most is what it may cut:
// with cutDue the schedule is kept, and streams that had trouble are left alone for a while. Without an error nothing
// that is due is left, but for what waits in such a stream.
func (u *Uplink) round(ctx context.Context, r *route, most cutMode) error {
	ctx, leave, ok := u.enter(ctx)
	if !ok {
		return nil
	}
	defer leave()
	failed := u.deletions(ctx, r, most)
	if wayClosed(failed) || ctx.Err() != nil {
		return errors.Join(failed, ctx.Err())
	}
	if err := u.allowed(r, most); err != nil {
		return errors.Join(failed, err)
	}
	for _, prepare := range []func(*route) error{u.renumber, u.open} {
		if err := prepare(r); err != nil {
			u.Log.Error("a stream could not be made ready; what it has is kept", "recipient", r.recipient, "error", err)
			failed = errors.Join(failed, err)
		}
	}
	streams := u.live(r)
	for i := range streams {
		s := &streams[i]
		p := u.Gate.Plan().Granted(s.Grant)
		if p == nil || !u.may(s.Grant) {
			continue
		}
		mode := most
		if most == cutDue && !u.due(r, s, p) {
			mode = cutNothing
		}
		if most == cutDue && u.held(r, s.Number) {
			continue
		}
		var err error
		if u.asks(s, mode) {
			err = u.fresh(ctx, r, s, p)
		}
		if err == nil {
			err = u.stream(ctx, r, s, p, mode)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wayClosed(err) || waits(err) {
			return errors.Join(err, failed)
		}
		if err == nil {
			err = u.retire(s, p)
		}
		if u.hold(r, s, err); most != cutDue {
			failed = errors.Join(failed, err)
		}
	}
	if most != cutDue && u.renamed(r) {
		return errors.Join(failed, u.round(ctx, r, most))
	}
	return failed
}

// renamed tells whether a stream got a fresh name since it was last asked.
func (u *Uplink) renamed(r *route) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	was := r.again
	r.again = false
	return was
}

// live lists the streams of a recipient from which something can come, oldest first, and forgets what was remembered of
// the others.
func (u *Uplink) live(r *route) []ledger.Stream {
	plan, holds := u.Gate.Plan(), map[uint32]bool{}
	for _, number := range u.Store.Streams() {
		holds[number] = true
	}
	alive, due := map[uint32]bool{}, map[uint32]bool{}
	list := u.Ledger.StreamsThat(func(s *ledger.Stream) bool {
		if s.Recipient != r.recipient {
			return false
		}
		if s.DeletionDue && !s.DeletionDone {
			due[s.Number] = true
		}
		return !s.DeletionDue && plan.Granted(s.Grant) != nil && (!s.Closed || holds[s.Number])
	})
	list = slices.DeleteFunc(list, func(s ledger.Stream) bool { return !u.may(s.Grant) })
	for i := range list {
		alive[list[i].Number] = true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for number := range r.slots {
		if !alive[number] {
			delete(r.slots, number)
			delete(r.unknown, number)
		}
	}
	maps.DeleteFunc(r.holds, func(number uint32, _ hold) bool { return !alive[number] && !due[number] })
	return list
}

// stream sends what a stream has cut, cuts what it may, and sends that.
func (u *Uplink) stream(ctx context.Context, r *route, s *ledger.Stream, p *consent.Purpose, mode cutMode) error {
	for made := int64(0); ctx.Err() == nil; {
		if err := u.sendAll(ctx, r, s, p); err != nil || mode == cutNothing {
			return err
		}
		if len(u.Store.Outgoing(s.Number)) > 0 {
			return nil // cut off
		}
		n, err := u.cut(r, s, mode, made)
		if err != nil || n == 0 {
			return err
		}
		made += int64(n)
	}
	return ctx.Err()
}
