package agent

import (
	"context"
	"errors"

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
		if !p.Pending() {
			return decided(p, say(d, "granted-already")), nil
		}
		if p = p.Asks(); p.State == consent.Refused {
			return control.Decided{}, control.Errorf(control.ErrConflict, "candor consent diff "+p.ID, "what purpose %s asks now can't be granted: %s; what was granted before goes on", p.ID, p.Reason)
		}
	}
	if err := uplink.Announceable(p); err != nil {
		return control.Decided{}, control.Errorf(control.ErrConflict, "candor policy check", "purpose %s can't be granted, since what it asks can't be announced: %w", p.ID, err)
	}
	old, had := a.book.Current(p.ID)
	id := max(a.keys.Highest(), a.book.Highest()) + 1
	if err := a.keys.NewGrant(id, p.ID); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "no key could be made for the yes, so it does not count: %w", err)
	}
	receipt := a.complete(a.receipt(p, role, d), p, d.Language)
	receipt.KeyMark, err = a.keys.Mark(id)
	var given ledger.Answer
	if err == nil {
		given, err = a.book.Give(receipt, id)
	}
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
	return decided(p, sayThen(d, say(d, "granted", p.Recipient.Name), "back", p.ID)), nil
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
	_, notice := a.notice(p, language)
	policy := a.rules.policy
	r := p.Recipient
	return ledger.Answer{
		Purpose: p.ID, Recipient: r.ID, Given: now, Until: now + p.Expires, Extent: p.Extent, Digest: p.Digest,
		PolicyVersion: p.PolicyVersion, Language: language, Notice: notice, Channel: channel(d), Role: string(role), OnBehalf: d.OnBehalf,
		Title: p.TitleIn(language), DPV: p.DPV, Access: p.Access, Basis: p.Basis, Service: p.Service,
		Controller: ledger.Party{Name: policy.Controller.Name, Country: policy.Controller.Country, Contact: policy.Controller.Contact, Role: "controller"},
		Receiver:   ledger.Party{ID: r.ID, Name: r.Name, Country: r.Country, Role: r.Role},
		StoredIn:   r.StoredIn, Onward: r.Onward, RetentionDays: p.Retention, Authority: policy.Controller.Authority,
		Fields: p.FieldsInWords(), Terms: p.Terms(), Withdrawal: "candor consent withdraw " + p.ID, BitsPerDay: int(p.Bits.Day), Assurance: "software",
	}
}
