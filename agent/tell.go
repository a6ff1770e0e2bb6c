package agent

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/candor-edge/candor/store/consent/charter"
	"github.com/candor-edge/candor/store/ledger"
)

// Charter implements control.Teller: everything the object says of itself, from the rules in force and its own state.
func (a *Agent) Charter(context.Context) (charter.Document, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	in := a.charterInputs()
	in.State.Last = a.lastSending()
	return charter.Render(&in), nil
}

// charterInputs is what the charter and every notice are made of. a.mu is held.
func (a *Agent) charterInputs() charter.Inputs {
	in := charter.Inputs{Plan: a.pipe.Plan(), Policy: a.rules.policy, Ceilings: a.rules.charter, Sources: a.sourceFields()}
	in.State = charter.State{
		Known: true, Signed: a.rules.signed, Pledged: a.rules.pledged, Sealed: a.store != nil && a.keys != nil, Apart: keysApart(a.cfg),
		Light: a.light != nil && a.light.get() == nil, Paused: a.keys.Paused() != 0, Stopped: !a.daemon && !a.once, Mute: a.mute, Erasure: erasure, Quiet: quietAfterNo, Mine: a.mine.plan.Load(), Kept: len(a.mineGrants()) > 0, Routes: routesOf(a.cfg),
	}
	for _, s := range a.sources {
		if s.status().Simulated {
			in.State.Simulated = append(in.State.Simulated, s.source.Name())
		}
	}
	return in
}

// erasure is the assurance with which this program erases: no chip here forgets a key for it.
const erasure = "software"

// keysApart tells whether a copy of the state directory leaves the keys behind.
func keysApart(cfg *Config) bool {
	rel, err := filepath.Rel(cfg.Device.State, cfg.Keys.Dir)
	return err == nil && (rel == ".." || strings.HasPrefix(rel, "../"))
}

// routesOf says how recipients are reached, as far as it tells who can read what is on its way.
func routesOf(cfg *Config) []charter.Route {
	var out []charter.Route
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		scheme, _, _ := strings.Cut(strings.ToLower(r.URL), ":")
		out = append(out, charter.Route{Recipient: r.Recipient, TLS: scheme == "https" || scheme == "mqtts", Pinned: r.Pin != "" || r.CA != "",
			Sealed: r.Seal.IsSet(), Broker: strings.HasPrefix(scheme, "mqtt")})
	}
	return out
}

// lastSending is the newest upload in the ledger that a recipient accepted; nil when there is none. a.mu is held.
func (a *Agent) lastSending() *charter.Sending {
	var last *ledger.Sent
	if err := a.book.Sent(func(s ledger.Sent) error {
		if s.Control == "" && s.Result == ledger.ResultAccepted {
			last = &s
		}
		return nil
	}); err != nil || last == nil {
		return nil
	}
	out := &charter.Sending{Ago: max(a.now()-last.SentAt, 0), Bytes: last.WireBytes, Recipient: last.Recipient}
	for _, p := range a.pipe.Plan().Purposes() {
		if p.Recipient.ID == last.Recipient {
			out.Recipient = p.Recipient.Name
		}
	}
	return out
}
