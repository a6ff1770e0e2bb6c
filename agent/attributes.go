package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// attributes is a source of fixed facts of the object. Each is a field like any other, told once to each grant and
// epoch (and again after a restart), never repeated on rows.
type attributes struct {
	name   string
	fields []sensors.Field
	values []sensors.Value
}

// Name implements sensors.Source.
func (s *attributes) Name() string { return s.name }

// Fields implements sensors.Source.
func (s *attributes) Fields() []sensors.Field { return s.fields }

// Ends implements sensors.Ending: facts do not keep `run --once` waiting.
func (s *attributes) Ends() bool { return true }

// Run implements sensors.Source: facts are not emitted by the clock but told by Agent.tellAttributes.
func (s *attributes) Run(context.Context, func(sensors.Reading) error) error { return nil }

// openAttributes groups the [attributes] table by source name and reads the values. They are tokens, and personal
// until a policy says otherwise: a name that is not known counts as identity.
func (a *Agent) openAttributes() ([]*running, error) {
	names := make([]string, 0, len(a.cfg.Attributes))
	for name := range a.cfg.Attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	bySource := map[string]*attributes{}
	var out []*running
	for _, name := range names {
		source, quantity, _ := strings.Cut(name, ".")
		s := bySource[source]
		if s == nil {
			if slices.ContainsFunc(a.sources, func(r *running) bool { return r.source.Name() == source }) {
				return nil, fmt.Errorf("attribute %s: a sensor is called %s already", name, source)
			}
			s = &attributes{name: source}
			bySource[source] = s
			out = append(out, &running{source: s, config: sensors.Config{Driver: "attribute"}, state: "fixed"})
		}
		kind, known := sensors.KindOfColumn(quantity)
		if !known || kind.Type != sensors.Text {
			kind, _ = sensors.KindNamed("identity")
		}
		f := sensors.NewField(source, quantity, kind)
		s.fields = append(s.fields, f)
		s.values = append(s.values, kind.Check(a.readAttribute(name)))
	}
	return out, nil
}

func (a *Agent) readAttribute(name string) sensors.Value {
	text, err := a.cfg.Attributes[name].ReadText(tinyconf.SystemEnv())
	if err != nil {
		a.opts.Log.Warn("an attribute could not be read and is left out", "attribute", name, "error", err)
		return sensors.Value{Quality: sensors.Fault}
	}
	return sensors.Token(strings.TrimRight(text, "\x00\n"))
}

// tellAttributes tells the facts to every grant that has not had them in its present epoch; with only set, to that
// grant alone, so that a yes to one purpose is not seen by another. a.mu is held.
func (a *Agent) tellAttributes(only consent.GrantID) {
	if a.keys.Paused() != 0 {
		return
	}
	now := a.now()
	for _, p := range a.pipe.Plan().Purposes() {
		if p.State != consent.Given || only != 0 && p.Grant.ID != only {
			continue
		}
		epoch := uint64(max(now, 0) / p.Epoch)
		if told, ok := a.told[p.Grant.ID]; ok && told == epoch {
			continue
		}
		a.told[p.Grant.ID] = epoch
		for _, r := range a.sources {
			if s, ok := r.source.(*attributes); ok {
				a.pipe.tell(p.Grant.ID, sensors.Reading{Source: s.name, Time: now, Values: s.values})
			}
		}
	}
}
