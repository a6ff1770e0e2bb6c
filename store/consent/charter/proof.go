package charter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// proof is a predicate; see claim.
type proof = func(s *subject, say sayer) string

// when is a predicate without facts: it holds or it does not, and then why not.
func when(holds func(s *subject) bool, why string) proof {
	return func(s *subject, say sayer) string {
		if holds(s) {
			say("")
		}
		return why
	}
}

// quote is a text of the policy about a purpose.
func quote(of func(p *consent.Purpose) map[string]string) proof {
	return func(s *subject, say sayer) string {
		say("", quoted(of(s.p)))
		return "the policy does not say"
	}
}

// name is a text of the policy that is the same in every language.
func name(of func(s *subject) string) proof {
	return func(s *subject, say sayer) string {
		say("", same(of(s)))
		return "the policy does not say"
	}
}

// lasting is a length of time of a purpose.
func lasting(of func(p *consent.Purpose) sensors.Micros, words func(sensors.Micros) Text) proof {
	return func(s *subject, say sayer) string {
		if m := of(s.p); m > 0 {
			say("", words(m))
		}
		return "the policy gives no length"
	}
}

// someFields is a claim about those fields of a purpose for which holds is true, all named in one sentence.
func someFields(holds func(g *consent.Group, f *consent.FieldForm) bool, facts ...func(s *subject) Text) proof {
	return func(s *subject, say sayer) string {
		var found []Text
		s.fields(func(g *consent.Group, f *consent.FieldForm) {
			if holds(g, f) {
				found = append(found, s.fieldWords(f.Field))
			}
		})
		if len(found) > 0 {
			all := []Text{joined(found)}
			for _, f := range facts {
				all = append(all, f(s))
			}
			say("", all...)
		}
		return "no field that would leave is so"
	}
}

// fields calls do for each field that would leave for the purpose.
func (s *subject) fields(do func(g *consent.Group, f *consent.FieldForm)) {
	for i := range s.p.Groups {
		g := &s.p.Groups[i]
		for j := range g.Fields {
			do(g, &g.Fields[j])
		}
	}
}

// any tells whether some field that would leave is so.
func (s *subject) any(holds func(g *consent.Group, f *consent.FieldForm) bool) (found bool) {
	s.fields(func(g *consent.Group, f *consent.FieldForm) { found = found || holds(g, f) })
	return found
}

// about is the subject of another purpose.
func (s *subject) about(p *consent.Purpose) *subject { return &subject{Inputs: s.Inputs, p: p} }

// controller is who decides, as the policy says.
func (s *subject) controller() consent.Controller {
	if s.Policy == nil {
		return consent.Controller{}
	}
	return s.Policy.Controller
}

// purposes are those that claims about the whole object look at: all that the policy could let out, or the one that a notice
// is about. Refused ones let nothing out.
func (s *subject) purposes() []*consent.Purpose {
	switch {
	case s.p != nil:
		return []*consent.Purpose{s.p}
	case s.Plan == nil:
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Plan.Purposes()), func(p *consent.Purpose) bool { return p.State == consent.Refused })
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

// recipients calls do for each recipient with the purposes it gets.
func (s *subject) recipients(do func(r *consent.Recipient, purposes []*consent.Purpose)) {
	var order []string
	by := map[string][]*consent.Purpose{}
	for _, p := range s.purposes() {
		if by[p.Recipient.ID] == nil {
			order = append(order, p.Recipient.ID)
		}
		by[p.Recipient.ID] = append(by[p.Recipient.ID], p)
	}
	for _, id := range order {
		do(&by[id][0].Recipient, by[id])
	}
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

// share is what a recipient gets from all its purposes; nil when the plan does not say.
func (s *subject) share(recipient string) *consent.Share {
	if s.Plan != nil {
		for i, x := range s.Plan.Shares() {
			if x.Recipient == recipient {
				return &s.Plan.Shares()[i]
			}
		}
	}
	return nil
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
	words := lookUp(kindWords, kind)
	return both(words.fr+" ("+field+")", words.en+" ("+field+")")
}

func number[N ~int | ~int64](n N) Text {
	digits := strconv.FormatInt(int64(n), 10)
	fr, en := digits, digits
	for i := len(digits) - 3; i > 0 && n >= 10_000; i -= 3 {
		fr, en = fr[:i]+" "+fr[i:], en[:i]+","+en[i:]
	}
	return both(fr, en)
}

// joined lists texts with commas.
func joined(list []Text) Text {
	fr, en := make([]string, len(list)), make([]string, len(list))
	for i, t := range list {
		fr[i], en[i] = t.fr, t.en
	}
	return both(strings.Join(fr, ", "), strings.Join(en, ", "))
}

// looked looks each word up and lists them.
func looked(table string, words []string) Text {
	list := make([]Text, len(words))
	for i, w := range words {
		list[i] = lookUp(table, w)
	}
	return joined(list)
}

// lookUp finds a word in a table of lines "word|français|English"; one that is not there is said as it is.
func lookUp(table, word string) Text {
	for line := range strings.Lines(table) {
		if key, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|"); key == word {
			fr, en, _ := strings.Cut(rest, "|")
			return both(fr, en)
		}
	}
	return same(word)
}

// span is a length of time in words, every how often; from two months on the months are said as well.
func span(m sensors.Micros) Text {
	fr, en := consent.Span(m, "fr"), consent.Span(m, "en")
	if months := (m/sensors.Day*12 + 182) / 365; months >= 2 {
		n := strconv.Itoa(int(months))
		fr, en = fr+" (environ "+n+" mois)", en+" (about "+n+" months)"
	}
	return both(fr, en)
}

func every(m sensors.Micros) Text { return both(consent.Every(m, "fr"), consent.Every(m, "en")) }
