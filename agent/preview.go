package agent

import (
	"context"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink"
)

// Preview implements control.Discloser: the next upload of one purpose, or of all, decoded. Nothing is cut or sent.
func (a *Agent) Preview(_ context.Context, purpose string) ([]control.Preview, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if purpose != "" {
		if _, err := a.purpose(purpose); err != nil {
			return nil, err
		}
	}
	if err := a.store.Flush(); err != nil {
		a.opts.Log.Warn("what waits in memory is not in the preview", "error", err)
	}
	out := []control.Preview{}
	for _, p := range a.pipe.Plan().Purposes() {
		if purpose != "" && p.ID != purpose {
			continue
		}
		shown, err := a.previewPurpose(p)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (a *Agent) previewPurpose(p *consent.Purpose) (control.Preview, error) {
	out := control.Preview{Purpose: p.ID, State: "nothing to send"}
	if p.State != consent.Given {
		out.State = "nothing leaves: " + string(p.State)
		return out, nil
	}
	for _, s := range a.book.Streams() {
		if s.Grant != p.Grant.ID || s.DeletionDue {
			continue
		}
		next, err := a.up.Preview(s)
		if err != nil {
			return out, err
		}
		if at, ok := a.up.NextSlot(s.Number); ok {
			out.NextSend = at.UTC()
		}
		if next.Rows == 0 {
			continue
		}
		out.State, out.Rows, out.Bytes, out.SenML = previewState(next), next.Rows, next.Bytes, next.SenML
		return out, nil
	}
	return out, nil
}

func previewState(p uplink.Preview) string {
	switch {
	case p.Sealed:
		return "cut, sealed to the recipient and waiting for it; this object can't read it any more"
	case p.Cut:
		return "cut and waiting for the recipient"
	case p.Waiting:
		return "gathering: its time is not over, more may join"
	}
	return "would send"
}
