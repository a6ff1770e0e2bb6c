package consent

import (
	"slices"
	"sort"
	"strings"

	"github.com/candor-edge/candor/sensors"
)

// Inputs is all that a plan is made of. There is no clock in it but Now, and no file.
type Inputs struct {
	Charter Charter
	Policy  *Policy // nil: nothing is offered, nothing leaves
	Sources []SourceFields
	Answers []Answer
	Now     sensors.Micros // decides only whether a yes has lapsed already
	Minor   bool           // the home was declared to have somebody under age
	// Reach says how recipients are reached, by their id; nil when that is not known, as for a policy without a configuration.
	Reach map[string]Reach
}

// SourceFields are the fields of one source, in the order of its readings' values.
type SourceFields struct {
	Name   string
	Fields []sensors.Field
	Every  sensors.Micros // time between two readings; 0 when nothing fixes it
}

// Answer is something the person said to one purpose; the newest one counts. State is Given, Withdrawn, Expired, or
// [Remembered] for an older one; the grant's numbers count only when it is Given. Access and Basis are the grounds it was
// given on: a purpose keeps them for its life, whatever became of the answer.
type Answer struct {
	Grant
	State  State
	Access string
	Basis  string
}

// Finding is something the author of the policy should know: a sentence, and the purpose and field it is about.
type Finding struct {
	Purpose string
	Field   string // "" when it is about the whole purpose
	Refuses bool   // the purpose lets nothing out because of it
	Text    string
	// At is where in the policy it is to be mended, "policy.toml:12:1: purpose[0].why"; "" when that is not known. The
	// compiler leaves it empty, since it reads no file.
	At string
}

// String is the finding in one line.
func (f Finding) String() string {
	if f.Purpose == "" {
		return f.Text
	}
	where := "purpose " + f.Purpose
	if f.Field != "" {
		where += ", field " + f.Field
	}
	return where + ": " + f.Text
}

// Compile makes the plan. It never fails: what can't be compiled lets nothing out, and the findings say why. The
// result depends on the inputs only, and equal inputs give equal digests.
func Compile(in Inputs) (*Plan, []Finding) {
	c := compiler{in: in, plan: &Plan{sources: map[string]*sourcePlan{}}, known: map[string]sensors.Field{}, unasked: map[*Purpose]bool{}}
	for _, s := range in.Sources {
		c.plan.sources[s.Name] = &sourcePlan{}
		for _, f := range s.Fields {
			c.known[f.Name] = f
		}
	}
	if in.Policy != nil {
		for i := range in.Policy.Purposes {
			c.purpose(&in.Policy.Purposes[i])
		}
	}
	c.recipients()
	for _, p := range c.plan.purposes {
		for _, rules := range p.sources {
			sp := c.plan.sources[rules.source]
			sp.rules = append(sp.rules, rules)
		}
	}
	c.unwanted()
	c.plan.digest = planDigest(c.plan)
	return c.plan, c.findings
}

type compiler struct {
	in       Inputs
	plan     *Plan
	known    map[string]sensors.Field
	findings []Finding
	unasked  map[*Purpose]bool // refused whatever was agreed to before
}

func (c *compiler) find(p *Purpose, field string, refuses bool, format string, args ...any) {
	text, french := tell(format, args...)
	c.findings = append(c.findings, Finding{Purpose: p.ID, Field: field, Refuses: refuses, Text: text})
	if refuses && p.State != Refused {
		p.State, p.Reason, p.reasonFR = Refused, text, french
	}
}

// purpose compiles one offer, meets it with the newest answer and decides where it stands.
func (c *compiler) purpose(o *Offer) {
	offered := termsOf(c.in.Policy, o, &c.in.Charter)
	offered.Sensed, offered.Named = c.sensed(offered.Offer.Rules), c.in.Reach[o.Recipient].named()
	p := c.open(offered, &c.in.Charter)
	p.terms = offered.Bytes()
	c.rebased(p)
	c.underAge(p)
	c.nesting(p)
	c.lengthTells(p)
	c.orderTells(p)
	c.plan.purposes = append(c.plan.purposes, c.answer(p, offered))
}

