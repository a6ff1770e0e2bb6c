package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/tinyconf"
)

// Services implements control.Servant.
func (a *Agent) Services(_ context.Context, language string) (control.Services, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	return control.Services{Services: a.services(cmp.Or(language, a.cfg.Device.Language))}, nil
}

// services lists the services of the policy, and those that a yes in force names though the policy does not: they can be switched off
// still. a.mu is held.
func (a *Agent) services(language string) (out []control.Service) {
	add := func(service string, p control.ServicePurpose) {
		if service == "" {
			return
		}
		i := slices.IndexFunc(out, func(s control.Service) bool { return s.Name == service })
		if i < 0 {
			i = len(out)
			out = append(out, control.Service{Name: service, On: true})
		}
		s := &out[i]
		if slices.ContainsFunc(s.Purposes, func(q control.ServicePurpose) bool { return q.ID == p.ID }) {
			return
		}
		s.Purposes = append(s.Purposes, p)
		s.On = s.On && p.State == consent.Given
	}
	for _, p := range a.pipe.Plan().Purposes() {
		add(p.Service, control.ServicePurpose{ID: p.ID, Title: p.TitleIn(language), State: a.stateOf(p)})
	}
	for _, answer := range a.book.Answers() {
		if answer.Withdrawn == 0 {
			add(answer.Service, control.ServicePurpose{ID: answer.Purpose, Title: answer.Title, State: consent.Given})
		}
	}
	return out
}

// SwitchService implements control.Servant. Each purpose is answered as by itself, with a receipt of its own.
func (a *Agent) SwitchService(ctx context.Context, name string, on bool, role control.Role, d control.Decision) (control.Switched, error) {
	a.mu.Lock()
	a.recompile()
	all := a.services(cmp.Or(d.Language, a.cfg.Device.Language))
	a.mu.Unlock()
	i := slices.IndexFunc(all, func(s control.Service) bool { return s.Name == name })
	if i < 0 {
		known := make([]string, 0, len(all))
		for _, s := range all {
			known = append(known, s.Name)
		}
		return control.Switched{}, control.Errorf(control.ErrNotFound, "candor consent service", "no service is called %q; %s", name, tinyconf.Hint(name, known))
	}
	out, do := control.Switched{Service: name, On: on}, a.Withdraw
	if on {
		do = a.Grant
	}
	var failed []error
	for _, p := range all[i].Purposes {
		done, err := do(ctx, p.ID, role, d)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out.Purposes, out.Notice = append(out.Purposes, done), done.Notice
	}
	if len(failed) == 0 {
		return out, nil
	}
	first := control.Errorf(control.ErrUnavailable, "candor consent service", "%d of the %d purposes of %q could not be answered: %w", len(failed), len(all[i].Purposes), name, errors.Join(failed...))
	var said *control.Error
	if errors.As(failed[0], &said) {
		first.Code, first.Hint = said.Code, said.Hint
	}
	return out, first
}
