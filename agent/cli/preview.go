package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

// previewRows is how many rows of a purpose are shown to a person.
const previewRows = 20

func newPreview(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "preview [PURPOSE]",
		Short: "show the next upload, decoded",
		Long: `Shows what the next upload of each purpose, or of one, would hold if it were cut
now. It sends nothing and changes nothing.

With --json the rows are SenML (RFC 8428), all of them.`,
		Example: `  candor preview
  candor preview trends --json`,
		Args: takes("[PURPOSE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			purpose := strings.Join(args, "")
			if len(args) == 1 && purpose == "" {
				return usagef(cmd, "PURPOSE is empty; leave it out for all")
			}
			return g.with(cmd.Context(), func(s *session) error {
				list, err := s.Preview(cmd.Context(), purpose)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(g.out, list)
				}
				return printPreviews(g.out, list)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printPreviews(w io.Writer, list []control.Preview) error {
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "The policy has no purpose; nothing can leave.")
	}
	for i := range list {
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		if err := printPreview(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func printPreview(w io.Writer, p *control.Preview) error {
	rows, err := senmlRows(p.SenML)
	if err != nil {
		return fmt.Errorf("the preview of %s can't be read: %w", p.Purpose, err)
	}
	paragraph(w, "", p.Purpose+": "+p.State)
	if p.Rows > 0 || p.Bytes > 0 || !p.NextSend.IsZero() {
		next := ""
		if !p.NextSend.IsZero() {
			next = "next upload " + moment(p.NextSend)
		}
		paragraph(w, "  ", joined(count(p.Rows, "row", "rows"), size(int64(p.Bytes))+" on the wire", next))
	}
	tw := newTable(w)
	for _, r := range rows[:min(len(rows), previewRows)] {
		cells := append([]string{"  " + r.time}, r.values...)
		row(tw, strings.Join(cells, "  "))
	}
	_ = tw.Flush()
	if more := len(rows) - previewRows; more > 0 {
		_, _ = fmt.Fprintf(w, "  … and %d more\n", more)
	}
	return nil
}
