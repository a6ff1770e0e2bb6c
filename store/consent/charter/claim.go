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
	// proof calls say with the facts that fill the texts, once for each thing it holds of, and otherwise gives the reason why
	// it does not hold, in English. Nothing else reads the texts.
	proof func(s *subject, say sayer) string
}

// sayer prints a claim about a field or recipient ("" for none), with its facts in the place of {1}, {2} …
type sayer func(about string, facts ...Text)

// subject is what claims are about.
type subject struct {
	*Inputs
	p *consent.Purpose // nil: the whole object
}

// writer makes a document.
type writer struct {
	in  *Inputs
	out Document
}

// write holds claims against the object (p nil) or a purpose.
func (w *writer) write(claims []claim, p *consent.Purpose) {
	s, id := &subject{w.in, p}, ""
	if p != nil {
		id = p.ID
	}
	for i := range claims {
		c := &claims[i]
		said := false
		why := c.proof(s, func(about string, facts ...Text) {
			text := fill(c, facts)
			if text.missing() {
				return
			}
			said = true
			w.out.Fragments = append(w.out.Fragments, Fragment{ID: c.id, Voice: c.voice, Part: c.part, Purpose: id, About: about, Label: c.part.label(), Text: text})
		})
		if !said {
			if why == "" {
				why = "a fact of it is missing"
			}
			w.out.Refused = append(w.out.Refused, Refusal{ID: c.id, Purpose: id, Why: why})
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
func (p Part) label() Text {
	for line := range strings.Lines(partWords) {
		if words := strings.Split(strings.TrimSpace(line), "|"); words[0] == string(p) {
			return both(words[1], words[2])
		}
	}
	return Text{}
}

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
never|ce qui ne part pas|never leaves
whose|à qui|whose data
protect|protection|protection
thief|en cas de vol|if stolen
erase|effacer|erasing
rights|vos droits|your rights`
