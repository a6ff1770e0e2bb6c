package agent

import (
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
