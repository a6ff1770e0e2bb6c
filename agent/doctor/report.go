package doctor

import "slices"

// State says how one check came out.
type State string

// The states, by rising weight.
const (
	OK      State = "ok"
	Skipped State = "skipped" // there is nothing to check, as no line is configured
	Unknown State = "unknown" // nothing here tells
	Note    State = "note"    // worth knowing; all works
	Warning State = "warning" // works, and will break
	Held    State = "held"    // works, and nothing leaves: somebody decided so
	Refused State = "refused" // could not be looked at, for want of rights
	Broken  State = "broken"
)

// weight orders the states: what weighs most speaks.
func (s State) weight() int {
	return slices.Index([]State{OK, Skipped, Unknown, Note, Warning, Held, Refused, Broken}, s)
}

// Fix is the one thing to do.
type Fix struct {
	Do      string `json:"do"`                // in words
	Command string `json:"command,omitempty"` // to type, where a command does it
	Root    bool   `json:"root"`              // the command, or the change of a file, takes root
}

// Check is what was found in one place. Evidence holds no measured value; names of sensors, files and hosts it does hold.
type Check struct {
	Name     string `json:"name"`
	State    State  `json:"state"`
	Code     string `json:"code"` // what it is, of the list in DOCTOR.md
	Evidence string `json:"evidence"`
	fix      *Fix
}

// ends tells whether the walk ends at this check: it is broken, or nothing may be tried any more.
func (c *Check) ends() bool {
	return c.State == Broken || c.State == Refused || c.Code == "consent-paused"
}

// Report is one walk.
type Report struct {
	Verdict    State    `json:"verdict"`         // the weightiest state
	Daemon     bool     `json:"daemon"`          // a daemon was asked
	First      *Check   `json:"first,omitempty"` // what speaks: the break, or the weightiest of what was found
	Fix        *Fix     `json:"fix,omitempty"`   // for First
	Checks     []*Check `json:"checks"`          // in the order of the walk
	NotReached []string `json:"not_reached"`
}

// Exit is the exit code of `candor doctor`: 0 all works, 1 broken, 3 works but for a decision or for what will break, 4 not allowed.
func (r *Report) Exit() int {
	switch r.Verdict {
	case Broken:
		return 1
	case Warning, Held:
		return 3
	case Refused:
		return 4
	}
	return 0
}

// conclude finds what speaks.
func (r *Report) conclude() {
	r.Verdict = OK
	for _, c := range r.Checks {
		if c.State.weight() > r.Verdict.weight() && c.State.weight() >= Note.weight() {
			r.Verdict, r.First, r.Fix = c.State, c, c.fix
		}
	}
}
