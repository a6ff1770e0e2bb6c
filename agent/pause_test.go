package agent_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

func withheld(t *testing.T, c *control.Consent, reason consent.Reason) (n uint64) {
	t.Helper()
	for _, w := range c.Withheld {
		if w.Reason == reason {
			n += w.Count
		}
	}
	return n
}

// What is read while paused never leaves, not even after the pause and a restart.
func TestWhatIsReadDuringAPauseNeverLeaves(t *testing.T) {
	url, dir := receiver(t)
	o := newObject(t, url, 200)
	a := o.open()
	grant(t, a, "air")
	if _, err := a.Pause(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = o.open() // the pause survives
	if err := a.Once(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	c, err := a.Consent(t.Context(), "en")
	if err != nil {
		t.Fatal(err)
	}
	if n := withheld(t, &c, consent.Paused); n < 200 {
		t.Fatalf("only %d values were withheld for the pause: the test is empty", n)
	}
	status, err := a.Status(t.Context())
	if err != nil || status.Paused.IsZero() || !strings.HasPrefix(status.Truth, "Paused since") {
		t.Fatalf("status says %q, paused %v, %v", status.Truth, status.Paused, err)
	}
	if _, err := a.Resume(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.once(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, dir, "air"); len(got) != 0 {
		t.Fatalf("%d rows that were read during the pause arrived", len(got))
	}
	// The same object without a pause does send: the test can fail.
	url, dir = receiver(t)
	o = newObject(t, url, 200)
	if err := o.once(2*time.Second, "air"); err != nil || len(rows(t, dir, "air")) == 0 {
		t.Fatalf("without a pause nothing arrived either: %v", err)
	}
}

func TestAPauseCutsWhatIsOnItsWay(t *testing.T) {
	arrived, cut := make(chan struct{}, 64), make(chan struct{}, 64)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		_, _ = readAll(r)
		<-r.Context().Done()
		cut <- struct{}{}
	}))
	defer srv.Close()
	o := newObject(t, srv.URL, 300)
	a := o.open()
	defer func() { _ = a.Close() }()
	grant(t, a, "air")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Once(ctx, 20*time.Second) }()
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nothing was sent")
	}
	if _, err := a.TogglePause(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-cut:
	case <-time.After(cutWithin):
		t.Fatal("after the pause the request is still on its way")
	}
	stop()
	<-done
	if p, err := a.TogglePause(t.Context()); err != nil || !p.Since.IsZero() {
		t.Fatalf("the second press did not end the pause: %+v, %v", p, err)
	}
}

func readAll(r *http.Request) (int64, error) {
	var n int64
	buf := make([]byte, 4096)
	for {
		m, err := r.Body.Read(buf)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

// While paused nothing leaves, tests neither.
func TestNoTestLeavesWhilePaused(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(http.StatusNoContent) }))
	defer srv.Close()
	o := newObject(t, srv.URL, 1)
	a := o.open()
	defer func() { _ = a.Close() }()
	if _, err := a.Pause(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if list, err := a.TestUplink(t.Context(), ""); !errors.Is(err, control.ErrConflict) || len(list) != 0 || asked != 0 {
		t.Fatalf("%+v, %v, asked %d times", list, err, asked)
	}
	if _, err := a.Resume(t.Context(), control.Person, control.Decision{}); err != nil {
		t.Fatal(err)
	}
	if list, err := a.TestUplink(t.Context(), ""); err != nil || len(list) != 1 || !list[0].OK || asked != 1 {
		t.Fatalf("%+v, %v, asked %d times", list, err, asked)
	}
}
