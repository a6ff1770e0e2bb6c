package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/keyring"
	"github.com/candor-edge/candor/store/ledger"
)

// Withdraw implements control.Decider: the person takes a yes back. It ends with the grant gone, whatever the network,
// the disk or the policy file are like: the keys say which grants a purpose has, they are overwritten in place, and
// without them nothing can be read or sent. All else follows, now or at the next start.
func (a *Agent) Withdraw(_ context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	if purpose == consent.MineID {
		return a.withdrawMine(role, d)
	}
	for _, id := range a.openGrants(purpose) {
		a.up.Cancel(id) // before anything that may wait for a disk
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	open := a.openGrants(purpose)
	if len(open) == 0 {
		return a.nothingOpen(purpose, d)
	}
	return a.withdraw(purpose, open, role, d)
}

// openGrants are the grants of a purpose that are in force, by the ledger or by the keys: a key without a receipt is
// one too.
func (a *Agent) openGrants(purpose string) []consent.GrantID {
	open := a.keys.GrantsOf(purpose)
	for _, answer := range a.book.Answers() {
		if answer.Purpose == purpose && answer.Withdrawn == 0 {
			open = append(open, answer.ID)
		}
	}
	sort.Slice(open, func(i, j int) bool { return open[i] < open[j] })
	return slices.Compact(open)
}

// nothingOpen answers the withdrawal of what is not in force. a.mu is held.
func (a *Agent) nothingOpen(purpose string, d control.Decision) (control.Decided, error) {
	if now, ok := a.newestAnswer(purpose); ok {
		return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: uint32(now.ID), Notice: say(d, "ended-already")}, nil
	}
	if _, err := a.purpose(purpose); err != nil {
		return control.Decided{}, err
	}
	return control.Decided{Purpose: purpose, State: consent.Asked, Notice: say(d, "never")}, nil
}

// withdraw ends those grants of a purpose. The destroyed keys are the withdrawal; a receipt alone is one too, since at
// the next start keys without a yes are destroyed. Only when both were refused would a restart bring the yes back.
// a.mu is held.
func (a *Agent) withdraw(purpose string, open []consent.GrantID, role control.Role, d control.Decision) (control.Decided, error) {
	a.at("begun")
	var destroyed, noted, dropped error
	for _, id := range open {
		a.up.Cancel(id)
		a.recent.drop(id)
		destroyed = errors.Join(destroyed, a.keys.Destroy(id))
	}
	a.at("keys destroyed")
	for _, id := range open {
		if _, known := a.book.Answer(id); known {
			noted = errors.Join(noted, a.book.Withdraw(id, a.now(), string(role), d.OnBehalf))
		}
	}
	a.at("noted")
	head := a.keys.Sync()
	due := a.markDeletions(purpose)
	a.at("deletions due")
	a.recompile()
	for _, id := range open {
		dropped = errors.Join(dropped, a.store.DropGrant(id), a.dropHistory(id))
	}
	a.at("buffer purged")
	if dropped != nil {
		a.opts.Log.Warn("what was buffered is unreadable but still takes room", "error", dropped)
	}
	a.up.Wake()
	if destroyed != nil && noted != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor consent withdraw "+purpose, "nothing of %s leaves any more and its keys are wiped from memory, but the disk takes no writing: until it does, a restart would bring the yes back; it is tried again every minute: %w", purpose, destroyed)
	}
	if trouble := errors.Join(destroyed, noted, head, due); trouble != nil {
		a.opts.Log.Error("the withdrawal holds; what could not be written of it is tried again", "error", trouble)
	}
	a.opts.Log.Info("a purpose was withdrawn", "purpose", purpose, "grant", open[len(open)-1], "role", role)
	return a.withdrawn(purpose, open[len(open)-1], d), nil
}

func (a *Agent) withdrawn(purpose string, id consent.GrantID, d control.Decision) control.Decided {
	who := say(d, "the-recipient")
	if answer, ok := a.book.Answer(id); ok && answer.Receiver.Name != "" {
		who = answer.Receiver.Name
	}
	return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: uint32(id), Notice: say(d, "withdrawn", who)}
}

// markDeletions asks the recipient to delete what was sent under any yes to a purpose, also one that another replaced.
func (a *Agent) markDeletions(purpose string) error {
	var errs []error
	for _, answer := range a.book.Answers() {
		if answer.Purpose == purpose && purpose != consent.MineID { // nobody was sent anything of that
			errs = append(errs, a.book.MarkDeletionDue(answer.ID, a.now()))
		}
	}
	return errors.Join(errs...)
}

// finishWithdrawals asks for the deletions that a withdrawal did not come to: it may have been killed with the keys destroyed, or the
// receipt written, and those of an earlier yes to the same purpose are not its own. Nothing runs yet.
func (a *Agent) finishWithdrawals() {
	answers, seen := a.book.Answers(), map[string]bool{}
	for i := len(answers) - 1; i >= 0; i-- {
		purpose := answers[i].Purpose
		if !seen[purpose] && answers[i].Ending == ledger.Withdrawn {
			if err := a.markDeletions(purpose); err != nil {
				a.opts.Log.Warn("a recipient is not asked to delete what it has before the next start", "purpose", purpose, "error", err)
			}
		}
		seen[purpose] = true
	}
}

// settle writes down what the disk refused before: destroyed keys, ends of grants, deletion requests. a.mu is held.
func (a *Agent) settle() {
	if err := errors.Join(a.keys.Sync(), a.book.Settle()); err != nil {
		a.opts.Log.Warn("the disk still refuses what was decided; it holds in memory and is tried again", "error", err)
	}
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
	a.recent.drop(id)
	if err := a.keys.Destroy(id); err != nil {
		a.opts.Log.Error("the keys of a replaced grant could not be overwritten", "grant", id, "error", err)
	}
	if err := a.store.DropGrant(id); err != nil {
		a.opts.Log.Warn("what was buffered is unreadable but still takes room", "error", err)
	}
}

// WithdrawByKeys takes a yes back where the agent itself can't be opened, as with a damaged ledger: the keys alone say
// which grants the purpose has, and are destroyed. The ledger is told at the next start that finds it readable; deletion
// requests lie in it, and wait for that too. cfg needs only the places of state and keys.
func WithdrawByKeys(cfg *Config, o Options, purpose string) (control.Decided, error) {
	a := &Agent{cfg: cfg, opts: defaults(o)}
	if err := a.takeLock(); err != nil {
		return control.Decided{}, err
	}
	defer func() { _ = a.lock.Close() }()
	keys, err := keyring.Open(cfg.Keys.Dir, a.opts.Rand)
	if err != nil {
		return control.Decided{}, fmt.Errorf("keys: %w", err)
	}
	open := keys.GrantsOf(purpose)
	var errs []error
	for _, id := range open {
		errs = append(errs, keys.Destroy(id))
	}
	if err := errors.Join(append(errs, keys.Close())...); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor consent withdraw "+purpose, "the keys of %s could not be overwritten: %w", purpose, err)
	}
	if len(open) == 0 {
		return control.Decided{Purpose: purpose, State: consent.Withdrawn,
			Notice: "The keys in " + cfg.Keys.Dir + " hold no yes to it; nothing of it leaves."}, nil
	}
	return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: uint32(open[len(open)-1]),
		Notice: "Its keys in " + cfg.Keys.Dir + " are destroyed: nothing of it leaves any more, and what was waiting can't be read by anyone. The receipt is written, and the recipient asked to delete, at the next start that can read the ledger."}, nil
}
