package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/store/consent"
)

func newPolicy(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Short:   "see what a policy would let out",
		Example: "  candor policy check policy.toml --charter charter.toml",
	}
	cmd.AddCommand(newPolicyCheck(g), newPolicySimulate(g), newPolicyKeygen(g), newPolicySign(g))
	group(cmd)
	return cmd
}

type policyOptions struct {
	charter string
	json    bool
}

// policyReport is what `policy check --json` prints.
type policyReport struct {
	Purposes []policyPurpose `json:"purposes"`
	Findings []policyFinding `json:"findings"`
	Shares   []policyShare   `json:"recipients"`
}

// policyShare is what one recipient gets from all its purposes together.
type policyShare struct {
	ID          string `json:"id"`
	Linkability string `json:"linkability"`
	Why         string `json:"why"`
	BitsDay     *int64 `json:"bits_a_day"` // null: not known
}

type policyPurpose struct {
	ID           string   `json:"id"`
	State        string   `json:"state"`
	Reason       string   `json:"reason,omitempty"`
	Fields       []string `json:"fields"`
	BitsDay      *int64   `json:"bits_a_day"` // null: not known
	BitsPresence *int64   `json:"bits_a_day_presence"`
}

type policyFinding struct {
	Purpose string `json:"purpose,omitempty"`
	Field   string `json:"field,omitempty"`
	Refuses bool   `json:"refuses"`
	Text    string `json:"text"`
	At      string `json:"at,omitempty"` // file:line:column: key
}

func newPolicyCheck(g *global) *cobra.Command {
	o := &policyOptions{}
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "say what a policy lets out, and what is wrong or missing",
		Long: `Reads a policy, holds it against the charter and the sensors of candor.toml, and
says what each purpose would let out, at most how much it can tell in a day, and
what is missing or refused. Without FILE it takes the policy of candor.toml.

It ends with 1 when a purpose is refused.`,
		Example: `  candor policy check --config candor.toml
  candor policy check policy.toml --charter charter.toml`,
		Args: takes("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := ""
			if len(args) == 1 {
				file = args[0]
			}
			return policyCheck(g, o, file, cmd.Flags().Changed("config"))
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.charter, "charter", "", "the charter's `FILE` (default that of candor.toml)")
	jsonFlag(cmd, &o.json)
	return cmd
}

// policyCheck checks file, or the policy of the configuration. With a file a configuration need not be there, unless it was
// asked for.
func policyCheck(g *global, o *policyOptions, file string, asked bool) error {
	cfg, err := g.load()
	if err != nil {
		if file == "" || asked || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		cfg = nil
	}
	charter := o.charter
	if cfg != nil {
		if file == "" {
			file = cfg.Policy.File
		}
		if charter == "" {
			charter = cfg.Policy.Charter
		}
	}
	findings, plan, err := agent.CheckPolicy(file, charter, cfg)
	if err != nil {
		return err
	}
	if o.json {
		if err := printJSON(g.out, reportOf(findings, plan)); err != nil {
			return err
		}
	} else {
		printPolicy(g.out, findings, plan)
	}
	for _, f := range findings {
		if f.Refuses {
			return failf("change the policy, or the charter it exceeds, then: candor policy check", "%s: a purpose is refused; the findings above say why", file)
		}
	}
	return nil
}

func reportOf(findings []consent.Finding, plan *consent.Plan) policyReport {
	r := policyReport{Purposes: []policyPurpose{}, Findings: []policyFinding{}, Shares: []policyShare{}}
	for _, p := range plan.Purposes() {
		entry := policyPurpose{ID: p.ID, State: string(p.State), Reason: p.Reason, Fields: p.FieldsInWords()}
		if entry.Fields == nil {
			entry.Fields = []string{}
		}
		if p.Bits.Known {
			entry.BitsDay, entry.BitsPresence = &p.Bits.Day, &p.Bits.Presence
		}
		r.Purposes = append(r.Purposes, entry)
	}
	for _, x := range plan.Shares() {
		share := policyShare{ID: x.Recipient, Linkability: string(x.Level), Why: x.Why}
		if x.Bits.Known {
			share.BitsDay = &x.Bits.Day
		}
		r.Shares = append(r.Shares, share)
	}
	for _, f := range findings {
		r.Findings = append(r.Findings, policyFinding(f))
	}
	return r
}

func printPolicy(w io.Writer, findings []consent.Finding, plan *consent.Plan) {
	for _, p := range plan.Purposes() {
		paragraph(w, "", p.ID+" - "+p.TitleIn("en"))
		if p.State == consent.Refused {
			paragraph(w, "  refused: ", p.Reason)
		}
		fields := p.FieldsInWords()
		for _, f := range fields {
			paragraph(w, "  ", f)
		}
		if len(fields) == 0 {
			paragraph(w, "  ", "nothing of it can be sensed here")
		}
		if p.Bits.Known {
			paragraph(w, "  ", fmt.Sprintf("at most %d bits a day, %d of them about who is at home", p.Bits.Day, p.Bits.Presence))
		} else {
			paragraph(w, "  ", "how much it can tell in a day is not bounded: give the purpose a room, or the sensor an interval")
		}
	}
	for _, x := range plan.Shares() {
		bits := "how much all its purposes tell in a day is not bounded"
		if x.Bits.Known {
			bits = fmt.Sprintf("at most %d bits a day from all its purposes together", x.Bits.Day)
		}
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", fmt.Sprintf("recipient %s: %s; %s: %s", x.Recipient, bits, x.Level, x.Why))
	}
	if len(findings) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	for _, f := range findings {
		lead := "warning: "
		if f.Refuses {
			lead = "refused: "
		}
		paragraph(w, lead, f.String())
		if f.At != "" {
			_, _ = fmt.Fprintln(w, "  "+clean(f.At)) // whole, so that editors can jump to it
		}
	}
}
