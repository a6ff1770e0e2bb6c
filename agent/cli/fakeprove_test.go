package cli

import (
	"context"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
)

func (fakeAgent) Pause(context.Context, control.Role, control.Decision) (control.Paused, error) {
	return control.Paused{Since: at(7), Notice: "Nothing leaves any more."}, nil
}

func (fakeAgent) Resume(context.Context, control.Role, control.Decision) (control.Paused, error) {
	return control.Paused{Notice: "It leaves again."}, nil
}

func (fakeAgent) Services(context.Context, string) (control.Services, error) {
	return control.Services{Services: []control.Service{{Name: "heating control", On: true, Purposes: []control.ServicePurpose{{ID: "heating", Title: "Heat", State: consent.Given}}}}}, nil
}

func (fakeAgent) SwitchService(_ context.Context, name string, on bool, _ control.Role, _ control.Decision) (control.Switched, error) {
	if name != "heating control" {
		return control.Switched{}, control.Errorf(control.ErrNotFound, "candor consent service", "no service is called %q", name)
	}
	state := consent.Withdrawn
	if on {
		state = consent.Given
	}
	return control.Switched{Service: name, On: on, Purposes: []control.Decided{{Purpose: "heating", State: state}}}, nil
}

func (fakeAgent) Refuse(_ context.Context, purpose string, _ control.Role, _ control.Decision) (control.Decided, error) {
	return control.Decided{Purpose: purpose, State: consent.Declined, Notice: "Nothing of it leaves."}, nil
}

func (fakeAgent) Ledger(context.Context) ([]control.LedgerEntry, error) {
	return []control.LedgerEntry{
		{Entry: 1, Time: at(6), Kind: "began", Text: "the ledger begins"},
		{Entry: 2, Time: at(7), Kind: "given", Grant: 4, Purpose: "trends", Role: "person", Receipt: &control.Receipt{Purpose: "trends", Language: "fr"}},
		{Entry: 3, Time: at(8), Kind: "withdrawn", Grant: 4, Purpose: "trends", Role: "root", OnBehalf: "Ms Martin"},
		{Entry: 4, Time: at(9), Kind: "paused"},
	}, nil
}

func (fakeAgent) VerifyLedger(_ context.Context, heads []string) (control.LedgerReport, error) {
	r := control.LedgerReport{Verified: true, Entries: 4, Lines: 2, Head: "00aa", PublicKey: "bb"}
	if len(heads) > 0 {
		r.Verified, r.Problems = false, []string{"entry 5: missing: a remembered head names entry 5"}
	}
	return r, nil
}

func (fakeAgent) ExportLedger(context.Context) (control.LedgerExport, error) {
	return control.LedgerExport{Head: "00aa", PublicKey: "bb", Export: []byte("chain")}, nil
}

func (fakeAgent) Erase(_ context.Context, _ control.Role, r control.ErasureRequest) (control.Erasure, error) {
	return control.Erasure{Time: at(9), What: "what was taken from " + r.From, Destroyed: []string{"2 day keys"}, Remains: []string{"the receipts"},
		Assurance: "software", PublicKey: "bb", Confirmation: []byte("signed")}, nil
}

func (f fakeAgent) Transfer(ctx context.Context, role control.Role, r control.TransferRequest) (control.Transfer, error) {
	e, err := f.Erase(ctx, role, control.ErasureRequest{})
	return control.Transfer{Erasure: e, Papers: []control.Paper{{Recipient: "acme", URL: "https://ingest.acme.example/v1", Stream: "0001", Request: []byte("delete")}}, Sheet: fakeSheet(r.Language)}, err
}

func (fakeAgent) Health(context.Context) (control.Health, error) {
	return control.NewHealth([3]string{"agent", "daemon", ""}, [3]string{"sensor", "hall", ""}, [3]string{"sensor", "door", "no line GPIO17"},
		[3]string{"route", "acme", "nothing gets through for over an hour (unreachable): no such host"}), nil
}

func (fakeAgent) Sheet(_ context.Context, language string) (control.Sheet, error) {
	return fakeSheet(language), nil
}

func fakeSheet(language string) control.Sheet {
	if language == "" {
		language = "en"
	}
	return control.Sheet{Language: language, Controller: "Acme Objets SAS (FR)", Contact: "dpo@acme.example", Authority: "CNIL",
		Purposes: []string{"Follow consumption trends", "Advice"}, Fingerprint: control.Fingerprint([]byte("bb"))}
}

func (fakeAgent) Witness(control.Act) {}
