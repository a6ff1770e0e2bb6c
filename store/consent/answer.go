package consent

// newest is the newest answer to a purpose.
func (c *compiler) newest(purpose string) (newest Answer, ok bool) {
	for _, a := range c.in.Answers {
		if a.Purpose == purpose && a.State != Remembered {
			newest, ok = a, true
		}
	}
	return newest, ok
}

// answer decides what the person's newest answer means for an offer, and returns the purpose as it stands.
func (c *compiler) answer(p *Purpose, offered *Terms) *Purpose {
	a, answered := c.newest(p.ID)
	if !answered || c.unasked[p] {
		return p
	}
	until := a.Until
	if until != 0 {
		until = min(until, a.From+p.Expires) // a shorter life of a yes holds at once
	}
	switch {
	case a.State != Given:
		stands(p, a.State, "", "")
	case until != 0 && c.in.Now >= until:
		stands(p, Expired, "", "")
	case len(a.Terms) > 0:
		a.Until = until
		return c.goOn(p, offered, a)
	case a.Extent != p.Extent:
		en, fr := tell("the yes was given to something else than the policy says now; nothing leaves until it is answered again")
		stands(p, Changed, en, fr)
	case p.State != Refused:
		p.State, p.Grant = Given, a.Grant
	}
	return p
}

// stands puts a purpose where an answer left it, unless it is refused anyway.
func stands(p *Purpose, state State, reason, french string) {
	if p.State != Refused {
		p.State, p.Reason, p.reasonFR = state, reason, french
	}
}

// goOn makes the purpose that goes on under a yes given to earlier terms: no more than was agreed to, and no more than is
// offered now.
func (c *compiler) goOn(p *Purpose, offered *Terms, a Answer) *Purpose {
	agreed, err := ParseTerms(a.Terms)
	if err != nil {
		en, fr := tell("what the yes was given to can't be read any more (%v); nothing leaves until it is answered again", err)
		stands(p, Changed, en, fr)
		return p
	}
	m := meet(agreed, offered)
	p.Changes = m.changes
	if m.stopped != "" {
		stands(p, Changed, m.stopped, m.french)
		return p
	}
	told := len(c.findings)
	on := c.open(m.terms, &c.in.Charter, &agreed.Ceilings)
	c.underAge(on)
	c.nesting(on)
	if on.Extent == p.Extent {
		c.findings = c.findings[:told] // they were said of the offer already
	}
	on.Changes, on.terms = m.changes, p.terms
	if m.asks {
		on.Offered = p
	}
	if on.State != Refused {
		on.State, on.Grant = Given, a.Grant
	}
	return on
}
