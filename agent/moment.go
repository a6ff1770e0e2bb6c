package agent

import (
	"context"
	"fmt"
	"slices"
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
	if language == "" {
		language = a.cfg.Device.Language
	}
	out := control.Moment{Language: "en", Now: timeOf(a.now())}
	if strings.HasPrefix(strings.ToLower(language), "fr") {
		out.Language = "fr"
	}
	var open []*consent.Purpose
	for _, p := range a.pipe.Plan().Purposes() {
		if p.State == consent.Given {
			open = append(open, p)
		}
	}
	out.State, out.Text = a.moment(open, out.Language)
	var total uint64
	out.Last, total = a.lastSent(out.Language)
	if a.light != nil && a.light.get() == nil {
		out.Light = sentenceOf("now-light").in(out.Language)
	}
	deletions := 0
	a.book.StreamsThat(func(s *ledger.Stream) bool {
		if s.DeletionDone {
			deletions++
		}
		return false
	})
	out.Revision = fmt.Sprintf("%s-%d-%d-%d-%s", a.pipe.Plan().Digest().String()[:16], a.book.Head().Count, total, deletions, a.mine.plan.Load().State)
	return out, nil
}

// moment says where things stand. a.mu is held.
func (a *Agent) moment(open []*consent.Purpose, language string) (state, text string) {
	in := func(name string, args ...any) string { return sentenceOf(name).in(language, args...) }
	sending, to := a.sendingNow(), a.routesThat("sending")
	switch {
	case a.mute:
		return control.MomentMute, in("now-mute")
	case a.keys.Paused() != 0:
		return control.MomentPaused, in("now-paused")
	case sending && len(open) == 0: // only messages without data can be
		return control.MomentNothing, in("now-control")
	case len(open) == 0:
		return control.MomentNothing, in("now-nothing")
	}
	names, sends := []string{}, int64(0)
	for _, p := range open {
		if name := a.recipientName(p.Recipient.ID); !slices.Contains(names, name) {
			names = append(names, name)
		}
		sends += int64(sensors.Day / max(p.Upload, 1))
	}
	who := strings.Join(names, ", ")
	if sending {
		if len(to) > 0 {
			who = strings.Join(to, ", ")
		}
		return control.MomentSending, in("now-sending", who)
	}
	may := in("now-one", max(sends, 1), who)
	if len(open) > 1 {
		may = in("now-many", len(open), max(sends, 1), who)
	}
	down := a.routesThat("unreachable")
	for _, name := range names {
		if !slices.Contains(down, name) {
			return control.MomentOpen, in("now-open") + " " + may
		}
	}
	return control.MomentStuck, in("now-stuck") + " " + may
}

// routesThat names the recipients whose way is in that state.
func (a *Agent) routesThat(state string) (out []string) {
	for _, r := range a.up.Routes() {
		if r.State == state {
			out = append(out, a.recipientName(r.Recipient))
		}
	}
	return out
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
		return sentenceOf("last-never").in(language), bytes
	}
	when := ago(a.now()-last.Last, language)
	p := a.pipe.Plan().Purpose(last.Purpose)
	if p == nil {
		return sentenceOf("last").in(language, when), bytes
	}
	return sentenceOf("last-of").in(language, when, p.Recipient.Name, p.TitleIn(language)), bytes
}

// ago is how long something is past, in whole units.
func ago(d sensors.Micros, language string) string {
	for _, unit := range []sensors.Micros{sensors.Day, sensors.Hour, sensors.Minute} {
		if d >= unit {
			return sentenceOf("ago").in(language, consent.Span(d/unit*unit, language))
		}
	}
	return sentenceOf("ago-now").in(language)
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
