package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// Terms is what a yes is given to: one purpose of a policy with its recipient and the ceilings that held then, complete
// enough to be compiled again when the policy it came from is long gone. The receipt of a yes keeps [Terms.Bytes].
//
// Treat it as read-only. The zero value offers nothing.
type Terms struct {
	Controller Controller // name and country only
	Recipient  Recipient  // without its contact
	Offer      Offer      // with defaults filled in, rules sorted by field, tags sorted
	Ceilings   Charter    // the charter in force when it was asked
	// Sensed says of each field that would leave what it was when it was asked. A field that no sensor here had is not in it.
	// nil: from before this was kept.
	Sensed map[string]Sensed
	// Named says that the way to the recipient named this object when it was asked (see [Reach]); without Sensed it is not known.
	Named bool
}

// Sensed is what a field was when it was asked.
type Sensed struct {
	What  string         `json:"what"`            // its kind and class
	Every sensors.Micros `json:"every,omitempty"` // time between two readings; 0 when nothing fixes it
}

// termsVersion is the version of the bytes. Another one is not read, and a yes to it has to be asked anew.
const termsVersion = 1

// maxTerms is the longest Terms in bytes that are read.
const maxTerms = 48 << 10

// storedTerms is Terms as bytes: JSON with these keys in this order, maps sorted, no blanks. A receipt is read by people
// and by other programs, and five years later.
type storedTerms struct {
	Version    int               `json:"v"`
	Controller [2]string         `json:"controller"` // name, country
	Recipient  storedRecipient   `json:"recipient"`
	Purpose    string            `json:"purpose"`
	Title      map[string]string `json:"title,omitempty"`
	Why        map[string]string `json:"why,omitempty"`
	Benefit    map[string]string `json:"benefit,omitempty"`
	Otherwise  map[string]string `json:"otherwise,omitempty"`
	Interest   map[string]string `json:"interest,omitempty"`
	Logic      map[string]string `json:"logic,omitempty"`
	DPV        string            `json:"dpv,omitempty"`
	Access     string            `json:"access"`
	Service    string            `json:"service,omitempty"`
	Basis      string            `json:"basis"`
	Tags       []string          `json:"tags,omitempty"`
	Retention  sensors.Micros    `json:"retention"` // microseconds, as all lengths here
	Time       sensors.Micros    `json:"time"`
	Upload     sensors.Micros    `json:"upload"`
	Epoch      sensors.Micros    `json:"epoch"`
	Expires    sensors.Micros    `json:"expires"`
	Room       *[2]int           `json:"room,omitempty"` // rows, bytes
	Uncovered  bool              `json:"uncovered,omitempty"`
	Rules      []storedRule      `json:"rules"`
	Ceilings   storedCharter     `json:"ceilings"`
	Sensed     map[string]Sensed `json:"sensed,omitzero"`
	Named      bool              `json:"named,omitempty"`
}

type storedRecipient struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Country  string   `json:"country,omitempty"`
	Role     string   `json:"role,omitempty"`
	StoredIn []string `json:"stored_in,omitempty"`
	Onward   []string `json:"onward,omitempty"`

	Safeguard string `json:"safeguard,omitempty"`
}

type storedRule struct {
	Field  string             `json:"field"`
	Action string             `json:"action"`
	Window sensors.Micros     `json:"window,omitempty"`
	Round  *tinyconf.Decimal  `json:"round,omitempty"`
	Min    *tinyconf.Decimal  `json:"min,omitempty"`
	Max    *tinyconf.Decimal  `json:"max,omitempty"`
	Edges  []tinyconf.Decimal `json:"edges,omitempty"`
	Labels []string           `json:"labels,omitempty"`
	Least  int                `json:"least,omitempty"`

	Coverage   int               `json:"coverage,omitempty"`
	Threshold  *tinyconf.Decimal `json:"threshold,omitempty"`
	Hysteresis *tinyconf.Decimal `json:"hysteresis,omitempty"`
	Level      int               `json:"level,omitempty"`
}

