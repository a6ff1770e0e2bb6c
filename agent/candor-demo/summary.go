package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

const (
	settleTime = 5 * time.Second // for what is on its way when the clock is stopped
	settleBeat = 30 * time.Millisecond
)

// finish stops the clock, so that nothing new comes due, lets what is on its way arrive, stops everything, prints the
// summary and checks it.
func (d *demo) finish(took time.Duration) error {
	ctx := context.Background() // whoever pressed Ctrl-C wants to see it
	lived := d.clock.Now()
	d.clock.Stop()
	if err := d.settle(ctx); err != nil {
		return err
	}
	if err := d.rest(); err != nil {
		return err
	}
	status, err := d.object.Status(ctx)
	if err != nil {
		return err
	}
	sent, err := d.object.Sent(ctx)
	if err != nil {
		return err
	}
	if err := d.close(); err != nil { // from here on nobody writes to the receiver's files
		return err
	}
	if err := d.tail.refresh(); err != nil {
		return err
	}
	ledger := tally(sent)
	s := summary{lived: lived.Sub(d.clock.start), took: took, readings: d.house.count(), purposes: status.Purposes, ledger: ledger, tail: d.tail}
	for _, f := range d.house.fields {
		s.fields = append(s.fields, f.Name)
	}
	if err := s.print(d.out); err != nil {
		return err
	}
	if diffs := differences(ledger, d.tail, withdrawn(status)); len(diffs) > 0 {
		return unequal(diffs)
	}
	_, err = fmt.Fprintln(d.out, checked(ledger)+d.kept())
	return err
}

// settle waits until nothing is on its way any more, or settleTime is over; the check says then what is missing.
func (d *demo) settle(ctx context.Context) error {
	for until := time.Now().Add(settleTime); time.Now().Before(until); time.Sleep(settleBeat) {
		status, err := d.object.Status(ctx)
		if err != nil {
			return err
		}
		sent, err := d.object.Sent(ctx)
		if err != nil {
			return err
		}
		if err := d.tail.refresh(); err != nil {
			return err
		}
		waiting := 0
		for _, p := range status.Purposes {
			waiting += p.Outgoing
		}
		if waiting == 0 && !d.light.shows() && len(differences(tally(sent), d.tail, withdrawn(status))) == 0 {
			return nil
		}
	}
	return nil
}

func (d *demo) kept() string {
	if d.keep == "" {
		return ""
	}
	return fmt.Sprintf("\nKept in %s; to look at it: candor status --config %s", d.keep, filepath.Join(d.keep, "candor.toml"))
}

func withdrawn(s control.Status) map[string]bool {
	out := map[string]bool{}
	for _, p := range s.Purposes {
		out[p.ID] = p.State == consent.Withdrawn
	}
	return out
}

// summary is what a run came to.
type summary struct {
	lived, took time.Duration // in the house, and here
	readings    uint64
	fields      []string // of the house
	purposes    []control.PurposeStatus
	ledger      map[string]*sentStream
	tail        *tail
}

func (s *summary) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Summary: %s of a simulated house in %s.\n", spell(s.lived.Truncate(time.Minute)), spell(s.took.Round(time.Second)))
	fmt.Fprintf(&b, "The house sensed %s readings of %d fields.\n", count(s.readings), len(s.fields))
	fmt.Fprintf(&b, "What left, by the agent's ledger, and what the receiver has now:\n")
	fmt.Fprintf(&b, "  %-10s %6s %8s %8s  %s\n", "purpose", "rows", "batches", "bytes", "now at the receiver")
	left := map[string]bool{}
	for _, p := range s.purposes {
		var sum sentStream
		deleted := 0
		for _, l := range s.ledger {
			if l.purpose != p.ID {
				continue
			}
			sum.rows, sum.batches, sum.bytes = sum.rows+l.rows, sum.batches+l.batches, sum.bytes+l.bytes
			if l.deleted {
				deleted += l.rows
			}
			for f := range l.fields {
				left[f] = true
			}
		}
		fmt.Fprintf(&b, "  %-10s %6s %8s %8s  %s\n", p.ID, count(uint64(sum.rows)), count(uint64(sum.batches)), count(uint64(sum.bytes)), s.there(p, deleted))
	}
	fmt.Fprintf(&b, "Fields that never left: %s.\n", neverLeft(s.fields, left))
	_, err := io.WriteString(w, b.String())
	return err
}

// there says what the receiver has of a purpose.
func (s *summary) there(p control.PurposeStatus, deleted int) string {
	has := 0
	if f := s.tail.files[p.ID]; f != nil {
		has = f.rows
	}
	text := rows(has)
	switch {
	case p.State == consent.Withdrawn && deleted > 0:
		return text + fmt.Sprintf(": withdrawn, and %s deleted on request", count(uint64(deleted)))
	case p.State == consent.Withdrawn:
		return text + ": withdrawn before anything left"
	case deleted > 0:
		return text + fmt.Sprintf("; %s of an earlier yes deleted on request", count(uint64(deleted)))
	case p.State != consent.Given:
		return text + ": never granted"
	}
	return text
}

func neverLeft(fields []string, left map[string]bool) string {
	out := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return left[f] })
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
