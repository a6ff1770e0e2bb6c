package agent

import (
	"context"
	"fmt"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// Moment implements control.Watcher: what leaves now, by the word of the sender and the plan in force.
func (a *Agent) Moment(_ context.Context, language string) (control.Moment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if language = strings.ToLower(language); language == "" {
		language = a.cfg.Device.Language
	}
	out := control.Moment{Language: "en", Now: timeOf(a.now())}
	if strings.HasPrefix(language, "fr") {
		out.Language = "fr"
	}
	var open []*consent.Purpose
	for _, p := range a.pipe.Plan().Purposes() {
		if p.State == consent.Given {
			open = append(open, p)
		}
	}
	var what sentence
	out.State, what = a.moment(open)
	out.Text = what.in(out.Language)
	var total uint64
	out.Last, total = a.lastSent(out.Language)
	if a.light != nil && a.light.get() == nil {
		out.Light = sentence{"The light on this object is on while something is being sent, and only then.",
			"Le voyant de cet objet est allumé pendant un envoi, et seulement alors."}.in(out.Language)
	}
	deletions := 0
	for _, s := range a.book.Streams() {
		if s.DeletionDone {
			deletions++
		}
	}
	out.Revision = fmt.Sprintf("%s-%d-%d-%d-%s", a.pipe.Plan().Digest().String()[:16], a.book.Head().Count, total, deletions, a.mine.plan.Load().State)
	return out, nil
}

// moment says where things stand. a.mu is held.
func (a *Agent) moment(open []*consent.Purpose) (string, sentence) {
	sending, stuck, busy := a.sendingNow(), a.stuck(open), a.busyWith()
	switch {
	case a.mute:
		return control.MomentMute, sentence{"Nothing leaves this object: its disk takes no writing, so nothing could be noted or taken back.",
			"Rien ne sort de cet objet : son disque refuse l'écriture, rien ne pourrait donc être noté ni repris."}
	case a.keys.Paused() != 0:
		return control.MomentPaused, sentence{"Paused: nothing leaves this object, and what is sensed meanwhile never will.",
			"En pause : rien ne sort de cet objet, et ce qui est mesuré pendant ce temps ne sortira jamais."}
	case sending && len(open) == 0: // only messages without data can be
		return control.MomentNothing, sentence{"No data is leaving this object: no yes is in force. A message without data, as a request to delete, is on its way.",
			"Aucune donnée ne sort de cet objet : aucun oui n'est en vigueur. Un message sans données, comme une demande d'effacement, est en route."}
	case sending && busy != "":
		return control.MomentSending, sentence{"Something is being sent right now, to " + busy + ".", "Un envoi est en cours, vers " + busy + "."}
	case sending:
		return control.MomentSending, sentence{"Something is being sent right now.", "Un envoi est en cours."}
	case len(open) == 0:
		return control.MomentNothing, sentence{"Nothing is leaving this object: no yes is in force.", "Rien ne sort de cet objet : aucun oui n'est en vigueur."}
	}
	text := mayLeave(open)
	if stuck {
		return control.MomentStuck, sentence{"Nothing is leaving at this moment: no recipient can be reached. " + text.en, "Rien ne sort en ce moment : aucun destinataire n'est joignable. " + text.fr}
	}
	return control.MomentOpen, sentence{"Nothing is being sent at this moment. " + text.en, "Aucun envoi en ce moment. " + text.fr}
}

// mayLeave says how many purposes are open, to whom and how often.
func mayLeave(open []*consent.Purpose) sentence {
	to, sends := map[string]bool{}, int64(0)
	var names []string
	for _, p := range open {
		if !to[p.Recipient.ID] {
			to[p.Recipient.ID] = true
			names = append(names, p.Recipient.Name)
		}
		sends += int64(sensors.Day / max(p.Upload, 1))
	}
	who := strings.Join(names, ", ")
	if len(open) == 1 {
		return sentence{fmt.Sprintf("One use is agreed to, with about %d sends a day, to %s.", max(sends, 1), who),
			fmt.Sprintf("Un usage est accepté, avec environ %d envois par jour, vers %s.", max(sends, 1), who)}
	}
	return sentence{fmt.Sprintf("%d uses are agreed to, with about %d sends a day in all, to %s.", len(open), max(sends, 1), who),
		fmt.Sprintf("%d usages sont acceptés, avec environ %d envois par jour en tout, vers %s.", len(open), max(sends, 1), who)}
}

// busyWith names the recipients that something is on its way to.
func (a *Agent) busyWith() string {
	var out []string
	for _, r := range a.up.Routes() {
		if r.State == "sending" {
			out = append(out, a.recipientName(r.Recipient))
		}
	}
	return strings.Join(out, ", ")
}

// stuck tells that something may leave and every recipient of it is out of reach.
func (a *Agent) stuck(open []*consent.Purpose) bool {
	down := map[string]bool{}
	for _, r := range a.up.Routes() {
		down[r.Recipient] = r.State == "unreachable"
	}
	for _, p := range open {
		if !down[p.Recipient.ID] {
			return false
		}
	}
	return len(open) > 0
}

func (a *Agent) recipientName(id string) string {
	for _, p := range a.pipe.Plan().Purposes() {
		if p.Recipient.ID == id && p.Recipient.Name != "" {
			return p.Recipient.Name
		}
	}
	return id
}

// lastSent says what left last, and how many bytes left in all.
func (a *Agent) lastSent(language string) (string, uint64) {
	var last ledger.Total
	var bytes uint64
	for _, t := range a.book.Totals() {
		bytes += t.WireBytes
		if t.Last > last.Last {
			last = t
		}
	}
	if last.Last == 0 {
		return sentence{"Nothing has ever left it.", "Rien n'en est jamais sorti."}.in(language), bytes
	}
	ago := ago(a.now()-last.Last, language)
	about := last.Purpose
	p := a.pipe.Plan().Purpose(last.Purpose)
	if p == nil {
		return sentence{"The last message left %s.", "Le dernier message est parti %s."}.in(language, ago), bytes
	}
	about = p.TitleIn(language)
	return sentence{"The last message left %s, to %s (%s).", "Le dernier message est parti %s, vers %s (%s)."}.in(language, ago, p.Recipient.Name, about), bytes
}

// ago is how long something is past, in whole units.
func ago(d sensors.Micros, language string) string {
	for _, unit := range []sensors.Micros{sensors.Day, sensors.Hour, sensors.Minute} {
		if d >= unit {
			return sentence{"%s ago", "il y a %s"}.in(language, consent.Span(d/unit*unit, language))
		}
	}
	return sentence{"less than a minute ago", "il y a moins d'une minute"}.in(language)
}

// Deletions implements control.Watcher.
func (a *Agent) Deletions(context.Context) ([]control.Deletion, error) {
	out := []control.Deletion{}
	for _, s := range a.book.Streams() {
		if state := deletionOf(&s, a.now()); state != "" {
			d := control.Deletion{Purpose: s.Purpose, Recipient: s.Recipient, Stream: fmt.Sprintf("%x", s.Name), Asked: timeOf(s.DeletionDueAt), State: state}
			if s.DeletionDone {
				d.Confirmed = timeOf(s.DeletedAt)
			}
			out = append(out, d)
		}
	}
	return out, nil
}

// Senses implements control.Watcher.
func (a *Agent) Senses(context.Context) ([]control.Sense, error) {
	out := []control.Sense{}
	for _, r := range a.sources {
		every := ""
		if r.config.Every > 0 {
			every = r.config.Every.String()
		}
		for _, f := range r.source.Fields() {
			out = append(out, control.Sense{Field: f.Name, Unit: f.Kind.Unit, Class: f.Class, Implies: f.Kind.Implies, Every: every,
				Sensor: r.source.Name(), Simulated: r.simulated})
		}
	}
	return out, nil
}
