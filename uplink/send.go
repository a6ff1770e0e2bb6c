package uplink

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

const (
	inFlight = 4  // requests to one recipient at a time
	ackBatch = 32 // uploads acknowledged in one transaction
)

// outcome is what became of one upload.
type outcome struct {
	tried bool  // it was given to the line, which returned err
	lost  bool  // it could not be read and is given up
	err   error // nil: accepted
}

// settled is what came of a handful of uploads.
type settled struct {
	progress bool // some of them wait no more
	clash    bool // the recipient has another upload under one of their numbers
}

// sendAll sends the uploads of a stream that are cut, oldest first, several at a time. It returns nil when none is left,
// or when the grant was cut off.
func (u *Uplink) sendAll(ctx context.Context, r *route, s *ledger.Stream, p *consent.Purpose) error {
	for again := true; ctx.Err() == nil; {
		waiting := u.Store.Outgoing(s.Number)
		if len(waiting) == 0 {
			return nil
		}
		var done settled
		waiting, err := u.affordable(r, waiting[:min(len(waiting), ackBatch)])
		if err != nil {
			return err
		}
		if err = u.announce(ctx, r, s); err == nil {
			done, err = u.sendSome(ctx, r, s, waiting)
		}
		if done.clash {
			return errors.Join(err, u.evade(r, s, p))
		}
		switch transport.Judge(err) {
		case transport.Gone:
			u.withdrawnThere(s)
			return nil
		case transport.Unknown:
			u.forgotten(r, s.Number, true)
			if !again {
				return err
			}
			again = false // once at once, in case the recipient begins anew; more often is not for now
			continue
		}
		if err != nil || !done.progress {
			return err
		}
	}
	return ctx.Err()
}

// withdrawnThere ends a grant here too. The recipient has had the deletion request of one of its streams, so the yes was
// taken back: this object's memory is older than that, as after a restored card.
func (u *Uplink) withdrawnThere(s *ledger.Stream) {
	u.Log.Warn("the recipient says that a grant was withdrawn; it is withdrawn here too", "purpose", s.Purpose)
	u.Cancel(s.Grant)
	u.Withdrawn(s.Grant)
}

// evade goes on under a fresh name when the recipient has something else under a number of this stream, as after a card
// whose buffer was lost. A recipient that says so of everything gets a fresh name once a day.
func (u *Uplink) evade(r *route, s *ledger.Stream, p *consent.Purpose) error {
	now := u.now()
	u.mu.Lock()
	last, had := r.renamed[s.Grant]
	allowed := !s.Closed && s.Plan == p.Digest && (!had || now-last >= sensors.Day || now < last)
	if allowed {
		r.renamed[s.Grant], r.again = now, true
	}
	u.mu.Unlock()
	if !allowed {
		return nil
	}
	return u.rename(s, p)
}

// sendSome sends up to ackBatch uploads and acknowledges those that were accepted in one go.
func (u *Uplink) sendSome(ctx context.Context, r *route, s *ledger.Stream, waiting []store.Outgoing) (settled, error) {
	got := make([]outcome, len(waiting))
	next := make(chan int)
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for range min(inFlight, len(waiting)) {
		all.Go(func() {
			for i := range next {
				got[i] = u.sendOne(stop, r, s, &waiting[i])
				if v := transport.Judge(got[i].err); got[i].tried && got[i].err != nil && v != transport.Poison && v != transport.Clash {
					cancel()
				}
			}
		})
	}
	for i := range waiting {
		if stop.Err() != nil {
			break
		}
		select {
		case next <- i:
		case <-stop.Done():
		}
	}
	close(next)
	all.Wait()
	return u.settle(r, s, waiting, got)
}

