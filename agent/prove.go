package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

// Ledger implements control.Prover.
func (a *Agent) Ledger(ctx context.Context) ([]control.LedgerEntry, error) {
	out := []control.LedgerEntry{}
	err := a.book.Events(func(e ledger.Event) error {
		x := control.LedgerEntry{Entry: e.Seq, Time: timeOf(e.Time), Kind: e.Kind.String(), Grant: uint32(e.Grant), Hash: fmt.Sprintf("%x", e.Hash),
			Erased: e.Erased, Purpose: e.Purpose, Recipient: e.Recipient, Text: e.Text, Role: e.Role, Channel: e.Channel,
			OnBehalf: e.OnBehalf, PolicyVersion: e.PolicyVersion}
		if e.Answer != nil {
			x.Receipt = receiptView(e.Answer, e.Kind)
		}
		x.Text = ledgerText(e.Text, control.LanguageOf(ctx))
		if somebodyDid(e.Kind) {
			x.Act = actView(&e)
		}
		out = append(out, x)
		return ctx.Err()
	})
	return out, err
}

// VerifyLedger implements control.Prover.
func (a *Agent) VerifyLedger(_ context.Context, heads []string) (control.LedgerReport, error) {
	var saved []ledger.Head
	for _, text := range heads {
		h, err := ledger.ParseHead(text)
		if err != nil {
			return control.LedgerReport{}, control.Errorf(control.ErrBadRequest, "candor ledger verify prints the head to save", "%w", err)
		}
		saved = append(saved, h)
	}
	key, err := a.book.PublicKey()
	if err != nil {
		return control.LedgerReport{}, err
	}
	r, err := a.book.Verify(saved...)
	if err != nil && !errors.Is(err, ledger.ErrBroken) {
		return control.LedgerReport{}, err
	}
	return ReportView(r, key), nil
}

// ReportView is a report as the API tells it.
func ReportView(r ledger.Report, key []byte) control.LedgerReport {
	out := control.LedgerReport{Verified: len(r.Problems) == 0, Entries: r.Entries, Erased: r.Erased, Lost: r.Lost, Keys: r.Keys, Lines: r.Lines,
		Head: r.Head.String(), PublicKey: fmt.Sprintf("%x", key)}
	if r.Entries > 0 {
		out.First, out.Last = timeOf(r.First), timeOf(r.Last)
	}
	for _, p := range r.Problems {
		text := p.What
		if p.Entry != 0 {
			text = fmt.Sprintf("entry %d: %s", p.Entry, p.What)
		}
		out.Problems = append(out.Problems, text)
	}
	return out
}

// ExportLedger implements control.Prover.
func (a *Agent) ExportLedger(context.Context) (control.LedgerExport, error) {
	key, err := a.book.PublicKey()
	if err != nil {
		return control.LedgerExport{}, err
	}
	var b bytes.Buffer
	head, err := a.book.Export(&b, a.now())
	if err != nil {
		return control.LedgerExport{}, err
	}
	return control.LedgerExport{Head: head.String(), PublicKey: fmt.Sprintf("%x", key), Export: b.Bytes()}, nil
}

func receiptView(r *ledger.Answer, kind ledger.Kind) *control.Receipt {
	id := r.ReceiptID
	out := &control.Receipt{
		SchemaVersion: r.Schema, RecordID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), Principal: fmt.Sprintf("%x", r.Subject),
		Notice: fmt.Sprintf("%x", r.Notice), Template: r.Template, Language: r.Language, Purpose: r.Purpose, Title: r.Title,
		PurposeType: r.DPV, LawfulBasis: r.Basis, Access: r.Access, Service: r.Service, Fields: r.Fields, Collection: "sensors of this object",
		Controller: party(r.Controller), Recipient: party(r.Receiver), Onward: r.Onward, StoredIn: r.StoredIn, Processing: r.Processing,
		Safeguard: r.Safeguard, Retention: r.RetentionDays, Jurisdiction: r.Jurisdiction, Authority: r.Authority,
		Withdrawal: r.Withdrawal, Rights: r.Rights, Event: r.Event, State: kind.String(), Time: timeOf(r.Given), Entity: r.Role, Channel: r.Channel,
		OnBehalf: r.OnBehalf, Policy: r.PolicyVersion, Rules: r.Digest.String(), Plan: r.Plan.String(), Bits: r.BitsPerDay, Link: r.Linkability,
		Assurance: r.Assurance, Missing: r.Missing(),
	}
	if r.Until != 0 {
		out.Until = timeOf(r.Until)
	}
	if r.DeleteBy != 0 {
		out.DeleteBy = timeOf(r.DeleteBy).Format("2006-01-02")
	}
	for _, i := range r.Items {
		out.Information = append(out.Information, control.Item{Field: i.Field, Class: i.Class, Special: i.Special, Optional: i.Optional})
	}
	return out
}

// somebodyDid tells which entries are about something that was done and is no answer.
func somebodyDid(k ledger.Kind) bool {
	switch k {
	case ledger.Withdrawn, ledger.Act, ledger.Paused, ledger.Resumed, ledger.Destroyed, ledger.Paired:
		return true
	}
	return false
}

func actView(e *ledger.Event) *control.ActReceipt {
	id := [16]byte(e.Hash[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562 section 5.8
	out := &control.ActReceipt{
		SchemaVersion: "candor-act-1", RecordID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), Event: "explicit",
		State: e.Kind.String(), Time: timeOf(e.Time), Entity: e.Role, Channel: e.Channel, OnBehalf: e.OnBehalf, Purpose: e.Purpose, What: e.Text,
		Signed: e.Signed, Body: e.Body,
	}
	if e.Kind == ledger.Destroyed || e.Kind == ledger.Withdrawn {
		out.Assurance = "software"
	}
	return out
}

func party(p ledger.Party) control.Party {
	return control.Party{Name: p.Name, Country: p.Country, Contact: p.Contact, Address: p.Address, Role: p.Role}
}
