package uplink

import (
	"fmt"
	"slices"
	"sort"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// Waiting hands over what of a stream has not left, decoded: uploads that are cut, then rows that are not, oldest first,
// each as SenML (RFC 8428, JSON). It changes nothing and needs the memory of about one upload. What can't be read is left out.
func (u *Uplink) Waiting(s ledger.Stream, emit func(rows int, cut bool, senml []byte) error) error {
	payload, err := wire.SignedPayload(s.Announcement)
	if err != nil {
		return err
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return err
	}
	for _, o := range u.Store.Outgoing(s.Number) {
		p, err := u.previewCut(a, o)
		if err != nil {
			u.Log.Warn("an upload that waits can't be read", "purpose", s.Purpose, "seq", o.Seq(), "error", err)
			continue
		}
		if err := emit(p.Rows, true, p.SenML); err != nil {
			return err
		}
	}
	return u.Store.Each(s.Number, func(rows []store.Row) error {
		rows = slices.Clone(rows)
		sort.Sort(rowOrder(rows))
		for len(rows) > 0 {
			n := min(len(rows), maxBatchRows)
			b := wire.Batch{Seq: 1, Groups: columns(a, rows[:n])}
			senml, err := wire.AppendSenMLJSON(nil, a, &b)
			if err != nil {
				return fmt.Errorf("rows can't be written as SenML: %w", err)
			}
			if err := emit(n, false, senml); err != nil {
				return err
			}
			rows = rows[n:]
		}
		return nil
	})
}
