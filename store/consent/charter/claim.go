package charter

import (
	"strconv"
	"strings"

	"github.com/candor-edge/candor/store/consent"
)

// claim is a sentence the object may say. Its texts have {1}, {2} … where facts belong.
type claim struct {
	id     string
	part   Part
	voice  Voice
	fr, en string
	// proof calls say with the facts that fill the texts, once for each thing it holds of. What it returns is the reason, in
	// English, for when it did not. Nothing else reads the texts.
	proof proof
}

// sayer prints a claim about a field or recipient ("" for none), with its facts in the place of {1}, {2} …
type sayer func(about string, facts ...Text)

// subject is what claims are about.
type subject struct {
	*Inputs
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
type writer struct{ out Document }

// write holds claims against a subject.
func (w *writer) write(claims []claim, s *subject) {
	for i := range claims {
		c := &claims[i]
		said := false
		why := c.proof(s, func(about string, facts ...Text) {
			text := fill(c, facts)
			if text.missing() {
				return
			}
			said = true
			w.out.Fragments = append(w.out.Fragments, Fragment{ID: c.id, Voice: c.voice, Part: c.part, Purpose: s.id(), About: about, Label: c.part.label(), Text: text})
		})
		if !said {
			w.out.Refused = append(w.out.Refused, Refusal{ID: c.id, Purpose: s.id(), Why: why})
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
		fr, en = append(fr, mark, f.fr), append(en, mark, f.en)
	}
	return both(strings.NewReplacer(fr...).Replace(c.fr), strings.NewReplacer(en...).Replace(c.en))
}

// label is the part in words.
func (p Part) label() Text { return lookUp(partWords, string(p)) }

const partWords = `why|pourquoi|why
return|pour vous|for you
what|quoi|what
when|quand|when
how|comment|how
where|où|where
long|combien de temps|how long
who|qui|who
much|combien|how much
name|sous quel nom|under which name
guess|ce qui se devine|could be guessed
ground|sur quelle base|on what ground
no|un non|a no
now|en ce moment|right now
sense|ce qu'il perçoit|what it can sense
never|ne part jamais|never leaves
whose|à qui|whose data
protect|protection|protection
thief|en cas de vol|if stolen
erase|effacer|erasing
rights|vos droits|your rights`
