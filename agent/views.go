package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
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
	out.Prompts = a.prompts(language)
	out.Purposes = append(out.Purposes, a.consentMine(language))
	return out, nil
}

func (a *Agent) consentPurpose(p *consent.Purpose, language string) control.ConsentPurpose {
	out := control.ConsentPurpose{
		ID: p.ID, Title: p.TitleIn(language), Why: p.In(p.Why, language), Benefit: p.In(p.Benefit, language),
		State: p.State, Reason: p.ReasonIn(language), Recipient: strings.TrimSuffix(fmt.Sprintf("%s (%s)", p.Recipient.Name, p.Recipient.Country), " ()"),
		Access: p.Access, Basis: p.Basis, Service: p.Service, Fields: p.FieldsIn(language), Time: consent.Span(p.Tick, language),
		Upload: consent.Span(p.Upload, language), Retention: consent.Span(sensors.Micros(p.Retention)*sensors.Day, language), Bits: bitsInWords(p.Bits, language),
		Pending: p.Pending(), Notes: p.NotesIn(language),
	}
	for _, s := range a.pipe.Plan().Shares() {
		if s.Recipient == p.Recipient.ID {
			out.Linkability = string(s.Level) + ": " + s.WhyIn(language)
		}
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		out.Changes = append(out.Changes, control.Change{Label: c.Label(language), Effect: c.Effect, Old: c.In(c.Old, language), New: c.In(c.New, language)})
	}
	if q := p.Asks(); q != p {
		out.Asked, out.AskedBits = q.FieldsIn(language), bitsInWords(q.Bits, language)
		if q.State == consent.Refused {
			out.AskedNot = q.ReasonIn(language)
		}
		lines, digest := a.notice(q, language)
		out.AskedNotice, out.AskedDigest = lines, hex.EncodeToString(digest[:])
	}
	if p.State == consent.Given {
		out.Given = timeOf(p.Grant.From)
		if p.Grant.Until != 0 {
			out.Until = timeOf(p.Grant.Until)
		}
	}
	out.State = a.stateOf(p)
	lines, digest := a.notice(p, language)
	out.Notice, out.NoticeDigest = lines, hex.EncodeToString(digest[:])
	return out
}

func bitsInWords(b consent.Bits, language string) string {
	switch french := strings.HasPrefix(language, "fr"); {
	case !b.Known && french:
		return "pas connu : rien ne borne la fréquence du capteur"
	case !b.Known:
		return "not known: nothing bounds how often the sensor speaks"
	case french:
		return fmt.Sprintf("au plus %d bits par jour", b.Day)
	}
	return fmt.Sprintf("at most %d bits a day", b.Day)
}

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
		Rows: s.Rows, ColumnBytes: s.ColumnBytes, WireBytes: s.WireBytes, SentAt: timeOf(s.SentAt), Fields: s.Fields, Control: s.Control, Tries: s.Tries, Result: s.Result}
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
	known := map[string]bool{}
	if a.rules.policy != nil {
		known = askedFields(a.rules.policy)
	}
	for _, s := range a.sources {
		st := s.status()
		st.Blocked = blocked(st.Fields, known)
		out.Sensors = append(out.Sensors, st)
	}
	a.bufferStatus(&out)
	out.History = a.historyStatus()
	for _, r := range a.up.Routes() {
		out.Routes = append(out.Routes, control.RouteStatus{Recipient: r.Recipient, URL: r.URL, State: r.State, Circuit: r.Circuit, Reason: r.Reason, Failures: r.Failures, NextTry: r.NextTry, LastAck: r.LastAck})
	}
	if err := a.purposeStatus(&out); err != nil {
		return control.Status{}, err
	}
	if since := a.keys.Paused(); since != 0 {
		out.Paused = timeOf(since)
	}
	out.Truth = truth(&out)
	if a.mute {
		out.Truth = "Nothing leaves this object: its disk takes no writing, so nothing could be noted or taken back."
	}
	out.Warnings = a.warnings(&out)
	return out, nil
}