type storedCharter struct {
	Version       uint64         `json:"version,omitempty"`
	Never         []string       `json:"never,omitempty"`
	NeverReadable []string       `json:"never_readable,omitempty"`
	MaxRetention  sensors.Micros `json:"max_retention,omitempty"`
	MaxBits       int64          `json:"max_bits,omitempty"`
	MaxPresence   int64          `json:"max_bits_presence,omitempty"`
	MaxRecipient  int64          `json:"max_bits_recipient,omitempty"`
}

// termsOf takes from a policy what one offer of it asks.
func termsOf(policy *Policy, o *Offer, charter *Charter) *Terms {
	t := &Terms{Controller: Controller{Name: policy.Controller.Name, Country: policy.Controller.Country}, Offer: *o, Ceilings: *charter}
	for _, r := range policy.Recipients {
		if r.ID == o.Recipient {
			t.Recipient = r
			t.Recipient.Contact, t.Recipient.Linkability = "", "" // a claim is held against what is, and agreed by nobody
		}
	}
	t.Offer.Upload = max(o.Upload, o.Time, tinyconf.Duration(time.Second))
	t.Offer.Tags = slices.Sorted(slices.Values(o.Tags))
	t.Offer.Rules = slices.Clone(o.Rules)
	sort.SliceStable(t.Offer.Rules, func(i, j int) bool { return t.Offer.Rules[i].Field < t.Offer.Rules[j].Field })
	return t
}

// Bytes are the terms in one deterministic form: equal terms have equal bytes, and [ParseTerms] reads them back.
func (t *Terms) Bytes() []byte {
	s := t.stored()
	b, err := json.Marshal(s)
	if err != nil {
		return nil // no type in it has a form that fails; without bytes a yes is asked anew
	}
	return b
}

func (t *Terms) stored() storedTerms {
	o, r, c := &t.Offer, &t.Recipient, &t.Ceilings
	s := storedTerms{
		Version: termsVersion, Controller: [2]string{t.Controller.Name, t.Controller.Country},
		Recipient: storedRecipient{r.ID, r.Name, r.Country, r.Role, r.StoredIn, r.Onward, r.Safeguard},
		Purpose:   o.ID, Title: o.Title, Why: o.Why, Benefit: o.Benefit, Otherwise: o.Otherwise, Interest: o.Interest, Logic: o.Logic,
		DPV: o.DPV, Access: o.Access, Service: o.Service, Basis: o.Basis, Tags: o.Tags,
		Retention: micros(o.Retention), Time: micros(o.Time), Upload: micros(o.Upload), Epoch: micros(o.Epoch), Expires: micros(o.Expires),
		Rules:    []storedRule{},
		Sensed:   t.Sensed,
		Named:    t.Named,
		Ceilings: storedCharter{c.Version, c.Never, c.NeverReadable, micros(c.MaxRetention), c.MaxBits, c.MaxBitsPresent, c.MaxBitsRecipient},
	}
	if o.Room != nil {
		s.Room = &[2]int{o.Room.Rows, o.Room.Bytes}
		s.Uncovered = !o.covered()
	}
	for _, r := range o.Rules {
		s.Rules = append(s.Rules, storedRule{r.Field, r.Action, micros(r.Window), r.Round, r.Min, r.Max, r.Edges, r.Labels, r.Least,
			r.Coverage, r.Threshold, r.Hysteresis, r.Level})
	}
	return s
}

// ParseTerms reads what [Terms.Bytes] gives. Bytes that it would not give, of another version too, are an error: what was
// agreed to is known exactly or not at all.
func ParseTerms(data []byte) (*Terms, error) {
	if len(data) == 0 || len(data) > maxTerms {
		return nil, fmt.Errorf("terms of a yes: %d bytes, from 1 to %d are read", len(data), maxTerms)
	}
	var s storedTerms
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, errors.New("terms of a yes: not in a form that is known") // the decoder's text may quote them
	}
	if s.Version != termsVersion {
		return nil, fmt.Errorf("terms of a yes: version %d, this release reads %d", s.Version, termsVersion)
	}
	t := s.terms()
	if !t.sound() {
		return nil, errors.New("terms of a yes: they could not have been asked")
	}
	if !bytes.Equal(t.Bytes(), data) {
		return nil, errors.New("terms of a yes: not in their one form")
	}
	return t, nil
}

