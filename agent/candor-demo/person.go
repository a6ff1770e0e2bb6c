package main

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// maxNotes is how much of what happened stays on the screen.
const maxNotes = 4

// play says what the script has for this moment.
func (d *demo) play(ctx context.Context, elapsed time.Duration) error {
	for {
		s, due := d.script.next(elapsed, d.length)
		if !due {
			return nil
		}
		say := d.withdraw
		if s.yes {
			say = d.grant
		}
		if err := say(ctx, s.purpose); err != nil {
			return err
		}
	}
}

// press does what a key means: the number of a purpose turns its answer round. From then on the person decides, not the
// script.
func (d *demo) press(ctx context.Context, key byte) error {
	if key == 'p' {
		return d.pair(ctx)
	}
	status, err := d.object.Status(ctx)
	if err != nil {
		return err
	}
	i := int(key) - '1'
	if i < 0 || i >= len(status.Purposes) {
		return nil
	}
	d.script = nil
	if p := status.Purposes[i]; p.State != consent.Given {
		return d.grant(ctx, p.ID)
	}
	return d.withdraw(ctx, status.Purposes[i].ID)
}

// grant says yes as the person.
func (d *demo) grant(ctx context.Context, purpose string) error {
	if _, err := d.object.Grant(ctx, purpose, control.Person, control.Decision{Language: "en"}); err != nil {
		return d.note("%s can't be granted: %v", purpose, err)
	}
	delete(d.withdrew, purpose)
	return d.note("YES to %s: nothing sensed before this moment leaves under it.", purpose)
}

// withdraw takes a yes back as the person.
func (d *demo) withdraw(ctx context.Context, purpose string) error {
	if err := d.tail.refresh(); err != nil {
		return err
	}
	had := 0
	if f := d.tail.files[purpose]; f != nil {
		had = f.rows
	}
	if _, err := d.object.Withdraw(ctx, purpose, control.Person, control.Decision{Language: "en"}); err != nil {
		return d.note("%s can't be withdrawn: %v", purpose, err)
	}
	d.withdrew[purpose] = had
	return d.note("NO to %s: nothing more leaves, and the receiver is asked to delete.", purpose)
}

// note tells what happened, with the time of the house.
func (d *demo) note(format string, args ...any) error {
	text := d.clock.Now().UTC().Format("15:04") + "  " + fmt.Sprintf(format, args...)
	d.notes = append(d.notes, text)
	d.notes = d.notes[max(len(d.notes)-maxNotes, 0):]
	return d.display.note(text)
}

// confirm tells which deletions the receiver has confirmed since.
func (d *demo) confirm(ctx context.Context) error {
	if len(d.withdrew) == 0 {
		return nil
	}
	sent, err := d.object.Sent(ctx)
	if err != nil {
		return err
	}
	left, open := map[string]bool{}, map[string]bool{}
	for _, s := range tally(sent) {
		left[s.purpose] = true
		open[s.purpose] = open[s.purpose] || !s.deleted
	}
	for _, p := range purposesOf(d.withdrew) {
		if open[p] {
			continue
		}
		had := d.withdrew[p]
		delete(d.withdrew, p)
		if err := d.confirmed(p, had, left[p]); err != nil {
			return err
		}
	}
	return nil
}

// confirmed tells of one deletion what became of the receiver's file.
func (d *demo) confirmed(purpose string, had int, left bool) error {
	if !left {
		return d.note("Nothing of %s had left, so there is nothing to delete.", purpose)
	}
	if err := d.tail.refresh(); err != nil {
		return err
	}
	has := 0
	if f := d.tail.files[purpose]; f != nil {
		has = f.rows
	}
	return d.note("The receiver confirmed: %s is deleted, its rows went from %s to %s.", purpose, count(uint64(had)), count(uint64(has)))
}
