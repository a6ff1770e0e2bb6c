package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

func newBuffer(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "buffer",
		Short: "show, verify or export what waits to leave",
		Long: `What a plan let through and no recipient has accepted yet lies in the buffer,
sealed. These verbs look at it; none changes it.`,
		Example: `  candor buffer show
  candor buffer verify
  candor buffer export waiting.jsonl`,
	}
	cmd.AddCommand(newBufferShow(g), newBufferVerify(g), newBufferExport(g))
	group(cmd)
	return cmd
}

func newBufferShow(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "show how full it is, what waits, what was lost and what it writes a day",
		Long: `Shows the buffer in counts: room, what waits for each purpose and since which day,
what was lost and why, and how much it writes to the card a day.

A technician sees the verdicts and not the counts, which rise when a door opens.`,
		Example: `  candor buffer show
  candor buffer show --json`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				b, err := s.Buffer(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(g.out, b)
				}
				printBuffer(g.out, &b)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printBuffer(w io.Writer, b *control.Buffer) {
	tw := newTable(w)
	row(tw, "Buffer", bufferWords(&b.BufferStatus, b.Limited))
	row(tw, "Limits", fmt.Sprintf("%s in all, %s left free on the disk", size(b.MaxBytes), size(b.Reserve)))
	row(tw, "Flash", flashWords(b))
	if b.Oldest != "" {
		row(tw, "Oldest", "of "+b.Oldest)
	}
	_ = tw.Flush()
	if b.Detail != "" {
		paragraph(w, "  ! ", b.Detail)
	}
	if b.Unclean {
		paragraph(w, "  - ", "it was not closed in good order before this start: the power was cut, or the agent was killed")
	}
	for _, gap := range b.Gaps {
		paragraph(w, "  - ", gap)
	}
	for _, reason := range sortedKeys(b.Dropped) {
		paragraph(w, "  - ", fmt.Sprintf("%s lost: %s", count(b.Dropped[reason], "row", "rows"), reason))
	}
	if b.Quarantine > 0 {
		paragraph(w, "  - ", count(b.Quarantine, "damaged file is", "damaged files are")+" kept in quarantine/ for a look")
	}
	if len(b.Streams) > 0 {
		_, _ = fmt.Fprintln(w)
		tw = newTable(w)
		row(tw, "purpose", "epoch", "in memory", "on disk", "uploads", "parked", "since")
		for i := range b.Streams {
			s := &b.Streams[i]
			row(tw, s.Purpose, fmt.Sprint(s.Epoch), fmt.Sprint(s.Waiting), fmt.Sprint(s.Buffered), fmt.Sprint(s.Outgoing), fmt.Sprint(s.Parked), s.Oldest)
		}
		_ = tw.Flush()
	}
}

func flashWords(b *control.Buffer) string {
	if b.PerDay == 0 {
		return b.Flash
	}
	return fmt.Sprintf("%s of %d MB a day: %s a day at the pace since %s", b.Flash, control.FlashBudget/1_000_000, size(b.PerDay), moment(b.Since))
}

func newBufferVerify(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "read and authenticate everything that is kept",
		Long: `Reads every record of the buffer and checks that it is what was written. Nothing
is changed: damage is repaired when the agent starts again, and when it reads
what is damaged to send it.

Exit code 1 says that something is damaged.`,
		Example: `  candor buffer verify
  candor buffer verify --json`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				checks := []control.BufferCheck{}
				bar := newProgress(g, "verify")
				err := s.VerifyBuffer(cmd.Context(), func(c control.BufferCheck) error {
					checks = append(checks, c)
					bar.show(len(checks), c.Of)
					return nil
				})
				bar.end()
				if err != nil {
					return err
				}
				if asJSON {
					err = printJSON(g.out, checks)
				} else {
					printChecks(g.out, checks)
				}
				return errors.Join(err, damaged(checks))
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printChecks(w io.Writer, checks []control.BufferCheck) {
	if len(checks) == 0 {
		_, _ = fmt.Fprintln(w, "The buffer is empty.")
		return
	}
	for i := range checks {
		c := &checks[i]
		gone := ""
		if c.KeyGone > 0 {
			gone = count(c.KeyGone, "record", "records") + " whose key was destroyed"
		}
		found := "sound"
		switch {
		case c.Fault != "":
			found = c.Fault
		case c.Damaged > 0:
			found = "damaged"
		}
		paragraph(w, c.File+"  ", joined(found, words(c), gone))
	}
}

// words counts what is in a file; "" for a technician, who gets no counts.
func words(c *control.BufferCheck) string {
	if c.Records == 0 && c.Rows == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s", count(c.Records, "record", "records"), count(c.Rows, "row", "rows"))
}

// damaged is the error of a verify that found damage; nil when all is sound.
func damaged(checks []control.BufferCheck) error {
	n := 0
	for i := range checks {
		if !checks[i].Sound() {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return failf("restart the agent: it keeps what authenticates and tells what is lost; then candor buffer show", "%d of %s damaged", n, count(len(checks), "file is", "files are"))
}

func newBufferExport(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "write what waits to leave into a file, decoded",
		Long: `Writes everything that no recipient has accepted yet, as it would leave, decoded: a
JSON document a line, with the rows as SenML (RFC 8428). "-" is standard output.
A file that is there is not written over. Nothing leaves the buffer by this.`,
		Example: `  candor buffer export waiting.jsonl
  candor buffer export - | head`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				bar := newProgress(g, "rows exported")
				defer bar.end()
				if args[0] == "-" {
					_, err := s.exportBuffer(cmd, data(g.out), bar)
					return err
				}
				rows, err := s.exportBufferTo(cmd, args[0], bar)
				if err == nil {
					_, _ = fmt.Fprintf(g.out, "%s written to %s\n", count(rows, "row", "rows"), args[0])
				}
				return err
			})
		},
	}
	return cmd
}

func (s *session) exportBuffer(cmd *cobra.Command, w io.Writer, bar *progress) (rows int, err error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err = s.ExportBuffer(cmd.Context(), func(p control.Waiting) error {
		rows += p.Rows
		bar.count(rows)
		return enc.Encode(p)
	})
	return rows, err
}

// exportBufferTo writes a new file, readable by its owner only. Half a file is not left behind.
func (s *session) exportBufferTo(cmd *cobra.Command, name string, bar *progress) (rows int, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, failf("name a file that is not there yet, in a folder that can be written", "can't make the export: %w", err)
	}
	buf := bufio.NewWriter(f)
	rows, err = s.exportBuffer(cmd, buf, bar)
	if err = errors.Join(err, buf.Flush(), f.Close()); err != nil {
		_ = os.Remove(name)
	}
	return rows, err
}
