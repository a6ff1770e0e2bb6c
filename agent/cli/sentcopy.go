package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
)

// check holds the flags that show one batch to each other.
func (o *sentOptions) check(cmd *cobra.Command) error {
	one := cmd.Flags().Changed("show") || cmd.Flags().Changed("batch")
	switch {
	case cmd.Flags().Changed("show") && o.batch != "":
		return usagef(cmd, "--show and --batch name a batch each; give one of them")
	case cmd.Flags().Changed("show") && o.show < 1:
		return usagef(cmd, "--show counts from 1, the oldest batch of the list")
	case cmd.Flags().Changed("batch") && !strings.Contains(o.batch, ":"):
		return usagef(cmd, "--batch is STREAM:SEQ, as \"candor sent --json\" has them")
	case one && o.all:
		return usagef(cmd, "--all is for the list; only batches have a readable copy")
	case o.raw && (!one || o.json):
		return usagef(cmd, "--raw goes with --show or --batch, and not with --json")
	}
	return nil
}

// showSent prints the readable copy of one batch.
func showSent(ctx context.Context, g *global, s *session, o *sentOptions) error {
	list, err := s.Sent(ctx)
	if err != nil {
		return err
	}
	which, err := o.find(batches(list))
	if err != nil {
		return err
	}
	c, err := s.SentCopy(ctx, which.Stream, which.Seq)
	if err != nil {
		return err
	}
	switch {
	case o.raw:
		_, err := data(g.out).Write(c.Signed)
		return err
	case o.json:
		return printJSON(g.out, c)
	}
	paragraph(g.out, "", fmt.Sprintf("Batch %d of stream %s, for %s, to %s, %s", c.Seq, c.Stream, c.Purpose, c.Recipient, moment(c.SentAt)))
	_, _ = fmt.Fprintf(g.out, "%s as signed; what it says:\n", size(int64(len(c.Signed))))
	var out bytes.Buffer
	if err := json.Indent(&out, c.SenML, "", "  "); err != nil {
		return fmt.Errorf("the copy can't be shown: %w", err)
	}
	_, _ = fmt.Fprintln(data(g.out), out.String())
	return nil
}

// find is the batch that was named.
func (o *sentOptions) find(list []control.Sent) (control.Sent, error) {
	if o.batch == "" {
		if o.show > len(list) {
			return control.Sent{}, control.Errorf(control.ErrNotFound, "candor sent", "there is no batch %d; %s left", o.show, count(len(list), "batch", "batches"))
		}
		return list[o.show-1], nil
	}
	stream, number, _ := strings.Cut(o.batch, ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	var found []control.Sent
	streams := map[string]bool{}
	for _, s := range list {
		if err == nil && stream != "" && s.Seq == seq && strings.HasPrefix(s.Stream, stream) {
			found, streams[s.Stream] = append(found, s), true
		}
	}
	switch len(streams) {
	case 0:
		return control.Sent{}, control.Errorf(control.ErrNotFound, "candor sent --json", "no batch that left is called %s", o.batch)
	case 1:
		return found[0], nil
	}
	return control.Sent{}, control.Errorf(control.ErrNotFound, "candor sent --json", "%d streams begin like that; give more digits", len(streams))
}
