package agent

import (
	"context"
	"slices"

	"github.com/candor-edge/candor/sensors"
)

// OpenWith opens an agent with sources of a test beside those of its configuration.
func OpenWith(cfg *Config, o Options, sources ...sensors.Source) (*Agent, error) {
	a, err := Open(cfg, o)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		a.sources = append(a.sources, &running{source: s, config: sensors.Config{Name: s.Name(), Driver: "test"}, state: "waiting"})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	return a, nil
}

// RunAlone is Run without the control socket and the signal handler, whose waiting is not on any test's clock.
func (a *Agent) RunAlone(ctx context.Context) error {
	return a.runTasks(ctx, slices.DeleteFunc(a.tasks(), func(t task) bool { return t.name == "control" || t.name == "reload" }))
}
