package agent

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// noticeTemplate names how a notice is made from the rules: whoever has the rules and this version makes the same bytes.
const noticeTemplate = "candor notice 1"

// noticeWords are the labels of a notice and the names of grounds in one language.
type noticeWords struct {
	// labels
	why, benefit, what, finest, upload, kept, stored, to, onward, bits, name, ground, lapses, back, erasing, rights, contact, authority, more, link string

	nobody     string // where onward names none
	names      string // how long a name lasts
	lasts      string // how long a yes lasts
	rightsText string
	software   string // the assurance of erasure
	grounds    map[string]string
}

func noticeWordsIn(language string) noticeWords {
	if strings.HasPrefix(language, "fr") {
		return noticeWords{
			why: "pourquoi", benefit: "pour vous", what: "quoi", finest: "précision", upload: "envoi", kept: "gardé", stored: "où",
			to: "à qui", onward: "transmis à", nobody: "personne", bits: "combien", name: "sous quel nom", ground: "fondement",
			lapses: "échéance", back: "reprendre", rights: "vos droits", contact: "contact", authority: "autorité", erasing: "effacer",
			more: "à savoir", link: "reliable",
			names:      "un numéro tiré au hasard, changé tous les %s ; votre adresse IP reste visible du destinataire",
			lasts:      "un oui vaut %s, puis il revient à non",
			rightsText: "voir, copier, rectifier, effacer, limiter, vous opposer, reprendre votre accord à tout moment et sans motif, saisir l'autorité",
			software:   "par logiciel : d'anciennes cellules de la carte mémoire peuvent garder des traces",
			grounds: map[string]string{"consent": "votre accord", "strictly-necessary": "nécessaire à un service que vous avez activé", "contract": "un contrat",
				"legal-obligation": "une obligation légale", "vital-interests": "des intérêts vitaux", "public-task": "une mission d'intérêt public",
				"legitimate-interests": "un intérêt légitime"},
		}
	}
	return noticeWords{
		why: "why", benefit: "for you", what: "what", finest: "finest time", upload: "sent", kept: "kept", stored: "where",
		to: "to whom", onward: "passed on to", nobody: "nobody", bits: "how much", name: "which name", ground: "ground",
		lapses: "lapses", back: "take back", rights: "your rights", contact: "contact", authority: "authority", erasing: "erasing",
		more: "to know", link: "linkable",
		names:      "a random number, changed every %s; the recipient sees your IP address",
		lasts:      "a yes lasts %s, then it is a no again",
		rightsText: "see, copy, correct, erase, restrict, object, take your yes back at any time and without a reason, complain to the authority",
		software:   "by software: old cells of the memory card may keep traces",
		grounds: map[string]string{"consent": "your agreement", "strictly-necessary": "necessary for a service you switched on", "contract": "a contract",
			"legal-obligation": "a legal obligation", "vital-interests": "vital interests", "public-task": "a task in the public interest",
			"legitimate-interests": "a legitimate interest"},
	}
}

// noticeLines is what the person is told before answering, line by line, in one language. It is computed from the
// compiled rules alone, and it is the only place where that text is made: command line, page and receipts take it from
// here. A line of which the policy says nothing is left out.
func (a *Agent) noticeLines(p *consent.Purpose, c *control.ConsentPurpose, language string) []control.NoticeLine {
	w := noticeWordsIn(language)
	var out []control.NoticeLine
	add := func(label string, texts ...string) {
		for _, t := range texts {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, control.NoticeLine{Label: label, Text: t})
				label = ""
			}
		}
	}
	add(w.why, c.Why)
	add(w.benefit, c.Benefit)
	add(w.to, c.Recipient)
	onward := w.nobody
	if len(p.Recipient.Onward) > 0 {
		onward = strings.Join(p.Recipient.Onward, ", ")
	}
	add(w.onward, onward)
	add(w.what, c.Fields...)
	add(w.finest, c.Time)
	add(w.upload, c.Upload)
	add(w.kept, c.Retention)
	add(w.stored, strings.Join(p.Recipient.StoredIn, ", "))
	add(w.bits, c.Bits)
	add(w.name, fmt.Sprintf(w.names, consent.Span(p.Epoch, language)))
	ground := w.ground1(p.Access)
	if p.Service != "" {
		ground += " (" + p.Service + ")"
	}
	if p.Basis != p.Access {
		ground += ", " + w.ground1(p.Basis)
	}
	add(w.ground, ground)
	add(w.more, c.Notes...)
	add(w.link, c.Linkability)
	if p.Expires != 0 {
		add(w.lapses, fmt.Sprintf(w.lasts, consent.Span(p.Expires, language)))
	}
	add(w.back, "candor consent withdraw "+p.ID)
	add(w.erasing, w.software)
	add(w.rights, w.rightsText)
	if policy := a.rules.policy; policy != nil {
		add(w.contact, policy.Controller.Contact)
		add(w.authority, policy.Controller.Authority)
	}
	return out
}

// ground1 is a ground in words; one that has none is shown as it is.
func (w *noticeWords) ground1(ground string) string {
	if text := w.grounds[ground]; text != "" {
		return text
	}
	return ground
}

// notice is the text a person answers to, as `consent show` prints it: its digest is in the receipt.
func (a *Agent) notice(p *consent.Purpose, language string) string {
	c := a.consentPurpose(p, language)
	return noticeText(&c)
}

// noticeText is the canonical form of a notice.
func noticeText(c *control.ConsentPurpose) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s\n%s - %s\n", noticeTemplate, c.ID, c.Title)
	for _, l := range c.Notice {
		_, _ = fmt.Fprintf(&b, "%s: %s\n", l.Label, l.Text)
	}
	return b.String()
}

// complete adds to a receipt what ISO/IEC TS 27560 asks for beyond what the purpose itself says. a.mu is held.
func (a *Agent) complete(r ledger.Answer, p *consent.Purpose, language string) ledger.Answer {
	controller := a.rules.policy.Controller
	if language == "" {
		language = a.cfg.Device.Language
	}
	r.Schema, r.Template, r.Event = ledger.ReceiptSchema, noticeTemplate, "explicit"
	r.Subject = a.subject(controller.Name)
	r.Controller.Address, r.Receiver.Contact = controller.Address, p.Recipient.Contact
	r.Jurisdiction, r.Rights = controller.Country, noticeWordsIn(language).rightsText
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

// noticeDigest names the exact text of a notice.
func noticeDigest(c *control.ConsentPurpose) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(noticeText(c))))
}
