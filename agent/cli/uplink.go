package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newUplink(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "uplink",
		Short: "try the ways to the recipients",
		Long:  `Tries the ways to the recipients, and has what they refused offered again.`,
		Example: `  candor uplink test
  candor uplink retry`,
	}
	cmd.AddCommand(newUplinkTest(g), newUplinkRetry(g))
	group(cmd)
	return cmd
}

func newUplinkTest(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test [RECIPIENT]",
		Short: "send a message that says nothing, and see whether it arrives",
		Long: `Sends each recipient, or one, a message of 256 bytes without reading or
identifier, under a key made for it, and says what came of it. Only routes that a
purpose of the policy uses are tried. The ledger has a line about it.`,
		Example: `  candor uplink test
  candor uplink test acme --json`,
		Args: takes("[RECIPIENT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			recipient := strings.Join(args, "")
			if len(args) == 1 && recipient == "" {
				return usagef(cmd, "RECIPIENT is empty; leave it out for all")
			}
			return g.with(cmd.Context(), func(s *session) error {
				list, err := s.TestUplink(cmd.Context(), recipient)
				if err != nil {
					return err
				}
				failed := 0
				for _, t := range list {
					if !t.OK {
						failed++
					}
				}
				if asJSON {
					if err := printJSON(g.out, list); err != nil {
						return err
					}
				} else {
					for _, t := range list {
						if t.OK {
							paragraph(g.out, "", fmt.Sprintf("%s: %d bytes arrived at %s and were answered in %s", clean(t.Recipient), t.Bytes, clean(t.URL), t.Took.Round(time.Millisecond)))
							continue
						}
						paragraph(g.out, "", clean(t.Recipient)+": "+clean(t.Error))
						paragraph(g.out, "  - ", t.Hint)
					}
					if len(list) == 0 {
						_, _ = fmt.Fprintln(g.out, "No route is in use: no purpose of the policy has a [[route]] to its recipient.")
					}
				}
				if failed > 0 {
					return failf("candor status", "%d of %d routes did not answer a test", failed, len(list))
				}
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newUplinkRetry(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "offer what a recipient refused once more",
		Long: `Offers the uploads that a recipient refused for good, and that were kept aside,
to it once more: after its fault, or this object's, was mended.`,
		Example: `  candor uplink retry`,
		Args:    takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				a, err := s.RetryParked(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(g.out, a)
				}
				paragraph(g.out, "", a.Notice)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
