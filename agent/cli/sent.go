package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

type sentOptions struct {
	all  bool
	json bool

	show  int
	batch string
	raw   bool
}

func newSent(g *global) *cobra.Command {
	o := &sentOptions{}
	cmd := &cobra.Command{
		Use:   "sent",
		Short: "list what left",
		Long: `Lists every batch that left, oldest first: those a recipient has acknowledged,
and those cut off on their way ("cancelled"), of which it may have some. With
--all also the messages without readings: announcements, deletion requests,
questions and tests.

With --show or --batch it prints what one batch said, from the readable copy
that is kept under mine: byte for byte what was signed, before any sealing.

With --json it prints one array with one batch a line.`,
		Example: `  candor sent
  candor sent --show 1
  candor sent --json --all`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				if o.show != 0 || o.batch != "" {
					return showSent(cmd.Context(), g, s, o)
				}
				list, err := s.Sent(cmd.Context())
				if err != nil {
					return err
				}
				if !o.all {
					list = batches(list)
				}
				if o.json {
					return printSentJSON(g.out, list)
				}
				printSent(g.out, list, o.all)
				return nil
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&o.all, "all", false, "also messages without readings")
	cmd.Flags().IntVar(&o.show, "show", 0, "print the `N`th batch of the list as it was sent")
	cmd.Flags().StringVar(&o.batch, "batch", "", "the same by `STREAM:SEQ`; of the stream the first digits do")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "with --show or --batch: the signed bytes and nothing else")
	jsonFlag(cmd, &o.json)
	return cmd
}

func batches(list []control.Sent) []control.Sent {
	kept := list[:0:0]
	for _, s := range list {
		if s.Control == "" {
			kept = append(kept, s)
		}
	}
	return kept
}

// printSentJSON writes one array with one object a line, for programs that read JSON and for those that read lines.
func printSentJSON(w io.Writer, list []control.Sent) error {
	w = data(w)
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "[]")
		return nil
	}
	before := "[\n"
	for i := range list {
		if list[i].Fields == nil {
			list[i].Fields = []string{}
		}
		line, err := json.Marshal(&list[i])
		if err != nil {
			return fmt.Errorf("can't write batch %d as JSON: %w", list[i].Seq, err)
		}
		_, _ = fmt.Fprintf(w, "%s%s", before, line)
		before = ",\n"
	}
	_, _ = fmt.Fprintln(w, "\n]")
	return nil
}

func printSent(w io.Writer, list []control.Sent, all bool) {
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "Nothing has left this object.")
		return
	}
	tw := newTable(w)
	row(tw, "WHEN", "PURPOSE", "TO", "WHAT", "ROWS", "BYTES")
	var rows, bytes int
	for _, s := range list {
		what := "batch " + strconv.FormatUint(s.Seq, 10)
		if s.Control != "" {
			what = s.Control
		}
		if s.Result != "accepted" {
			what = joined(what, s.Result)
		}
		row(tw, moment(s.SentAt), s.Purpose, s.Recipient, what, strconv.Itoa(s.Rows), strconv.Itoa(s.WireBytes))
		rows, bytes = rows+s.Rows, bytes+s.WireBytes
	}
	_ = tw.Flush()
	one, many := "batch", "batches"
	if all {
		one, many = "message", "messages"
	}
	_, _ = fmt.Fprintf(w, "\n%s, %s, %s.\n", count(len(list), one, many), count(rows, "row", "rows"), size(int64(bytes)))
}
