package charter

import (
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// controller is who decides, as the policy says.
func (s *subject) controller() consent.Controller {
	if s.Policy == nil {
		return consent.Controller{}
	}
	return s.Policy.Controller
}

// inEurope tells whether the controller is established where the GDPR holds (art. 3(1), and the EEA agreement), and asks for
// something.
func (s *subject) inEurope() bool {
	return consent.InEEA(s.controller().Country) && len(s.purposes()) > 0
}

// entitles tells whether a purpose rests on one of these grounds, or is tagged so; of no ground every purpose does.
func (s *subject) entitles(grounds []string) bool {
	for _, g := range grounds {
		for _, p := range s.purposes() {
			if p.Basis == g {
				return true
			}
			for _, t := range p.Tags {
				if t == g {
					return true
				}
			}
		}
	}
	return len(grounds) == 0
}

// purposes are those that claims about the whole object look at: all that the policy could let out, or the one that a notice
// is about. Refused ones let nothing out.
func (s *subject) purposes() []*consent.Purpose {
	if s.p != nil {
		return []*consent.Purpose{s.p}
	}
	var out []*consent.Purpose
	if s.Plan != nil {
		for _, p := range s.Plan.Purposes() {
			if p.State != consent.Refused {
				out = append(out, p)
			}
		}
	}
	return out
}

// given are the purposes under which something leaves.
func (s *subject) given() (out []*consent.Purpose) {
	for _, p := range s.purposes() {
		if p.State == consent.Given {
			out = append(out, p)
		}
	}
	return out
}

func (s *subject) mineGiven() bool {
	return s.State.Mine != nil && s.State.Mine.State == consent.Given
}

// titlesOf lists purposes as a person knows them.
func titlesOf(list []*consent.Purpose) Text {
	titles := make([]Text, len(list))
	for i, p := range list {
		titles[i] = titleOf(p)
	}
	return joined(titles)
}

func titleOf(p *consent.Purpose) Text {
	if t := both(p.Title["fr"], p.Title["en"]); !t.missing() {
		return t
	}
	return same(p.ID)
}

// recipients are the recipients of the purposes, each once.
func (s *subject) recipients() []*consent.Recipient {
	var out []*consent.Recipient
	seen := map[string]bool{}
	for _, p := range s.purposes() {
		if !seen[p.Recipient.ID] {
			seen[p.Recipient.ID] = true
			out = append(out, &p.Recipient)
		}
	}
	return out
}

// way proves something of the route to each recipient.
func (s *subject) way(how string, say *speech) {
	for _, r := range s.recipients() {
		x, there, known := s.route(r.ID)
		holds := there
		switch how {
		case "none":
			holds = !there
		case "tls":
			holds = there && x.TLS
		case "open":
			holds = there && !x.TLS
		case "sealed":
			holds = there && x.Sealed
		case "broker":
			holds = there && x.Broker && !x.Sealed
		case "pinned":
			holds = there && x.TLS && x.Pinned
		}
		if known && holds {
			say.of(r.ID, same(r.Name))
		}
	}
}

// proveRecipients are predicates about all that a recipient gets.
func (s *subject) proveRecipients(what string, say *speech) {
	for _, r := range s.recipients() {
		fields, days, named := s.lying(r.ID)
		share, name := s.share(r.ID), same(r.Name)
		switch what {
		case "totals":
			if share.Bits.Known && share.Bits.Day > 0 {
				say.of(r.ID, name, number(share.Bits.Day), scale(share.Bits.Day))
			}
		case "base":
			say.of(r.ID, name, joined(fields), span(sensors.Micros(days)*sensors.Day))
		case "nameless":
			if s.State.Known && share.Level > consent.L0 && !named {
				say.of(r.ID, name)
			}
		case "named":
			if share.Level == consent.L0 {
				say.of(r.ID, name)
			}
		}
	}
}

// lying are the fields that a recipient can have, for how many days at most, and whether one of them names somebody.
func (s *subject) lying(recipient string) (fields []Text, days int, named bool) {
	seen := map[string]bool{}
	for _, p := range s.purposes() {
		if p.Recipient.ID != recipient {
			continue
		}
		one := s.of(p)
		for _, f := range one.fields("") {
			if !seen[f.Field] {
				seen[f.Field] = true
				fields = append(fields, s.fieldWords(f.Field))
			}
			days = max(days, p.Retention)
		}
		named = named || len(one.fields("name")) > 0
	}
	return fields, days, named
}

// offered is a recipient as the policy has it, with its contact and its claim.
func (s *subject) offered(id string) consent.Recipient {
	if s.Policy != nil {
		for _, r := range s.Policy.Recipients {
			if r.ID == id {
				return r
			}
		}
	}
	return consent.Recipient{}
}

// share is what a recipient gets from all its purposes; the zero value, whose level is none, when the plan does not say.
func (s *subject) share(recipient string) consent.Share {
	if s.Plan != nil {
		for _, x := range s.Plan.Shares() {
			if x.Recipient == recipient {
				return x
			}
		}
	}
	return consent.Share{}
}

// route is how a recipient is reached; known is false when nothing is known of routes.
func (s *subject) route(recipient string) (r Route, there, known bool) {
	for _, r := range s.State.Routes {
		if r.Recipient == recipient {
			return r, true, s.State.Known
		}
	}
	return Route{}, false, s.State.Known
}

// reached tells whether it is known by which way a recipient is reached.
func (s *subject) reached(recipient string) bool {
	_, there, known := s.route(recipient)
	return there && known
}

// party is a legal entity with its country.
func (s *subject) party(name, country string) Text {
	if country == "" {
		return same(name)
	}
	return bracketed(same(name), s.look("country", country))
}

func (s *subject) recipientText(r *consent.Recipient) Text {
	t := s.party(r.Name, r.Country)
	if r.Role == "" {
		return t
	}
	return joined([]Text{t, s.look("role", r.Role)})
}