func (a *Agent) policyStatus() control.PolicyStatus {
	out := control.PolicyStatus{File: a.cfg.Policy.File, State: a.rules.state, Charter: a.cfg.Policy.Charter, Signed: a.rules.policy != nil && a.rules.signed}
	if a.rules.policy != nil {
		out.Version = a.rules.policy.Version
	}
	if a.rules.err != nil {
		out.Error = a.rules.err.Error()
	}
	for _, f := range a.rules.findings {
		out.Findings = append(out.Findings, f.String())
	}
	for _, f := range a.rules.facts {
		out.Findings = append(out.Findings, f.Key+": "+f.Text)
	}
	return out
}

func (a *Agent) bufferStatus(out *control.Status) {
	if !a.daemon && !a.once {
		a.store.Await() // nothing runs that could be held up, and nobody asks again
	}
	b := a.store.Status()
	out.Buffer = control.BufferStatus{State: string(b.State), Detail: b.Detail, Bytes: b.Bytes, MaxBytes: b.MaxBytes, Segments: b.Segments, Unread: b.Unread, Waiting: b.WaitingRows, Written: b.Written, Dropped: b.Dropped}
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
	reasons := map[uint32]string{}
	for _, p := range a.store.Parked() {
		reasons[p.Stream] = p.Reason
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
			if reason := reasons[s.Number]; reason != "" {
				p.ParkedReason = reason
			}
		}
		if d := deletionOf(&s, a.now()); p.Deletion == "" || d == "overdue" || d == "asked" && p.Deletion == "confirmed" {
			p.Deletion = d
		}
		if next, ok := a.up.NextSlot(s.Number); ok && p.State == consent.Given && next.After(a.clock().Now()) {
			p.NextSend = next.UTC()
		}
	}
	for _, t := range a.book.Totals() {
		if at, ok := index[t.Purpose]; ok {
			out.Purposes[at].Sent = control.SentTotal{Batches: t.Batches - t.Open, Rows: t.Rows - t.OpenRows, OpenBatches: t.Open, OpenRows: t.OpenRows, WireBytes: t.WireBytes}
		}
	}
	return nil
}

// deletionTime is what a recipient has to answer a deletion request (GDPR art. 12(3): a month).
const deletionTime = 30 * sensors.Day

// deletionOf is where the deletion of a stream stands at the recipient; "" when none is asked for.
func deletionOf(s *ledger.Stream, now sensors.Micros) string {
	switch {
	case !s.DeletionDue:
		return ""
	case s.DeletionDone:
		return "confirmed"
	case now-s.DeletionDueAt > deletionTime:
		return "overdue"
	}
	return "asked"
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
	case !s.Paused.IsZero():
		return "Paused since " + s.Paused.Format("2006-01-02 15:04") + " UTC: nothing leaves this object, and what is sensed meanwhile never will."
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
	}
	if a.rules.policy != nil && !a.rules.signed {
		out = append(out, "The policy is not signed: whoever can write its file can change what is asked.")
	}
	if warning := a.flashWarning(a.written()); warning != "" {
		out = append(out, warning)
	}
	if a.rules.policy != nil && a.rules.signed && a.cfg.Policy.Charter != "" && !a.rules.pledged {
		out = append(out, "The charter is not signed: whoever can write its file can raise its ceilings.")
	}
	for _, p := range a.pipe.Plan().Purposes() {
		if p.Pending() {
			out = append(out, fmt.Sprintf("Purpose %s asks for more than was granted. What was granted goes on, and the rest waits for an answer: candor consent diff %s", p.ID, p.ID))
		}
	}
	out = append(out, a.signalWarnings()...)
	if err := a.pageTrouble.get(); err != nil {
		out = append(out, "The page of the person is not served: "+err.Error())
	}
	if a.time != nil {
		if why, ok := a.time.Trusted(); !ok || why != "" {
			out = append(out, "The clock can't be relied on: "+why+". Readings keep their order, nothing lapses by it, and what is sent says so.")
		}
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
		if p.Deletion == "overdue" {
			out = append(out, fmt.Sprintf("%s was asked over 30 days ago to delete what it has for purpose %s and has not confirmed it; it is asked on, and you can complain to the authority.", p.Recipient, p.ID))
		}
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
