package control

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
)

// fake is a backend with fixed answers that remembers what it was asked.
type fake struct {
	exported []string
	mu       sync.Mutex
	calls    []string
	last     Decision
	acts     []Act
	err      error
}

func (f *fake) note(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
	return f.err
}

func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.calls...)
}

func (f *fake) Status(context.Context) (Status, error) {
	return Status{
		Version:  "1",
		Truth:    "Nothing is leaving.",
		Paused:   time.Unix(1, 0),
		Purposes: []PurposeStatus{{ID: "trends", State: consent.Given, Buffered: 4, Outgoing: 5, Sent: SentTotal{Batches: 6, Rows: 7, WireBytes: 8}}},
		Sensors:  []SensorStatus{{Name: "hall", Faults: []sensors.FaultCount{{What: "bad cell", Where: "hall.csv:17", Count: 9, Hint: "mend it"}}}},
		Buffer:   BufferStatus{State: "ok", Bytes: 10, MaxBytes: 11, Segments: 12, Waiting: 3, Written: 13, Gaps: []string{"15 rows"}, Dropped: map[string]uint64{"x": 14}},
	}, f.note("status")
}

func (f *fake) Consent(_ context.Context, language string) (Consent, error) {
	return Consent{Language: language, Controller: "Acme"}, f.note("consent " + language)
}

func (f *fake) Preview(_ context.Context, purpose string) ([]Preview, error) {
	return []Preview{{Purpose: "trends", Rows: 1, SenML: RawJSON(`[{"n":"x","v":1}]`)}}, f.note("preview " + purpose)
}

func (f *fake) Sent(context.Context) ([]Sent, error) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return []Sent{{Purpose: "trends", Seq: 1, SentAt: at}, {Purpose: "trends", Seq: 2, SentAt: at}}, f.note("sent")
}

func (f *fake) Grant(_ context.Context, purpose string, role Role, d Decision) (Decided, error) {
	f.mu.Lock()
	f.last = d
	f.mu.Unlock()
	return Decided{Purpose: purpose, State: consent.Given, Grant: 1}, f.note("grant " + purpose + " " + string(role))
}

func (f *fake) Withdraw(_ context.Context, purpose string, role Role, d Decision) (Decided, error) {
	f.mu.Lock()
	f.last = d
	f.mu.Unlock()
	return Decided{Purpose: purpose, State: consent.Withdrawn, Grant: 1}, f.note("withdraw " + purpose + " " + string(role))
}

func (f *fake) Look(_ context.Context, names []string) (Looks, error) {
	return Looks{Sensors: []Look{{Name: "hall"}}}, f.note("look " + strings.Join(names, " "))
}

func (f *fake) Scan(_ context.Context, bus string) (Scan, error) {
	return Scan{Buses: []string{bus}}, f.note("scan " + bus)
}

func (f *fake) Buffer(context.Context) (Buffer, error) {
	return Buffer{BufferStatus: BufferStatus{State: "ok", MaxBytes: 11, Bytes: 10, Waiting: 3, Written: 13}, Flash: "within the budget", PerDay: 99, Oldest: "2026-01-02",
		Streams: []BufferStream{{Purpose: "trends", Buffered: 4}}}, f.note("buffer")
}

func (f *fake) VerifyBuffer(_ context.Context, emit func(BufferCheck) error) error {
	for _, c := range []BufferCheck{{File: "00000001.db", Bytes: 9, Records: 2, Rows: 7, Damaged: 3, Of: 2}, {File: "00000002.db", Bytes: 9, Of: 2}} {
		if err := emit(c); err != nil {
			return err
		}
	}
	return f.note("verify")
}

func (f *fake) ExportBuffer(_ context.Context, emit func(Waiting) error) error {
	for i := range 3 {
		if err := emit(Waiting{Purpose: "trends", Rows: i, SenML: RawJSON(`[{"n":"x","v":1}]`)}); err != nil {
			return err
		}
	}
	return f.note("export")
}

func (f *fake) Pause(_ context.Context, role Role, _ Decision) (Paused, error) {
	return Paused{Notice: "paused"}, f.note("pause " + string(role))
}

func (f *fake) Resume(_ context.Context, role Role, _ Decision) (Paused, error) {
	return Paused{Notice: "resumed"}, f.note("resume " + string(role))
}

