package uplink

import (
	"errors"
	"fmt"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
	"github.com/candor-edge/candor/store/ledger"
)

// grace is how long after its epoch a stream stays open, for windows that began in it.
const grace = 2 * sensors.Day

// retire closes a stream that is drained and gets no more rows: its epoch is over, or other rules are in force. Its
// deletion request stays in the ledger for as long as the recipient may have something of it.
func (u *Uplink) retire(s *ledger.Stream, p *consent.Purpose) error {
	if s.Closed || !over(s, p, u.now()) && s.Plan == p.Digest || slices.Contains(u.Store.Streams(), s.Number) {
		return nil
	}
	if err := u.Ledger.CloseStream(s.Number, u.now()); err != nil {
		return fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	if err := u.Store.Retire(s.Number); err != nil {
		return fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	return nil
}

// renumber moves what the streams of a recipient have whose numbering was lost to damage to fresh ones.
func (u *Uplink) renumber(r *route) error {
	var failed error
	for _, number := range u.Store.Uncertain() {
		s, ok := u.Ledger.Stream(number)
		if !ok || s.Recipient != r.recipient {
			continue
		}
		if p := u.Gate.Plan().Granted(s.Grant); p != nil {
			failed = errors.Join(failed, u.rename(&s, p))
		}
	}
	return failed
}

// rename closes a stream under whose name nothing more can be cut, and moves what it has to a fresh one. Uploads that are
// cut stay what they are.
func (u *Uplink) rename(s *ledger.Stream, p *consent.Purpose) error {
	err := u.Ledger.CloseStream(s.Number, u.now())
	switch {
	case err != nil:
	case s.Plan != p.Digest: // its rows have another shape than the rules now make
		err = u.Store.Retire(s.Number)
	default:
		var fresh uint32
		if fresh, err = u.Streams.Stream(p, s.Epoch); err == nil {
			err = u.Store.Restream(s.Number, fresh)
		}
	}
	if err != nil {
		return fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	return nil
}

// open sees to it that the purposes with a room have a stream: their uploads come by the clock, whether there is
// something to send or not.
func (u *Uplink) open(r *route) error {
	now := u.now()
	for _, p := range u.Gate.Plan().Purposes() {
		if p.State != consent.Given || p.Recipient.ID != r.recipient || !p.Cover || len(p.Groups) == 0 || now < p.Grant.From || !u.may(p.Grant.ID) {
			continue
		}
		epoch := uint64(max(now, 0) / p.Epoch)
		number, err := u.Streams.Stream(p, epoch)
		if err == nil {
			err = u.Store.Enroll(number, p.Grant.ID, epoch)
		}
		if err != nil && !errors.Is(err, store.ErrGone) && !errors.Is(err, keyring.ErrGone) {
			return fmt.Errorf("purpose %s: %w", p.ID, err)
		}
	}
	return nil
}
