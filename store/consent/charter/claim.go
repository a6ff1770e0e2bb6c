package charter

import (
	"strconv"
	"strings"

	"github.com/candor-edge/candor/store/consent"
)

// claim is a line of a table: a sentence the object may say. Its texts have {1}, {2} … where facts belong, and are read in [fill] only,
// which is reached through the predicate.
type claim struct {
	id     string
	part   Part
	voice  Voice
	ask    string // the predicate, for [subject.prove]
	fr, en string
}

// claims reads a table.
func claims(table string) []claim {
	var out []claim
	for table != "" {
		var line string
		line, table, _ = strings.Cut(table, "\n")
		w := strings.Split(line, "|")
		out = append(out, claim{w[0], Part(w[1]), Voice(w[2]), w[3], w[4], w[5]})
	}
	return out
}

// speech prints one claim about a subject.
type speech struct {
	w    *writer
	c    *claim
	id   string // of the purpose
	said bool
}

// that prints the claim with its facts in the place of {1}, {2} …
func (x *speech) that(facts ...Text) { x.of("", facts...) }

// of prints it about a field or recipient. Where a fact is missing nothing is printed.
func (x *speech) of(about string, facts ...Text) {
	if text := fill(x.c, facts); !text.missing() {
		x.said = true
		x.w.out.Fragments = append(x.w.out.Fragments, Fragment{ID: x.c.id, Voice: x.c.voice, Part: x.c.part, Purpose: x.id, About: about,
			Label: x.w.look("part", string(x.c.part)), Text: text})
	}
}

// subject is what claims are about.
type subject struct {
	*Inputs
	tables
	p *consent.Purpose // nil: not about one purpose
	m *consent.Mine    // nil: not about the history for the person
}

func (s *subject) id() string {
	switch {
	case s.p != nil:
		return s.p.ID
	case s.m != nil:
		return consent.MineID
	}
	return ""
}

// writer makes a document.
type writer struct {
	tables
	out Document
}

// write holds the claims of a table against a subject.
func (w *writer) write(table string, s *subject) {
	s.tables = w.tables
	list := claims(w.tables[table])
	for i := range list {
		say := speech{w: w, c: &list[i], id: s.id()}
		if s.prove(say.c.ask, &say); !say.said {
			w.out.Refused = append(w.out.Refused, Refusal{ID: say.c.id, Purpose: say.id, Why: w.whyNot(say.c.ask)})
		}
	}
}

// fill puts facts into a claim's texts; a fact that is missing leaves no text at all.
func fill(c *claim, facts []Text) Text {
	fr, en := make([]string, 0, 2*len(facts)), make([]string, 0, 2*len(facts))
	for i, f := range facts {
		if f.missing() {
			return Text{}
		}
		mark := "{" + strconv.Itoa(i+1) + "}"
		fr, en = append(fr, mark, f.fr()), append(en, mark, f.en())
	}
	return both(strings.NewReplacer(fr...).Replace(c.fr), strings.NewReplacer(en...).Replace(c.en))
}
