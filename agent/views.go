package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/tinyconf"
)

// Consent implements control.Reporter: every purpose in full, and what did not leave.
func (a *Agent) Consent(_ context.Context, language string) (control.Consent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	if language == "" {
		language = a.cfg.Device.Language
	}
	if a.rules.policy == nil {
		return control.Consent{}, control.Errorf(control.ErrUnavailable, "candor policy check", "nothing can be shown, and nothing leaves: the policy is %s: %w", a.rules.state, a.rules.err)
	}
	out := control.Consent{Language: language, Withheld: a.pipe.withheld(), Controller: a.rules.policy.Controller.Name}
	for _, p := range a.pipe.Plan().Purposes() {
		out.Purposes = append(out.Purposes, a.consentPurpose(p, language))
	}
	out.Purposes = append(out.Purposes, a.consentMine(language))
	return out, nil
}

func (a *Agent) consentPurpose(p *consent.Purpose, language string) control.ConsentPurpose {
	out := control.ConsentPurpose{
		ID: p.ID, Title: p.TitleIn(language), Why: p.In(p.Why, language), Benefit: p.In(p.Benefit, language),
		State: p.State, Reason: p.Reason, Recipient: fmt.Sprintf("%s (%s)", p.Recipient.Name, p.Recipient.Country),
		Access: p.Access, Basis: p.Basis, Fields: p.FieldsInWords(), Time: words(p.Tick), Upload: words(p.Upload),
		Retention: fmt.Sprintf("%d days", p.Retention), Bits: bitsInWords(p.Bits),
	}
	if p.State == consent.Given {
		out.Given = timeOf(p.Grant.From)
		if p.Grant.Until != 0 {
			out.Until = timeOf(p.Grant.Until)
		}
	}
	return out
}

func bitsInWords(b consent.Bits) string {
	if !b.Known {
		return "not known: nothing bounds how often the sensor speaks"
	}
	return fmt.Sprintf("at most %d bits a day", b.Day)
}

func words(m sensors.Micros) string { return tinyconf.Duration(int64(m) * 1000).String() }

func timeOf(m sensors.Micros) time.Time { return time.UnixMicro(int64(m)).UTC() }

// Sent implements control.Discloser: what left, oldest first.
func (a *Agent) Sent(ctx context.Context) ([]control.Sent, error) {
	out := []control.Sent{}
	err := a.book.Sent(func(s ledger.Sent) error {
		out = append(out, sentOf(&s))
		return ctx.Err()
	})
	return out, err
}

func sentOf(s *ledger.Sent) control.Sent {
	return control.Sent{Purpose: s.Purpose, Recipient: s.Recipient, Stream: fmt.Sprintf("%x", s.StreamName[:]), Epoch: s.Epoch, Seq: s.Seq,
		Rows: s.Rows, ColumnBytes: s.ColumnBytes, WireBytes: s.WireBytes, SentAt: timeOf(s.SentAt), Fields: s.Fields, Control: s.Control, Result: s.Result}
}

// Status implements control.Reporter. It names no value and no count that a technician may not see is removed here:
// control does that by role.
func (a *Agent) Status(context.Context) (control.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	clock := a.opts.ClockName
	if clock == "" {
		clock = "system"
	}
	out := control.Status{Version: a.opts.Version, Daemon: a.daemon, Since: a.since, Clock: clock, Plan: a.pipe.Plan().Digest().String(), Policy: a.policyStatus()}
	for _, s := range a.sources {
		out.Sensors = append(out.Sensors, s.status())
	}
	a.bufferStatus(&out)
	out.History = a.historyStatus()
	for _, r := range a.up.Routes() {
		out.Routes = append(out.Routes, control.RouteStatus{Recipient: r.Recipient, URL: r.URL, State: r.State, Reason: r.Reason, Failures: r.Failures, NextTry: r.NextTry, LastAck: r.LastAck})
	}
	if err := a.purposeStatus(&out); err != nil {
		return control.Status{}, err
	}
	out.Truth = truth(&out)
	out.Warnings = a.warnings(&out)
	return out, nil
}

func (a *Agent) policyStatus() control.PolicyStatus {
	out := control.PolicyStatus{File: a.cfg.Policy.File, State: a.rules.state, Charter: a.cfg.Policy.Charter}
	if a.rules.policy != nil {
		out.Version = a.rules.policy.Version
	}
	if a.rules.err != nil {
		out.Error = a.rules.err.Error()
	}
	for _, f := range a.rules.findings {
		out.Findings = append(out.Findings, f.String())
	}
	return out
}