// sendOne sends one upload if its grant still may, and leaves what was loaded in o.
func (u *Uplink) sendOne(ctx context.Context, r *route, s *ledger.Stream, o *store.Outgoing) outcome {
	flight, landed, ok := u.take(ctx, r, o.Grant())
	if !ok {
		return outcome{}
	}
	defer landed()
	loaded, err := u.Store.Load(*o)
	if err != nil {
		if !errors.Is(err, store.ErrGone) {
			u.Log.Warn("an upload can't be read any more and is counted as a loss", "purpose", s.Purpose, "seq", o.Seq(), "error", err)
		}
		return outcome{lost: !errors.Is(err, store.ErrGone)}
	}
	*o = loaded
	if err := r.line.Send(flight, s.Name, loaded); err != nil {
		return outcome{tried: true, err: &lineError{err}}
	}
	return outcome{tried: true}
}

// settle books what came of a handful of uploads: a line in the ledger first, then accepted ones out of the store and
// poison aside. The error is the first that is no poison, and not the effect of another.
func (u *Uplink) settle(r *route, s *ledger.Stream, waiting []store.Outgoing, got []outcome) (done settled, failed error) {
	var accepted, refused []store.Outgoing
	var reasons []error
	var lines []ledger.Sent
	now := u.now()
	for i, o := range waiting {
		err := got[i].err
		done.progress = done.progress || got[i].lost
		if !got[i].tried {
			continue
		}
		if result := resultOf(err); result != "" {
			lines = append(lines, sentLine(s, o, now, result))
			u.spent(r, o.Size())
		}
		switch v := transport.Judge(err); {
		case err == nil:
			accepted = append(accepted, o)
		case v == transport.Poison || v == transport.Clash:
			refused, reasons = append(refused, o), append(reasons, err)
			done.clash = done.clash || v == transport.Clash
		case failed == nil && !errors.Is(err, context.Canceled):
			failed = err
		}
	}
	if err := u.Ledger.RecordSent(lines); err != nil {
		return done, errors.Join(failed, fmt.Errorf("the ledger could not note what was sent; it will be sent again: %w", err))
	}
	if len(accepted) > 0 {
		if err := u.Store.Acknowledge(accepted); err != nil {
			return done, errors.Join(failed, fmt.Errorf("the buffer could not let go of what was sent; it may be sent again: %w", err))
		}
		u.ok(r)
	}
	for i, o := range refused {
		u.Log.Warn("an upload was refused and is kept aside", "purpose", s.Purpose, "seq", o.Seq(), "error", reasons[i])
		if err := u.Store.Park(o, reasons[i].Error()); err != nil && !errors.Is(err, store.ErrGone) {
			return done, errors.Join(failed, fmt.Errorf("an upload that was refused could not be put aside: %w", err))
		}
	}
	done.progress = done.progress || len(accepted)+len(refused) > 0
	return done, failed
}

// resultOf is the word under which a try is noted in the ledger; "" when nothing of it left.
func resultOf(err error) string {
	var refusal *transport.Refusal
	switch {
	case err == nil:
		return ledger.ResultAccepted
	case errors.As(err, &refusal):
		return ledger.ResultRefused
	case transport.Left(err):
		return ledger.ResultCancelled
	}
	return ""
}

func sentLine(s *ledger.Stream, o store.Outgoing, now sensors.Micros, result string) ledger.Sent {
	return ledger.Sent{Stream: s.Number, Purpose: s.Purpose, Recipient: s.Recipient, StreamName: s.Name, Epoch: s.Epoch, Seq: o.Seq(),
		Rows: o.Rows(), ColumnBytes: o.ColumnBytes(), WireBytes: o.Size(), SentAt: now, Fields: o.Fields(), Result: result}
}

// wireLosses says in the wire's words what is missing.
func wireLosses(losses []store.Loss) []wire.Loss {
	var out []wire.Loss
	for _, l := range losses {
		reason := wire.LossDamaged
		if l.Reason == store.BufferFull {
			reason = wire.LossBufferFull
		}
		out = append(out, wire.Loss{Reason: reason, Count: l.Rows})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Reason < out[j].Reason })
	return out
}
