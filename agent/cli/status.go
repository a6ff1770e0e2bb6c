package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

type statusOptions struct {
	json  bool
	watch bool
	times int
}

func newStatus(g *global) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show how the object is, in words and counts",
		Long: `Shows whether anything is leaving, and how sensors, purposes, buffer and routes
are. It shows no measured value, so a technician may see it.

With --watch it looks again every two seconds until you press Ctrl-C: a terminal
is redrawn, anything else gets one status after the other.`,
		Example: `  candor status
  candor status --json
  candor status --watch`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case cmd.Flags().Changed("times") && !o.watch:
				return usagef(cmd, "--times goes with --watch")
			case o.times < 0:
				return usagef(cmd, "--times is how often to look; 0 is until Ctrl-C")
			case o.watch:
				return g.watch(cmd.Context(), o)
			}
			return g.with(cmd.Context(), func(s *session) error { return o.show(cmd.Context(), g, s) })
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&o.watch, "watch", false, "look again every two seconds; it takes a running daemon")
	cmd.Flags().IntVar(&o.times, "times", 0, "with --watch: end after `N` looks (default none: Ctrl-C ends it)")
	jsonFlag(cmd, &o.json)
	return cmd
}

func (o *statusOptions) show(ctx context.Context, g *global, s *session) error {
	status, err := s.Status(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(g.out, status)
	}
	printStatus(g.out, &status)
	return nil
}

func printStatus(w io.Writer, s *control.Status) {
	paragraph(w, "", s.Truth)
	for _, warning := range s.Warnings {
		paragraph(w, "! ", warning)
	}
	_, _ = fmt.Fprintln(w)
	tw := newTable(w)
	row(tw, "Agent", agentWords(s))
	row(tw, "Policy", policyWords(&s.Policy))
	row(tw, "Buffer", bufferWords(&s.Buffer, s.Limited))
	if s.History.State == string(consent.Given) {
		row(tw, "History", historyWords(&s.History, s.Limited))
	}
	_ = tw.Flush()
	if s.Buffer.Detail != "" {
		paragraph(w, "  ! ", s.Buffer.Detail)
	}
	for _, gap := range s.Buffer.Gaps {
		paragraph(w, "  - ", gap)
	}
	for _, reason := range sortedKeys(s.Buffer.Dropped) {
		paragraph(w, "  - ", fmt.Sprintf("%s lost: %s", count(s.Buffer.Dropped[reason], "row", "rows"), reason))
	}
	printFindings(w, &s.Policy)
	printSensors(w, s.Sensors)
	printPurposes(w, s.Purposes, s.Limited)
	printRoutes(w, s.Routes)
}

func row(w io.Writer, cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t "))
}

func agentWords(s *control.Status) string {
	running := "no daemon runs; this is what is on the disk"
	if s.Daemon {
		running = "running since " + moment(s.Since)
	}
	clock := ""
	if s.Clock != "" && s.Clock != "system" {
		clock = "clock: " + s.Clock
	}
	version := ""
	if s.Version != "" {
		version = "version " + s.Version
	}
	return joined(running, clock, version)
}

// printFindings tells what is wrong with the policy or worth knowing of it, under a head of its own.
func printFindings(w io.Writer, p *control.PolicyStatus) {
	if p.Error == "" && len(p.Findings) == 0 {
		return
	}
	_, _ = fmt.Fprintln(w)
	head(w, "Found in the policy")
	for line := range strings.Lines(p.Error) {
		paragraph(w, "  ! ", line)
	}
	for _, finding := range p.Findings {
		paragraph(w, "  - ", finding)
	}
}

func policyWords(p *control.PolicyStatus) string {
	signed := "not signed"
	if p.Signed {
		signed = "signed"
	}
	charter := "no charter"
	if p.Charter != "" {
		charter = "with a charter"
	}
	version := ""
	if p.Version > 0 {
		version = fmt.Sprintf("version %d", p.Version)
	}
	return joined(p.State, version, signed, charter) + "  " + p.File
}

// historyWords are about what is kept for the person.
func historyWords(h *control.HistoryStatus, limited bool) string {
	words := fmt.Sprintf("kept here for %d days, never sent", h.Days)
	if !limited {
		words = joined(words, size(h.Bytes)+" of "+size(h.MaxBytes))
	}
	return joined(words, h.Detail)
}

