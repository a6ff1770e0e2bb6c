package cli

import (
	"context"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
	"github.com/candor-edge/candor/uplink/transport"
)

// fakeAgent answers what the scripts expect.
type fakeAgent struct{}

var _ control.Backend = fakeAgent{}

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func (fakeAgent) Status(context.Context) (control.Status, error) {
	return control.Status{
		Version: "1.2.3", Daemon: true, Since: at(6), Clock: "system", Plan: "abcd",
		Truth:    "One purpose is granted: trends.",
		Warnings: []string{"The policy is not signed: whoever can write its file can change what is asked, and nobody would see it."},
		Policy:   control.PolicyStatus{File: "/etc/candor/policy.toml", Version: 7, State: "ok", Findings: []string{"purpose trends: no benefit is given"}},
		Sensors: []control.SensorStatus{
			{Name: "hall", Driver: "simulated", Simulated: true, State: "running", Fields: []string{"hall.temperature"},
				Faults: []sensors.FaultCount{{What: "bad cell", Where: "hall.csv:17", Count: 3, Hint: "mend it"}}},
			{Name: "door", Driver: "contact", State: "failed", Error: "no line GPIO17"},
		},
		Purposes: []control.PurposeStatus{
			{ID: "trends", Recipient: "acme", State: consent.Given, Buffered: 3, Outgoing: 1, Parked: 2, NextSend: at(9), Sent: control.SentTotal{Batches: 4, Rows: 240, WireBytes: 2048}},
			{ID: "improve", Recipient: "acme", State: consent.Refused, Reason: "the charter forbids it"},
		},
		Buffer: control.BufferStatus{State: "ok", Bytes: 1536, MaxBytes: 256 << 20, Segments: 1, Waiting: 1, Written: 40960, Gaps: []string{"a damaged segment"}, Dropped: map[string]uint64{"buffer full": 1}},
		Routes: []control.RouteStatus{{Recipient: "acme", URL: "https://ingest.acme.example/v1", State: "unreachable", Reason: "no such host", Failures: 2, NextTry: at(8), LastAck: at(7)}},
	}, nil
}

func (fakeAgent) Consent(_ context.Context, language string) (control.Consent, error) {
	if language == "" {
		language = "en"
	}
	return control.Consent{
		Language: language, Controller: "Acme Objets SAS",
		Purposes: []control.ConsentPurpose{
			{ID: "trends", Title: "Follow consumption trends", Why: "To see what a house needs in a year, over many houses, without looking into any one of them by day.",
				Benefit: "A yearly report.", State: consent.Given, Recipient: "Acme Objets SAS (FR)", Access: "consent", Basis: "consent",
				Notice: []control.NoticeLine{{Voice: charter.Maker, Part: charter.Why, Label: "why", Text: "To see what a house needs in a year, over many houses, without looking into any one of them by day."},
					{Voice: charter.Object, Part: charter.What, Label: "what", Text: "hall.temperature: mean 1h, round 0.5"}, {Voice: charter.Object, Part: charter.What, Label: "what", Text: "hall.humidity: mean 6h"},
					{Voice: charter.Law, Part: charter.Rights, Label: "your rights", Text: "Take it back at any time."}},
				Fields: []string{"hall.temperature: mean 1h, round 0.5", "hall.humidity: mean 6h"}, Time: "1h", Upload: "6h", Retention: "395 days",
				Bits: "at most 192 bits a day", Given: at(7), Until: at(7).AddDate(1, 0, 0)},
			{ID: "relation", Title: "Advice", State: consent.Asked, Recipient: "Acme Objets SAS (FR)"},
			{ID: "improve", Title: "Better products", State: consent.Refused, Reason: "the charter forbids it", Recipient: "Acme Objets SAS (FR)"},
		},
		Withheld: []consent.Withheld{{Field: "hall.motion", Reason: consent.NoRule, Count: 12}, {Field: "badge.id", Purpose: "relation", Reason: consent.NoGrant, Count: 2}},
	}, nil
}

func (fakeAgent) Preview(_ context.Context, purpose string) ([]control.Preview, error) {
	if purpose != "" && purpose != "trends" {
		return nil, control.Errorf(control.ErrNotFound, "candor consent show", "no purpose is called %q; did you mean \"trends\"?", purpose)
	}
	return []control.Preview{
		{Purpose: "trends", State: "would send", Rows: 22, Bytes: 512, NextSend: at(12), SenML: pack()},
		{Purpose: "improve", State: "nothing leaves: refused"},
	}, nil
}

