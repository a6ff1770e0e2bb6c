package uplink

import (
	"errors"
	"fmt"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// cutMode says what a round may cut of a stream.
type cutMode int

const (
	cutNothing cutMode = iota // its slot has not come: only what was cut before is sent
	cutDue                    // its slot has come: whole time buckets, and with a room as many uploads as are owed
	cutWhole                  // the buffer needs room: all whole time buckets
	cutAll                    // nothing more will come: everything
)

// maxRooms is how many uploads with a room one cut makes at the most, for they are all in memory then.
const maxRooms = ackBatch

// cut makes the batches of a stream and says how many. made is how many it made in this slot already. The plan is asked
// again: it may have changed since the round began.
func (u *Uplink) cut(r *route, s *ledger.Stream, mode cutMode, made int64) (int, error) {
	p := u.Gate.Plan().Granted(s.Grant)
	if p == nil || !u.may(s.Grant) {
		return 0, nil
	}
	c, err := u.cutter(s)
	if err != nil {
		return 0, fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	a := c.announcement
	c.deleteBy = deleteBy(min(int64(a.RetentionDays), int64(p.Retention)), sensors.Micros(a.Tick), u.now)
	c.seal, c.time, c.stream = r.line.Seal, u.Time, s.Name
	complete := u.completeBefore(s, p, mode, len(a.Groups))
	// What waits in memory may belong to a bucket that is complete, so it is written first. A disk that is full must not keep
	// what is buffered from leaving; then a bucket may be split.
	if err := u.Store.Flush(); err != nil {
		u.Log.Debug("rows wait in memory while a batch is cut", "purpose", s.Purpose, "error", err)
	}
	c.copies = u.Copies != nil
	c.complete = func(group int) int64 {
		if group < 0 || group >= len(complete) {
			return consent.Forever
		}
		return complete[group]
	}
	if mode == cutDue && a.Size > 0 {
		now := u.now()
		c.cover = p.Cover && !s.Closed && s.Plan == p.Digest && !over(s, p, now)
		c.rooms = func(next uint64) int64 { return min(owed(s, p, now, next-uint64(made))-made, maxRooms) }
	}
	out, err := u.Store.Cut(s.Number, MaxCut, c.encode)
	switch {
	case errors.Is(err, store.ErrGone), errors.Is(err, store.ErrUnknown), errors.Is(err, store.ErrUncertain):
		return 0, nil // nothing is buffered under it, or renumber will see to it
	case err == nil && len(out) == 0:
		err = c.misfit
	}
	if err != nil {
		return 0, fmt.Errorf("purpose %s: %w", s.Purpose, err)
	}
	if u.Copies != nil && len(out) > 0 && len(out) == len(c.signed) {
		u.Copies(s, out[0].Seq(), c.signed)
	}
	return len(out), nil
}

// cutter makes what cuts a stream, but for what says which rows may leave.
func (u *Uplink) cutter(s *ledger.Stream) (*cutter, error) {
	key, err := u.Keys.StreamKey(s.Grant, s.Name)
	if err != nil {
		return nil, err
	}
	payload, err := wire.SignedPayload(s.Announcement)
	if err != nil {
		return nil, err
	}
	a, err := wire.DecodeAnnouncement(payload)
	if err != nil {
		return nil, err
	}
	return &cutter{encoder: &wire.Encoder{}, signer: wire.SignWith(key), announcement: a, digest: wire.AnnouncementDigest(payload),
		deleteBy: deleteBy(int64(a.RetentionDays), sensors.Micros(a.Tick), u.now)}, nil
}

// deleteBy gives the day by which rows of a day have to be deleted, for a retention in days. The day they were taken is told
// no finer than the purpose's time: one of longer than a day counts from its end.
func deleteBy(retention int64, tick sensors.Micros, now func() sensors.Micros) func(day int64) uint32 {
	return func(day int64) uint32 {
		if day == 0 {
			day = now().DayNumber()
		}
		if days := int64(tick / sensors.Day); days > 1 {
			day = (day/days+1)*days - 1
		}
		return uint32(max(day+retention, 0))
	}
}

// completeBefore asks, before the buffer is flushed, which rows of each group get no more company: rows of such buckets
// are with the store by then.
func (u *Uplink) completeBefore(s *ledger.Stream, p *consent.Purpose, mode cutMode, groups int) []int64 {
	complete := make([]int64, groups)
	for g := range complete {
		complete[g] = consent.Forever
		if mode != cutAll && p.Digest == s.Plan { // rows of rules that are no longer in force get no company
			complete[g] = u.Gate.CompleteBefore(s.Grant, g)
		}
	}
	return complete
}
