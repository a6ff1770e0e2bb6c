package agent

import (
	"crypto/sha256"
	"io"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/consent/charter"
	"github.com/candor-edge/candor/store/ledger"
)

// notice is what the person is told before answering a purpose as p has it, in one language, and the digest of its exact text, which
// is in the receipt. The text is made in store/consent/charter and nowhere else: command line, page and receipts take it from there.
// a.mu is held.
func (a *Agent) notice(p *consent.Purpose, language string) ([]control.NoticeLine, [sha256.Size]byte) {
	in := a.charterInputs()
	said := charter.Notice(&in, p)
	return noticeLines(said, language), charter.Digest(p.ID, p.TitleIn(language), said, language)
}

// noticeLines are fragments in one language.
func noticeLines(said []charter.Fragment, language string) []control.NoticeLine {
	out := make([]control.NoticeLine, len(said))
	for i := range said {
		f := &said[i]
		out[i] = control.NoticeLine{ID: f.ID, Voice: f.Voice, Part: f.Part, Label: f.Label.In(language), Text: f.Text.In(language)}
	}
	return out
}

// rightsIn lists the rights that a notice names, for its receipt.
func rightsIn(said []control.NoticeLine) string {
	var out []string
	for _, l := range said {
		if l.Voice == charter.Law && l.Part == charter.Rights {
			out = append(out, l.Text)
		}
	}
	return strings.Join(out, " ")
}

// complete adds to a receipt what ISO/IEC TS 27560 asks for beyond what the purpose itself says. a.mu is held.
func (a *Agent) complete(r ledger.Answer, p *consent.Purpose, language string) ledger.Answer {
	controller := a.rules.policy.Controller
	if language == "" {
		language = a.cfg.Device.Language
	}
	r.Schema, r.Template, r.Event = ledger.ReceiptSchema, charter.Template, "explicit"
	r.Subject = a.subject(controller.Name)
	r.Controller.Address, r.Receiver.Contact = controller.Address, p.Recipient.Contact
	told, _ := a.notice(p, language)
	r.Jurisdiction, r.Rights = controller.Country, rightsIn(told)
	r.Processing = []string{p.Recipient.Country}
	r.Plan, r.Safeguard = a.pipe.Plan().Digest(), p.Recipient.Safeguard
	for _, share := range a.pipe.Plan().Shares() {
		if share.Recipient == p.Recipient.ID {
			r.Linkability = string(share.Level)
		}
	}
	if r.Until != 0 {
		r.DeleteBy = r.Until + sensors.Micros(p.Retention)*sensors.Day
	}
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			r.Items = append(r.Items, ledger.Item{Field: f.Field, Class: string(f.Class), Special: f.Class == sensors.Health,
				Optional: p.Access == "consent"})
		}
	}
	return r
}

// subject is the random alias of the person towards a controller, the same in all receipts for it. It is never sent.
func (a *Agent) subject(controller string) (alias [16]byte) {
	for _, known := range a.book.Answers() {
		if known.Controller.Name == controller && known.Subject != alias {
			return known.Subject
		}
	}
	if _, err := io.ReadFull(a.opts.Rand, alias[:]); err != nil {
		return [16]byte{}
	}
	return alias
}
