package uplink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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

// round does what is due for one recipient: deletion requests, then each stream oldest first. With all it cuts and
// sends everything, whatever the schedule. It returns nil when nothing that is due is left.
func (u *Uplink) round(ctx context.Context, r *route, all bool) error {
	if err := u.deletions(ctx, r); err != nil {
		return err
	}
	if err := u.renumber(); err != nil {
		return err
	}
	var failed error
	for _, s := range u.Ledger.Streams() {
		if s.Recipient != r.recipient || ctx.Err() != nil {
			continue
		}
		p := u.Gate.Plan().Granted(s.Grant)
		if p == nil || s.DeletionDue {
			continue
		}
		mode := cutDue
		if all {
			mode = cutAll
		} else if !u.due(r, s, p) {
			mode = cutNothing
		}
		err := u.stream(ctx, r, s, p, mode)
		if err == nil {
			err = u.retire(s, p)
		}
		if err != nil && failed == nil {
			failed = err
			if transport.Judge(err) == transport.Retry {
				break // the way is closed: the other streams would find it so too
			}
		}
	}
	return errors.Join(failed, ctx.Err())
}

// renumber closes the streams whose numbering was lost to damage, and moves what they had to fresh ones.
func (u *Uplink) renumber() error {
	for _, number := range u.Store.Uncertain() {
		s, ok := u.Ledger.Stream(number)
		if !ok {
			continue
		}
		p := u.Gate.Plan().Granted(s.Grant)
		if p == nil {
			continue
		}
		if err := u.Ledger.CloseStream(number, u.now()); err != nil {
			return err
		}
		fresh, err := u.Streams.Stream(p, s.Epoch)
		if err != nil {
			return err
		}
		if s.Plan != p.Digest { // its rows have another shape than the rules now make
			err = u.Store.Retire(number)
		} else {
			err = u.Store.Restream(number, fresh)
		}
		if err != nil {
			return fmt.Errorf("purpose %s: %w", s.Purpose, err)
		}
	}
	return nil
}

// due tells whether a stream's slot has come, and moves it to the next.
func (u *Uplink) due(r *route, s ledger.Stream, p *consent.Purpose) bool {
	now := u.now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.forced {
		return true
	}
	next, known := r.slots[s.Number]
	if !known {
		r.slots[s.Number] = slotAfter(now, p.Upload, s.Name)
		return false
	}
	if now < next {
		if next-now > p.Upload { // the clock was set back
			r.slots[s.Number] = slotAfter(now, p.Upload, s.Name)
		}
		return false
	}
	r.slots[s.Number] = slotAfter(now, p.Upload, s.Name)
	return true
}

// slotAfter is the first slot of a stream after now.
func slotAfter(now, upload sensors.Micros, name [16]byte) sensors.Micros {
	at := phase(name, upload)
	return (now - at).Floor(upload) + at + upload
}

// cutMode says what a round may cut of a stream.
type cutMode int

const (
	cutNothing cutMode = iota // its slot has not come: only what was cut before is sent
	cutDue                    // its slot has come: whole time buckets
	cutAll                    // nothing more will come: everything
)

