package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/chip"
	"github.com/candor-edge/candor/uplink"
)

const (
	settling    = time.Minute // a source may take so long to come up, and a reading so much longer than its turn
	longFailing = time.Hour   // a way that fails for less is left to its retries
)

// Health implements control.Medic. It says nothing that a technician may not know: how long a way has failed, not when it
// last got something through.
func (a *Agent) Health(context.Context) (control.Health, error) {
	a.mu.Lock()
	daemon, up := a.daemon, a.opts.Clock.Now().Sub(a.since)
	a.mu.Unlock()
	agent := ""
	if !daemon {
		agent = "no daemon runs"
	}
	parts := [][3]string{{"agent", "daemon", agent}}
	for _, r := range a.sources {
		if _, fixed := r.source.(*attributes); !fixed && daemon {
			parts = append(parts, [3]string{"sensor", r.source.Name(), r.ailment(a.opts.Clock.Now(), up)})
		}
	}
	buffer := ""
	if b := a.store.Status(); !b.State.Takes() {
		buffer = "it takes no rows: " + string(b.State)
	}
	parts = append(parts, [3]string{"buffer", "buffer", buffer})
	for _, r := range a.up.Routes() {
		parts = append(parts, [3]string{"route", r.Recipient, blockage(&r, a.clock().Now())})
	}
	return control.NewHealth(parts...), nil
}

// blockage is why nothing gets through to a recipient; "" while it does, or has not failed for long.
func blockage(r *uplink.RouteStatus, now time.Time) string {
	if r.Failures == 0 || now.Sub(r.Failing) <= longFailing {
		return ""
	}
	return fmt.Sprintf("nothing gets through for over an hour (%s): %s", r.State, r.Reason)
}

// ailment is why a source is not read in time; "" when it is. A line that says yes or no speaks when something happens, so for
// it, as for a recording, it is enough that it runs.
func (r *running) ailment(now time.Time, up time.Duration) string {
	s := r.status()
	w, watched := r.source.(sensors.Watched)
	switch {
	case s.State == "failed":
		return s.Error
	case s.State == "running" || s.State == "ended" || up < settling:
		return ""
	case !watched:
		return s.State
	}
	seen := w.Status()
	if seen.State != sensors.Working {
		return joinWords(seen.State.String(), s.Error)
	}
	if last, ok := r.looked(); ok && r.turn() > 0 && now.Sub(last) > settling+3*r.turn() {
		return "the last reading is older than three turns and a minute"
	}
	return ""
}

// turn is how often the source is read; 0 where it speaks when something happens.
func (r *running) turn() time.Duration {
	if r.config.Every != 0 {
		return r.config.Every.Std()
	}
	row, err := chip.Named(r.config.Driver)
	if err != nil {
		return 0
	}
	return row.Every
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}
