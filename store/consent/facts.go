package consent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// Fact is something that a person has to be told, or that a receipt keeps, and that a policy does not say; or two things
// in it that contradict each other. Key is where to write it, as in purpose[2].why.
type Fact struct {
	Key     string
	Purpose string // "" when it is about the controller or a recipient
	Text    string
}

// Facts lists what a policy leaves out of what GDPR art. 13 and 14 have a person told and what ISO/IEC TS 27560 has a
// receipt keep, and what in it contradicts itself. Art. 13(2)(b) and (c) need no key: what rights there are, and that a
// yes can be taken back, every notice of this object says.
func Facts(p *Policy) []Fact {
	f := facts{}
	c := &p.Controller
	f.text("controller.address", "", c.Address, "the controller's address (GDPR art. 13(1)(a), TS 27560 controller): address = \"…\"")
	f.text("controller.contact", "", c.Contact, "where the data protection officer is reached (GDPR art. 13(1)(b)): contact = \"…\"")
	f.text("controller.country", "", c.Country, "the controller's country, which gives the jurisdiction (TS 27560): country = \"FR\"")
	f.text("controller.authority", "", c.Authority, "the authority a person can complain to (GDPR art. 13(2)(d)): authority = \"CNIL\"")
	for i := range p.Recipients {
		f.recipient(fmt.Sprintf("recipient[%d]", i), &p.Recipients[i])
	}
	for i := range p.Purposes {
		f.purpose(fmt.Sprintf("purpose[%d]", i), &p.Purposes[i])
	}
	return f
}

type facts []Fact

func (f *facts) add(key, purpose, format string, args ...any) {
	*f = append(*f, Fact{key, purpose, fmt.Sprintf(format, args...)})
}

func (f *facts) text(key, purpose, text, missing string) {
	if strings.TrimSpace(text) == "" {
		f.add(key, purpose, "missing: %s", missing)
	}
}

func (f *facts) texts(key, purpose string, texts map[string]string, missing string) {
	if len(texts) == 0 {
		f.add(key, purpose, "missing: %s", missing)
	}
}

func (f *facts) recipient(at string, r *Recipient) {
	f.text(at+".country", "", r.Country, "the recipient's country (GDPR art. 13(1)(e) and (f)): country = \"FR\"")
	f.text(at+".role", "", r.Role, "what the recipient is (GDPR art. 13(1)(e), TS 27560 party role): role = \"controller\"")
	if len(r.StoredIn) == 0 {
		f.add(at+".stored_in", "", "missing: where it is stored (TS 27560 storage locations): stored_in = [\"FR\"]")
	}
	if r.Onward == nil {
		f.add(at+".onward", "", "missing: whom it is passed on to (GDPR art. 13(1)(e), TS 27560 third parties); nobody is onward = []")
	}
	for _, country := range append([]string{r.Country}, r.StoredIn...) {
		if country != "" && !slices.Contains(eea(), country) && r.Safeguard == "" {
			f.add(at+".safeguard", "", "missing: it goes to %s, outside the European Economic Area, on which safeguard (GDPR art. 13(1)(f)): safeguard = \"adequacy decision\", or the clauses agreed", country)
			return
		}
	}
}

func (f *facts) purpose(at string, o *Offer) {
	f.texts(at+".why", o.ID, o.Why, "why, in a sentence a person understands (GDPR art. 13(1)(c)): why = { fr = \"…\", en = \"…\" }")
	f.texts(at+".benefit", o.ID, o.Benefit, "what the person gets in return: benefit = { fr = \"…\", en = \"…\" }")
	f.text(at+".dpv", o.ID, o.DPV, "the purpose as a term of the Data Privacy Vocabulary (TS 27560 purpose type): dpv = \"ServiceUsageAnalytics\"")
	switch o.Basis {
	case "contract", "legal-obligation":
		f.texts(at+".otherwise", o.ID, o.Otherwise, "what happens without it (GDPR art. 13(2)(e)): otherwise = { fr = \"…\", en = \"…\" }")
	case "legitimate-interests":
		f.texts(at+".interest", o.ID, o.Interest, "which interest is pursued, and whose (GDPR art. 13(1)(d)): interest = { fr = \"…\", en = \"…\" }")
	}
	if slices.Contains(o.Tags, "profiling") {
		f.texts(at+".logic", o.ID, o.Logic, "how the profile is made and what follows from it (GDPR art. 13(2)(f)): logic = { fr = \"…\", en = \"…\" }")
	}
	f.contradictions(at, o)
}

