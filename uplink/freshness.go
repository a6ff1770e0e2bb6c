package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/transport"
	"github.com/candor-edge/candor/uplink/wire"
)

// After every start the recipient is asked, once for each stream that was there before it, how far the stream is and whether
// it was withdrawn. Until it has answered nothing of the grant is sent: this object's memory may be a copy of an older
// one, as after a restored card. What was withdrawn there ends here; a stream that is further there than here goes on
// under a fresh name, since its numbers are used up; one that is behind there is normal.
//
// A stream that was opened after the start has a name that nobody can have heard of, but its grant may be over: so it waits
// for the answers about the grant's older streams. A copy in which a grant has no stream at all can't be told from a
// fresh yes, and nobody could.

// fresh asks what has to be known before something of a grant is sent. It returns nil when all is answered, whatever the
// answers were.
func (u *Uplink) fresh(ctx context.Context, r *route, s *ledger.Stream, p *consent.Purpose) error {
	for _, x := range u.unasked(r, s) {
		if err := u.ask(ctx, r, &x, p); err != nil {
			return err
		}
		if !u.may(s.Grant) {
			return nil
		}
		u.mu.Lock()
		r.fresh[x.Number] = true
		u.mu.Unlock()
	}
	return nil
}

// asks tells whether it is time to ask what a stream waits for: of one that was there before the start at once, of one that is new only
// when something of it is to be sent. It is opened by the first rows, and a question at that moment would tell when they came.
func (u *Uplink) asks(s *ledger.Stream, mode cutMode) bool {
	u.mu.Lock()
	before := u.before
	u.mu.Unlock()
	return mode != cutNothing || s.Number <= before || len(u.Store.Outgoing(s.Number)) > 0
}

// unasked lists the streams that a stream waits for: itself, the open ones of its grant, and the newest that the recipient
// has heard of, since a withdrawal would have been told about that one. Where it never answered about that one, it may not have heard of it,
// or an older card went on without it, so it is asked about the newest that it took too. One whose deletion this object has asked for itself,
// as when a period was erased there too, is gone there and says nothing about the yes.
func (u *Uplink) unasked(r *route, s *ledger.Stream) (out []ledger.Stream) {
	u.mu.Lock()
	defer u.mu.Unlock()
	offered, announced, before := false, false, u.before
	streams := u.Ledger.StreamsThat(func(x *ledger.Stream) bool {
		return x.Grant == s.Grant && x.Recipient == r.recipient && x.Number <= before && !x.DeletionDue
	})
	for i := len(streams) - 1; i >= 0; i-- {
		x := &streams[i]
		newest := x.Offered && !offered || x.Announced && !announced
		offered, announced = offered || x.Offered, announced || x.Announced
		if !r.fresh[x.Number] && (newest || !x.Closed || x.Number == s.Number) {
			out = append(out, *x)
		}
	}
	return out
}

// ask asks about one stream and does what the answer asks for.
func (u *Uplink) ask(ctx context.Context, r *route, s *ledger.Stream, p *consent.Purpose) error {
	question, err := u.question(s)
	if err != nil {
		return fmt.Errorf("purpose %s: no question about it could be made: %w", s.Purpose, err)
	}
	flight, landed, ok := u.take(ctx, r, s.Grant)
	if !ok {
		return nil
	}
	said, err := r.line.Ask(flight, question)
	landed()
	if err != nil && errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return nil // the grant was cut off
	}
	if resultOf(err) != "" {
		u.spent(r, question.Size())
	}
	noted := u.noteQuestion(s, question.Size(), err)
	switch v := transport.Judge(err); {
	case err == nil:
	case v == transport.Unknown:
		return errors.Join(noted, u.remind(ctx, r, s))
	case v == transport.Gone:
		u.withdrawnThere(s)
		return noted
	default:
		return errors.Join(&lineError{err}, noted)
	}
	u.ok(r)
	if said.Withdrawn {
		u.withdrawnThere(s)
		return noted
	}
	if said.Last > u.Store.LastCut(s.Number) {
		return errors.Join(noted, u.overtaken(r, s, p))
	}
	return noted
}

// remind announces a stream that was announced once more to a recipient that says it does not know it. Words on the way may not have been its own, and
// it may hold the stream's deletion request, which it can verify only when it knows the stream: then it answers that the yes
// was taken back. Until it has taken the announcement or said that, nothing of the grant is sent.
func (u *Uplink) remind(ctx context.Context, r *route, s *ledger.Stream) error {
	if !s.Announced { // it never took it, and the form that it tells of may be in force no more
		u.ok(r)
		return nil
	}
	u.forgotten(r, s.Number, true) // that it answered is no success yet: what waits between two tries doubles
	err := u.announce(ctx, r, s)
	if transport.Judge(err) == transport.Gone {
		u.withdrawnThere(s)
		return nil
	}
	return err
}

// question makes the signed question about a stream.
func (u *Uplink) question(s *ledger.Stream) (transport.Control, error) {
	key, err := u.Keys.StreamKey(s.Grant, s.Name)
	if err != nil {
		return transport.Control{}, err
	}
	q := wire.Freshness{Stream: s.Name, Epoch: s.Epoch}
	u.mu.Lock()
	_, err = io.ReadFull(u.Rand, q.Nonce[:])
	u.mu.Unlock()
	if err != nil {
		return transport.Control{}, err
	}
	payload, err := wire.AppendFreshness(nil, &q)
	if err != nil {
		return transport.Control{}, err
	}
	return transport.NewControl(wire.KindFreshness, wire.AppendSigned(nil, wire.SignWith(key), wire.KindFreshness, payload))
}

// noteQuestion writes the line about a question into the ledger; a question that did not leave has none.
func (u *Uplink) noteQuestion(s *ledger.Stream, size int, cause error) error {
	result := resultOf(cause)
	if result == "" {
		return nil
	}
	return u.Ledger.RecordSent([]ledger.Sent{u.controlLine(s, freshnessLine, size, result)})
}

// overtaken closes a stream of which the recipient has uploads that this object does not know, and has what is not cut yet
// go on under a fresh name. What is cut stays under its numbers: the recipient knows it by its digest.
func (u *Uplink) overtaken(r *route, s *ledger.Stream, p *consent.Purpose) error {
	u.Log.Warn("the recipient has more of a stream than this object knows of, as after a restored card; the stream is closed", "purpose", s.Purpose)
	if s.Closed {
		return nil
	}
	if err := u.Store.Flush(); err != nil {
		return err // what waits in memory has to move too
	}
	if err := u.rename(s, p); err != nil && !errors.Is(err, store.ErrUnknown) {
		return err
	}
	u.mu.Lock()
	r.again = true
	u.mu.Unlock()
	return nil
}