func (fakeAgent) Sent(context.Context) ([]control.Sent, error) {
	const stream = "000102030405060708090a0b0c0d0e0f"
	return []control.Sent{
		{Purpose: "trends", Recipient: "acme", Stream: stream, Epoch: 3, WireBytes: 400, SentAt: at(7), Control: "announcement", Result: "accepted"},
		{Purpose: "trends", Recipient: "acme", Stream: stream, Epoch: 3, Seq: 1, Rows: 60, ColumnBytes: 200, WireBytes: 512, SentAt: at(8), Fields: []string{"hall.temperature"}, Result: "accepted"},
		{Purpose: "trends", Recipient: "acme", Stream: stream, Epoch: 3, Seq: 2, Rows: 1, ColumnBytes: 20, WireBytes: 512, SentAt: at(9), Fields: []string{"hall.temperature"}, Result: "cancelled"},
	}, nil
}

func (fakeAgent) Grant(_ context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	switch purpose {
	case "trends":
		return control.Decided{Purpose: purpose, State: consent.Given, Grant: 4, Notice: "By " + string(role) + " for " + d.OnBehalf + " in " + d.Language + "."}, nil
	case "improve":
		return control.Decided{}, control.Errorf(control.ErrConflict, "candor policy check", "purpose improve can't be granted: the charter forbids it")
	}
	return control.Decided{}, control.Errorf(control.ErrNotFound, "candor consent show", "no purpose is called %q; did you mean \"trends\"?", purpose)
}

func (fakeAgent) Withdraw(_ context.Context, purpose string, _ control.Role, _ control.Decision) (control.Decided, error) {
	return control.Decided{Purpose: purpose, State: consent.Withdrawn, Grant: 4, Notice: "Nothing of it leaves any more."}, nil
}

func (fakeAgent) Buffer(context.Context) (control.Buffer, error) {
	return control.Buffer{BufferStatus: control.BufferStatus{State: "ok", Bytes: 1536, MaxBytes: 256 << 20, Segments: 1, Waiting: 1, Written: 40960, Gaps: []string{"a damaged segment"}},
		Reserve: 16 << 20, Since: at(6), Flash: "within the budget", PerDay: 3 << 20, Oldest: "2026-02-27", Unclean: true, Quarantine: 1,
		Streams: []control.BufferStream{{Purpose: "trends", Epoch: 3, Waiting: 1, Buffered: 3, Outgoing: 1, Parked: 2, Oldest: "2026-02-27"}}}, nil
}

