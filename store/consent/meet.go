package consent

import (
	"slices"
	"sort"
	"strconv"

	"github.com/candor-edge/candor/tinyconf"
)

// meeting is what becomes of an agreement under a later offer: meet(agreed, offered), and how they differ.
type meeting struct {
	terms   *Terms   // what goes on; it tells no more than either
	changes []Change // in the order a person would read them
	asks    bool     // some change needs a new answer
	stopped string   // why nothing goes on, in words; "" when something does
	french  string   // the same in French
}

// meet works out what of an agreement goes on under an offer. What the offer narrows is narrower at once; what it widens
// stays as agreed; what is neither does not leave, since nobody has said yes to it.
func meet(agreed, offered *Terms) *meeting {
	out := *offered
	out.Offer.Rules = nil
	m := &meeting{terms: &out}
	m.parties(agreed, offered)
	m.lengths(agreed, offered)
	m.rules(agreed, offered)
	m.texts(agreed, offered)
	m.ceilings(&agreed.Ceilings, &offered.Ceilings)
	return m
}

// change notes one.
//
//go:noinline
func (m *meeting) change(c Change) {
	m.changes = append(m.changes, c)
	m.asks = m.asks || c.Effect == Widens || c.Effect == Differs
}

// stop notes a change of what the answer hangs on: under another controller, recipient or ground nothing of it goes on.
func (m *meeting) stop(key, old, now string) {
	if old == now {
		return
	}
	m.change(Change{Key: key, Effect: Differs, Old: plain(old), New: plain(now)})
	m.halt("the yes was given to another %s than the policy names now; nothing leaves until it is answered again", keyWords(key, "en"))
}

// halt says why nothing goes on; the first reason counts.
func (m *meeting) halt(format string, args ...any) {
	if m.stopped == "" {
		m.stopped, m.french = tell(format, args...)
	}
}

func (m *meeting) parties(a, b *Terms) {
	m.stop("controller", named(a.Controller.Name, a.Controller.Country), named(b.Controller.Name, b.Controller.Country))
	m.stop("recipient", recipientWords(&a.Recipient), recipientWords(&b.Recipient))
	m.stop("dpv", a.Offer.DPV, b.Offer.DPV)
	m.stop("access", a.Offer.Access, b.Offer.Access)
	m.stop("service", a.Offer.Service, b.Offer.Service)
	m.stop("basis", a.Offer.Basis, b.Offer.Basis)
	m.reach(a, b)
	m.terms.Recipient.StoredIn = m.list("stored_in", a.Recipient.StoredIn, b.Recipient.StoredIn)
	if len(a.Recipient.StoredIn) > 0 && len(m.terms.Recipient.StoredIn) == 0 {
		m.halt("the yes was given to storing it in other countries than the policy names now; nothing leaves until it is answered again")
	}
	m.terms.Recipient.Onward = m.list("onward", a.Recipient.Onward, b.Recipient.Onward)
	if was, now := a.Recipient.Safeguard, b.Recipient.Safeguard; was != now {
		effect := Narrows
		if was != "" { // what was promised is not there any more
			m.terms.Recipient.Safeguard, effect = was, Widens
		}
		m.change(Change{Key: "safeguard", Effect: effect, Old: plain(was), New: plain(now)})
	}
	m.terms.Offer.Tags = m.list("tags", a.Offer.Tags, b.Offer.Tags)
}

// reach stops what was agreed to when the way named nobody, and goes by one that names this object now.
func (m *meeting) reach(a, b *Terms) {
	if a.Sensed == nil || a.Named || !b.Named {
		return
	}
	m.change(Change{Key: "linkability", Effect: Differs, Old: map[string]string{"en": "not by the connection", "fr": "pas par la connexion"},
		New: map[string]string{"en": "the connection names this object", "fr": "la connexion nomme cet objet"}})
	m.halt("the yes was given when the connection to the recipient did not name this object, and now it does; nothing leaves until it is answered again")
}

// list is what both lists have. What is added widens.
func (m *meeting) list(key string, a, b []string) []string {
	if slices.Equal(a, b) {
		return b
	}
	both := slices.DeleteFunc(slices.Clone(b), func(x string) bool { return !slices.Contains(a, x) })
	effect := Narrows
	switch {
	case len(both) < len(b):
		effect = Widens
	case len(both) == len(a):
		effect = Reworded // in another order
	}
	if key == "stored_in" && len(a) == 0 && len(b) > 0 {
		both, effect = b, Narrows // nothing was promised, now something is
	} else if key == "stored_in" && len(b) == 0 {
		both, effect = a, Widens // the promise was taken out
	}
	m.change(Change{Key: key, Effect: effect, Old: listWords(a), New: listWords(b)})
	return both
}

