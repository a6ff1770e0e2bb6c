package charter

import (
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
)

// Card is what an object with this policy would disclose, short enough for a label on its box: the claims of [Render] that rest on
// the policy alone and that somebody asks before buying. What is known of one object only is not in it.
func Card(in *Inputs) Document {
	alone := *in
	alone.State = State{}
	d := Render(&alone)
	fragments, refused := d.Fragments, d.Refused
	d.Fragments, d.Refused = []Fragment{}, []Refusal{}
	for i := range fragments {
		if onTheCard(fragments[i].ID) {
			d.Fragments = append(d.Fragments, fragments[i])
		}
	}
	for i := range refused {
		if onTheCard(refused[i].ID) {
			d.Refused = append(d.Refused, refused[i])
		}
	}
	return d
}

func onTheCard(id string) bool { return slices.Contains(strings.Fields(onCard), id) }

const onCard = `what.field what.nothing when.upload long.kept who.recipient who.onward who.nobody where.stored where.unsaid much.bits much.presence
much.unknown name.lasting name.known access.service why.tags guess.presence.fine guess.presence.coarse guess.implied guess.location guess.identity.pseudonym
guess.identity.readable guess.contact guess.health never.charter never.readable never.default much.recipient law.complain`

// SensedByName makes up the sensors that a policy speaks of from the names of its fields, for when no configuration says what
// they are: hall.temperature is taken for a temperature. A name that says nothing is a number, or a text where the rule needs one. How
// often they are read is not known.
func SensedByName(p *consent.Policy) []consent.SourceFields {
	var out []consent.SourceFields
	seen := map[string]bool{}
	for i := range p.Purposes {
		for j := range p.Purposes[i].Rules {
			r := &p.Purposes[i].Rules[j]
			dot := strings.LastIndexByte(r.Field, '.')
			if dot < 0 || seen[r.Field] || r.Action == "drop" || r.Action == "local" {
				continue
			}
			seen[r.Field] = true
			source, quantity := r.Field[:dot], r.Field[dot+1:]
			at := 0
			for at < len(out) && out[at].Name != source {
				at++
			}
			if at == len(out) {
				out = append(out, consent.SourceFields{Name: source})
			}
			out[at].Fields = append(out[at].Fields, sensors.NewField(source, quantity, kindFor(r, quantity)))
		}
	}
	return out
}

// kindFor is the kind that a field's quantity is called after, where the rule could be applied to it.
func kindFor(r *consent.Rule, quantity string) sensors.Kind {
	kind, known := sensors.KindOfColumn(quantity)
	if source, ok := sensors.KindOfColumn(r.Field[:strings.LastIndexByte(r.Field, '.')]); ok && kind.Class == sensors.Identity && source.Class == sensors.Identity {
		kind = source // badge.id is a badge
	}
	text, otherwise := r.Action == "pseudonym" || len(r.Labels) > 0, "number"
	switch {
	case r.Action == "count" && known:
		return kind
	case r.Action == "pseudonym":
		otherwise = "identity"
	case text:
		otherwise = "label"
	}
	if !known || (kind.Type == sensors.Text) != text {
		kind, _ = sensors.KindNamed(otherwise)
	}
	return kind
}
