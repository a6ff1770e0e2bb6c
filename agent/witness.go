package agent

import (
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/ledger"
)

// maxActs is how many acts of one day are written down one by one: the ledger must not be filled by whoever may knock.
const maxActs = 128

// acts are the privileged acts of one UTC day that are in the ledger. Guarded by Agent.mu.
type acts struct {
	day     int64
	written map[control.Act]bool
}

// Witness implements control.Witness: the same act is written once a day, by whichever process it is seen.
func (a *Agent) Witness(act control.Act) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if day := a.now().DayNumber(); a.acts.written == nil || a.acts.day != day {
		a.acts = acts{day, a.actsOf(day)}
	}
	switch {
	case a.acts.written[act] || len(a.acts.written) > maxActs:
		return
	case len(a.acts.written) == maxActs:
		act = control.Act{What: "more than is listed one by one"}
	}
	a.acts.written[act] = true
	a.note(ledger.Event{Kind: ledger.Act, Time: a.now(), Role: string(act.Role), Text: actText(act), Channel: actChannel})
}

const (
	actChannel = "control"
	actRefused = "not allowed: "
)

func actText(act control.Act) string {
	if act.Refused {
		return actRefused + act.What
	}
	return act.What
}

// actsOf reads from the ledger what was written of a day before this process began.
func (a *Agent) actsOf(day int64) map[control.Act]bool {
	out := map[control.Act]bool{}
	err := a.book.Events(func(e ledger.Event) error {
		if e.Kind != ledger.Act || e.Channel != actChannel || e.Time.DayNumber() != day {
			return nil
		}
		act := control.Act{Role: control.Role(e.Role)}
		act.What, act.Refused = strings.CutPrefix(e.Text, actRefused)
		out[act] = true
		return nil
	})
	if err != nil {
		a.opts.Log.Debug("acts of today may be written down twice", "error", err)
	}
	return out
}
