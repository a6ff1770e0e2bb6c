package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink"
)

// Grant implements control.Decider: the person says yes to one purpose. Readings count from this moment on.
func (a *Agent) Grant(_ context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	if purpose == consent.MineID {
		return a.grantMine(role, d)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	p, err := a.purpose(purpose)
	if err != nil {
		return control.Decided{}, err
	}
	switch p.State {
	case consent.Refused:
		return control.Decided{}, control.Errorf(control.ErrConflict, "candor policy check", "purpose %s can't be granted: %s", p.ID, p.Reason)
	case consent.Given:
		return decided(p, "It was granted already; nothing has changed."), nil
	}
	if err := uplink.Announceable(p); err != nil {
		return control.Decided{}, control.Errorf(control.ErrConflict, "candor policy check", "purpose %s can't be granted, since what it asks can't be announced: %w", p.ID, err)
	}
	old, had := a.book.Current(p.ID)
	id := max(a.keys.Highest(), a.book.Highest()) + 1
	if err := a.keys.NewGrant(id, p.ID); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "no key could be made for the yes, so it does not count: %w", err)
	}
	given, err := a.book.Give(a.receipt(p, role, d), id)
	if err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "the yes could not be written down, so it does not count: %w", errors.Join(err, a.keys.Destroy(id)))
	}
	if err := a.keys.Sync(); err != nil {
		a.opts.Log.Warn("the ledger's head is not beside the keys yet", "error", err)
	}
	if had && old.Withdrawn == 0 {
		a.end(old.ID) // the yes it replaces was to something else
	}
	a.pipe.begin(given.ID)
	a.recompile()
	a.tellAttributes(given.ID)
	a.up.Wake()
	p = a.pipe.Plan().Purpose(p.ID)
	a.opts.Log.Info("a purpose was granted", "purpose", p.ID, "grant", given.ID, "role", role)
	return decided(p, fmt.Sprintf("From now on what the rules let through goes to %s. Nothing taken before this moment will leave. Take it back any time: candor consent withdraw %s", p.Recipient.Name, p.ID)), nil
}

// Withdraw implements control.Decider: the person takes a yes back. It ends with the grant gone, whatever the network,
// the disk or the policy file are like: the keys are overwritten in place, and without them nothing can be read or sent.
func (a *Agent) Withdraw(_ context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	if purpose == consent.MineID {
		return a.withdrawMine(role, d)
	}
	if now, ok := a.newestAnswer(purpose); ok {
		a.up.Cancel(now.ID) // before anything that may wait for a disk
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	current, had := a.newestAnswer(purpose)
	if !had {
		if _, err := a.purpose(purpose); err != nil {
			return control.Decided{}, err
		}
		return control.Decided{Purpose: purpose, State: consent.Asked, Notice: "It was never granted; nothing of it leaves."}, nil
	}
	if current.Withdrawn != 0 && !a.keys.Has(current.ID) {
		return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: uint32(current.ID), Notice: "It had ended already; nothing of it leaves."}, nil
	}
	a.up.Cancel(current.ID)
	err := a.keys.Destroy(current.ID)
	noted := errors.Join(a.book.Withdraw(current.ID, a.now(), string(role), d.OnBehalf), a.keys.Sync())
	due := a.markDeletions(purpose)
	a.recompile()
	if dropErr := a.store.DropGrant(current.ID); dropErr != nil {
		a.opts.Log.Warn("what was buffered is unreadable but still takes room", "error", dropErr)
	}
	a.up.Wake()
	if err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor consent withdraw "+purpose, "nothing of %s leaves any more, but its keys could not be overwritten and it would come back with a restart: %w", purpose, err)
	}
	if trouble := errors.Join(noted, due); trouble != nil {
		a.opts.Log.Error("the withdrawal holds, its keys are gone; the ledger will be told at the next start", "error", trouble)
	}
	a.opts.Log.Info("a purpose was withdrawn", "purpose", purpose, "grant", current.ID, "role", role)
	return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: uint32(current.ID),
		Notice: fmt.Sprintf("Nothing of it leaves any more. What was waiting is destroyed, and %s is asked to delete what it has, until it confirms.", current.Receiver.Name)}, nil
}

