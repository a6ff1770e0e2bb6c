package agent

import (
	"context"
	"fmt"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

// Sheet implements control.Presenter.
func (a *Agent) Sheet(_ context.Context, language string) (control.Sheet, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sheet(language)
}

// sheet is Sheet with a.mu held.
func (a *Agent) sheet(language string) (control.Sheet, error) {
	if language == "" {
		language = a.cfg.Device.Language
	}
	key, err := a.book.PublicKey()
	if err != nil {
		return control.Sheet{}, fmt.Errorf("the object has no key to be known by: %w", err)
	}
	out := control.Sheet{Language: language, Fingerprint: control.Fingerprint(key), Purposes: []string{}}
	if p := a.rules.policy; p != nil {
		c := p.Controller
		out.Controller = strings.TrimSuffix(fmt.Sprintf("%s (%s)", c.Name, c.Country), " ()")
		out.Contact, out.Authority = c.Contact, c.Authority
	}
	for _, p := range a.pipe.Plan().Purposes() {
		out.Purposes = append(out.Purposes, p.TitleIn(language))
	}
	return out, nil
}
