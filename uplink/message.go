package uplink

import (
	"context"
	"errors"

	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// Names of control messages in the ledger.
const (
	announcementLine = "announcement"
	deletionLine     = "deletion"
	freshnessLine    = "freshness"
)

// announce sends the stream's announcement unless it was acknowledged already.
func (u *Uplink) announce(ctx context.Context, r *route, s *ledger.Stream) error {
	known, _ := u.Ledger.Stream(s.Number)
	if known.Announced && !u.isForgotten(r, s.Number) {
		return nil
	}
	c, err := transport.NewControl(wire.KindAnnouncement, s.Announcement)
	if err != nil {
		return err
	}
	flight, landed, ok := u.take(ctx, r, s.Grant)
	if !ok {
		return nil // whatever comes next is refused too
	}
	_, err = r.line.Control(flight, c)
	landed()
	if err != nil {
		noted := u.offered(&known, c.Size(), err)
		if errors.Is(err, context.Canceled) && ctx.Err() == nil {
			return noted // the grant was cut off
		}
		return errors.Join(&lineError{err}, noted)
	}
	u.ok(r)
	u.spent(r, c.Size())
	if err := u.Ledger.RecordSent([]ledger.Sent{u.controlLine(s, announcementLine, c.Size(), ledger.ResultAccepted)}); err != nil {
		return err
	}
	u.forgotten(r, s.Number, false)
	return u.Ledger.SetAnnounced(s.Number, u.now())
}

// offered notes that an announcement may have reached the recipient although it did not say so: from then on a
// withdrawal has something to ask the recipient to delete.
func (u *Uplink) offered(s *ledger.Stream, size int, cause error) error {
	result := resultOf(cause)
	if result != "" {
		u.spent(u.routes[s.Recipient], size)
	}
	if result == "" {
		return nil
	}
	if err := u.Ledger.RecordSent([]ledger.Sent{u.controlLine(s, announcementLine, size, result)}); err != nil {
		return err
	}
	if u.may(s.Grant) {
		return nil
	}
	defer u.Wake()
	return u.Ledger.MarkDeletionDue(s.Grant, u.now()) // it was withdrawn while it was on its way
}

// deletions sends the deletion requests that are due. They go before all else and for ever, until they are
// acknowledged; a withdrawn grant is no obstacle to them. One that the recipient refuses holds up nothing else.
func (u *Uplink) deletions(ctx context.Context, r *route, most cutMode) error {
	var failed error
	for _, s := range u.Ledger.StreamsThat(func(s *ledger.Stream) bool {
		return s.Recipient == r.recipient && s.DeletionDue && !s.DeletionDone
	}) {
		if most == cutDue && u.held(r, s.Number) {
			continue
		}
		err := u.deletion(ctx, r, &s)
		if ctx.Err() != nil || wayClosed(err) {
			return err
		}
		if u.hold(r, &s, err); most != cutDue {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (u *Uplink) deletion(ctx context.Context, r *route, s *ledger.Stream) error {
	c, err := transport.NewControl(wire.KindDeletion, s.Deletion)
	if err != nil {
		return err
	}
	u.light(r, 1)
	proof, err := r.line.Control(ctx, c)
	u.light(r, -1)
	if err != nil {
		var noted error
		if result := resultOf(err); result != "" { // it left, so it is a line
			noted = u.Ledger.RecordSent([]ledger.Sent{u.controlLine(s, deletionLine, c.Size(), result)})
		}
		return errors.Join(&lineError{err}, noted)
	}
	u.ok(r)
	return errors.Join(u.Ledger.RecordSent([]ledger.Sent{u.controlLine(s, deletionLine, c.Size(), ledger.ResultAccepted)}),
		u.Ledger.SetDeletionDone(s.Number, proof, u.now()))
}

func (u *Uplink) controlLine(s *ledger.Stream, what string, size int, result string) ledger.Sent {
	return ledger.Sent{Stream: s.Number, Purpose: s.Purpose, Recipient: s.Recipient, StreamName: s.Name, Epoch: s.Epoch,
		WireBytes: size, SentAt: u.now(), Result: result, Control: what}
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