// open compiles terms under ceilings, as if nobody had answered.
func (c *compiler) open(t *Terms, ceilings ...*Charter) *Purpose {
	p := c.header(t)
	bySource := c.rules(&t.Offer, p)
	for i := range c.in.Sources {
		if rules := bySource[c.in.Sources[i].Name]; rules != nil {
			if err := rules.pairGrids(); err != nil {
				c.find(p, "", true, "%v", err)
			}
			rules.number(p)
			p.sources = append(p.sources, rules)
		}
	}
	p.Extent, p.Form = t.extent(), t.form()
	p.Digest = purposeDigest(p)
	p.Bits = bitsADay(p, c.in.Sources)
	for _, ch := range ceilings {
		c.ceilings(ch, &t.Offer, p)
	}
	return p
}

func (c *compiler) header(t *Terms) *Purpose {
	o := &t.Offer
	p := &Purpose{
		ID: o.ID, Title: o.Title, Why: o.Why, Benefit: o.Benefit, DPV: o.DPV, Access: o.Access, Service: o.Service, Basis: o.Basis, Tags: o.Tags,
		Recipient: t.Recipient, controller: t.Controller, rules: o.Rules, otherwise: o.Otherwise, interest: o.Interest, logic: o.Logic,
		Tick: micros(o.Time), Upload: micros(o.Upload), Epoch: micros(o.Epoch), Expires: micros(o.Expires),
		Retention: int(micros(o.Retention) / sensors.Day), PolicyVersion: c.in.Policy.Version, State: Asked,
	}
	if o.Room != nil {
		p.RoomRows, p.RoomBytes = o.Room.Rows, o.Room.Bytes
		p.Cover = o.covered()
	}
	return p
}

// sensed says what the fields of rules are here. A name alone says nothing: whoever writes the configuration can give it to
// another sensor, or have it read a thousand times as often.
func (c *compiler) sensed(rules []Rule) map[string]Sensed {
	out := map[string]Sensed{}
	for _, s := range c.in.Sources {
		for _, f := range s.Fields {
			if slices.ContainsFunc(rules, func(r Rule) bool { return r.Field == f.Name && !r.quiet() }) {
				out[f.Name] = Sensed{What: f.Kind.Name + ", " + string(f.Class), Every: s.Every}
			}
		}
	}
	return out
}

// rules compiles the offer's rules, source by source, in the order of the sources' fields.
func (c *compiler) rules(o *Offer, p *Purpose) map[string]*sourceRules {
	byField := map[string]Rule{}
	for _, r := range o.Rules {
		byField[r.Field] = r
		if _, ok := c.known[r.Field]; !ok {
			c.find(p, r.Field, false, "no sensor here has this field; nothing of it leaves")
		}
	}
	out := map[string]*sourceRules{}
	for _, s := range c.in.Sources {
		for i, f := range s.Fields {
			r, ok := byField[f.Name]
			if !ok {
				continue
			}
			if out[s.Name] == nil {
				out[s.Name] = &sourceRules{purpose: p, source: s.Name}
			}
			c.rule(p, out[s.Name], r, f, i)
		}
	}
	return out
}

func (c *compiler) rule(p *Purpose, rules *sourceRules, r Rule, f sensors.Field, input int) {
	rules.named = append(rules.named, f.Name)
	if f.Class != sensors.Identity && f.Class != sensors.Contact {
		for _, l := range r.Labels {
			if contactShaped(l) {
				c.find(p, f.Name, false, "a declared label looks like an e-mail address, a phone number, an IBAN or a number plate; such a value is refused in a field that is not declared identity or contact")
			}
		}
	}
	compiled, err := compileRule(r, f, input)
	if err != nil {
		c.find(p, f.Name, true, "%v", err)
		return
	}
	if compiled == nil {
		rules.silent = append(rules.silent, silence{f.Name, silentReason(r.Action)})
		return
	}
	compiled.named = len(rules.named) - 1
	window := micros(r.Window)
	at := slices.IndexFunc(rules.groups, func(g groupRules) bool { return g.window == window })
	if at < 0 {
		rules.groups = append(rules.groups, groupRules{window: window})
		at = len(rules.groups) - 1
	}
	rules.groups[at].rules = append(rules.groups[at].rules, *compiled)
}

// unanswered is the action of a field that is offered and that no yes covers. No policy can name it.
const unanswered = "unanswered"

func silentReason(action string) Reason {
	switch action {
	case "local":
		return LocalOnly
	case unanswered:
		return Unanswered
	}
	return Dropped
}

