package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent"
	"github.com/candor-edge/candor/store/consent"
)

type simulateOptions struct {
	policy, charter, against string
	json                     bool
}

func newPolicySimulate(g *global) *cobra.Command {
	o := &simulateOptions{}
	cmd := &cobra.Command{
		Use:   "simulate DATA.csv…",
		Short: "say what a policy would let out of recordings",
		Long: `Plays recordings (CSV, plain or gzip, wide or long) through a policy as if every
purpose were granted, and says for each purpose what would leave: fields and
their forms, rows, bytes as really encoded, at most how many bits a day, and the
room that would hold its uploads. With --against it does the same for another
policy and says what a yes to the first becomes under the second.

A recording is the source of the policy that has the most of its quantities;
NAME=FILE says it instead. It needs no daemon, reads no state and keeps nothing.`,
		Example: `  candor policy simulate room.csv.gz --policy policy.toml
  candor policy simulate hall=room.csv door.csv --policy p.toml --charter c.toml
  candor policy simulate room.csv --policy policy.toml --against next.toml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(cmd, "%s needs at least one DATA.csv", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return policySimulate(cmd, g, o, args) },
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.policy, "policy", "", "the policy's `FILE` (default that of candor.toml)")
	cmd.Flags().StringVar(&o.charter, "charter", "", "the charter's `FILE` (default that of candor.toml, when the policy is)")
	cmd.Flags().StringVar(&o.against, "against", "", "`FILE` of a policy that would replace it")
	jsonFlag(cmd, &o.json)
	return cmd
}

func policySimulate(cmd *cobra.Command, g *global, o *simulateOptions, data []string) error {
	policy, charter := o.policy, o.charter
	if policy == "" {
		cfg, err := g.load()
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && !cmd.Flags().Changed("config") {
				return usagef(cmd, "--policy says which policy; there is no candor.toml that names one")
			}
			return err
		}
		policy = cfg.Policy.File
		if charter == "" {
			charter = cfg.Policy.Charter
		}
	}
	var s *agent.Simulation
	var err error
	if o.against == "" {
		s, err = agent.Simulate(cmd.Context(), policy, charter, data)
	} else {
		s, err = agent.SimulateAgainst(cmd.Context(), policy, o.against, charter, data)
	}
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, s)
	}
	printSimulation(g.out, s)
	return nil
}

func printSimulation(w io.Writer, s *agent.Simulation) {
	for _, x := range s.Sources {
		paragraph(w, "", fmt.Sprintf("%s is %s: %s, one every %s on average.", x.File, x.Name, count(x.Readings, "reading", "readings"), x.Every))
	}
	paragraph(w, "", "Simulated: as if every purpose were granted from the first reading on.")
	printSimulated(w, s)
	if s.Against == nil {
		return
	}
	_, _ = fmt.Fprintln(w)
	paragraph(w, "", "Under "+s.Against.Policy+", as if it were granted anew:")
	printSimulated(w, s.Against)
	_, _ = fmt.Fprintln(w)
	paragraph(w, "", "What a yes to "+s.Policy+" becomes under "+s.Against.Policy+":")
	l := diffWordsIn("en")
	for _, p := range s.Against.Purposes {
		changes := s.Changes[p.ID]
		before := slices.IndexFunc(s.Purposes, func(x agent.SimulatedPurpose) bool { return x.ID == p.ID })
		switch {
		case before < 0:
			paragraph(w, "  ", p.ID+": new, asked for the first time")
		case len(changes) == 0:
			paragraph(w, "  ", p.ID+": goes on as it is")
		default:
			paragraph(w, "  ", fmt.Sprintf("%s: asked anew %s; before %s", p.ID, summed(&p), summed(&s.Purposes[before])))
			for _, c := range changes {
				columns(w, c.Label, c.Old, c.New)
				paragraph(w, "    -> ", l.effects[c.Effect])
			}
		}
	}
	for _, p := range s.Purposes {
		if !slices.ContainsFunc(s.Against.Purposes, func(x agent.SimulatedPurpose) bool { return x.ID == p.ID }) {
			paragraph(w, "  ", p.ID+": gone, nothing of it leaves")
		}
	}
}

// summed sums a purpose up.
func summed(p *agent.SimulatedPurpose) string {
	return joined(count(p.Rows, "row", "rows"), size(int64(p.Bytes)), bitsOf(p.BitsDay))
}

func bitsOf(bits *int64) string {
	if bits == nil {
		return "bits a day not bounded"
	}
	return fmt.Sprintf("at most %d bits a day", *bits)
}

func printSimulated(w io.Writer, s *agent.Simulation) {
	if !slices.ContainsFunc(s.Purposes, func(p agent.SimulatedPurpose) bool { return len(p.Fields) > 0 || p.State == consent.Refused }) {
		paragraph(w, "! ", "The policy asks for nothing that is in these recordings. NAME=FILE says which source of the policy a recording is, as "+
			"hall=room.csv; what it has is listed below.")
	}
	for i := range s.Purposes {
		p := &s.Purposes[i]
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", p.ID)
		if p.State == consent.Refused {
			paragraph(w, "  refused: ", p.Reason)
			continue
		}
		for _, f := range p.Fields {
			paragraph(w, "  ", f)
		}
		if len(p.Fields) == 0 {
			paragraph(w, "  ", "nothing of it is in these recordings")
			continue
		}
		paragraph(w, "  ", fmt.Sprintf("%s in %s over %s: %s on the wire, %s of columns; %s",
			count(p.Rows, "row", "rows"), count(p.Uploads, "upload", "uploads"), count(s.Days, "day", "days"), size(int64(p.Bytes)), size(int64(p.Columns)), bitsOf(p.BitsDay)))
		if p.Room != nil {
			paragraph(w, "  ", fmt.Sprintf("room = { rows = %d, bytes = %d } would hold its fullest upload", p.Room.Rows, p.Room.Bytes))
		}
	}
	for _, r := range s.Shares {
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", fmt.Sprintf("%s: %s from all its purposes together; %s", r.Recipient, bitsOf(r.BitsDay), r.Level))
	}
	if len(s.Withheld) > 0 {
		_, _ = fmt.Fprintln(w)
		paragraph(w, "", "What would not leave:")
		for _, x := range s.Withheld {
			paragraph(w, "  ", fmt.Sprintf("%s: %s (%d)", joined(x.Field, x.Purpose), x.Reason, x.Count))
		}
	}
	for _, f := range s.Findings {
		paragraph(w, "note: ", f)
	}
}
