package doctor

import (
	"errors"
	"fmt"
	"io/fs"
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
func (w *walk) policy() Check {
	if w.Daemon {
		if s := w.ask(); s != nil {
			return w.policyInForce(&s.Policy)
		}
	}
	findings, _, err := agent.CheckPolicy(w.Config.Policy.File, w.Config.Policy.Charter, w.Config)
	if err != nil {
		code := "unreadable"
		if errors.Is(err, consent.ErrSignature) {
			code = "wrong signature"
		}
		return w.noPolicy(code, err.Error())
	}
	for _, f := range findings {
		if f.Refuses {
			return found(Note, "policy-refuses", f.At+": "+f.Text).because("let its author mend it", "candor policy check "+w.Config.Policy.File, false)
		}
	}
	return w.signed(w.Config.Policy.Key.IsSet(), "can be read")
}

func (w *walk) policyInForce(p *control.PolicyStatus) Check {
	switch {
	case p.State == "ok":
		return w.signed(p.Signed, fmt.Sprintf("version %d is in force", p.Version))
	case p.Version > 0:
		return found(Note, "policy-old", fmt.Sprintf("the file is not taken (%s); version %d, read before, stays in force", p.State, p.Version)).
			because("let its author mend it", "candor policy check "+w.Config.Policy.File, false)
	}
	return w.noPolicy(p.State, p.Error)
}

func (w *walk) noPolicy(state, err string) Check {
	evidence, _, _ := strings.Cut(err, "\n")
	if state == "wrong signature" {
		return found(Broken, "policy-signature", evidence).
			because("put the policy there again as it was signed, with its .sig; whoever changed it is worth a question", "", w.edit())
	}
	if state == "older" {
		return found(Broken, "policy-older", evidence).because("put the newest signed policy there", "", w.edit())
	}
	return found(Broken, "policy-unreadable", evidence).because("mend it, or put it there", "candor policy check "+w.Config.Policy.File, w.edit())
}

func (w *walk) signed(yes bool, what string) Check {
	if yes {
		return found(OK, "policy", w.Config.Policy.File+" is signed, and "+what)
	}
	return found(Note, "policy-unsigned", w.Config.Policy.File+" "+what+", and is not signed: whoever can write it can change what is asked").
		because("have it signed, and name the key in [policy] key", "candor policy sign "+w.Config.Policy.File+" --key FILE", w.edit())
}

// state says whether keys, ledger and buffer open. A running daemon has opened them.
func (w *walk) state() Check {
	if w.ask() != nil {
		return found(OK, "state", "keys, ledger and buffer are open")
	}
	switch err := w.ObjectErr; {
	case err == nil:
		return found(Skipped, "state-new", "the object was never started")
	case errors.Is(err, agent.ErrLocked):
		return found(Broken, "state-locked", "another candor has "+w.Config.Device.State+" and answers nobody").because("start the daemon again", "sudo systemctl restart candor", true)
	case errors.Is(err, fs.ErrPermission):
		return found(Unknown, "state-not-allowed", "only the daemon, its user and root see what the object keeps")
	default:
		text, _, _ := strings.Cut(err.Error(), "\n")
		return found(Broken, "state-damaged", text).because("move that file away, keep it, and start again: every yes is asked anew", "", true)
	}
}

// consent says in words whether anything may leave. That nobody said yes is no fault and not the technician's to change.
func (w *walk) consent() Check {
	s := w.ask()
	switch {
	case s == nil && w.ObjectErr != nil:
		return found(Unknown, "consent-unknown", "who agreed to what is not for you to see without a daemon")
	case s == nil:
		return found(Held, "consent-none", "nobody has been asked yet, so nothing leaves").because("start the object, and let the person who lives with it decide: candor consent show", "", false)
	case !s.Paused.IsZero() || strings.HasPrefix(s.Truth, "Paused"):
		c := found(Held, "consent-paused", "the person has paused the object: nothing leaves, tests neither").
			because("ask the person: the button or the page ends the pause, or", "candor consent resume", false)
		c.ends = true
		return c
	}
	given := 0
	for _, p := range s.Purposes {
		if p.State == consent.Given {
			given++
		}
	}
	if given == 0 {
		return found(Held, "consent-none", fmt.Sprintf("nobody has said yes to any of %d purposes, so nothing leaves", len(s.Purposes))).
			because("the person who lives with the object decides, nobody else: candor consent show", "", false)
	}
	return found(OK, "consent", fmt.Sprintf("%d of %d purposes have a yes; what their rules let through leaves, nothing else", given, len(s.Purposes)))
}

// buffer says whether rows can be kept.
func (w *walk) buffer() Check {
	s := w.ask()
	if s == nil {
		return found(Skipped, "buffer-none", "there is none to look into")
	}
	switch b := &s.Buffer; b.State {
	case "ok":
		return found(OK, "buffer", "it takes rows")
	case "full":
		return found(Warning, "buffer-full", "it is full: the oldest rows are dropped for new ones").because("see below why nothing leaves; [buffer] max_size may be larger", "", w.edit())
	case "read-only":
		return found(Broken, "buffer-read-only", "the disk takes no writing any more, so it takes no rows").because("mend or replace the disk; what it holds can be looked at with", "candor buffer verify", false)
	default:
		return found(Broken, "buffer-failing", "it takes no rows: "+b.State).because("see what is wrong with it", "candor buffer verify", false)
	}
}

// unsent looks for what a recipient refused, and for how long something waits, where whoever asks may know.
func (w *walk) unsent() Check {
	s := w.ask()
	if s == nil {
		return found(Skipped, "unsent-none", "there is no buffer to look into")
	}
	retry := "mend what it says; then have it offered again"
	for _, p := range s.Purposes {
		if p.Parked > 0 {
			return found(Broken, "unsent-parked", fmt.Sprintf("%s refused uploads of purpose %s, which are kept: %s", p.Recipient, p.ID, p.ParkedReason)).because(retry, "candor uplink retry", false)
		}
		if p.Deletion == "overdue" {
			return found(Warning, "deletion-overdue", p.Recipient+" has not confirmed for 30 days that it deleted what it was asked to").because("ask the recipient", "", false)
		}
	}
	for _, r := range s.Routes {
		if r.State == "refused" {
			return found(Broken, "unsent-refused", r.Recipient+" refuses uploads: "+r.Reason).because(retry, "candor uplink retry", false)
		}
	}
	if s.Limited {
		return found(OK, "unsent", "no recipient refuses anything; how much waits is not for a technician to know")
	}
	b, err := w.Object.Buffer(w.ctx)
	if err != nil || b.Oldest == "" {
		return found(OK, "unsent", "nothing is refused, and no row waits")
	}
	return found(OK, "unsent-waits", "nothing is refused; the oldest row that waits is of "+b.Oldest)
}
