package agent

import (
	"context"
	"slices"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// OnStep has fn called at each step of a decision, as a test of power cuts wants it.
func (a *Agent) OnStep(fn func(string)) { a.step = fn }

// Book is the agent's ledger.
func (a *Agent) Book() *ledger.Ledger { return a.book }

// PromptFor is promptFor.
func PromptFor(state consent.State, until, no, now sensors.Micros, trusted bool) string {
	return promptFor(state, until, no, now, trusted)
}

// EndReceipts is endReceipts.
func (a *Agent) EndReceipts() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endReceipts()
}

// OpenWith opens an agent with sources of a test beside those of its configuration.
func OpenWith(cfg *Config, o Options, sources ...sensors.Source) (*Agent, error) {
	a, err := Open(cfg, o)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		a.sources = append(a.sources, &running{source: s, config: sensors.Config{Name: s.Name(), Driver: "test"}, state: "waiting", beat: a.flow.watch(s)})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	return a, nil
}

// HoldReadings has hold called before each reading is taken in. It is called before the agent runs.
func (a *Agent) HoldReadings(hold func()) {
	a.pipe.hold = func() error { hold(); return nil }
}

// RunAlone is Run without the control socket and the signal handler, whose waiting is not on any test's clock. The tasks begin one
// after the other, so that their loops never wake in one instant.
func (a *Agent) RunAlone(ctx context.Context) error {
	tasks := slices.DeleteFunc(a.tasks(), func(t task) bool { return t.name == "control" || t.name == "reload" || t.name == "link" })
	for i := range tasks {
		run, wait := tasks[i].run, time.Duration(i)*101*time.Millisecond
		tasks[i].run = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
			return run(ctx)
		}
	}
	return a.runTasks(ctx, tasks)
}