// lengths meets everything that is a length of time, and the room.
func (m *meeting) lengths(a, b *Terms) {
	x, y, o := &a.Offer, &b.Offer, &m.terms.Offer
	o.Retention = m.length("retention", x.Retention, y.Retention, min(x.Retention, y.Retention))
	o.Time = m.nested("time", x.Time, y.Time)
	o.Upload = max(m.length("upload", x.Upload, y.Upload, max(x.Upload, y.Upload)), o.Time)
	o.Epoch = m.epoch(x.Epoch, y.Epoch)
	o.Expires = m.length("expires", x.Expires, y.Expires, min(x.Expires, y.Expires))
	if x.covered() != y.covered() && x.Room != nil && y.Room != nil {
		effect := Narrows
		if x.covered() { // how many uploads there are would tell something now
			o.Cover, effect = nil, Widens
		}
		m.change(Change{Key: "cover", Effect: effect, Old: yesNo(x.covered()), New: yesNo(y.covered())})
	}
	switch {
	case x.Room == nil && y.Room != nil:
		m.change(Change{Key: "room", Effect: Narrows, Old: plain(""), New: roomWords(y.Room)})
	case x.Room != nil && y.Room == nil:
		o.Room, o.Cover = x.Room, x.Cover
		m.change(Change{Key: "room", Effect: Widens, Old: roomWords(x.Room), New: plain("")})
	case x.Room != nil && *x.Room != *y.Room: // one constant size is as good as another
		m.change(Change{Key: "room", Effect: Reworded, Old: roomWords(x.Room), New: roomWords(y.Room)})
	}
}

// length notes how a length changed; kept is what tells less.
func (m *meeting) length(key string, old, now, kept tinyconf.Duration) tinyconf.Duration {
	if old == now {
		return now
	}
	effect := Widens
	if kept == now {
		effect = Narrows
	}
	m.change(Change{Key: key, Effect: effect, Old: spanWords(old), New: spanWords(now)})
	return kept
}

// nested is the coarser time of two that nest.
func (m *meeting) nested(key string, old, now tinyconf.Duration) tinyconf.Duration {
	kept, ok := coarser(old, now)
	if !ok {
		m.notNested(key, old, now)
		return now
	}
	return m.length(key, old, now, kept)
}

// epoch is the shorter of two epochs that nest: names that change more often tell less.
func (m *meeting) epoch(old, now tinyconf.Duration) tinyconf.Duration {
	if _, ok := coarser(old, now); !ok {
		m.notNested("epoch", old, now)
		return now
	}
	return m.length("epoch", old, now, min(old, now))
}

func (m *meeting) notNested(key string, old, now tinyconf.Duration) {
	m.change(Change{Key: key, Effect: Differs, Old: spanWords(old), New: spanWords(now)})
	m.halt("the yes was given to %s %s, and %s does not nest with it; nothing leaves until it is answered again", keyWords(key, "en"), old.String(), now.String())
}

// rules meets field by field.
func (m *meeting) rules(a, b *Terms) {
	byField := func(t *Terms, field string) *Rule {
		for i := range t.Offer.Rules {
			if t.Offer.Rules[i].Field == field {
				return &t.Offer.Rules[i]
			}
		}
		return &Rule{Field: field, Action: "drop"}
	}
	for i := range a.Offer.Rules {
		old := &a.Offer.Rules[i]
		now := byField(b, old.Field)
		same := old.same(now)
		switch {
		case old.quiet() && now.quiet():
			m.keep(now, b)
		case old.quiet():
			m.rule(Widens, old, now)
		case !now.quiet() && m.another(a.Sensed, b.Sensed, old, now):
		case same:
			m.keep(now, b)
		case now.tellsNoMore(old, a.Offer.Time):
			m.keep(now, b)
			m.rule(Narrows, old, now)
		case old.tellsNoMore(now, b.Offer.Time):
			m.terms.Offer.Rules = append(m.terms.Offer.Rules, *old)
			m.rule(Widens, old, now)
		default:
			m.rule(Differs, old, now)
		}
	}
	for i := range b.Offer.Rules {
		now := &b.Offer.Rules[i]
		if old := byField(a, now.Field); !slices.ContainsFunc(a.Offer.Rules, func(r Rule) bool { return r.Field == now.Field }) {
			if now.quiet() {
				m.keep(now, b)
			} else {
				m.rule(Widens, old, now)
			}
		}
	}
	rules := m.terms.Offer.Rules
	sort.Slice(rules, func(i, j int) bool { return rules[i].Field < rules[j].Field })
}