func (a *Agent) bufferStatus(out *control.Status) {
	b := a.store.Status()
	out.Buffer = control.BufferStatus{State: string(b.State), Detail: b.Detail, Bytes: b.Bytes, MaxBytes: b.MaxBytes, Segments: b.Segments, Waiting: b.WaitingRows, Written: b.Written, Dropped: b.Dropped}
	for _, g := range b.Gaps {
		out.Buffer.Gaps = append(out.Buffer.Gaps, fmt.Sprintf("%s: %s: %d records, %d rows", g.Segment, g.What, g.Records, g.Rows))
	}
	if err := a.pipe.trouble(); err != nil && out.Buffer.Detail == "" {
		out.Buffer.Detail = err.Error()
	}
}

// purposeStatus adds up streams into purposes.
func (a *Agent) purposeStatus(out *control.Status) error {
	index := map[string]int{}
	for _, p := range a.pipe.Plan().Purposes() {
		index[p.ID] = len(out.Purposes)
		out.Purposes = append(out.Purposes, control.PurposeStatus{ID: p.ID, Title: p.TitleIn(a.cfg.Device.Language), Recipient: p.Recipient.ID, State: p.State, Reason: p.Reason})
	}
	counts := a.store.Status().Streams
	buffered := map[uint32]int{}
	for i, s := range counts {
		buffered[s.Stream] = i
	}
	for _, s := range a.book.Streams() {
		at, ok := index[s.Purpose]
		if !ok {
			continue
		}
		p := &out.Purposes[at]
		if i, ok := buffered[s.Number]; ok && !s.DeletionDue {
			p.Buffered += counts[i].Buffered
			p.Outgoing += counts[i].Outgoing
			p.Parked += counts[i].Parked
		}
		if s.DeletionDue && (p.Deletion == "" || !s.DeletionDone) {
			p.Deletion = "asked"
			if s.DeletionDone {
				p.Deletion = "confirmed"
			}
		}
		if next, ok := a.up.NextSlot(s.Number); ok && p.State == consent.Given && next.After(a.opts.Clock.Now()) {
			p.NextSend = next.UTC()
		}
	}
	for _, t := range a.book.Totals() {
		if at, ok := index[t.Purpose]; ok {
			out.Purposes[at].Sent = control.SentTotal{Batches: t.Batches, Rows: t.Rows, WireBytes: t.WireBytes}
		}
	}
	return nil
}

// truth is the sentence at the top: what leaves now.
func truth(s *control.Status) string {
	var open []string
	for _, p := range s.Purposes {
		if p.State == consent.Given {
			open = append(open, p.ID)
		}
	}
	switch {
	case len(open) == 0:
		return "Nothing leaves this object: no purpose is granted."
	case len(open) == 1:
		return fmt.Sprintf("One purpose is granted: %s. What its rules let through leaves, nothing else.", open[0])
	}
	return fmt.Sprintf("%d purposes are granted: %s. What their rules let through leaves, nothing else.", len(open), strings.Join(open, ", "))
}

// warnings are what the owner should know.
func (a *Agent) warnings(s *control.Status) []string {
	var out []string
	switch {
	case a.rules.policy == nil:
		out = append(out, "No policy is in force ("+a.rules.state+"), so nothing can be granted and nothing leaves.")
	case a.rules.err != nil:
		out = append(out, "The policy or charter could not be read again ("+a.rules.state+"); the ones read before stay in force.")
	default:
		out = append(out, "The policy is not signed: whoever can write its file can change what is asked.")
	}
	if warning := a.flashWarning(a.written()); warning != "" {
		out = append(out, warning)
	}
	if s.History.State == string(consent.Given) && s.History.Detail != "" {
		out = append(out, "The history kept on this object for its person can't be written at the moment; readings for it wait in memory.")
	}
	var simulated []string
	for _, x := range s.Sensors {
		if x.Simulated {
			simulated = append(simulated, x.Name)
		}
	}
	if len(simulated) > 0 {
		out = append(out, "Not measured now but simulated or replayed: "+strings.Join(simulated, ", ")+".")
	}
	for _, p := range s.Purposes {
		if p.State == consent.Given && !a.hasRoute(p.Recipient) {
			out = append(out, fmt.Sprintf("Purpose %s is granted, but there is no [[route]] to %s: it is buffered and goes nowhere.", p.ID, p.Recipient))
		}
	}
	return out
}

func (a *Agent) hasRoute(recipient string) bool {
	for _, r := range a.cfg.Routes {
		if r.Recipient == recipient {
			return true
		}
	}
	return false
}
