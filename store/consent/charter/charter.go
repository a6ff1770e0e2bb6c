package charter

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Voice is who stands for a sentence.
type Voice string

// The voices.
const (
	Object Voice = "object" // this object guarantees it: a predicate over the rules in force or its own state holds
	Maker  Voice = "maker"  // the controller promises it in its policy; it can't be checked from here
	Law    Voice = "law"    // the law gives it
)

// Part is which of a person's questions a fragment answers.
type Part string

// The parts of a purpose, in the order a page would show them.
const (
	Why    Part = "why"
	Return Part = "return" // what the person gets for it
	What   Part = "what"
	When   Part = "when"
	How    Part = "how"
	Where  Part = "where"
	Long   Part = "long" // how long it is kept, how long a yes lasts
	Who    Part = "who"
	Much   Part = "much" // bits a day, with a scale
	Name   Part = "name" // under which name, what can be linked
	Guess  Part = "guess"
	Ground Part = "ground"
	No     Part = "no" // what a no, or taking a yes back, does

	// The parts of the whole object.
	Now     Part = "now"
	Sense   Part = "sense"
	Never   Part = "never"
	Whose   Part = "whose"
	Protect Part = "protect"
	Thief   Part = "thief"
	Erase   Part = "erase"
	Rights  Part = "rights"
)

// Fragment is one sentence or two that hold. ID names the claim in the table; a claim that holds of several fields or
// recipients gives a fragment for each, told apart by About.
type Fragment struct {
	ID      string `json:"id"`
	Voice   Voice  `json:"voice"`
	Part    Part   `json:"part"`
	Purpose string `json:"purpose,omitempty"` // id; "" when it is about the whole object
	About   string `json:"about,omitempty"`   // a field's name, a recipient's or source's id
	Label   Text   `json:"label"`             // the part in words
	Text    Text   `json:"text"`
}

// Refusal is a claim that does not hold, and was not printed. Why is in English, for who checks the object.
type Refusal struct {
	ID      string `json:"id"`
	Purpose string `json:"purpose,omitempty"`
	Why     string `json:"why"`
}

// Document is all that is said at one moment. Fragments are in the order of the table: the whole object first, then each
// purpose in the order of the policy, the history for the person last.
type Document struct {
	Controller string    `json:"controller,omitempty"` // who decides, by name
	Version    uint64    `json:"policy_version,omitempty"`
	Plan       string    `json:"plan,omitempty"` // digest of the rules in force, hex
	Purposes   []Purpose `json:"purposes"`

	Fragments []Fragment `json:"fragments"`
	Refused   []Refusal  `json:"refused"`
}

// Purpose is the head of what is said of one purpose.
type Purpose struct {
	ID    string        `json:"id"`
	Title Text          `json:"title"`
	State consent.State `json:"state"`
}

// Inputs is all that a document is made of. It is only read.
type Inputs struct {
	Plan     *consent.Plan
	Policy   *consent.Policy        // the policy of the plan, for what it says of controller and recipients; nil: nothing
	Ceilings consent.Charter        // the maker's charter in force; the zero value promises nothing
	Sources  []consent.SourceFields // what can be sensed; nil when that is not known
	State    State
}

// State is what is known of the object besides its rules. The zero value knows nothing, as for the card of a policy: then
// nothing is said of keys, disks and routes.
type State struct {
	Known   bool // false: nothing below counts
	Signed  bool // the policy in force had the signature that the configuration asks for
	Pledged bool // the charter in force likewise
	Sealed  bool // what waits on the disk is encrypted
	Apart   bool // the keys lie outside the state directory
	Light   bool // a light is on while something is sent
	Paused  bool // by the person: nothing leaves
	Stopped bool // the agent does not run: nothing is sensed or sent
	Mute    bool // the disk took no writing, so that nothing may leave

	Kept      bool           // a history for the person, or a readable copy of what left, lies on the disk
	Quiet     sensors.Micros // how long nobody asks again after a no; 0: not known
	Erasure   string         // assurance of erasing: "software"
	Mine      *consent.Mine  // the history kept for the person; nil: there is none
	Simulated []string       // names of sources that are no real sensors
	Routes    []Route
	Last      *Sending // nil: nothing has left yet
}

// Route is how a recipient is reached.
type Route struct {
	Recipient string // id
	TLS       bool   // encrypted on the way
	Pinned    bool   // to one key of the server's
	Sealed    bool   // each message can be opened by the recipient's key only
	Broker    bool   // a broker passes the messages on
}

// Sending is the last upload that left.
type Sending struct {
	Ago       sensors.Micros // how long ago
	Bytes     int            // that went out
	Recipient string         // name
}

// Render says all that holds of the object and of each purpose of the plan, answered or not.
func Render(in *Inputs) Document {
	w := &writer{tables: unpack(), out: Document{Purposes: []Purpose{}, Fragments: []Fragment{}, Refused: []Refusal{}}}
	if in.Policy != nil {
		w.out.Controller, w.out.Version = in.Policy.Controller.Name, in.Policy.Version
	}
	w.write("object", &subject{Inputs: in})
	w.write("route", &subject{Inputs: in})
	w.write("law", &subject{Inputs: in})
	if in.Plan != nil {
		w.out.Plan = in.Plan.Digest().String()
		for _, p := range in.Plan.Purposes() {
			w.out.Purposes = append(w.out.Purposes, Purpose{p.ID, titleOf(p), p.State})
			w.write("purpose", &subject{Inputs: in, p: p})
		}
	}
	if m := in.State.Mine; in.State.Known && m != nil {
		w.out.Purposes = append(w.out.Purposes, Purpose{consent.MineID, MineTitle(), m.State})
		w.write("mine", &subject{Inputs: in, m: m})
	}
	return w.out
}

// Of is what a document says of one purpose, or with "" of the whole object.
func (d *Document) Of(purpose string) []Fragment {
	var out []Fragment
	for i := range d.Fragments {
		if d.Fragments[i].Purpose == purpose {
			out = append(out, d.Fragments[i])
		}
	}
	return out
}
