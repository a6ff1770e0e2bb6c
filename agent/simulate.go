package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/simulated"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// Simulation is what a policy would let out of recordings if every purpose were granted.
type Simulation struct {
	Policy   string              `json:"policy"`
	Sources  []SimulatedSource   `json:"sources"`
	Days     int64               `json:"days"` // that the recordings touch
	Purposes []SimulatedPurpose  `json:"purposes"`
	Shares   []SimulatedShare    `json:"recipients"`
	Withheld []consent.Withheld  `json:"withheld"`
	Findings []string            `json:"findings,omitempty"`
	Against  *Simulation         `json:"against,omitempty"` // the same recordings under another policy
	Changes  map[string][]Change `json:"changes,omitempty"` // by purpose: what a yes to Policy becomes under Against
}

// Change is one difference between two policies for one purpose, in English.
type Change struct {
	Label  string         `json:"label"`
	Effect consent.Effect `json:"effect"`
	Old    string         `json:"old"`
	New    string         `json:"new"`
}

// SimulatedSource is a recording as the policy saw it.
type SimulatedSource struct {
	Name     string   `json:"name"`
	File     string   `json:"file"`
	Readings uint64   `json:"readings"`
	Every    string   `json:"every"` // between two readings, on average
	Fields   []string `json:"fields"`

	source sensors.Source
	fields consent.SourceFields
	from   sensors.Micros
	to     sensors.Micros
}

// SimulatedShare is what one recipient would get from all its purposes together.
type SimulatedShare struct {
	Recipient string `json:"recipient"`
	Level     string `json:"linkability"`
	Why       string `json:"why"`
	BitsDay   *int64 `json:"bits_a_day"` // null: nothing bounds it
}

// Simulate plays recordings through a policy and a charter ("" for none) as if every purpose were granted from the
// beginning. It needs no daemon and no state, and keeps nothing. Each of data is a file, or NAME=FILE to say what source the
// policy knows it as; else the source is the one of the policy that has the most of its quantities, or the file's own name.
func Simulate(ctx context.Context, policyPath, charterPath string, data []string) (*Simulation, error) {
	policy, charter, err := loadPair(policyPath, charterPath)
	if err != nil {
		return nil, err
	}
	sources, err := openRecordings(ctx, policy, data)
	if err != nil {
		return nil, err
	}
	return simulate(ctx, policyPath, policy, charter, sources)
}

// SimulateAgainst is [Simulate] for two policies, the second as an update of the first.
func SimulateAgainst(ctx context.Context, policyPath, againstPath, charterPath string, data []string) (*Simulation, error) {
	policy, charter, err := loadPair(policyPath, charterPath)
	if err != nil {
		return nil, err
	}
	other, _, err := loadPair(againstPath, "")
	if err != nil {
		return nil, err
	}
	sources, err := openRecordings(ctx, policy, data)
	if err != nil {
		return nil, err
	}
	out, err := simulate(ctx, policyPath, policy, charter, sources)
	if err != nil {
		return nil, err
	}
	if out.Against, err = simulate(ctx, againstPath, other, charter, sources); err != nil {
		return nil, err
	}
	out.Changes = map[string][]Change{}
	fields := fieldsOf(sources)
	updated, _ := consent.Compile(consent.Inputs{Charter: charter, Policy: other, Sources: fields, Answers: yesToAll(policy, charter, fields)})
	for _, p := range updated.Purposes() {
		for i := range p.Changes {
			c := &p.Changes[i]
			out.Changes[p.ID] = append(out.Changes[p.ID], Change{Label: c.Label("en"), Effect: c.Effect, Old: c.In(c.Old, "en"), New: c.In(c.New, "en")})
		}
	}
	return out, nil
}

func loadPair(policyPath, charterPath string) (*consent.Policy, consent.Charter, error) {
	policy, charter, _, err := readRules(&PolicyFiles{File: policyPath, Charter: charterPath})
	return policy, charter, err
}

