package uplink

import (
	"fmt"
	"slices"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// grace is how long after its epoch a stream stays open, for windows that began in it.
const grace = 2 * sensors.Day

// retire closes a stream that is drained and gets no more rows: its epoch is over, or other rules are in force. Its
// deletion request stays in the ledger for as long as the recipient may have something of it.
func (u *Uplink) retire(s ledger.Stream, p *consent.Purpose) error {
	over := u.now() > sensors.Micros(s.Epoch+1)*p.Epoch+grace
	if s.Closed || !over && s.Plan == p.Digest || slices.Contains(u.Store.Streams(), s.Number) {
		return nil
	}
	if err := u.Ledger.CloseStream(s.Number, u.now()); err != nil {
		return err
	}
	if err := u.Store.Retire(s.Number); err != nil {
		return fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	return nil
}
