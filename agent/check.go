package agent

import (
	"fmt"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
	"github.com/candor-edge/candor/tinyconf"
	"github.com/candor-edge/candor/uplink"
	"github.com/candor-edge/candor/uplink/transport"
)

// CheckConfig reads candor.toml and everything it names: sensors are opened and not run, policy and charter compiled,
// routes' files and secrets read. It touches neither state nor network. The report is what is worth knowing, a line
// each; the error is what keeps the agent from running as configured.
func CheckConfig(path string) (report []string, err error) {
	cfg, err := LoadConfig(path)
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, opts: defaults(Options{})}
	if err := a.openSources(true); err != nil {
		return nil, err
	}
	for _, s := range a.sources {
		st := s.status()
		line := fmt.Sprintf("sensor %s (%s): %d fields", st.Name, st.Driver, len(st.Fields))
		for _, f := range st.Faults {
			line += fmt.Sprintf("; %s %s: %s", f.What, f.Where, f.Hint)
		}
		report = append(report, line)
	}
	findings, plan, err := checkPolicy(&cfg.Policy, a.checkInputs())
	if err != nil {
		return report, err
	}
	refused := 0
	for _, f := range findings {
		report = append(report, f.At+": "+f.Text)
		if f.Refuses {
			refused++
		}
	}
	if refused > 0 {
		return report, fmt.Errorf("%s: %d rules or purposes let nothing out, see above", cfg.Policy.File, refused)
	}
	if _, err := control.RolesOf(-1, cfg.Control.Person, cfg.Control.Technician); err != nil {
		return report, fmt.Errorf("%s: control: %w", path, err)
	}
	for _, p := range plan.Purposes() {
		if !a.hasRoute(p.Recipient.ID) {
			report = append(report, fmt.Sprintf("purpose %s: no [[route]] leads to %s; what is granted would be buffered and go nowhere", p.ID, p.Recipient.ID))
		}
	}
	for _, r := range cfg.Routes {
		line, err := transport.Open(r, transport.Env{Secrets: tinyconf.SystemEnv(), Now: a.opts.Clock.Now})
		if err != nil {
			return report, err
		}
		line.Close()
	}
	return report, nil
}

// CheckPolicy reads a policy and a charter ("" for none) and compiles them against the sensors of cfg; with a nil cfg
// every field counts as absent. Where cfg asks for a signature of this very policy or charter, it has to be right. The findings
// are for the author of the policy: what is refused, what is missing or contradicts itself, each with its place.
func CheckPolicy(policyPath, charterPath string, cfg *Config) ([]consent.Finding, *consent.Plan, error) {
	files := PolicyFiles{File: policyPath, Charter: charterPath}
	if cfg == nil {
		return checkPolicy(&files, consent.Inputs{})
	}
	a := &Agent{cfg: cfg, opts: defaults(Options{})}
	if err := a.openSources(true); err != nil {
		return nil, nil, err
	}
	if policyPath == cfg.Policy.File {
		files.Key = cfg.Policy.Key
	}
	if charterPath == cfg.Policy.Charter {
		files.CharterKey = cfg.Policy.CharterKey
	}
	return checkPolicy(&files, a.checkInputs())
}

// checkInputs are the compiler's inputs as far as the configuration gives them: nobody has answered.
func (a *Agent) checkInputs() consent.Inputs {
	return consent.Inputs{Sources: a.sourceFields(), Minor: a.cfg.Home.Minor, Reach: reachOf(a.cfg)}
}

// PolicyCard is a card with where it comes from.
type PolicyCard struct {
	charter.Document
	// ByName says that no configuration told what the sensors are, and that their fields' names did.
	ByName bool `json:"by_name"`
}

// Card says what an object with this policy and charter ("" for none) would disclose, from the files alone. With the sensors of
// cfg it is as exact as policy check; with a nil cfg, or one without sensors, fields are taken for what their names say.
func Card(policyPath, charterPath string, cfg *Config) (PolicyCard, error) {
	policy, ceilings, _, err := readRules(&PolicyFiles{File: policyPath, Charter: charterPath})
	if err != nil {
		return PolicyCard{}, err
	}
	in := consent.Inputs{Policy: policy, Charter: ceilings}
	byName := cfg == nil || len(cfg.Sensors) == 0
	if byName {
		in.Sources = charter.SensedByName(policy)
	} else {
		a := &Agent{cfg: cfg, opts: defaults(Options{})}
		if err := a.openSources(true); err != nil {
			return PolicyCard{}, err
		}
		in.Sources, in.Minor = a.sourceFields(), cfg.Home.Minor
	}
	plan, _ := consent.Compile(in)
	return PolicyCard{charter.Card(&charter.Inputs{Plan: plan, Policy: policy, Ceilings: ceilings, Sources: in.Sources}), byName}, nil
}

func checkPolicy(files *PolicyFiles, in consent.Inputs) ([]consent.Finding, *consent.Plan, error) {
	policy, charter, docs, err := readRules(files)
	if err != nil {
		return nil, nil, err
	}
	in.Policy, in.Charter = policy, charter
	plan, findings := consent.Compile(in)
	for _, p := range plan.Purposes() {
		if err := uplink.Announceable(p); err != nil && p.State != consent.Refused {
			findings = append(findings, consent.Finding{Purpose: p.ID, Refuses: true, Text: "it can't be announced: " + err.Error()})
		}
	}
	places, err := tinyconf.ReadPlaces(files.File, docs[0].data)
	if err != nil {
		return nil, nil, err
	}
	for i := range findings {
		findings[i].At = place(places, keyOf(policy, &findings[i]))
	}
	for _, f := range consent.Facts(policy) {
		findings = append(findings, consent.Finding{Purpose: f.Purpose, Text: f.Text, At: place(places, f.Key)})
	}
	return findings, plan, nil
}

// place writes where a key stands as editors jump to it.
func place(places tinyconf.Places, key string) string {
	f := places.Remark(key, "")
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, key)
}

// keyOf is the key of the policy that a finding is about.
func keyOf(policy *consent.Policy, f *consent.Finding) string {
	for i := range policy.Purposes {
		o := &policy.Purposes[i]
		if o.ID != f.Purpose {
			continue
		}
		for j := range o.Rules {
			if f.Field != "" && o.Rules[j].Field == f.Field {
				return fmt.Sprintf("purpose[%d].rule[%d]", i, j)
			}
		}
		return fmt.Sprintf("purpose[%d]", i)
	}
	return "purpose"
}