func (fakeAgent) VerifyBuffer(_ context.Context, emit func(control.BufferCheck) error) error {
	for _, c := range []control.BufferCheck{{File: "00000001.db", Bytes: 8192, Records: 4, Rows: 240, Of: 2}, {File: "00000002.db", Bytes: 4096, Records: 1, Rows: 60, Damaged: 1, KeyGone: 2, Of: 2}} {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
}

func (fakeAgent) ExportBuffer(_ context.Context, emit func(control.Waiting) error) error {
	return emit(control.Waiting{Purpose: "trends", Epoch: 3, Rows: 22, SenML: pack()})
}

func (fakeAgent) Look(_ context.Context, names []string) (control.Looks, error) {
	if len(names) > 0 && names[0] != "hall" {
		return control.Looks{}, control.Errorf(control.ErrNotFound, "candor sensor list", "no sensor is called %q; did you mean \"hall\"?", names[0])
	}
	if len(names) > 1 {
		return control.Looks{Workshop: true, Sensors: []control.Look{{Name: "cellar", Driver: "tmp105", State: control.NotAllowed,
			Error: "/dev/i2c-1 belongs to group \"i2c\"; become a member with: sudo usermod -aG i2c tech, then log in again"}}}, nil
	}
	return control.Looks{Sensors: []control.Look{{Name: "hall", Driver: "bme280", State: "ok", Age: "4s", Fields: []control.FieldLook{
		{Name: "hall.temperature", Unit: "Cel", Present: "yes", InRange: "yes", Moving: "yes", Spread: "normal"},
		{Name: "hall.humidity", Unit: "%RH", Present: "not told", InRange: "not told", Moving: "not told", Spread: "not told"},
	}}}}, nil
}

func (fakeAgent) Scan(_ context.Context, bus string) (control.Scan, error) {
	if bus != "" && bus != "i2c-1" {
		return control.Scan{}, control.Errorf(control.ErrNotAllowed, "become a member of the group as it says above, or run this as root",
			"%s: opening /dev/%s: permission: permission denied; /dev/%s belongs to group \"i2c\"; become a member with: sudo usermod -aG i2c tech", bus, bus, bus)
	}
	return control.Scan{At: at(7), Buses: []string{"i2c-1"}, Found: []control.Found{
		{Bus: "i2c-1", Address: "0x76", State: "identified", Parts: []string{"bme280"}, Words: "air; made from the datasheet; not yet seen on hardware",
			Config: "[[sensor]]\nname = \"bme280-76\"\ndriver = \"bme280\"\nbus = \"i2c-1\"\naddress = 0x76\n"},
		{Bus: "i2c-1", Address: "0x68", State: "kernel", Words: "a driver of the kernel has it; it was left alone"},
	}}, nil
}

func (fakeAgent) TestUplink(context.Context, string) ([]control.UplinkTest, error) {
	return []control.UplinkTest{{Recipient: "acme", URL: "https://ingest.acme.example/v1", Bytes: 256, Error: "no such host", Hint: "check the network",
		Steps: []transport.Step{{Name: transport.StepFiles, OK: true}, {Name: transport.StepName, Text: "ingest.acme.example can't be looked up: no such host", Fault: transport.FaultLookup}}}}, nil
}

func (fakeAgent) RetryParked(context.Context) (control.Retried, error) {
	return control.Retried{Notice: "What was refused is offered again."}, nil
}

func (fakeAgent) Live(context.Context, string, time.Time) ([]control.LiveSeries, error) {
	return []control.LiveSeries{}, nil
}

func (fakeAgent) SentCopy(_ context.Context, stream string, seq uint64) (control.SentCopy, error) {
	if stream != "000102030405060708090a0b0c0d0e0f" || seq != 1 {
		return control.SentCopy{}, control.Errorf(control.ErrNotFound, "candor consent grant mine", "there is no readable copy of that batch")
	}
	return control.SentCopy{Sent: control.Sent{Purpose: "trends", Recipient: "acme", Stream: stream, Seq: 1, SentAt: at(8)}, Signed: []byte("\xd2signed"), SenML: pack()}, nil
}

// Export has what an export can have: numbers below zero, a text that a spreadsheet would run, a boolean, a gap, a receipt.
func (fakeAgent) Export(_ context.Context, q control.ExportQuery, emit func(control.ExportPiece) error) error {
	t := at(6).UnixMicro()
	pieces := []control.ExportPiece{
		{Series: &control.ExportSeries{Name: "hall.temperature", Unit: "Cel", Scale: 3, Type: "number", Class: "environment", Sampling: "every 10s"}},
		{Series: &control.ExportSeries{Name: "hall.label", Type: "text", Class: "usage", Sampling: "as the source speaks"}},
		{Series: &control.ExportSeries{Name: "door.open", Type: "boolean", Class: "presence", Sampling: "as the source speaks"}},
		{Points: []control.ExportPoint{{Series: 0, At: t, Num: -1500}, {Series: 1, At: t, Text: `=cmd|' /C calc'!A0`}, {Series: 2, At: t + 1, Num: 1}, {Series: 2, At: t + 2}, {Series: 1, At: t + 3, Text: "a \"quoted\", text"}}},
		{Gap: &control.ExportGap{Series: 0, From: t, To: t + 60_000_000, Reason: "no value was kept"}},
		{Points: []control.ExportPoint{{Series: 0, At: t + 60_000_000, Num: 21500}}},
		{Receipt: &control.ExportReceipt{ID: "r1", Grant: 4, Purpose: "mine", Title: "=Title", Given: at(5), Fields: []string{"hall.temperature: as measured"}}},
		{Note: "a note"},
	}
	for _, p := range pieces {
		if q.What == "raw" && p.Receipt != nil {
			continue
		}
		if err := emit(p); err != nil {
			return err
		}
	}
	return nil
}

func (fakeAgent) Charter(context.Context) (charter.Document, error) {
	plan, _ := consent.Compile(consent.Inputs{})
	return charter.Render(&charter.Inputs{Plan: plan}), nil
}

func (fakeAgent) Moment(_ context.Context, language string) (control.Moment, error) {
	return control.Moment{Language: language, State: control.MomentOpen, Text: "One purpose may leave.", Revision: "1", Now: at(9)}, nil
}

func (fakeAgent) Deletions(context.Context) ([]control.Deletion, error) {
	return []control.Deletion{}, nil
}

func (fakeAgent) Senses(context.Context) ([]control.Sense, error) { return []control.Sense{}, nil }

func (fakeAgent) Pair(context.Context, control.Role, control.Decision) (control.Pairing, error) {
	return control.Pairing{URL: "http://127.0.0.1:8088/", Code: "ABCD-EFGH", Until: at(10)}, nil
}

func (fakeAgent) Unpair(context.Context, control.Role, control.Decision) (control.Unpaired, error) {
	return control.Unpaired{Ended: 2}, nil
}

func (fakeAgent) Exported(control.ExportQuery, string) {}
