package consent

import (
	"github.com/candor-edge/candor/sensors"
)

// Level is what a recipient can link. A higher one links less. It is about what is sent: values that are fine enough
// are a fingerprint of their own, and the address a batch comes from is seen at every level.
type Level string

// The levels, from privacy-requirements §2.6.
const (
	L0 Level = "L0" // it knows which object, or whose
	L1 Level = "L1" // all batches of a purpose, over the epochs
	L2 Level = "L2" // batches of one purpose inside one epoch
)

// Reach is how a recipient is reached, as far as it tells who is calling.
type Reach struct {
	Certificate bool // a client certificate, which names this object
	Credential  bool // a token; nobody can tell from here whether a fleet shares it or it is this object's own
	Fleet       bool // the token was declared to be shared by a fleet
}

// named tells whether the way itself tells which object is calling.
func (r Reach) named() bool { return r.Certificate || r.Credential && !r.Fleet }

// linkability works out what a recipient can link, and says why.
//
// Streams have a random name and key for each grant and epoch, so by itself what is sent is L2. A certificate or a
// credential of the object's own is the same in every epoch: L0. A fact that names the object (a field of class identity
// that leaves readable, or contact) makes it L0 as well. Two purposes whose rows can be laid side by side by their time,
// one of which goes over an epoch's end while the other doesn't, link the first one's epochs: L1.
func linkability(reach map[string]Reach, recipient string, purposes []*Purpose) Share {
	at := func(level Level, format string, args ...any) Share {
		s := Share{Recipient: recipient, Level: level}
		s.Why, s.whyFR = tell(format, args...)
		return s
	}
	r, known := reach[recipient]
	switch {
	case r.Certificate:
		return at(L0, "the client certificate is the same in every batch and names this object")
	case r.Credential && !r.Fleet:
		return at(L0, "the route's credential is the same in every batch; nothing says that other objects share it")
	}
	for _, p := range purposes {
		for _, g := range p.Groups {
			for i := range g.Fields {
				f := &g.Fields[i]
				if f.Type != FormPseudonym && f.rule.Action != "count" && (f.Class == sensors.Identity || f.Class == sensors.Contact) {
					return at(L0, "%s of the purpose %s leaves readable and names somebody", f.Field, p.ID)
				}
			}
		}
	}
	for i, p := range purposes {
		for _, q := range purposes[i+1:] {
			if source, shared := rowsBetween(p, q); shared && p.Epoch != q.Epoch {
				return at(L1, "the purposes %s and %s carry the same stamps of %s and change their names at different times, so each joins the epochs of the other", p.ID, q.ID, source)
			}
		}
	}
	if !known && reach != nil {
		return at(L2, "no route leads there")
	}
	return at(L2, "name and key of a stream are random and new in each epoch, and what carries it names nobody")
}

// claim refuses the purposes of a recipient for which the policy claims more than is true: a level that the transport or
// a readable fact contradicts, or purposes that share stamps and are claimed not to be joined (PRV-27).
func (c *compiler) claim(r *Recipient, share *Share, purposes []*Purpose) {
	if r.Linkability == "" {
		return
	}
	if Level(r.Linkability) > share.Level {
		for _, p := range purposes {
			c.find(p, "", true, "the policy claims %s for %s, and it is %s: %s", r.Linkability, r.Name, string(share.Level), share.Why)
		}
		return
	}
	if Level(r.Linkability) != L2 {
		return
	}
	for i, p := range purposes {
		for _, q := range purposes[:i] {
			if source, shared := rowsBetween(p, q); shared && q.State != Refused {
				c.find(p, "", true, "the policy claims L2 for %s, and its purposes %s and %s carry the same stamps of %s finer than a day: laid side by side they are one", r.Name, q.ID, p.ID, source)
			}
		}
	}
}