func bufferWords(b *control.BufferStatus, limited bool) string {
	if limited {
		return joined(b.State, "of "+size(b.MaxBytes))
	}
	waiting := ""
	if b.Waiting > 0 {
		waiting = count(b.Waiting, "row", "rows") + " in memory"
	}
	unread := ""
	if b.Unread > 0 {
		unread = fmt.Sprintf("%d not looked through yet", b.Unread)
	}
	return joined(b.State, size(b.Bytes)+" of "+size(b.MaxBytes), count(b.Segments, "segment", "segments"), unread, waiting, size(b.Written)+" written since the start")
}

func printSensors(w io.Writer, list []control.SensorStatus) {
	_, _ = fmt.Fprintln(w)
	head(w, "Sensors")
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "  none")
	}
	tw := newTable(w)
	for _, s := range list {
		what := s.Driver
		if s.Simulated {
			what += " (not a real sensor)"
		}
		row(tw, "  "+s.Name, what, s.State)
	}
	_ = tw.Flush()
	for _, s := range list {
		if s.Error != "" {
			paragraph(w, "  ! "+clean(s.Name)+": ", s.Error)
		}
		for _, f := range s.Faults {
			times := ""
			if f.Count > 0 {
				times = count(f.Count, "time", "times")
			}
			paragraph(w, "  - "+clean(s.Name)+": ", joined(f.What, times, f.Where, f.Hint))
		}
		printBlocked(w, s)
	}
}

func printPurposes(w io.Writer, list []control.PurposeStatus, limited bool) {
	_, _ = fmt.Fprintln(w)
	head(w, "Purposes")
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "  none")
	}
	tw := newTable(w)
	for _, p := range list {
		sent := "" // how much was sent depends on what happened in the home
		if !limited {
			sent = fmt.Sprintf("%s sent, %s", count(p.Sent.Rows, "row", "rows"), size(int64(p.Sent.WireBytes)))
			if p.Sent.OpenRows > 0 {
				sent += fmt.Sprintf(", %s refused or cut off", count(p.Sent.OpenRows, "row", "rows"))
			}
		}
		row(tw, "  "+p.ID, string(p.State), "to "+p.Recipient, sent)
	}
	_ = tw.Flush()
	for _, p := range list {
		if p.Reason != "" {
			paragraph(w, "  - "+clean(p.ID)+": ", p.Reason)
		}
		if p.Deletion != "" {
			paragraph(w, "  - "+clean(p.ID)+": ", "deletion of what was sent: "+p.Deletion)
		}
		if kept := keptWords(&p); kept != "" {
			paragraph(w, "  - "+clean(p.ID)+": ", kept)
		}
	}
}

// keptWords tells what of a purpose is still here; "" when nothing is.
func keptWords(p *control.PurposeStatus) string {
	var kept, parked, next string
	if p.Buffered > 0 {
		kept = count(p.Buffered, "row", "rows") + " kept"
	}
	if p.Outgoing > 0 {
		kept = joined(kept, count(p.Outgoing, "batch", "batches")+" to send")
	}
	if p.Parked > 0 {
		parked = count(p.Parked, "batch", "batches") + " refused by the recipient and kept"
		if p.ParkedReason != "" {
			parked += " (" + p.ParkedReason + "); once that is mended: candor uplink retry"
		}
	}
	if !p.NextSend.IsZero() {
		next = "next upload " + moment(p.NextSend)
	}
	return joined(kept, parked, next)
}

func printRoutes(w io.Writer, list []control.RouteStatus) {
	_, _ = fmt.Fprintln(w)
	head(w, "Routes")
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "  none: nothing can be sent")
	}
	tw := newTable(w)
	for _, r := range list {
		circuit := ""
		if r.Circuit != "" && r.Circuit != "closed" {
			circuit = "circuit " + r.Circuit
		}
		row(tw, "  "+r.Recipient, joined(r.State, circuit), r.URL)
	}
	_ = tw.Flush()
	for _, r := range list {
		var failures, next, last string
		if r.Failures > 0 {
			failures = count(r.Failures, "failure", "failures") + " in a row"
		}
		if !r.NextTry.IsZero() {
			next = "next try " + moment(r.NextTry)
		}
		if !r.LastAck.IsZero() {
			last = "last answer " + moment(r.LastAck)
		}
		if words := joined(r.Reason, failures, next, last); words != "" {
			paragraph(w, "  - "+clean(r.Recipient)+": ", words)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
