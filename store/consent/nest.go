package consent

import (
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/tinyconf"
)

// rebased refuses a purpose whose grounds are not those it was once answered on: consent that was taken back is not
// replaced by another ground for the same thing (EDPB guidelines 05/2020; PRV-10).
func (c *compiler) rebased(p *Purpose) {
	for _, a := range c.in.Answers {
		if a.Purpose != p.ID {
			continue
		}
		access, basis := a.Access, a.Basis
		if t, err := ParseTerms(a.Terms); err == nil {
			access, basis = t.Offer.Access, t.Offer.Basis
		}
		if access != "" && access != p.Access || basis != "" && basis != p.Basis {
			c.find(p, "", true, "it was answered on the grounds %s and %s, and a purpose keeps its grounds for life: what rests on %s and %s needs another id", access, basis, p.Access, p.Basis)
			c.unasked[p] = true
			return
		}
	}
}

// minorTags are the uses that a home with somebody under age is not asked for (GDPR recital 38, French law 78-17 art. 45).
func minorTags() []string { return []string{"marketing", "profiling", "data-sale"} }

func (c *compiler) underAge(p *Purpose) {
	for _, tag := range minorTags() {
		if c.in.Minor && slices.Contains(p.Tags, tag) {
			c.find(p, "", true, "it is tagged %s, and somebody under age lives in this home", tag)
		}
	}
}

// nesting refuses a purpose whose steps, edges, windows or times cut those of an earlier purpose of the same recipient for
// the same field: two grids that don't nest give together a finer one than either.
func (c *compiler) nesting(p *Purpose) {
	for _, other := range c.plan.purposes {
		if other.ID == p.ID || other.Recipient.ID != p.Recipient.ID {
			continue
		}
		c.nestsWith(p, other)
		if other.Offered != nil && p.State != Given {
			c.nestsWith(p, other.Offered)
		}
	}
}

func (c *compiler) nestsWith(p, other *Purpose) {
	for i := range p.rules {
		for j := range other.rules {
			a, b := &p.rules[i], &other.rules[j]
			if a.Field != b.Field || a.quiet() || b.quiet() {
				continue
			}
			if what, x, y := cuts(a, b, length(p.Tick), length(other.Tick)); what != "" {
				c.find(p, a.Field, true, "%s %s does not nest with %s in the purpose %s of the same recipient: together they would tell more than either", what, x, y, other.ID)
			}
		}
	}
}

// cuts says what of two rules does not nest, and the two values; "" when all does.
func cuts(a, b *Rule, tickA, tickB tinyconf.Duration) (what, x, y string) {
	for _, s := range lengthsOf(a, tickA) {
		for _, t := range lengthsOf(b, tickB) {
			if _, ok := coarser(s, t); !ok {
				return "the time", s.String(), t.String()
			}
		}
	}
	stepA, stepB := a.Round, b.Round
	if stepA != nil && stepB != nil && !divides(stepA, stepB) && !divides(stepB, stepA) {
		return "the step", stepA.String(), stepB.String()
	}
	edgesA, edgesB := a.edges(), b.edges()
	switch {
	case len(edgesA) > 0 && len(edgesB) > 0:
		if !contained(edgesA, edgesB) && !contained(edgesB, edgesA) {
			return "a set of edges", edgeText(edgesA), edgeText(edgesB)
		}
	case len(edgesA) > 0 && stepB != nil:
		return offStep(edgesA, stepB)
	case len(edgesB) > 0 && stepA != nil:
		what, y, x = offStep(edgesB, stepA)
		return what, x, y
	}
	return "", "", ""
}

// lengthsOf are the times a rule cuts the day by.
func lengthsOf(r *Rule, tick tinyconf.Duration) []tinyconf.Duration {
	if r.Window == 0 {
		return []tinyconf.Duration{tick}
	}
	return []tinyconf.Duration{tick, r.Window}
}

func offStep(edges []tinyconf.Decimal, s *tinyconf.Decimal) (what, x, y string) {
	for i := range edges {
		if !divides(s, &edges[i]) {
			return "the edge", edges[i].String(), "the step " + s.String()
		}
	}
	return "", "", ""
}

func contained(a, b []tinyconf.Decimal) bool {
	return !slices.ContainsFunc(a, func(d tinyconf.Decimal) bool { return !slices.Contains(b, d) })
}

func edgeText(edges []tinyconf.Decimal) string {
	return (&Rule{Action: "edges", Edges: edges}).words()
}

// recipients looks at what each recipient gets from all its purposes together: how much in a day, and what it can join.
func (c *compiler) recipients() {
	if c.in.Policy == nil {
		return
	}
	for i := range c.in.Policy.Recipients {
		r := &c.in.Policy.Recipients[i]
		var mine []*Purpose
		for _, p := range c.plan.purposes {
			if p.Recipient.ID == r.ID {
				mine = append(mine, p)
			}
		}
		if len(mine) == 0 {
			continue
		}
		share := linkability(c.in.Reach, r.ID, mine)
		share.Bits = union(mine, c.in.Sources)
		c.plan.shares = append(c.plan.shares, share)
		c.claim(r, &share, mine)
		c.recipientCeiling(mine)
	}
}

// recipientCeiling refuses, from the first on, the purposes that would take a recipient beyond the charter's ceiling.
func (c *compiler) recipientCeiling(mine []*Purpose) {
	ceiling := c.in.Charter.MaxBitsRecipient
	if ceiling == 0 {
		return
	}
	var within []*Purpose
	for _, p := range mine {
		if p.State == Refused || len(p.Groups) == 0 {
			continue
		}
		bits := union(append(slices.Clip(within), p), c.in.Sources)
		switch {
		case !bits.Known:
			c.bitCeiling(p, 0, ceiling, " to one recipient")
		case bits.Day > ceiling:
			c.find(p, "", true, "with it %s can learn %d bits a day from all its purposes together; the charter allows %d", p.Recipient.Name, bits.Day, ceiling)
		}
		if p.State != Refused {
			within = append(within, p)
		}
	}
}

// union bounds what purposes tell together. Purposes that a recipient can join tell at most what each tells.
func union(purposes []*Purpose, sources []SourceFields) Bits {
	out := Bits{Known: true}
	for _, p := range purposes {
		if p.State == Refused {
			continue
		}
		b := bitsADay(p, sources)
		out.Day, out.Presence, out.Known = out.Day+b.Day, out.Presence+b.Presence, out.Known && b.Known
	}
	return out
}

// Share is what one recipient gets from all its purposes together.
type Share struct {
	Recipient string
	Level     Level  // what it can link
	Why       string // in words: what the level rests on
	Bits      Bits   // of all its purposes that are not refused, answered or not

	whyFR string // Why in French
}

// WhyIn is Why in French for "fr", else in English.
func (s *Share) WhyIn(language string) string {
	if strings.HasPrefix(language, "fr") {
		return s.whyFR
	}
	return s.Why
}

// Shares lists the recipients of the policy that some purpose names.
func (p *Plan) Shares() []Share { return p.shares }

// rowsBetween tells whether two purposes carry the same stamps of the same source, so that their rows can be laid side by
// side whatever names they travel under.
func rowsBetween(a, b *Purpose) (source string, shared bool) {
	const coarse = sensors.Day
	for _, g := range a.Groups {
		for _, h := range b.Groups {
			if g.Source == h.Source && max(g.Window, a.Tick) < coarse && max(h.Window, b.Tick) < coarse {
				return g.Source, true
			}
		}
	}
	return "", false
}