func (f *facts) contradictions(at string, o *Offer) {
	switch {
	case o.Basis == "contract" && o.Access != "strictly-necessary":
		f.add(at+".basis", o.ID, "contradiction: a contract needs what its service needs, so its access is strictly-necessary for that service; here it is %s", o.Access)
	case o.Basis == "consent" && o.Access == "strictly-necessary":
		f.add(at+".basis", o.ID, "contradiction: what a service strictly needs can't be freely refused, so its basis is no consent; a contract is likelier")
	}
	if o.Recipient != "" && len(o.Rules) == 0 {
		f.add(at+".rule", o.ID, "contradiction: it asks for a yes and has no rule, so nothing can ever leave for it")
	}
	if o.Time > 0 && o.Upload > 0 && o.Upload < o.Time {
		f.add(at+".upload", o.ID, "contradiction: upload %s is shorter than time %s; it is sent every %s", o.Upload, o.Time, o.Time)
	}
	coarsest := o.Time > 0 && len(o.Rules) > 0
	for i := range o.Rules {
		r := &o.Rules[i]
		coarsest = coarsest && !r.quiet() && r.Window > o.Time
	}
	if coarsest {
		f.add(at+".time", o.ID, "every rule has a longer window than time %s; a coarser time would say the same and tell less about when", o.Time)
	}
}

// InEEA tells whether a country (ISO 3166-1 alpha-2) is in the European Economic Area.
func InEEA(country string) bool { return slices.Contains(eea(), country) }

// eea are the countries of the European Economic Area: the European Union, Iceland, Liechtenstein and Norway.
func eea() []string {
	return strings.Fields("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO")
}

// NotesIn are further things a person has to be told about a purpose, where the policy says them, in French for "fr", else
// in English.
func (p *Purpose) NotesIn(language string) []string {
	var out []string
	note := func(en, fr string, texts tinyconf.Localized) {
		text := p.In(texts, language)
		if text == "" {
			return
		}
		if strings.HasPrefix(language, "fr") {
			en = fr
		}
		out = append(out, en+text)
	}
	note("Without it: ", "Sans cela : ", p.otherwise)
	note("The interest pursued: ", "L'intérêt poursuivi : ", p.interest)
	note("How the profile is made: ", "Comment le profil est fait : ", p.logic)
	note("Safeguard outside the EEA: ", "Garantie hors de l'EEE : ", plain(p.Recipient.Safeguard))
	return out
}

// lengthTells warns where the length of an upload can tell who is at home.
func (c *compiler) lengthTells(p *Purpose) {
	if p.RoomBytes > 0 && p.Cover {
		return
	}
	why := "without a room the length of an upload may tell it as well: give the purpose a room, policy simulate proposes one"
	if p.RoomBytes > 0 {
		why = "without cover the number of uploads may tell it as well: leave out cover = false"
	}
	for _, g := range p.Groups {
		for i := range g.Fields {
			f := &g.Fields[i]
			if f.Class == sensors.Presence || f.implies == sensors.Presence && (g.Window == 0 || g.Window < presenceWindow) {
				c.find(p, f.Field, false, "it tells or implies who is at home, and %s", why)
				return
			}
		}
	}
}

// MaxBucketRows is how many rows of one time bucket can be sorted together before they leave, so that their order tells nothing.
const MaxBucketRows = 8192

// orderTells refuses a purpose whose sensors are known to speak too often for its `time`: so many rows of one bucket could only be
// sorted in parts, and the parts would tell when in the bucket they were taken.
func (c *compiler) orderTells(p *Purpose) {
	for _, g := range p.Groups {
		measured := slices.ContainsFunc(g.Fields, func(f FieldForm) bool { return f.Type == FormNumber })
		if g.Window != 0 || !measured { // a token is there only when somebody shows one
			continue
		}
		for _, s := range c.in.Sources {
			if s.Name == g.Source && s.Every > 0 && p.Tick/s.Every > MaxBucketRows {
				c.find(p, g.Fields[0].Field, true, "%s speaks every %s, which is %d rows in a time of %s, and at most %d can be sorted so that their order tells nothing: give the rule a window, or the sensor a longer `every`",
					s.Name, Span(s.Every, "en"), p.Tick/s.Every, Span(p.Tick, "en"), MaxBucketRows)
			}
		}
	}
}
