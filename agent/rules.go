package agent

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/sensors/kernel"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// rules are the policy and charter as last read, and what the compiler said of them. Guarded by Agent.mu.
type rules struct {
	policy   *consent.Policy
	charter  consent.Charter
	signed   bool   // the policy in force had the signature that its key asks for
	pledged  bool   // the charter in force likewise
	state    string // ok, missing, unreadable, wrong signature, older
	err      error
	findings []consent.Finding
	facts    []consent.Fact // what the policy in force leaves unsaid
	seen     *seenVersions
	compiled compiled
}

// readRules reads policy and charter, with their signatures where keys are set. It admits nothing yet.
func readRules(files *PolicyFiles) (policy *consent.Policy, charter consent.Charter, docs []document, err error) {
	if err := distinctKeys(files); err != nil {
		return nil, charter, nil, err
	}
	d, err := readDocument(consent.PolicyDocument, files.File, files.Key)
	if err != nil {
		return nil, charter, nil, err
	}
	if policy, err = consent.ParsePolicy(files.File, d.data); err != nil {
		return nil, charter, nil, err
	}
	docs = append(docs, d)
	if files.Charter == "" {
		return policy, charter, docs, nil
	}
	if d, err = readDocument(consent.CharterDocument, files.Charter, files.CharterKey); err != nil {
		return nil, charter, nil, err
	}
	if charter, err = consent.ParseCharter(files.Charter, d.data); err != nil {
		return nil, charter, nil, err
	}
	return policy, charter, append(docs, d), nil
}

// loadRules reads policy and charter. On a fault at start nothing is offered and nothing leaves; on a reload the last
// good ones stay in force. A document without the signature that a key asks for, and one that is older than what was in
// force, is such a fault. a.mu is held, or nothing runs yet.
func (a *Agent) loadRules() {
	if a.rules.seen == nil {
		a.rules.seen = openSeen(a.cfg.Keys.Dir)
	}
	policy, charter, docs, err := readRules(&a.cfg.Policy)
	if err == nil {
		err = a.admit(policy, charter, docs)
	}
	was := a.rules.err
	a.rules.err = err
	switch {
	case err == nil:
		a.rules.policy, a.rules.charter, a.rules.state = policy, charter, "ok"
		a.rules.facts = consent.Facts(policy)
		a.rules.signed, a.rules.pledged = docs[0].signed, len(docs) > 1 && docs[1].signed
	case errors.Is(err, consent.ErrSignature):
		a.rules.state = "wrong signature"
	case errors.Is(err, errOlder):
		a.rules.state = "older"
	case errors.Is(err, fs.ErrNotExist):
		a.rules.state = "missing"
	default:
		a.rules.state = "unreadable"
	}
	if err != nil {
		a.opts.Log.Error("policy not read", "error", err, "kept", a.rules.policy != nil)
	}
	if a.rules.state == "wrong signature" || a.rules.state == "older" {
		a.tellRefused(was, err)
	}
}

// admit holds the versions of signed documents against those that were in force, and notes them when all may count.
func (a *Agent) admit(policy *consent.Policy, charter consent.Charter, docs []document) error {
	versions := map[consent.Document]uint64{consent.PolicyDocument: policy.Version, consent.CharterDocument: charter.Version}
	for i := range docs {
		if err := a.rules.seen.check(&docs[i], versions[docs[i].kind]); err != nil {
			return err
		}
	}
	for i := range docs {
		if err := a.rules.seen.note(&docs[i], versions[docs[i].kind]); err != nil {
			a.opts.Log.Warn("that a newer signed document is in force could not be noted; an older one would be taken after a restart", "document", docs[i].kind, "error", err)
		}
	}
	return nil
}

// tellRefused writes into the ledger, once, that somebody put a policy there that does not count.
func (a *Agent) tellRefused(was, err error) {
	if was != nil && was.Error() == err.Error() {
		return
	}
	if _, failed := a.book.Record(ledger.Event{Kind: ledger.Policy, Time: a.now(), Text: "refused: " + err.Error()}); failed != nil {
		a.opts.Log.Warn("the ledger could not note a refused policy", "error", failed)
	}
}

// recompile makes the plan anew from rules, sensors and answers and puts it in force. a.mu is held, or nothing runs yet.
func (a *Agent) recompile() {
	a.endLapsed()
	plan, findings := a.rules.compiled.compile(consent.Inputs{
		Charter: a.rules.charter, Policy: a.rules.policy, Sources: a.sourceFields(), Answers: a.answers(), Now: a.now(),
		Minor: a.cfg.Home.Minor, Reach: a.reach(),
	})
	a.rules.findings = findings
	a.pipe.use(plan)
	narrowed := a.dropOtherForms(plan)
	a.recompileMine()
	if a.up != nil {
		a.up.Review(narrowed...)
	}
}

