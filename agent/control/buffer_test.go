package control

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A technician gets verdicts about the buffer, never counts that rise when a door opens, and never what waits in it.
func TestBufferForTechnician(t *testing.T) {
	f := &fake{}
	person, technician := Local(NewHandler(f), Person), Local(NewHandler(f), Technician)
	b, err := technician.Buffer(t.Context())
	if err != nil || !b.Limited || b.Waiting+b.Segments != 0 || b.Bytes+b.Written+b.PerDay != 0 || b.Oldest != "" || len(b.Streams) != 0 {
		t.Errorf("a technician sees %+v, %v", b, err)
	}
	if b.State != "ok" || b.Flash != "within the budget" || b.MaxBytes != 11 {
		t.Errorf("the verdicts are missing: %+v", b)
	}
	if b, err = person.Buffer(t.Context()); err != nil || b.PerDay != 99 || len(b.Streams) != 1 {
		t.Errorf("the person sees %+v, %v", b, err)
	}
	var checks []BufferCheck
	keep := func(c BufferCheck) error { checks = append(checks, c); return nil }
	if err := technician.VerifyBuffer(t.Context(), keep); err != nil || len(checks) != 1 || checks[0] != (BufferCheck{File: "buffer", Damaged: 1, Of: 1}) {
		t.Errorf("a technician's verify: %+v, %v", checks, err)
	}
	if err := technician.ExportBuffer(t.Context(), func(Waiting) error { return nil }); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a technician's export: %v", err)
	}
}

// An answer in pieces comes whole or says that it did not, and ends when the reader has had enough.
func TestAnswerInPieces(t *testing.T) {
	f := &fake{}
	c := Local(NewHandler(f), Person)
	rows := 0
	if err := c.ExportBuffer(t.Context(), func(w Waiting) error { rows += w.Rows; return nil }); err != nil || rows != 3 {
		t.Errorf("%d rows, %v", rows, err)
	}
	enough := errors.New("enough")
	if err := c.ExportBuffer(t.Context(), func(Waiting) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a reader that stops: %v", err)
	}
	f.err = Errorf(ErrUnavailable, "candor status", "the buffer is closed")
	err := c.ExportBuffer(t.Context(), func(Waiting) error { return nil })
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a failure on the way: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.ExportBuffer(ctx, func(Waiting) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that is gone: %v", err)
	}
}