// yesToAll answers every purpose of a policy that is not refused with yes, for ever.
func yesToAll(policy *consent.Policy, charter consent.Charter, fields []consent.SourceFields) []consent.Answer {
	plan, _ := consent.Compile(consent.Inputs{Charter: charter, Policy: policy, Sources: fields})
	var out []consent.Answer
	for i, p := range plan.Purposes() {
		if p.State != consent.Refused {
			out = append(out, consent.Answer{State: consent.Given, Access: p.Access, Basis: p.Basis,
				Grant: consent.Grant{ID: consent.GrantID(i + 1), Purpose: p.ID, Extent: p.Extent, Terms: p.Terms()}})
		}
	}
	return out
}

func fieldsOf(sources []*SimulatedSource) []consent.SourceFields {
	out := make([]consent.SourceFields, len(sources))
	for i, s := range sources {
		out[i] = s.fields
	}
	return out
}

// openRecordings opens each file and goes through it once, to learn how often its readings come.
func openRecordings(ctx context.Context, policy *consent.Policy, data []string) ([]*SimulatedSource, error) {
	var out []*SimulatedSource
	for _, d := range data {
		name, file, named := strings.Cut(d, "=")
		if !named {
			name, file = "", d
		}
		s, err := openRecording(policy, name, file)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o *SimulatedSource) bool { return o.Name == s.Name }) {
			return nil, fmt.Errorf("two recordings are of the source %q; say which is which: NAME=%s", s.Name, file)
		}
		if err := s.look(ctx); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func openRecording(policy *consent.Policy, name, file string) (*SimulatedSource, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	d, err := sensors.DriverNamed(simulated.Drivers(), "replay")
	if err != nil {
		return nil, err
	}
	open := func(name string) (sensors.Source, error) {
		// What a column is called says what it is; one that says nothing is a plain number, so that it can be looked at.
		c := sensors.Config{Name: name, Driver: "replay", File: path, Pace: "max", Columns: map[string]string{"*": "number"}}
		return d.Open(c, sensors.HostEnv(sensors.SystemClock{}, filepath.Dir(path)))
	}
	first := name
	if first == "" {
		first = "data"
	}
	source, err := open(first)
	if err != nil {
		return nil, err
	}
	if name == "" {
		if name = sourceInPolicy(policy, source.Fields()); name == "" {
			name = fileName(path)
		}
		if source, err = open(name); err != nil {
			return nil, err
		}
	}
	s := &SimulatedSource{Name: name, File: file, source: source, fields: consent.SourceFields{Name: name, Fields: source.Fields()}}
	for _, f := range source.Fields() {
		s.Fields = append(s.Fields, f.Name)
	}
	return s, nil
}

// sourceInPolicy is the source of which a policy names the most of these quantities; "" when it names none.
func sourceInPolicy(policy *consent.Policy, fields []sensors.Field) string {
	has := map[string]bool{}
	for _, f := range fields {
		has[f.Quantity()] = true
	}
	seen, found := map[string]bool{}, map[string]int{}
	var order []string
	for _, o := range policy.Purposes {
		for _, r := range o.Rules {
			source, quantity, _ := strings.Cut(r.Field, ".")
			if seen[r.Field] || !has[quantity] {
				continue
			}
			seen[r.Field] = true
			if found[source] == 0 {
				order = append(order, source)
			}
			found[source]++
		}
	}
	if len(order) == 0 {
		return ""
	}
	return slices.MaxFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(found[a], found[b]), cmp.Compare(slices.Index(order, b), slices.Index(order, a)))
	})
}

// fileName makes a source's name of a file's.
func fileName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	if name == "" {
		return "data"
	}
	return name[:min(len(name), sensors.MaxSourceName)]
}

// look counts the readings and their pace.
func (s *SimulatedSource) look(ctx context.Context) error {
	first := true
	err := s.source.Run(ctx, func(r sensors.Reading) error {
		if first || r.Time < s.from {
			s.from = r.Time
		}
		if first || r.Time > s.to {
			s.to = r.Time
		}
		first = false
		s.Readings++
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	if s.Readings == 0 {
		return fmt.Errorf("%s: %w", s.File, errors.New("there is no reading in it"))
	}
	if s.Readings > 1 {
		s.fields.Every = (s.to - s.from) / sensors.Micros(s.Readings-1)
	}
	s.Every = tinyconf.Duration(int64(s.fields.Every) * 1000).String()
	return nil
}
