package doctor

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

// ask gets the status of the object once; nil when there is none to ask.
func (w *walk) ask() *control.Status {
	if w.status == nil && w.Object != nil {
		s, err := w.Object.Status(w.ctx)
		if err != nil {
			w.Object, w.ObjectErr = nil, err
			return nil
		}
		w.status = &s
	}
	return w.status
}

// policy asks the daemon which policy is in force, or reads the files as it would.
func (w *walk) policy() *Check {
	files := &w.Config.Policy
	if s := w.ask(); w.Daemon && s != nil {
		switch p := &s.Policy; {
		case p.State == "ok":
			return w.signed(p.Signed, "version "+strconv.FormatUint(p.Version, 10)+" is in force")
		case p.Version > 0:
			return w.say("policy-old", files.File, p.State)
		case p.State == "wrong signature":
			return w.say("policy-signature", files.File, firstLine(p.Error))
		case p.State == "older":
			return w.say("policy-older", files.File, firstLine(p.Error))
		default:
			return w.say("policy-unreadable", files.File, firstLine(p.Error))
		}
	}
	findings, _, err := agent.CheckPolicy(files.File, files.Charter, w.Config)
	switch {
	case errors.Is(err, consent.ErrSignature):
		return w.say("policy-signature", files.File, firstLine(err.Error()))
	case err != nil:
		return w.say("policy-unreadable", files.File, firstLine(err.Error()))
	}
	for i := range findings {
		if f := &findings[i]; f.Refuses {
			return w.say("policy-refuses", files.File, f.At+": "+f.Text)
		}
	}
	return w.signed(files.Key.IsSet(), "can be read")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (w *walk) signed(yes bool, what string) *Check {
	if yes {
		return w.say("policy", w.Config.Policy.File, what)
	}
	return w.say("policy-unsigned", w.Config.Policy.File, what)
}

// state says whether keys, ledger and buffer open. A running daemon has opened them.
func (w *walk) state() *Check {
	err := w.ObjectErr
	switch {
	case w.ask() != nil:
		return w.say("state")
	case err == nil:
		return w.say("state-new")
	case errors.Is(err, agent.ErrLocked):
		return w.say("state-locked", w.Config.Device.State)
	case errors.Is(err, fs.ErrPermission):
		return w.say("state-not-allowed")
	}
	return w.say("state-damaged", w.Config.Device.State, firstLine(err.Error()))
}

// consent says in words whether anything may leave. That nobody said yes is no fault and not the technician's to change.
func (w *walk) consent() *Check {
	s := w.ask()
	switch {
	case s == nil && w.ObjectErr != nil:
		return w.say("consent-unknown")
	case s == nil:
		return w.say("consent-none")
	case !s.Paused.IsZero() || strings.HasPrefix(s.Truth, "Paused"):
		return w.say("consent-paused")
	}
	given := 0
	for i := range s.Purposes {
		if s.Purposes[i].State == consent.Given {
			given++
		}
	}
	if given == 0 {
		return w.say("consent-none")
	}
	return w.say("consent", strconv.Itoa(given), strconv.Itoa(len(s.Purposes)))
}

// buffer says whether rows can be kept.
func (w *walk) buffer() *Check {
	s := w.ask()
	if s == nil {
		return w.say("buffer-none")
	}
	switch s.Buffer.State {
	case "ok":
		return w.say("buffer")
	case "full":
		return w.say("buffer-full")
	case "read-only":
		return w.say("buffer-read-only")
	}
	return w.say("buffer-failing", s.Buffer.State)
}

// unsent looks for what a recipient refused, and for how long something waits, where whoever asks may know.
func (w *walk) unsent() *Check {
	s := w.ask()
	if s == nil {
		return w.say("unsent-none")
	}
	for i := range s.Purposes {
		p := &s.Purposes[i]
		if p.Parked > 0 {
			return w.say("unsent-parked", p.Recipient, p.ID, p.ParkedReason)
		}
		if p.Deletion == "overdue" {
			return w.say("deletion-overdue", p.Recipient)
		}
	}
	for i := range s.Routes {
		if r := &s.Routes[i]; r.State == "refused" && r.Failures == 0 { // something was refused; where everything is, the way is walked below
			return w.say("unsent-refused", r.Recipient, "", r.Reason)
		}
	}
	if s.Limited {
		return w.say("unsent", "; how much waits is not for a technician to know")
	}
	b, err := w.Object.Buffer(w.ctx)
	if err != nil || b.Oldest == "" {
		return w.say("unsent", "")
	}
	return w.say("unsent", "; the oldest row that waits is of "+b.Oldest)
}