// number gives the groups of a source their places among the groups of the purpose.
func (s *sourceRules) number(p *Purpose) {
	sort.Slice(s.groups, func(i, j int) bool { return s.groups[i].window < s.groups[j].window })
	for i := range s.groups {
		g := &s.groups[i]
		g.index = len(p.Groups)
		group := Group{Source: s.source, Window: g.window}
		for j := range g.rules {
			group.Fields = append(group.Fields, g.rules[j].form)
		}
		p.Groups = append(p.Groups, group)
	}
}

// ceilings refuses a purpose that goes beyond a charter.
func (c *compiler) ceilings(ch *Charter, o *Offer, p *Purpose) {
	for i := range o.Rules {
		r := &o.Rules[i]
		f, ok := c.known[r.Field]
		if !ok || r.quiet() {
			continue
		}
		if word, hit := names(ch.Never, f); hit {
			c.find(p, f.Name, true, "the charter says that %q never leaves", word)
		}
		readable := r.Action != "pseudonym" && r.Action != "count"
		if word, hit := names(ch.NeverReadable, f); hit && readable {
			c.find(p, f.Name, true, "the charter says that %q never leaves readable; use pseudonym or count", word)
		}
	}
	if ch.MaxRetention > 0 && micros(ch.MaxRetention) < micros(o.Retention) {
		c.find(p, "", true, "it would be kept for %d days; the charter allows %d", p.Retention, int(micros(ch.MaxRetention)/sensors.Day))
	}
	c.bitCeiling(p, p.Bits.Day, ch.MaxBits, "")
	c.bitCeiling(p, p.Bits.Presence, ch.MaxBitsPresent, " about who is at home")
}

// bitCeiling refuses a purpose that can tell more bits a day than the charter allows, or that nothing bounds.
func (c *compiler) bitCeiling(p *Purpose, told, ceiling int64, what string) {
	switch {
	case ceiling == 0 || len(p.Groups) == 0:
	case !p.Bits.Known:
		c.find(p, "", true, "nothing bounds how much it tells a day, and the charter allows %d bits%s: give the sensor `every` or the rule a window", ceiling, what)
	case told > ceiling:
		c.find(p, "", true, "it can tell %d bits a day%s; the charter allows %d", told, what, ceiling)
	}
}

// names tells whether a list of classes and fields names this field, and by which word.
func names(list []string, f sensors.Field) (string, bool) {
	for _, w := range list {
		if w == f.Name || w == string(f.Class) {
			return w, true
		}
	}
	return "", false
}

// unwanted lists, source by source, the fields that no purpose names.
func (c *compiler) unwanted() {
	for _, s := range c.in.Sources {
		sp := c.plan.sources[s.Name]
		for _, f := range s.Fields {
			if !slices.ContainsFunc(sp.rules, func(r *sourceRules) bool { return slices.Contains(r.named, f.Name) }) {
				sp.unwanted = append(sp.unwanted, f.Name)
			}
		}
	}
}

// FieldsIn lists what leaves for a purpose in words a person understands, a line a field, in French for "fr", else in English.
func (p *Purpose) FieldsIn(language string) []string {
	var out []string
	colon := ": "
	if strings.HasPrefix(language, "fr") {
		colon = " : "
	}
	for _, g := range p.Groups {
		for i := range g.Fields {
			out = append(out, g.Fields[i].Field+colon+g.Fields[i].WordsIn(language))
		}
	}
	return out
}

// WordsIn says what is done to the field in words a person understands.
func (f *FieldForm) WordsIn(language string) string {
	return f.rule.wordsIn(language, f.unit, f.boolean)
}

// Action is the action of the field's rule: "mean", "keep" …
func (f *FieldForm) Action() string { return f.rule.Action }

// Implies is the class that a fine series of the field gives away besides its own; "" for none.
func (f *FieldForm) Implies() sensors.Class { return f.implies }

// FieldsInWords lists what leaves for a purpose in short, a line a field: "hall.temperature: mean 1h, round 0.5".
func (p *Purpose) FieldsInWords() []string {
	var out []string
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			out = append(out, f.Field+": "+f.Actions)
		}
	}
	return out
}

// TitleIn is the title in a language, in English where there is none, else the id.
func (p *Purpose) TitleIn(language string) string {
	if t := p.In(p.Title, language); t != "" {
		return t
	}
	return p.ID
}

// In is one of the purpose's texts in a language, in English where there is none, else "".
func (p *Purpose) In(texts map[string]string, language string) string {
	for _, l := range []string{language, "en"} {
		if t := strings.TrimSpace(texts[l]); t != "" {
			return t
		}
	}
	return ""
}
