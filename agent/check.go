package agent

import (
	"fmt"
	"os"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
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
	findings, plan, err := checkPolicy(cfg.Policy.File, cfg.Policy.Charter, a.sourceFields())
	if err != nil {
		return report, err
	}
	refused := 0
	for _, f := range findings {
		report = append(report, f.String())
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
// every field counts as absent. The findings are for the author of the policy.
func CheckPolicy(policyPath, charterPath string, cfg *Config) ([]consent.Finding, *consent.Plan, error) {
	var fields []consent.SourceFields
	if cfg != nil {
		a := &Agent{cfg: cfg, opts: defaults(Options{})}
		if err := a.openSources(true); err != nil {
			return nil, nil, err
		}
		fields = a.sourceFields()
	}
	return checkPolicy(policyPath, charterPath, fields)
}

func checkPolicy(policyPath, charterPath string, fields []consent.SourceFields) ([]consent.Finding, *consent.Plan, error) {
	policy, err := consent.LoadPolicy(os.Open, policyPath)
	if err != nil {
		return nil, nil, err
	}
	var charter consent.Charter
	if charterPath != "" {
		if charter, err = consent.LoadCharter(os.Open, charterPath); err != nil {
			return nil, nil, err
		}
	}
	plan, findings := consent.Compile(consent.Inputs{Charter: charter, Policy: policy, Sources: fields})
	for _, p := range plan.Purposes() {
		if err := uplink.Announceable(p); err != nil && p.State != consent.Refused {
			findings = append(findings, consent.Finding{Purpose: p.ID, Refuses: true, Text: "it can't be announced: " + err.Error()})
		}
	}
	return findings, plan, nil
}
