package charter

import (
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// prove asks a predicate of the table. Where it holds it calls say with the facts that fill the texts, once for each thing it
// holds of; else it does not. Nothing but say reaches the texts.
func (s *subject) prove(ask string, say *speech) {
	verb, arg, _ := strings.Cut(ask, " ")
	switch verb {
	case "if":
		if s.holds(arg) {
			say.that()
		}
	case "name":
		say.that(same(s.name(arg)))
	case "quote":
		t := s.quote(arg)
		say.that(both(strings.TrimSpace(t["fr"]), strings.TrimSpace(t["en"])))
	case "length":
		s.length(arg, say)
	case "ceiling":
		if n := s.ceiling(arg); n > 0 {
			say.that(number(n))
		}
	case "fields", "none", "each":
		s.formed(verb, arg, say)
	case "way":
		s.way(arg, say)
	case "law":
		if s.inEurope() && s.entitles(strings.Fields(arg)) {
			say.that()
		}
	case "now", "last", "sources", "absent", "never", "unasked", "uses", "address", "mine":
		s.proveObject(verb, arg, say)
	case "totals", "base", "nameless", "named":
		s.proveRecipients(verb, say)
	default:
		s.provePurpose(verb, arg, say)
	}
}

// holds are the predicates that hand over no fact.
func (s *subject) holds(what string) bool {
	switch what {
	case "sensed":
		return len(s.Sources) > 0
	case "planned":
		return s.Plan != nil
	case "asked":
		return len(s.purposes()) > 0
	case "mine":
		return len(s.m.Sources) > 0
	case "nothing", "leaves", "long", "windows", "unsaid", "unbounded", "bounded", "consent", "free":
		return s.holdsFor(what)
	}
	return s.State.Known && s.holdsHere(what)
}

// holdsHere are those of the object's state, where it is known.
func (s *subject) holdsHere(what string) bool {
	x, software, open := &s.State, s.State.Erasure == "software", len(s.given()) > 0
	switch what {
	case "known":
		return true
	case "paused":
		return x.Paused
	case "stopped":
		return x.Stopped
	case "mute":
		return x.Mute
	case "quiet":
		return !x.Paused && !open
	case "light":
		return x.Light
	case "sealed":
		return x.Sealed
	case "apart":
		return x.Sealed && x.Apart
	case "memory":
		return !x.Kept && !s.mineGiven() && !s.exactWaits()
	case "signed":
		return x.Signed
	case "unsigned":
		return !x.Signed && s.Policy != nil
	case "pledged":
		return x.Pledged
	case "software":
		return software
	case "waiting":
		return software && open
	case "kept":
		return software && x.Kept
	case "empty":
		return software && !open && !x.Kept
	}
	return false
}

// holdsFor are those of one purpose.
func (s *subject) holdsFor(what string) bool {
	p := s.p
	leaves := len(p.Groups) > 0
	switch what {
	case "nothing":
		return !leaves
	case "leaves":
		return leaves
	case "long":
		return p.RoomBytes == 0 && len(s.fields("presence told")) > 0
	case "windows":
		return p.WindowsOnly()
	case "unsaid":
		return len(p.Recipient.StoredIn) == 0
	case "unbounded":
		return leaves && !p.Bits.Known
	case "bounded":
		return leaves && p.Bits.Known
	case "consent":
		return p.Access == "consent"
	case "free":
		return p.Access == "consent" && p.Service == ""
	}
	return false
}

// name is a text that is the same in every language; "" for none.
func (s *subject) name(what string) string {
	switch what {
	case "simulated":
		return strings.Join(s.State.Simulated, ", ")
	case "authority":
		if s.inEurope() {
			return s.controller().Authority
		}
		return ""
	case "contact":
		return s.controller().Contact
	case "dpv":
		return s.p.DPV
	case "safeguard":
		return s.p.Recipient.Safeguard
	case "onward":
		return strings.Join(s.p.Recipient.Onward, ", ")
	case "recipient":
		return s.offered(s.p.Recipient.ID).Contact
	case "service":
		return s.p.Service
	case "needed":
		if s.p.Access == "strictly-necessary" {
			return s.p.Service
		}
	}
	return ""
}

// quote is a text of the policy about the purpose.
func (s *subject) quote(what string) map[string]string {
	switch what {
	case "why":
		return s.p.Why
	case "benefit":
		return s.p.Benefit
	case "otherwise":
		return s.p.Otherwise()
	case "interest":
		return s.p.Interest()
	}
	return s.p.Logic()
}

// length says a length of time, where there is one.
func (s *subject) length(what string, say *speech) {
	m, p := sensors.Micros(0), s.p
	switch what {
	case "upload":
		if p.Upload > 0 {
			say.that(every(p.Upload))
		}
		return
	case "retention":
		if p.Retention > 0 {
			say.that(span(sensors.Micros(p.Retention)*sensors.Day), same(p.Recipient.Name))
		}
		return
	case "time":
		m = p.Tick
	case "expires":
		m = p.Expires
	case "ceiling":
		m = sensors.Micros(s.Ceilings.MaxRetention / 1000)
	case "quiet":
		m = s.State.Quiet
	case "history":
		if s.mineGiven() {
			m = sensors.Micros(s.State.Mine.Days) * sensors.Day
		}
	case "days":
		m = sensors.Micros(s.m.Days) * sensors.Day
	case "longer":
		if s.m.State == consent.Given && s.m.Asked > s.m.Days {
			m = sensors.Micros(s.m.Asked) * sensors.Day
		}
	}
	if m > 0 {
		say.that(span(m))
	}
}

// ceiling is a number of the charter that the compiler holds every purpose against; 0 for none.
func (s *subject) ceiling(what string) int64 {
	switch what {
	case "day":
		return s.Ceilings.MaxBits
	case "presence":
		return s.Ceilings.MaxBitsPresent
	}
	return s.Ceilings.MaxBitsRecipient
}