// dropOtherForms forgets what is buffered in a form that is not the one in force, under a yes that goes on: what a policy
// has narrowed must not leave in its old form. It can't be brought into the new one, since what was taken is not kept.
func (a *Agent) dropOtherForms(plan *consent.Plan) (narrowed []consent.GrantID) {
	for _, s := range a.book.StreamsThat(func(s *ledger.Stream) bool {
		p := plan.Granted(s.Grant)
		return p != nil && s.Form != (consent.Digest{}) && s.Form != p.Form
	}) {
		if s.Closed && !slices.Contains(a.store.Streams(), s.Number) {
			continue
		}
		narrowed = append(narrowed, s.Grant)
		if err := errors.Join(a.store.Retire(s.Number), a.book.CloseStream(s.Number, a.now())); err != nil {
			a.opts.Log.Warn("what was buffered in a form that is not in force any more is dropped, and the disk does not know yet", "purpose", s.Purpose, "error", err)
			continue
		}
		a.opts.Log.Info("other rules are in force; what was buffered under the ones before is dropped", "purpose", s.Purpose, "grant", s.Grant)
	}
	return narrowed
}

// endLapsed ends every yes whose time is over, for good: a clock that is set back later does not bring it back. A clock
// that nobody vouches for ends nothing.
func (a *Agent) endLapsed() {
	if !a.clockTrusted() {
		return
	}
	now := a.now()
	for _, answer := range a.book.Answers() {
		if _, until := a.term(&answer); answer.Withdrawn != 0 || until == 0 || now < until {
			continue
		}
		a.end(answer.ID)
		if err := a.book.Expire(answer.ID, now); err != nil {
			a.opts.Log.Error("the ledger could not note that a yes has lapsed; its keys are gone", "purpose", answer.Purpose, "error", err)
		}
	}
}

// answers are all answers as the compiler wants them, oldest first: the newest yes to each purpose decides, and every yes
// and no fixes the grounds of its purpose. A yes whose key is gone is none.
func (a *Agent) answers() []consent.Answer {
	var out []consent.Answer
	for _, r := range a.book.Answers() {
		state := consent.Given
		switch {
		case r.Withdrawn != 0 && r.Ending == ledger.Expired:
			state = consent.Expired
		case r.Withdrawn != 0 || !a.hasKey(&r):
			state = consent.Withdrawn
		}
		from, until := a.term(&r)
		if until != 0 && !a.clockTrusted() && state == consent.Given {
			until = 0 // a clock that nobody vouches for ends nothing
		}
		out = append(out, consent.Answer{State: state, Access: r.Access, Basis: r.Basis,
			Grant: consent.Grant{ID: r.ID, Purpose: r.Purpose, From: from, Until: until, Extent: r.Extent, Terms: r.Terms}})
	}
	if a.rules.policy == nil {
		return out
	}
	for i := range a.rules.policy.Purposes {
		if r, ok := a.book.Refused(a.rules.policy.Purposes[i].ID); ok {
			out = append(out, consent.Answer{State: consent.Remembered, Access: r.Access, Basis: r.Basis, Grant: consent.Grant{Purpose: r.Purpose, Terms: r.Terms}})
		}
	}
	return out
}

// reach says how the recipients of the configured routes are reached.
func (a *Agent) reach() map[string]consent.Reach { return reachOf(a.cfg) }

func reachOf(cfg *Config) map[string]consent.Reach {
	out := map[string]consent.Reach{}
	for _, r := range cfg.Routes {
		out[r.Recipient] = consent.Reach{Certificate: r.Cert != "", Credential: r.Auth.IsSet(), Fleet: r.Fleet}
	}
	return out
}

// sourceFields are the fields of all sensors and attributes, for the compiler.
func (a *Agent) sourceFields() []consent.SourceFields {
	var out []consent.SourceFields
	for _, s := range a.sources {
		every := s.every
		if _, fixed := s.source.(*attributes); fixed {
			every = sensors.Day // told once an epoch, which is a day at least
		}
		out = append(out, consent.SourceFields{Name: s.source.Name(), Fields: s.source.Fields(), Every: every})
	}
	return out
}

// intervalOf is the time between two readings: what the configuration says, else what the part does by itself; 0 when nothing fixes
// it. Who agreed to single readings agreed to how often they come, whoever fixed that.
func intervalOf(c *sensors.Config) time.Duration {
	if c.Every != 0 {
		return c.Every.Std()
	}
	if c.Driver == kernel.Driver {
		return kernel.Every
	}
	row, err := chip.Named(c.Driver)
	if err != nil || row.On != chip.I2C {
		return 0
	}
	return row.Every
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
