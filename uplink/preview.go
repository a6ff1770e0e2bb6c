package uplink

import (
	"slices"
	"sort"

	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// Preview is what the next upload of a stream would hold if it were cut now.
type Preview struct {
	Rows    int
	Bytes   int    // signed, as on the wire
	SenML   []byte // RFC 8428, JSON
	Waiting bool   // its time bucket is not over, so more may join before it leaves
	Cut     bool   // it is cut already and waits for the recipient
	Sealed  bool   // it is cut and sealed to the recipient, so that this object can't read it any more: SenML is nil
}

// Preview shows the next upload of a stream and changes nothing. With nothing to send, Rows is 0.
func (u *Uplink) Preview(s ledger.Stream) (Preview, error) {
	payload, err := wire.SignedPayload(s.Announcement)
	if err != nil {
		return Preview{}, err
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return Preview{}, err
	}
	if out := u.Store.Outgoing(s.Number); len(out) > 0 {
		return u.previewCut(a, out[0])
	}
	var p Preview
	err = u.Store.Peek(s.Number, MaxCut, func(rows []store.Row) error {
		if len(rows) > 0 {
			p, err = u.previewRows(s, a, rows)
		}
		return err
	})
	return p, err
}

// previewCut decodes an upload that is cut and not yet sent.
func (u *Uplink) previewCut(a *wire.Announcement, o store.Outgoing) (Preview, error) {
	loaded, err := u.Store.Load(o)
	if err != nil {
		return Preview{}, err
	}
	if _, sealed := loaded.Sealed(); sealed {
		return Preview{Rows: loaded.Rows(), Bytes: loaded.Size(), Cut: true, Sealed: true}, nil
	}
	payload, err := wire.SignedPayload(loaded.Body())
	if err != nil {
		return Preview{}, err
	}
	b, err := wire.DecodeBatch(payload)
	if err != nil {
		return Preview{}, err
	}
	senml, err := wire.AppendSenMLJSON(nil, a, b)
	return Preview{Rows: o.Rows(), Bytes: o.Size(), SenML: senml, Cut: true}, err
}

// previewRows encodes rows as a cut would.
func (u *Uplink) previewRows(s ledger.Stream, a *wire.Announcement, rows []store.Row) (Preview, error) {
	c := cutter{announcement: a, complete: func(group int) int64 { return u.Gate.CompleteBefore(s.Grant, group) }}
	ready, carry := c.split(rows)
	waiting := len(ready) == 0
	if waiting {
		ready = carry
	}
	ready = slices.Clone(ready)
	sort.Sort(rowOrder(ready))
	ready = ready[:wholeBuckets(ready, c.limit())]
	b := wire.Batch{Seq: 1, DeleteBy: uint32(max(u.now().DayNumber()+int64(a.RetentionDays), 0)), Groups: columns(a, ready)}
	payload, err := (&wire.Encoder{}).AppendBatch(nil, &b, 0)
	if err != nil {
		return Preview{}, err
	}
	senml, err := wire.AppendSenMLJSON(nil, a, &b)
	return Preview{Rows: len(ready), Bytes: max(wire.SignedSize(len(payload)), int(a.Size)), SenML: senml, Waiting: waiting}, err
}