// markDeletions asks the recipient to delete what was sent under any yes to a purpose, also one that another replaced.
func (a *Agent) markDeletions(purpose string) error {
	var errs []error
	for _, answer := range a.book.Answers() {
		if answer.Purpose == purpose {
			errs = append(errs, a.book.MarkDeletionDue(answer.ID, a.now()))
		}
	}
	return errors.Join(errs...)
}

// newestAnswer is the last yes to a purpose, in force or not.
func (a *Agent) newestAnswer(purpose string) (newest ledger.Answer, ok bool) {
	for _, answer := range a.book.Answers() {
		if answer.Purpose == purpose {
			newest, ok = answer, true
		}
	}
	return newest, ok
}

// withdrawnThere ends a grant that a recipient says was withdrawn: this object's memory is older than that.
func (a *Agent) withdrawnThere(id consent.GrantID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(id)
	if err := errors.Join(a.book.Withdraw(id, a.now(), "recipient", ""), a.book.MarkDeletionDue(id, a.now())); err != nil {
		a.opts.Log.Error("the ledger could not note a withdrawal; it will at the next start", "grant", id, "error", err)
	}
	a.recompile()
}

// end lets go of a grant that another one replaces. a.mu is held.
func (a *Agent) end(id consent.GrantID) {
	if a.up != nil {
		a.up.Cancel(id)
	}
	if err := a.keys.Destroy(id); err != nil {
		a.opts.Log.Error("the keys of a replaced grant could not be overwritten", "grant", id, "error", err)
	}
	if err := a.store.DropGrant(id); err != nil {
		a.opts.Log.Warn("what was buffered is unreadable but still takes room", "error", err)
	}
}

func decided(p *consent.Purpose, notice string) control.Decided {
	return control.Decided{Purpose: p.ID, State: p.State, Grant: uint32(p.Grant.ID), Notice: notice}
}

// purpose finds a purpose of the policy, or says which one may have been meant. a.mu is held.
func (a *Agent) purpose(id string) (*consent.Purpose, error) {
	plan := a.pipe.Plan()
	if p := plan.Purpose(id); p != nil {
		return p, nil
	}
	if a.rules.policy == nil {
		return nil, control.Errorf(control.ErrNotFound, "candor policy check", "there is no policy in force (%s), so there is no purpose %q", a.rules.state, id)
	}
	known := make([]string, 0, len(plan.Purposes()))
	for _, p := range plan.Purposes() {
		known = append(known, p.ID)
	}
	return nil, control.Errorf(control.ErrNotFound, "candor consent show", "the policy has no purpose %q; %s", id, tinyconf.Hint(id, known))
}

// receipt fills what the receipt of a yes keeps. a.mu is held.
func (a *Agent) receipt(p *consent.Purpose, role control.Role, d control.Decision) ledger.Answer {
	language := d.Language
	if language == "" {
		language = a.cfg.Device.Language
	}
	now := a.now()
	notice := a.notice(p, language)
	policy := a.rules.policy
	r := p.Recipient
	return ledger.Answer{
		Purpose: p.ID, Recipient: r.ID, Given: now, Until: now + p.Expires, Extent: p.Extent, Digest: p.Digest,
		PolicyVersion: p.PolicyVersion, Language: language, Notice: sha256.Sum256([]byte(notice)), Channel: "cli", Role: string(role), OnBehalf: d.OnBehalf,
		Title: p.TitleIn(language), DPV: p.DPV, Access: p.Access, Basis: p.Basis, Service: p.Service,
		Controller: ledger.Party{Name: policy.Controller.Name, Country: policy.Controller.Country, Contact: policy.Controller.Contact, Role: "controller"},
		Receiver:   ledger.Party{ID: r.ID, Name: r.Name, Country: r.Country, Role: r.Role},
		StoredIn:   r.StoredIn, Onward: r.Onward, RetentionDays: p.Retention, Authority: policy.Controller.Authority,
		Fields: p.FieldsInWords(), Withdrawal: "candor consent withdraw " + p.ID, BitsPerDay: int(p.Bits.Day), Assurance: "software",
	}
}

// notice is the text a person answers to, as `consent show` prints it: its digest is in the receipt.
func (a *Agent) notice(p *consent.Purpose, language string) string {
	c := a.consentPurpose(p, language)
	return strings.Join(append([]string{c.ID, c.Title, c.Why, c.Benefit, c.Recipient, c.Access, c.Basis, c.Time, c.Upload, c.Retention, c.Bits}, c.Fields...), "\n")
}
