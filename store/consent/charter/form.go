package charter

import (
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// formed proves what hangs on the forms in which fields leave: that some leave so (all named in one sentence), that none does, or each
// with its form.
func (s *subject) formed(verb, how string, say *speech) {
	found := s.fields(how)
	switch {
	case verb == "none":
		if len(found) == 0 && len(s.p.Groups) > 0 {
			say.that()
		}
	case verb == "each":
		for _, f := range found {
			say.of(f.Field, s.fieldWords(f.Field), both(f.WordsIn("fr"), f.WordsIn("en")))
		}
	case len(found) > 0:
		say.that(s.listed(found), every(max(s.p.Epoch, 1)))
	}
}

// fields are the fields that leave for the purpose in some form; with "" all.
func (s *subject) fields(how string) (out []*consent.FieldForm) {
	for i := range s.p.Groups {
		g := &s.p.Groups[i]
		for j := range g.Fields {
			if f := &g.Fields[j]; how == "" || leavesAs(how, g.Window, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// presenceWindow is the compiler's limit for what implies presence: of a series in shorter windows one can tell hours of the day.
const presenceWindow = 6 * sensors.Hour

// leavesAs tells whether a field leaves in a form, a word of the table: one of those here, or a class with how fine it is.
func leavesAs(how string, window sensors.Micros, f *consent.FieldForm) bool {
	fine, action, place := window < presenceWindow, f.Action(), f.Class == sensors.Location
	pseudonym, counted := f.Type == consent.FormPseudonym, action == "count"
	switch how {
	case "exact": // as it was measured, within bounds perhaps
		return window == 0 && (action == "keep" || action == "clamp" && f.Step == 1)
	case "pseudonym", "same":
		return pseudonym
	case "count":
		return counted
	case "place":
		return place || f.Class == sensors.Contact
	case "grid":
		return place && action == "grid"
	case "area":
		return place && f.Type == consent.FormLabel
	case "position":
		return place && action != "grid" && !counted && f.Type == consent.FormNumber
	case "implied":
		return f.Class != sensors.Presence && f.Implies() == sensors.Presence && fine
	case "presence told":
		return f.Class == sensors.Presence || f.Implies() == sensors.Presence && fine
	case "name":
		return f.Class == sensors.Contact || f.Class == sensors.Identity && !pseudonym && !counted
	}
	class, rest, graded := strings.Cut(how, " ")
	return string(f.Class) == class && !pseudonym && !counted && (!graded || fine == (rest == "fine"))
}

// listed names fields in one text.
func (s *subject) listed(fields []*consent.FieldForm) Text {
	words := make([]Text, len(fields))
	for i, f := range fields {
		words[i] = s.fieldWords(f.Field)
	}
	return joined(words)
}

// of is the subject of another purpose.
func (s *subject) of(p *consent.Purpose) *subject {
	return &subject{Inputs: s.Inputs, tables: s.tables, p: p}
}

// exactWaits tells whether a reading may wait on the disk as it was measured.
func (s *subject) exactWaits() bool {
	for _, p := range s.given() {
		if len(s.of(p).fields("exact")) > 0 {
			return true
		}
	}
	return false
}

// kind is the kind of a field as it is sensed here; "" when nothing here has it.
func (s *subject) kind(field string) string {
	for _, src := range s.Sources {
		for i := range src.Fields {
			if src.Fields[i].Name == field {
				return src.Fields[i].Kind.Name
			}
		}
	}
	return ""
}

// fieldWords name a field as a person would, its own name beside it.
func (s *subject) fieldWords(field string) Text {
	kind := s.kind(field)
	if kind == "" {
		return same(field)
	}
	return bracketed(s.look("kind", kind), same(field))
}