func (f *fake) Services(context.Context, string) (Services, error) {
	return Services{Services: []Service{{Name: "heat/control", On: true}}}, f.note("services")
}

func (f *fake) SwitchService(_ context.Context, name string, on bool, role Role, _ Decision) (Switched, error) {
	return Switched{Service: name, On: on}, f.note(fmt.Sprint("switch ", name, on, role))
}

func (f *fake) Refuse(_ context.Context, purpose string, role Role, _ Decision) (Decided, error) {
	return Decided{Purpose: purpose, State: consent.Declined}, f.note("refuse " + purpose + " " + string(role))
}

func (f *fake) Ledger(context.Context) ([]LedgerEntry, error) { return nil, f.note("ledger") }

func (f *fake) VerifyLedger(_ context.Context, heads []string) (LedgerReport, error) {
	return LedgerReport{Verified: true}, f.note("verify " + strings.Join(heads, ","))
}

func (f *fake) ExportLedger(context.Context) (LedgerExport, error) {
	return LedgerExport{}, f.note("export")
}

func (f *fake) Erase(_ context.Context, role Role, r ErasureRequest) (Erasure, error) {
	return Erasure{What: r.Purpose}, f.note("erase " + string(role))
}

func (f *fake) Transfer(_ context.Context, role Role, _ TransferRequest) (Transfer, error) {
	return Transfer{}, f.note("transfer " + string(role))
}

func (f *fake) TestUplink(_ context.Context, recipient string) ([]UplinkTest, error) {
	return []UplinkTest{{Recipient: "acme", OK: true, Bytes: 256}}, f.note("test " + recipient)
}

func (f *fake) RetryParked(context.Context) (Retried, error) {
	return Retried{Notice: "offered"}, f.note("retry")
}

func (f *fake) Live(_ context.Context, field string, _ time.Time) ([]LiveSeries, error) {
	return nil, f.note("live " + field)
}

func (f *fake) SentCopy(_ context.Context, stream string, seq uint64) (SentCopy, error) {
	return SentCopy{Signed: []byte{1, 2}}, f.note("copy " + stream)
}

func (f *fake) Export(_ context.Context, q ExportQuery, emit func(ExportPiece) error) error {
	if err := f.note("export " + q.What); err != nil {
		return err
	}
	return emit(ExportPiece{Series: &ExportSeries{Name: "hall.temperature"}})
}

func (f *fake) Charter(context.Context) (charter.Document, error) {
	plan, _ := consent.Compile(consent.Inputs{})
	return charter.Render(&charter.Inputs{Plan: plan}), f.note("charter")
}

func (f *fake) Health(context.Context) (Health, error) {
	return NewHealth([3]string{"sensor", "hall", ""}, [3]string{"route", "acme", "nothing gets through"}), f.note("health")
}

func (f *fake) Sheet(_ context.Context, language string) (Sheet, error) {
	return Sheet{Language: language, Controller: "Acme", Fingerprint: Fingerprint([]byte("key"))}, f.note("sheet " + language)
}

func (f *fake) Witness(a Act) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts = append(f.acts, a)
}

// witnessed are the acts that were told, and forgets them.
func (f *fake) witnessed() []Act {
	f.mu.Lock()
	defer f.mu.Unlock()
	acts := f.acts
	f.acts = nil
	return acts
}

func (f *fake) Moment(_ context.Context, language string) (Moment, error) {
	return Moment{Language: language}, f.note("moment " + language)
}

func (f *fake) Deletions(context.Context) ([]Deletion, error) { return nil, f.note("deletions") }

func (f *fake) Senses(context.Context) ([]Sense, error) { return nil, f.note("senses") }

func (f *fake) Pair(_ context.Context, role Role, d Decision) (Pairing, error) {
	f.mu.Lock()
	f.last = d
	f.mu.Unlock()
	return Pairing{Code: "ABCD-EFGH"}, f.note("pair " + string(role))
}

func (f *fake) Unpair(_ context.Context, role Role, _ Decision) (Unpaired, error) {
	return Unpaired{Ended: 1}, f.note("unpair " + string(role))
}

func (f *fake) Exported(q ExportQuery, channel string) {
	f.exported = append(f.exported, q.What+" "+channel)
}
