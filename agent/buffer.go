package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
)

// paceAfter is how long the agent runs before it says how much it writes a day: the first commits write more than later ones.
const paceAfter = time.Hour

// What is said of the flash wear. Only the verdict is for a technician: the number depends on what happens in the home.
const (
	flashWithin = "within the budget"
	flashOver   = control.FlashOver
	flashEarly  = "too early to tell"
)

// Buffer implements control.Keeper.
func (a *Agent) Buffer(context.Context) (control.Buffer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var status control.Status
	a.bufferStatus(&status)
	b := a.store.Status()
	out := control.Buffer{BufferStatus: status.Buffer, Reserve: b.Reserve, Since: a.since, Unclean: b.Unclean, Quarantine: a.store.Quarantined(), Oldest: dayText(b.OldestDay)}
	out.Flash, out.PerDay = a.flashPace(a.written())
	streams := map[uint32]ledger.Stream{}
	for _, s := range a.book.Streams() {
		streams[s.Number] = s
	}
	for _, s := range b.Streams {
		line := control.BufferStream{Purpose: streams[s.Stream].Purpose, Epoch: s.Epoch, Waiting: s.Waiting, Buffered: s.Buffered, Outgoing: s.Outgoing, Parked: s.Parked, Oldest: dayText(s.OldestDay)}
		for _, l := range s.Losses {
			if line.Losses == nil {
				line.Losses = map[string]uint64{}
			}
			line.Losses[l.Reason.String()] += l.Rows
		}
		out.Streams = append(out.Streams, line)
	}
	return out, nil
}

// written is how many bytes buffer and history gave to the file system since the start.
func (a *Agent) written() int64 {
	n := a.store.Status().Written
	if h := a.mine.history.Load(); h != nil {
		n += h.Status().Written
	}
	return n
}

// flashPace says how much is written a day at the pace since the start, and whether that is within the budget.
func (a *Agent) flashPace(written int64) (verdict string, perDay int64) {
	up := a.opts.Clock.Now().Sub(a.since)
	if up < paceAfter {
		return flashEarly, 0
	}
	perDay = int64(float64(written) * float64(24*time.Hour) / float64(up))
	if perDay > control.FlashBudget {
		return flashOver, perDay
	}
	return flashWithin, perDay
}

// flashWarning is for status; "" within the budget.
func (a *Agent) flashWarning(written int64) string {
	if verdict, _ := a.flashPace(written); verdict != flashOver {
		return ""
	}
	return fmt.Sprintf("The buffer writes more than %d MB a day, which wears out a card; a longer [buffer] flush or a longer `every` of the sensors writes less.", control.FlashBudget/1_000_000)
}

// dayText is a day since 1970 as a date; "" for none.
func dayText(day int64) string {
	if day <= 0 {
		return ""
	}
	return timeOf(sensors.Micros(day) * sensors.Day).Format(time.DateOnly)
}

// VerifyBuffer implements control.Keeper.
func (a *Agent) VerifyBuffer(ctx context.Context, emit func(control.BufferCheck) error) error {
	return a.store.Verify(ctx, func(c store.SegmentCheck, of int) error {
		return emit(control.BufferCheck{File: c.File, Bytes: c.Bytes, Records: c.Records, Rows: c.Rows, Damaged: c.Damaged, KeyGone: c.KeyGone, Fault: c.Fault, Of: of})
	})
}

// ExportBuffer implements control.Keeper: uploads that wait first, then what is not cut, stream by stream.
func (a *Agent) ExportBuffer(ctx context.Context, emit func(control.Waiting) error) error {
	if err := a.store.Flush(); err != nil {
		a.opts.Log.Warn("what waits in memory is not in the export", "error", err)
	}
	holds := map[uint32]bool{}
	for _, number := range a.store.Streams() {
		holds[number] = true
	}
	for _, s := range a.book.Streams() {
		if !holds[s.Number] || s.DeletionDue {
			continue
		}
		err := a.up.Waiting(s, func(rows int, cut bool, senml []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return emit(control.Waiting{Purpose: s.Purpose, Epoch: s.Epoch, Rows: rows, Cut: cut, SenML: senml})
		})
		if err != nil {
			return fmt.Errorf("purpose %s: %w", s.Purpose, err)
		}
	}
	return nil
}
