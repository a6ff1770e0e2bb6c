package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/ledger"
)

const assurance = "software"

// Erase implements control.Eraser.
func (a *Agent) Erase(_ context.Context, role control.Role, r control.ErasureRequest) (control.Erasure, error) {
	switch {
	case r.All:
		return a.erasePurposes(a.everyPurpose(), sentenceOf("erased-all").in(r.Language), role, r.Decision)
	case r.Purpose != "":
		return a.erasePurposes([]string{r.Purpose}, sentenceOf("erased-purpose").in(r.Language, r.Purpose), role, r.Decision)
	}
	return a.erasePeriod(role, r)
}

// everyPurpose lists the purposes that have keys or a yes.
func (a *Agent) everyPurpose() (out []string) {
	for _, id := range a.keys.Grants() {
		out = append(out, a.keys.Purpose(id))
	}
	for _, answer := range a.book.Answers() {
		if answer.Withdrawn == 0 {
			out = append(out, answer.Purpose)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// erasePurposes ends purposes as a withdrawal does, since what is kept for a purpose lives and dies with its keys.
func (a *Agent) erasePurposes(purposes []string, what string, role control.Role, d control.Decision) (control.Erasure, error) {
	for _, p := range purposes {
		for _, id := range a.openGrants(p) {
			a.up.Cancel(id)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.erasure(what, d.Language)
	var failed error
	for _, p := range purposes {
		open := a.openGrants(p)
		if len(open) == 0 {
			if len(purposes) == 1 {
				if _, err := a.nothingOpen(p, d); err != nil { // not a purpose at all
					return control.Erasure{}, err
				}
			}
			continue
		}
		keys := 0
		for _, id := range open {
			keys += 1 + len(a.keys.Days(id))
		}
		_, err := a.withdraw(p, open, role, d)
		failed = errors.Join(failed, err)
		out.Destroyed = append(out.Destroyed, sentenceOf("erased-yes").in(d.Language, p, keys))
	}
	if failed != nil {
		return control.Erasure{}, control.Errorf(control.ErrUnavailable, "candor status", "not everything could be destroyed on the disk: %w", failed)
	}
	return a.confirm(out, role, d)
}

// erasePeriod destroys the keys of whole days. No yes ends by it.
func (a *Agent) erasePeriod(role control.Role, r control.ErasureRequest) (control.Erasure, error) {
	first, err := dayNumber(r.From, 0)
	if err != nil {
		return control.Erasure{}, err
	}
	last, err := dayNumber(r.To, a.now().DayNumber())
	if err != nil {
		return control.Erasure{}, err
	}
	if last < first {
		return control.Erasure{}, control.Errorf(control.ErrBadRequest, "candor erase --help", "the period ends before it begins")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.erasure(sentenceOf("erased-period").in(r.Language, dateOf(first), dateOf(last)), r.Language)
	a.pipe.erase(first, last)
	destroyed := 0
	a.recent.drop(0) // an upload of another day may hold rows of these
	got, err := a.store.EraseDays(first, last, func(e store.Erased) (err error) {
		destroyed, err = a.destroyDays(first, last, e.Days)
		return err
	})
	if err != nil {
		return control.Erasure{}, control.Errorf(control.ErrUnavailable, "candor erase --help", "not everything could be destroyed on the disk; in memory it is gone, so try again: %w", err)
	}
	if h := a.mine.history.Load(); h != nil {
		if err := h.EraseDays(first, last); err != nil {
			return control.Erasure{}, control.Errorf(control.ErrUnavailable, "candor erase --help", "the history of these days is unreadable, but could not be cleared away; try again: %w", err)
		}
	}
	out.Destroyed = append(out.Destroyed, sentenceOf("erased-days").in(r.Language, destroyed, got.Rows))
	if r.RecipientToo {
		if err := a.askDeletion(first, last); err != nil {
			return control.Erasure{}, err
		}
	}
	a.recompile()
	a.up.Wake()
	return a.confirm(out, role, r.Decision)
}

// destroyDays destroys the keys of the period for every grant, and of the further days that uploads were sealed under.
func (a *Agent) destroyDays(first, last int64, also []store.GrantDay) (int, error) {
	n := 0
	var errs []error
	for _, id := range a.keys.Grants() {
		m, err := a.keys.DestroyDays(id, first, last)
		n, errs = n+m, append(errs, err)
	}
	for _, d := range also {
		if d.Day < first || d.Day > last {
			m, err := a.keys.DestroyDays(d.Grant, d.Day, d.Day)
			n, errs = n+m, append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}

// askDeletion asks recipients to delete the streams that were open in a period. A stream is deleted whole; one that is
// still open is closed, and what of it still waits is given up.
func (a *Agent) askDeletion(first, last int64) error {
	var errs []error
	for _, s := range a.book.Streams() {
		from, to := s.OpenedAt.DayNumber(), a.now().DayNumber()
		if s.Closed {
			to = s.ClosedAt.DayNumber()
		}
		if to < first || from > last || !s.Offered {
			continue
		}
		errs = append(errs, a.book.AskDeletion(s.Number, a.now()))
		if !s.Closed {
			errs = append(errs, a.store.Retire(s.Number))
		}
	}
	return errors.Join(errs...)
}

// erasure begins a confirmation.
func (a *Agent) erasure(what, language string) control.Erasure {
	return control.Erasure{Time: timeOf(a.now()), What: what, Destroyed: []string{}, Assurance: assurance, Remains: remains(language)}
}

// confirm notes an erasure and signs the object's word on it. a.mu is held.
func (a *Agent) confirm(out control.Erasure, role control.Role, d control.Decision) (control.Erasure, error) {
	a.note(ledger.Event{Kind: ledger.Destroyed, Time: a.now(), Role: string(role), OnBehalf: d.OnBehalf, Channel: channel(d), Text: "erased on demand: " + out.What})
	for _, s := range a.book.Streams() {
		if s.DeletionDue && !s.DeletionDone {
			out.Asked++
		}
	}
	return a.signed(out)
}

// signed adds the signature of the ledger key.
func (a *Agent) signed(out control.Erasure) (control.Erasure, error) {
	key, err := a.book.PublicKey()
	if err != nil {
		return out, err
	}
	out.PublicKey = fmt.Sprintf("%x", key)
	text, err := json.Marshal(out)
	if err == nil {
		out.Confirmation, err = a.book.Confirm(text)
	}
	if err != nil {
		return out, fmt.Errorf("it is erased, but the confirmation could not be signed: %w", err)
	}
	return out, nil
}

// dayNumber is the UTC day of a date since 1970; absent for "".
func dayNumber(date string, absent int64) (int64, error) {
	if date == "" {
		return absent, nil
	}
	t, err := time.Parse("2006-01-02", date)
	if err != nil {
		return 0, control.Errorf(control.ErrBadRequest, "write it as 2026-03-01", "%q is no date", date)
	}
	return sensors.Micros(t.UnixMicro()).DayNumber(), nil
}

func dateOf(day int64) string { return time.Unix(day*86400, 0).UTC().Format("2006-01-02") }