func (s *storedTerms) terms() *Terms {
	r, c := &s.Recipient, &s.Ceilings
	t := &Terms{
		Controller: Controller{Name: s.Controller[0], Country: s.Controller[1]},
		Recipient:  Recipient{ID: r.ID, Name: r.Name, Country: r.Country, Role: r.Role, StoredIn: r.StoredIn, Onward: r.Onward, Safeguard: r.Safeguard},
		Offer: Offer{
			ID: s.Purpose, Title: s.Title, Why: s.Why, Benefit: s.Benefit, Otherwise: s.Otherwise, Interest: s.Interest, Logic: s.Logic, DPV: s.DPV, Access: s.Access, Service: s.Service, Basis: s.Basis,
			Recipient: r.ID, Tags: s.Tags, Retention: length(s.Retention), Time: length(s.Time), Upload: length(s.Upload), Epoch: length(s.Epoch), Expires: length(s.Expires),
		},
		Ceilings: Charter{Version: c.Version, Never: c.Never, NeverReadable: c.NeverReadable, MaxRetention: length(c.MaxRetention), MaxBits: c.MaxBits, MaxBitsPresent: c.MaxPresence, MaxBitsRecipient: c.MaxRecipient},
	}
	t.Sensed, t.Named = s.Sensed, s.Named
	if s.Room != nil {
		t.Offer.Room = &Room{Rows: s.Room[0], Bytes: s.Room[1]}
		if s.Uncovered {
			t.Offer.Cover = new(bool)
		}
	}
	for _, r := range s.Rules {
		t.Offer.Rules = append(t.Offer.Rules, Rule{Field: r.Field, Action: r.Action, Window: length(r.Window), Round: r.Round, Min: r.Min, Max: r.Max,
			Edges: r.Edges, Labels: r.Labels, Least: r.Least, Coverage: r.Coverage, Threshold: r.Threshold, Hysteresis: r.Hysteresis, Level: r.Level})
	}
	return t
}

// sound tells whether the terms could come of a policy that was read, so that compiling them rests on nothing else.
func (t *Terms) sound() bool {
	o := &t.Offer
	if o.ID == "" || o.Time <= 0 || !nests(o.Time) || o.Epoch <= 0 || o.Upload < o.Time || o.Retention <= 0 || o.Expires <= 0 {
		return false
	}
	for i := range o.Rules {
		r := &o.Rules[i]
		if i > 0 && o.Rules[i-1].Field >= r.Field || !slices.Contains(ruleActions(), r.Action) || r.Window != 0 && !nests(r.Window) {
			return false
		}
		set := r.set()
		for _, k := range ruleKeys(r.Action) {
			if name, needed := strings.CutSuffix(k, "!"); needed && !set[name] {
				return false
			}
		}
	}
	return true
}

// length is the inverse of micros.
func length(m sensors.Micros) tinyconf.Duration { return tinyconf.Duration(int64(m) * 1000) }

// extent names what the person is asked, whatever sensors are there: the terms without the texts, which may be
// reworded, without the ceilings, which bind the maker and not the answer, and without rules that let nothing out.
func (t *Terms) extent() Digest {
	s := t.stored()
	s.Title, s.Why, s.Benefit, s.Otherwise, s.Interest, s.Logic, s.Recipient.Safeguard, s.Ceilings, s.Sensed, s.Named = nil, nil, nil, nil, nil, nil, "", storedCharter{}, nil, false
	s.Rules = slices.DeleteFunc(s.Rules, func(r storedRule) bool { return (&Rule{Action: r.Action}).quiet() })
	return digestOf("extent", &s)
}

// form names the shape of what leaves: the finest time, the epoch and the rules.
func (t *Terms) form() Digest {
	s := t.stored()
	out := storedTerms{Time: s.Time, Epoch: s.Epoch, Rules: s.Rules}
	out.Rules = slices.DeleteFunc(out.Rules, func(r storedRule) bool { return (&Rule{Action: r.Action}).quiet() })
	return digestOf("form", &out)
}

func digestOf(label string, s *storedTerms) Digest {
	b, err := json.Marshal(s)
	if err != nil {
		return Digest{} // no type in it has a form that fails
	}
	c := newCanon(label)
	c.text(string(b))
	return c.digest()
}
