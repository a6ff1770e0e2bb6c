package consent

import (
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// Plan is meet(charter, policy, grants), compiled: what may leave this object now, and in which form. It is immutable
// and safe for any number of goroutines; a change of policy, charter or grant makes a new one.
type Plan struct {
	purposes []*Purpose // all of the policy, granted or not, in policy order
	digest   Digest
	sources  map[string]*sourcePlan
	shares   []Share
}

// sourcePlan is what the plan knows of one source.
type sourcePlan struct {
	rules    []*sourceRules
	unwanted []string // fields that no purpose of the policy names
}

// sourceRules is what one purpose does with one source.
type sourceRules struct {
	purpose *Purpose
	source  string
	groups  []groupRules
	named   []string // fields of this source that the purpose names, also those dropped or kept local
	silent  []silence
}

// silence is a field that a purpose names and that no value of leaves.
type silence struct {
	field  string
	reason Reason
}

// groupRules makes the rows of one group.
type groupRules struct {
	index  int // into Purpose.Groups
	window sensors.Micros
	rules  []rule
}

// Purposes lists every purpose of the policy in its order, granted or not.
func (p *Plan) Purposes() []*Purpose { return p.purposes }

// Digest names the whole plan.
func (p *Plan) Digest() Digest { return p.digest }

// Purpose finds a purpose by its id; nil when the policy has none of that name.
func (p *Plan) Purpose(id string) *Purpose {
	for _, q := range p.purposes {
		if q.ID == id {
			return q
		}
	}
	return nil
}

// Granted finds the purpose that is open under this grant; nil when none is. The uplink asks it again when a batch is
// cut and when it is sent.
func (p *Plan) Granted(id GrantID) *Purpose {
	for _, q := range p.purposes {
		if q.Grant.ID == id && id != 0 {
			return q
		}
	}
	return nil
}

// State is where a purpose stands with the person.
type State string

// The states of a purpose. Only Given lets anything out.
const (
	Asked     State = "asked"     // never answered: nothing leaves
	Given     State = "given"     // a yes that is in force
	Withdrawn State = "withdrawn" // taken back
	Expired   State = "expired"   // the yes has lapsed to no
	Changed   State = "changed"   // a yes was given to something else than the policy now says; asked anew
	Refused   State = "refused"   // the charter forbids it, or its rules can't be applied

	// Remembered is the state of an answer that is in force no more and tells only on which grounds it was given.
	Remembered State = "remembered"
)

// Grant is a yes as the compiler sees it.
type Grant struct {
	ID      GrantID
	Purpose string
	From    sensors.Micros // moment of capture from which readings count
	Until   sensors.Micros // when it lapses to no; 0 never
	Extent  Digest         // what was agreed to: Purpose.Extent at that time
	Terms   []byte         // the same, to be compiled again: Purpose.Terms at that time; nil for a yes older than these
}

// Purpose is one purpose as compiled. Everything in it is fixed; treat it as read-only.
type Purpose struct {
	ID        string
	Title     map[string]string
	Why       map[string]string
	Benefit   map[string]string
	DPV       string
	Recipient Recipient
	Access    string // ePrivacy ground: consent | strictly-necessary
	Service   string // the service that a strictly necessary purpose serves
	Basis     string // GDPR art. 6 ground
	Tags      []string

	Tick      sensors.Micros // finest time that leaves
	Upload    sensors.Micros // schedule
	Epoch     sensors.Micros // length of an epoch
	Retention int            // days at the recipient
	Expires   sensors.Micros // how long a yes lasts
	RoomRows  int            // rows every upload has room for; 0 without a room
	Cover     bool           // an empty upload goes when there is nothing to send
	RoomBytes int            // bytes every upload has; 0 without a room

	Groups []Group // what a row can look like; empty when nothing of the purpose can be sensed here
	Extent Digest  // what the person is asked: rules, recipient, times, whatever sensors are there
	Form   Digest  // how what leaves looks: rules and time, whatever sensors are there. Rows of another form are not of this purpose
	Digest Digest  // the compiled rules: Extent and the groups
	Bits   Bits    // how much it can tell in a day, at the most

	PolicyVersion uint64
	State         State
	Reason        string // why State is Refused or Changed, in words; "" otherwise
	Grant         Grant  // zero unless State is Given

	Changes []Change // how what is offered now differs from what was agreed to; empty when nothing was, or nothing does
	// Offered is the purpose as a new yes would open it, where that is more, or something else, than what goes on under the
	// old one; nil when a new yes would change nothing. Its State is Asked, or Refused when it can't be asked.
	Offered *Purpose

	controller Controller

	otherwise, interest, logic map[string]string

	reasonFR string // Reason in French

	terms   []byte
	rules   []Rule // of the terms it was compiled from
	sources []*sourceRules
}

// Terms are what a yes given now would agree to, in deterministic bytes for its receipt: see [ParseTerms].
func (p *Purpose) Terms() []byte { return p.terms }

// Asks is the purpose as a yes given now would open it: p itself, unless less of it goes on under an older yes.
func (p *Purpose) Asks() *Purpose {
	if p.Offered != nil {
		return p.Offered
	}
	return p
}

// ReasonIn is Reason in French for "fr", else in English.
func (p *Purpose) ReasonIn(language string) string {
	if strings.HasPrefix(language, "fr") {
		return p.reasonFR
	}
	return p.Reason
}

// Otherwise is what happens without the purpose, by language; nil when the policy does not say.
func (p *Purpose) Otherwise() map[string]string { return p.otherwise }

// Interest is the legitimate interest that is pursued, by language; nil when the policy names none.
func (p *Purpose) Interest() map[string]string { return p.interest }

// Logic is how a profile is made and what follows from it, by language; nil when the policy does not say.
func (p *Purpose) Logic() map[string]string { return p.logic }

// Pending tells whether something waits for a new answer while an older yes goes on at its old extent.
func (p *Purpose) Pending() bool { return p.State == Given && p.Offered != nil }

// Group is one shape of row: the fields of one source that leave together.
type Group struct {
	Source string
	Window sensors.Micros // 0: a row is one reading; else a row is one closed window
	Fields []FieldForm
}

// FieldForm is one field of a group in the form it leaves in.
type FieldForm struct {
	Field   string // "hall.temperature"
	Unit    string // SenML unit of what leaves, "" for tokens and indices
	Scale   int    // what leaves is Num / 10^Scale
	Type    FormType
	Step    int64 // every number is a multiple of Step (at least 1)
	Min     int64 // and between Min and Max
	Max     int64
	Labels  []string // the declared labels of a Label
	Class   sensors.Class
	Actions string // the rule in short, "mean 1h, round 0.5"
	rule    Rule
	unit    string // of what is measured
	boolean bool   // a yes or no is measured
	implies sensors.Class
}

// FormType is the form of a field as it leaves.
type FormType uint8

// The forms.
const (
	FormNumber FormType = iota
	FormBoolean
	FormPseudonym
	FormLabel
)

// WindowsOnly tells whether every row of the purpose is a closed window, none a single reading.
func (p *Purpose) WindowsOnly() bool {
	for i := range p.Groups {
		if p.Groups[i].Window == 0 {
			return false
		}
	}
	return len(p.Groups) > 0
}

// Only is the plan with no purpose open but that of one grant. Facts that are told once a grant go through it, so that a
// yes to one purpose is not seen by another.
func (p *Plan) Only(grant GrantID) *Plan {
	out := &Plan{purposes: p.purposes, digest: p.digest, shares: p.shares, sources: map[string]*sourcePlan{}}
	for name, s := range p.sources {
		only := &sourcePlan{}
		for _, r := range s.rules {
			if r.purpose.Grant.ID == grant && grant != 0 {
				only.rules = append(only.rules, r)
			}
		}
		out.sources[name] = only
	}
	return out
}