// another tells whether a field is not what the yes was given to, and leaves it unanswered then: it has another kind or
// class, or no sensor had it and now one has, or single readings of it would come more often. A field that no sensor has
// now lets nothing out anyway.
func (m *meeting) another(agreed, offered map[string]Sensed, old, now *Rule) bool {
	was, is := agreed[old.Field], offered[old.Field]
	oftener := old.Window == 0 && now.Window == 0 && was.Every > 0 && is.Every < was.Every
	if agreed == nil || is.What == "" || was.What == is.What && !oftener {
		return false
	}
	m.terms.Offer.Rules = append(m.terms.Offer.Rules, Rule{Field: old.Field, Action: unanswered})
	m.change(Change{Key: "sensed", Field: old.Field, Effect: Differs, Old: was.words(), New: is.words()})
	return true
}

// words say what a field is, and how often it is read.
func (s *Sensed) words() map[string]string {
	if s.Every == 0 {
		return plain(s.What)
	}
	return map[string]string{"en": s.What + ", every " + Span(s.Every, "en"), "fr": s.What + ", toutes les " + Span(s.Every, "fr")}
}

// keep takes a rule of the offer over, if the offer has it at all.
func (m *meeting) keep(r *Rule, offered *Terms) {
	if slices.ContainsFunc(offered.Offer.Rules, func(x Rule) bool { return x.Field == r.Field }) {
		m.terms.Offer.Rules = append(m.terms.Offer.Rules, *r)
	}
}

func (m *meeting) rule(effect Effect, old, now *Rule) {
	if effect == Differs || effect == Widens && old.quiet() {
		m.terms.Offer.Rules = append(m.terms.Offer.Rules, Rule{Field: now.Field, Action: unanswered})
	}
	m.change(Change{Key: "rule", Field: old.Field, Effect: effect, Old: ruleWords(old), New: ruleWords(now)})
}

// same tells whether two rules are the same in every parameter.
func (r *Rule) same(b *Rule) bool {
	return r.Action == b.Action && r.words() == b.words() && slices.Equal(r.Labels, b.Labels) && r.Least == b.Least && r.Coverage == b.Coverage
}

// texts notes a rewording: it is shown and changes nothing of what leaves.
func (m *meeting) texts(a, b *Terms) {
	for _, t := range []struct {
		key      string
		old, now map[string]string
	}{{"title", a.Offer.Title, b.Offer.Title}, {"why", a.Offer.Why, b.Offer.Why}, {"benefit", a.Offer.Benefit, b.Offer.Benefit},
		{"otherwise", a.Offer.Otherwise, b.Offer.Otherwise}, {"interest", a.Offer.Interest, b.Offer.Interest}, {"logic", a.Offer.Logic, b.Offer.Logic}} {
		if !sameTexts(t.old, t.now) {
			m.change(Change{Key: t.key, Effect: Reworded, Old: t.old, New: t.now})
		}
	}
}

// ceilings notes what the maker asks to change in its charter. A lower ceiling binds at once, a higher one only what is
// answered anew: both sets are held against what goes on.
func (m *meeting) ceilings(a, b *Charter) {
	m.never("charter.never", a.Never, b.Never)
	m.never("charter.never_readable", a.NeverReadable, b.NeverReadable)
	m.ceiling("charter.max_retention", int64(a.MaxRetention), int64(b.MaxRetention), func(n int64) map[string]string { return spanWords(tinyconf.Duration(n)) })
	bits := func(n int64) map[string]string { return plain(strconv.FormatInt(n, 10)) }
	m.ceiling("charter.max_bits_per_day", a.MaxBits, b.MaxBits, bits)
	m.ceiling("charter.max_bits_per_day_presence", a.MaxBitsPresent, b.MaxBitsPresent, bits)
	m.ceiling("charter.max_bits_per_day_recipient", a.MaxBitsRecipient, b.MaxBitsRecipient, bits)
}

func (m *meeting) never(key string, old, now []string) {
	if slices.Equal(old, now) {
		return
	}
	effect := Narrows
	if slices.ContainsFunc(old, func(w string) bool { return !slices.Contains(now, w) }) {
		effect = Widens
	}
	m.change(Change{Key: key, Effect: effect, Old: listWords(old), New: listWords(now)})
}

// ceiling compares two ceilings of which 0 is none.
func (m *meeting) ceiling(key string, old, now int64, words func(int64) map[string]string) {
	if old == now {
		return
	}
	effect := Narrows
	if now == 0 || old != 0 && now > old {
		effect = Widens
	}
	m.change(Change{Key: key, Effect: effect, Old: words(old), New: words(now)})
}
