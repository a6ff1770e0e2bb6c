package charter

import (
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// proveObject are predicates about the whole object that hand over facts.
func (s *subject) proveObject(what, arg string, say *speech) {
	switch what {
	case "now":
		s.leavingNow(arg != "", say)
	case "last":
		if last := s.State.Last; last != nil {
			say.that(ago(last.Ago), number(int64(last.Bytes)), same(last.Recipient))
		}
	case "sources":
		for _, src := range s.Sources {
			kinds := []string{}
			for i := range src.Fields {
				if k := src.Fields[i].Kind.Name; !slices.Contains(kinds, k) {
					kinds = append(kinds, k)
				}
			}
			say.of(src.Name, same(src.Name), s.looked("kind", kinds))
		}
	case "absent":
		say.that(s.absent())
	case "never":
		list := s.Ceilings.Never
		if arg != "" {
			list = s.Ceilings.NeverReadable
		}
		say.that(s.looked("class", list))
	case "unasked":
		say.that(s.unasked())
	case "uses":
		say.that(same(s.controller().Name), titlesOf(s.purposes()))
	case "address":
		c := s.controller()
		say.that(same(c.Name), same(c.Address))
	case "mine":
		for _, src := range s.m.Sources {
			for i := range src.Fields {
				say.of(src.Fields[i].Name, s.fieldWords(src.Fields[i].Name))
			}
		}
	}
}

// leavingNow tells what leaves now, or with waiting what would, had its recipient a route.
func (s *subject) leavingNow(waiting bool, say *speech) {
	var open []*consent.Purpose
	uploads, names := int64(0), []string{}
	for _, p := range s.given() {
		if s.reached(p.Recipient.ID) == waiting {
			continue
		}
		open = append(open, p)
		uploads += int64((sensors.Day + p.Upload - 1) / max(p.Upload, 1))
		if !slices.Contains(names, p.Recipient.Name) {
			names = append(names, p.Recipient.Name)
		}
	}
	switch x := &s.State; {
	case !x.Known:
	case waiting:
		say.that(same(strings.Join(names, ", ")))
	case !x.Paused && !x.Stopped && !x.Mute:
		say.that(titlesOf(open), number(uploads), same(strings.Join(names, ", ")))
	}
}

// ago is a time passed, in its largest whole unit.
func ago(m sensors.Micros) Text {
	for _, unit := range []sensors.Micros{sensors.Day, sensors.Hour, sensors.Minute} {
		if m >= unit {
			m = m.Floor(unit)
			break
		}
	}
	m = max(m.Floor(sensors.Second), sensors.Second)
	return both(consent.Span(m, "fr"), consent.Span(m, "en"))
}

// absent are the things of the table that no sensor here has a kind for.
func (s *subject) absent() Text {
	here := " "
	for _, src := range s.Sources {
		for i := range src.Fields {
			here += src.Fields[i].Kind.Name + " "
		}
	}
	var absent []string
	for rest := s.tables["thing"]; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		kinds, _, _ := strings.Cut(line, "|")
		sensed := here == " "
		for _, k := range strings.Fields(kinds) {
			sensed = sensed || strings.Contains(here, " "+k+" ")
		}
		if !sensed {
			absent = append(absent, kinds)
		}
	}
	return s.looked("thing", absent)
}

// unasked are the fields that no purpose would let out.
func (s *subject) unasked() Text {
	asked := map[string]bool{}
	for _, p := range s.purposes() {
		for _, q := range []*consent.Purpose{p, p.Asks()} {
			for _, f := range s.of(q).fields("") {
				asked[f.Field] = true
			}
		}
	}
	var out []Text
	for _, src := range s.Sources {
		for i := range src.Fields {
			if f := src.Fields[i].Name; !asked[f] {
				out = append(out, s.fieldWords(f))
			}
		}
	}
	return joined(out)
}

// provePurpose are predicates about one purpose that hand over facts.
func (s *subject) provePurpose(what, arg string, say *speech) {
	p := s.p
	r := &p.Recipient
	switch what {
	case "number", "level", "claim", "to":
		s.proveName(what, arg, say)
	case "tags":
		say.that(s.looked("tag", p.Tags))
	case "stored":
		say.that(s.looked("country", r.StoredIn))
	case "basis":
		if p.Basis == arg {
			say.that()
		}
	case "room":
		if p.RoomBytes > 0 && p.Cover == (arg == "covered") {
			say.that(number(int64(p.RoomBytes)), number(int64(p.RoomRows)))
		}
	case "recipient":
		say.that(s.recipientText(r))
	case "controller":
		if c := s.controller(); c.Name != r.Name {
			say.that(s.party(c.Name, c.Country))
		}
	case "bits":
		if s.holdsFor("bounded") {
			say.that(number(p.Bits.Day), scale(p.Bits.Day))
		}
	case "presence":
		if p.Bits.Known && p.Bits.Presence > 0 {
			say.that(number(p.Bits.Presence))
		}
	case "back":
		if p.State != consent.Refused {
			say.that(same(p.ID), same(r.Name))
		}
	}
}

// proveName are those about the name under which it travels, and what its recipient can link.
func (s *subject) proveName(what, arg string, say *speech) {
	p := s.p
	r, share := &p.Recipient, s.share(p.Recipient.ID)
	name := same(r.Name)
	switch what {
	case "number":
		if share.Level > consent.L0 {
			say.that(every(max(p.Epoch, 1)))
		}
	case "level":
		if string(share.Level) == arg && (share.Level != consent.L2 || s.reached(r.ID)) {
			say.that(name, both(share.WhyIn("fr"), share.WhyIn("en")))
		}
	case "claim":
		if claimed := s.offered(r.ID).Linkability; claimed != "" {
			say.that(name, s.look("level", claimed))
		}
	case "to":
		if arg == "kept" && len(r.Onward) == 0 || arg == "leaves" && len(p.Groups) > 0 || arg == "unreached" && share.Level == consent.L2 && !s.reached(r.ID) {
			say.that(name)
		}
	}
}