// stream sends what a stream has cut, cuts what it may, and sends that.
func (u *Uplink) stream(ctx context.Context, r *route, s ledger.Stream, p *consent.Purpose, mode cutMode) error {
	cover := mode == cutDue
	for ctx.Err() == nil {
		if err := u.sendAll(ctx, r, s); err != nil || mode == cutNothing {
			return err
		}
		cut, err := u.cut(s, p, mode == cutAll, cover)
		if err != nil {
			return fmt.Errorf("purpose %s: %w", s.Purpose, err)
		}
		cover = false
		if cut == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// cut makes the batches of a stream and says how many.
func (u *Uplink) cut(s ledger.Stream, p *consent.Purpose, all, slot bool) (int, error) {
	key, err := u.Keys.StreamKey(s.Grant, s.Name)
	if err != nil {
		return 0, err
	}
	payload, err := wire.SignedPayload(s.Announcement)
	if err != nil {
		return 0, err
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return 0, err
	}
	c := cutter{
		encoder: &wire.Encoder{}, signer: wire.SignWith(key), announcement: a, digest: wire.AnnouncementDigest(payload), all: all,
		deleteBy: func(day int64) uint32 {
			if day == 0 {
				day = u.now().DayNumber()
			}
			return uint32(max(day+int64(a.RetentionDays), 0))
		},
		complete: func(group int) int64 { return u.Gate.CompleteBefore(s.Grant, group) },
		cover:    slot && a.Size > 0,
	}
	if p.Digest != consent.Digest(a.Plan) {
		c.complete = func(int) int64 { return consent.Forever } // rows of rules that are no longer in force get no company
	}
	out, err := u.Store.Cut(s.Number, MaxCut, c.encode)
	return len(out), err
}

// sendAll sends the uploads of a stream that are cut, oldest first, several at a time.
func (u *Uplink) sendAll(ctx context.Context, r *route, s ledger.Stream) error {
	for {
		waiting := u.Store.Outgoing(s.Number)
		if len(waiting) == 0 {
			return nil
		}
		if err := u.announce(ctx, r, s); err != nil {
			return err
		}
		waiting = waiting[:min(len(waiting), ackBatch)]
		if err := u.sendSome(ctx, r, s, waiting); err != nil {
			return err
		}
	}
}

// sendSome sends up to ackBatch uploads and acknowledges those that were accepted in one go.
func (u *Uplink) sendSome(ctx context.Context, r *route, s ledger.Stream, waiting []store.Outgoing) error {
	results := make([]error, len(waiting))
	done := make([]bool, len(waiting))
	next := make(chan int)
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for range min(inFlight, len(waiting)) {
		all.Go(func() {
			for i := range next {
				results[i] = u.sendOne(stop, r, s, &waiting[i])
				done[i] = true
				if results[i] != nil && transport.Judge(results[i]) != transport.Poison {
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
	return u.settle(r, s, waiting, results, done)
}

// settle books what came of a round of uploads: accepted ones into the ledger and out of the store, poison aside.
func (u *Uplink) settle(r *route, s ledger.Stream, waiting []store.Outgoing, results []error, done []bool) error {
	var accepted []store.Outgoing
	var lines []ledger.Sent
	var failed error
	now := u.now()
	for i, o := range waiting {
		switch err := results[i]; {
		case !done[i]:
		case err == nil:
			accepted = append(accepted, o)
			lines = append(lines, sentLine(s, o, now))
		case transport.Judge(err) == transport.Poison:
			if parkErr := u.Store.Park(o, err.Error()); parkErr != nil {
				failed = errors.Join(failed, parkErr)
			}
			u.Log.Warn("an upload was refused and is kept aside", "purpose", s.Purpose, "seq", o.Seq(), "error", err)
		default:
			if errors.Is(err, context.Canceled) && o.Body() != nil { // some of it may have left
				line := sentLine(s, o, now)
				line.Result = ledger.ResultCancelled
				lines = append(lines, line)
			}
			if failed == nil || errors.Is(failed, context.Canceled) {
				failed = err
			}
		}
	}
	if err := u.Ledger.RecordSent(lines); err != nil {
		return fmt.Errorf("the ledger could not note what was sent; it will be sent again: %w", err)
	}
	if len(accepted) > 0 {
		if err := u.Store.Acknowledge(accepted); err != nil {
			return fmt.Errorf("the buffer could not let go of what was sent; it will be sent again: %w", err)
		}
		u.ok(r)
	}
	return u.consequence(r, s, failed)
}

// consequence does what an answer asks for beyond trying again.
func (u *Uplink) consequence(r *route, s ledger.Stream, err error) error {
	if err == nil {
		return nil
	}
	switch transport.Judge(err) {
	case transport.Unknown:
		u.forgotten(r, s.Number, true)
	case transport.Gone:
		// The recipient has had the deletion request of this stream, so the yes was taken back: this object's memory is
		// older than that, as after a restored card.
		u.Log.Warn("the recipient says that a grant was withdrawn; it is withdrawn here too", "purpose", s.Purpose)
		u.Cancel(s.Grant)
		u.Withdrawn(s.Grant)
	}
	return err
}

// sendOne sends one upload if its grant still may, and leaves what was loaded in o.
func (u *Uplink) sendOne(ctx context.Context, r *route, s ledger.Stream, o *store.Outgoing) error {
	flight, landed, ok := u.take(ctx, o.Grant())
	if !ok {
		return context.Canceled
	}
	defer landed()
	loaded, err := u.Store.Load(*o)
	if err != nil {
		return err
	}
	*o = loaded
	return r.line.Send(flight, s.Name, loaded)
}

// announce sends the stream's announcement unless it was acknowledged already.
func (u *Uplink) announce(ctx context.Context, r *route, s ledger.Stream) error {
	if known, ok := u.Ledger.Stream(s.Number); ok && known.Announced && !u.isForgotten(r, s.Number) {
		return nil
	}
	c, err := transport.NewControl(wire.KindAnnouncement, s.Announcement)
	if err != nil {
		return err
	}
	flight, landed, ok := u.take(ctx, s.Grant)
	if !ok {
		return context.Canceled
	}
	err = r.line.Control(flight, c)
	landed()
	if err != nil {
		return u.consequence(r, s, err)
	}
	u.ok(r)
	line := ledger.Sent{Stream: s.Number, Purpose: s.Purpose, Recipient: s.Recipient, StreamName: s.Name, Epoch: s.Epoch,
		WireBytes: c.Size(), SentAt: u.now(), Result: ledger.ResultAccepted, Control: "announcement"}
	if err := u.Ledger.RecordSent([]ledger.Sent{line}); err != nil {
		return err
	}
	u.forgotten(r, s.Number, false)
	return u.Ledger.SetAnnounced(s.Number, u.now())
}

// forgotten notes that the recipient no longer knows, or knows again, what a stream means.
func (u *Uplink) forgotten(r *route, stream uint32, is bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.unknown[stream] = is
}

func (u *Uplink) isForgotten(r *route, stream uint32) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return r.unknown[stream]
}

// deletions sends the deletion requests that are due. They go before all else and for ever, until they are
// acknowledged; a withdrawn grant is no obstacle to them.
func (u *Uplink) deletions(ctx context.Context, r *route) error {
	for _, s := range u.Ledger.Streams() {
		if s.Recipient != r.recipient || !s.DeletionDue || s.DeletionDone {
			continue
		}
		c, err := transport.NewControl(wire.KindDeletion, s.Deletion)
		if err != nil {
			return err
		}
		err = r.line.Control(ctx, c)
		if err != nil && transport.Judge(err) != transport.Gone {
			return err
		}
		u.ok(r)
		line := ledger.Sent{Stream: s.Number, Purpose: s.Purpose, Recipient: s.Recipient, StreamName: s.Name, Epoch: s.Epoch,
			WireBytes: c.Size(), SentAt: u.now(), Result: ledger.ResultAccepted, Control: "deletion"}
		if err := errors.Join(u.Ledger.RecordSent([]ledger.Sent{line}), u.Ledger.SetDeletionDone(s.Number, nil, u.now())); err != nil {
			return err
		}
	}
	return nil
}

func sentLine(s ledger.Stream, o store.Outgoing, now sensors.Micros) ledger.Sent {
	return ledger.Sent{Stream: s.Number, Purpose: s.Purpose, Recipient: s.Recipient, StreamName: s.Name, Epoch: s.Epoch, Seq: o.Seq(),
		Rows: o.Rows(), ColumnBytes: o.ColumnBytes(), WireBytes: o.Size(), SentAt: now, Fields: o.Fields(), Result: ledger.ResultAccepted}
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
	slices.SortFunc(out, func(a, b wire.Loss) int { return cmp.Compare(a.Reason, b.Reason) })
	return out
}

// ok notes that the recipient answered.
func (u *Uplink) ok(r *route) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.state, r.reason, r.failures, r.nextTry, r.lastAck = "idle", "", 0, time.Time{}, u.Clock.Now()
}
