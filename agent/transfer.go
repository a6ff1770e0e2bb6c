package agent

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

// Transfer implements control.Eraser. Every yes ends first, and with it come the deletion requests, which are sent if
// the recipients can be reached in time; then the keys are made anew in one durable write, which is what ends the old
// owner's history, and all else is cleared away. Killed in between, the next start finds keys that open nothing of before but the
// deletion requests that no recipient had acknowledged, which it goes on sending.
func (a *Agent) Transfer(ctx context.Context, role control.Role, r control.TransferRequest) (control.Transfer, error) {
	if a.onlyOnce() {
		return control.Transfer{}, control.Errorf(control.ErrConflict, "wait until it has ended", "`run --once` is under way, and what it reads must not be the next owner's")
	}
	ended, err := a.erasePurposes(a.everyPurpose(), sentenceOf("erased-owner").in(r.Language), role, r.Decision)
	if err != nil {
		return control.Transfer{}, err
	}
	a.up.Halt(a.mute) // a pause ends too: all that can leave now are the deletion requests
	a.awaitDeletions(ctx, time.Duration(r.Wait)*time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	out := control.Transfer{Erasure: a.erasure(ended.What, r.Language), Papers: a.papers()}
	out.Destroyed, out.Asked = ended.Destroyed, len(out.Papers)
	old := a.book.Head().Count
	a.up.Halt(true)
	a.gone = true // Close clears the rest away
	err = a.keys.Reset(func(next cipher.AEAD) {
		// Best effort: what ends the old owner's history must not wait for a disk that takes nothing more.
		if err := a.book.Bequeath(next); err != nil {
			a.opts.Log.Warn("an interruption now would lose deletion requests", "error", err)
		}
		a.at("requests left")
	})
	a.at("keys new")
	if err == nil {
		err = a.book.Reset(a.now())
	}
	if err != nil {
		return control.Transfer{}, control.Errorf(control.ErrUnavailable, "candor transfer", "every yes has ended, but not everything could be cleared away: %w", err)
	}
	out.Destroyed = append(out.Destroyed, sentenceOf("erased-keys").in(r.Language, old), sentenceOf("erased-buffer").in(r.Language))
	out.Remains = remainsAfterTransfer(r.Language)
	a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Text: "the object was made ready for another owner"})
	out.Erasure, err = a.signed(out.Erasure)
	if err == nil {
		out.Sheet, err = a.sheet(r.Language)
	}
	if a.stop != nil {
		a.stop() // the daemon ends, and the next start is the first one
	}
	return out, err
}

// onlyOnce says whether a run that ends by itself is under way.
func (a *Agent) onlyOnce() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.once
}

// awaitDeletions waits until the recipients have acknowledged every deletion request, for so long at most.
func (a *Agent) awaitDeletions(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.mu.Lock()
	daemon := a.daemon
	a.mu.Unlock()
	if !daemon && patience > 0 {
		_ = a.up.Drain(ctx, patience) // nothing is granted any more: all there is to send are the requests
		return
	}
	for len(a.papers()) > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// papers are the deletion requests that are due.
func (a *Agent) papers() (out []control.Paper) {
	urls := map[string]string{}
	for _, r := range a.up.Routes() {
		urls[r.Recipient] = r.URL
	}
	for _, s := range a.book.Streams() {
		if s.DeletionDue && !s.DeletionDone {
			out = append(out, control.Paper{Recipient: s.Recipient, URL: urls[s.Recipient], Stream: fmt.Sprintf("%x", s.Name), Request: s.Deletion})
		}
	}
	return out
}

// clearAway deletes what a transfer left of the old owner's: it can't be read any more. It is called when nothing is open.
func (a *Agent) clearAway() error {
	var errs []error
	for _, name := range []string{"buffer", "quarantine", "history"} {
		err := os.RemoveAll(filepath.Join(a.cfg.Device.State, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
