package agent

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// rules are the policy and charter as last read, and what the compiler said of them. Guarded by Agent.mu.
type rules struct {
	policy   *consent.Policy
	charter  consent.Charter
	state    string // ok, missing, unreadable
	err      error
	findings []consent.Finding
}

// loadRules reads policy and charter. On a fault at start nothing is offered and nothing leaves; on a reload the last
// good ones stay in force. a.mu is held, or nothing runs yet.
func (a *Agent) loadRules() {
	policy, err := consent.LoadPolicy(os.Open, a.cfg.Policy.File)
	var charter consent.Charter
	if err == nil && a.cfg.Policy.Charter != "" {
		charter, err = consent.LoadCharter(os.Open, a.cfg.Policy.Charter)
	}
	a.rules.err = err
	switch {
	case err == nil:
		a.rules.policy, a.rules.charter, a.rules.state = policy, charter, "ok"
	case errors.Is(err, fs.ErrNotExist):
		a.rules.state = "missing"
	default:
		a.rules.state = "unreadable"
	}
	if err != nil {
		a.opts.Log.Error("policy not read", "error", err, "kept", a.rules.policy != nil)
	}
}

// recompile makes the plan anew from rules, sensors and answers and puts it in force. a.mu is held, or nothing runs yet.
func (a *Agent) recompile() {
	a.endLapsed()
	plan, findings := consent.Compile(consent.Inputs{
		Charter: a.rules.charter, Policy: a.rules.policy, Sources: a.sourceFields(), Answers: a.answers(), Now: a.now(),
	})
	a.rules.findings = findings
	a.pipe.use(plan)
	a.recompileMine()
	if a.up != nil {
		a.up.Review()
	}
}

// endLapsed ends every yes whose time is over, for good: a clock that is set back later does not bring it back. A clock
// that nobody vouches for ends nothing.
func (a *Agent) endLapsed() {
	if !a.clockTrusted() {
		return
	}
	now := a.now()
	for _, answer := range a.book.Answers() {
		if answer.Withdrawn != 0 || answer.Until == 0 || now < answer.Until {
			continue
		}
		a.end(answer.ID)
		if err := a.book.Expire(answer.ID, now); err != nil {
			a.opts.Log.Error("the ledger could not note that a yes has lapsed; its keys are gone", "purpose", answer.Purpose, "error", err)
		}
	}
}

// clockTrusted tells whether the wall clock may end things. The kernel says so of its own once something sets it (NTP);
// a clock that was handed in is trusted.
func (a *Agent) clockTrusted() bool {
	if _, system := a.opts.Clock.(sensors.SystemClock); !system {
		return true
	}
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != timeError
}

// timeError is TIME_ERROR of adjtimex(2): the clock is not synchronised.
const timeError = 5

// answers are the newest answers as the compiler wants them. A yes whose key is gone is none.
func (a *Agent) answers() []consent.Answer {
	var out []consent.Answer
	for _, r := range a.book.Answers() {
		state := consent.Given
		switch {
		case r.Withdrawn != 0 && r.Ending == ledger.Expired:
			state = consent.Expired
		case r.Withdrawn != 0 || !a.keys.Has(r.ID):
			state = consent.Withdrawn
		}
		out = append(out, consent.Answer{State: state, Grant: consent.Grant{ID: r.ID, Purpose: r.Purpose, From: r.Given, Until: r.Until, Extent: r.Extent}})
	}
	return out
}

// sourceFields are the fields of all sensors and attributes, for the compiler.
func (a *Agent) sourceFields() []consent.SourceFields {
	var out []consent.SourceFields
	for _, s := range a.sources {
		every := sensors.Micros(s.config.Every.Std().Microseconds())
		if _, fixed := s.source.(*attributes); fixed {
			every = sensors.Day // told once an epoch, which is a day at least
		}
		out = append(out, consent.SourceFields{Name: s.source.Name(), Fields: s.source.Fields(), Every: every})
	}
	return out
}

// Reload reads policy and charter again and puts them in force. With a fault the last good ones stay; the error says
// what is wrong.
func (a *Agent) Reload() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loadRules()
	a.recompile()
	a.up.Wake()
	return a.rules.err
}
