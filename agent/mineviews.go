package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
	"github.com/candor-edge/candor/store/ledger"
	"github.com/candor-edge/candor/uplink/wire"
)

// mineTexts are what the history is called and asked with.
type mineTexts struct{ recipient, time, upload, retention, bits, field, longer string }

func mineIn(language string) mineTexts {
	if strings.HasPrefix(language, "fr") {
		return mineTexts{
			recipient: "vous, sur cet objet",
			time:      "tel que mesuré", upload: "jamais", retention: "%d jours, sur cet objet", bits: "reste ici : rien n'en part", field: "%s : tel que mesuré",
			longer: "il est demandé de garder %d jours ; cela attend un nouveau oui",
		}
	}
	return mineTexts{
		recipient: "you, on this object",
		time:      "as measured", upload: "never", retention: "%d days, on this object", bits: "stays here: nothing of it leaves", field: "%s: as measured",
		longer: "%d days are asked for now, which waits for a new yes",
	}
}

// consentMine is the history as the person is asked for it, in French or English. a.mu is held.
func (a *Agent) consentMine(language string) control.ConsentPurpose {
	m, t := a.mine.plan.Load(), mineIn(language)
	out := control.ConsentPurpose{ID: consent.MineID, Title: charter.MineTitle().In(language), State: m.State, Recipient: t.recipient,
		Access: "consent", Basis: "consent", Time: t.time, Upload: t.upload, Retention: fmt.Sprintf(t.retention, m.Days), Bits: t.bits}
	for _, s := range m.Sources {
		for _, f := range s.Fields {
			out.Fields = append(out.Fields, fmt.Sprintf(t.field, f.Name))
		}
	}
	if m.State == consent.Given {
		out.Given = timeOf(m.Grant.From)
		if m.Asked > m.Days {
			out.Reason = fmt.Sprintf(t.longer, m.Asked)
		}
	}
	lines, digest := a.mineNotice(language)
	out.Notice, out.NoticeDigest = lines, hex.EncodeToString(digest[:])
	for _, l := range lines {
		switch l.Part {
		case charter.Why:
			out.Why = l.Text
		case charter.Return:
			out.Benefit = l.Text
		}
	}
	return out
}

// mineNotice is notice for the history. a.mu is held.
func (a *Agent) mineNotice(language string) ([]control.NoticeLine, [sha256.Size]byte) {
	in := a.charterInputs()
	said := charter.MineNotice(&in)
	return noticeLines(said, language), charter.Digest(consent.MineID, charter.MineTitle().In(language), said, language)
}

// historyStatus is for status. a.mu is held.
func (a *Agent) historyStatus() control.HistoryStatus {
	m := a.mine.plan.Load()
	out := control.HistoryStatus{State: string(m.State), Days: m.Days, MaxBytes: a.cfg.historyShare()}
	if h := a.mine.history.Load(); h != nil {
		s := h.Status()
		out.Bytes, out.Written, out.Detail = s.Bytes, s.Written, s.Detail
	}
	if t := a.mine.trouble.Load(); t != nil && out.Detail == "" {
		out.Detail = *t
	}
	return out
}

// Live implements control.Historian: what was measured in the last hours, from memory alone.
func (a *Agent) Live(_ context.Context, field string, since time.Time) ([]control.LiveSeries, error) {
	out := []control.LiveSeries{}
	live := a.mine.live.Load()
	if live == nil {
		return out, nil
	}
	for _, s := range live.Series(field, sensors.Micros(since.UnixMicro())) {
		line := control.LiveSeries{Field: s.Field.Name, Unit: s.Field.Kind.Unit, Scale: s.Field.Kind.Scale, Type: s.Field.Kind.Type.String(), Points: []control.LivePoint{}}
		for _, p := range s.Points {
			line.Points = append(line.Points, control.LivePoint{At: int64(p.At), Num: p.Num, Text: p.Token})
		}
		out = append(out, line)
	}
	if field != "" && len(out) == 0 {
		return nil, control.Errorf(control.ErrNotFound, "candor consent show", "no sensor here has a field %q", field)
	}
	return out, nil
}

// SentCopy implements control.Historian: the readable copy of one batch that left, as it was signed.
func (a *Agent) SentCopy(ctx context.Context, stream string, seq uint64) (control.SentCopy, error) {
	none := control.Errorf(control.ErrNotFound, "candor consent grant mine", "there is no readable copy of that batch: the last ones are kept in memory until a restart, all of them from the moment mine is granted, for as long as it keeps")
	var line *ledger.Sent
	err := a.book.Sent(func(s ledger.Sent) error {
		if s.Control == "" && s.Seq == seq && fmt.Sprintf("%x", s.StreamName[:]) == stream {
			line = &s
		}
		return ctx.Err()
	})
	if err != nil {
		return control.SentCopy{}, err
	}
	if line == nil {
		return control.SentCopy{}, none
	}
	out := control.SentCopy{Sent: sentOf(line)}
	if out.Signed, out.Announcement = a.recent.find(line.StreamName, seq); out.Signed == nil {
		err = a.keptCopy(ctx, stream, seq, &out)
	}
	if err != nil {
		return control.SentCopy{}, err
	}
	if out.Signed == nil {
		return control.SentCopy{}, none
	}
	an, b, err := openCopy(out.Signed, out.Announcement)
	if err != nil {
		return control.SentCopy{}, fmt.Errorf("the copy can't be read: %w", err)
	}
	out.SenML, err = wire.AppendSenMLJSON(nil, an, b)
	return out, err
}

// keptCopy looks for the copy of a batch in the history, if one is kept.
func (a *Agent) keptCopy(ctx context.Context, stream string, seq uint64, out *control.SentCopy) error {
	h := a.mine.history.Load()
	if h == nil {
		return nil
	}
	return h.Copies(ctx, stream, func(c store.Copy) error {
		if c.Seq == seq {
			out.Signed, out.Announcement = c.Signed, c.Announcement
		}
		return nil
	})
}

// openCopy reads the copy of a batch with its announcement.
func openCopy(signed, announcement []byte) (*wire.Announcement, *wire.Batch, error) {
	an, _, err := wire.OpenAnnouncement(announcement)
	if err != nil {
		return nil, nil, err
	}
	payload, err := wire.OpenSigned(wire.KindBatch, an.Key, signed)
	if err != nil {
		return nil, nil, err
	}
	b, err := wire.DecodeBatch(payload)
	return an, b, err
}
