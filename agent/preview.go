package agent

import (
	"context"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/uplink"
)

// Preview implements control.Discloser: the next upload of one purpose, or of all, decoded. Nothing is cut or sent.
func (a *Agent) Preview(ctx context.Context, purpose string) ([]control.Preview, error) {
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
		shown, err := a.previewPurpose(p, control.LanguageOf(ctx))
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (a *Agent) previewPurpose(p *consent.Purpose, language string) (control.Preview, error) {
	out := control.Preview{Purpose: p.ID, State: sentenceOf("next-nothing").in(language)}
	if p.State != consent.Given {
		out.State = sentenceOf("next-no").in(language, sentenceOf(stateSentence(p.State)).in(language))
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
		out.State, out.Rows, out.Bytes, out.SenML = sentenceOf(previewState(next)).in(language), next.Rows, next.Bytes, next.SenML
		return out, nil
	}
	return out, nil
}

// previewState names the sentence about an upload.
func previewState(p uplink.Preview) string {
	switch {
	case p.Sealed:
		return "next-sealed"
	case p.Cut:
		return "next-cut"
	case p.Waiting:
		return "next-gathering"
	}
	return "next-would"
}

// stateSentence names the sentence about a purpose of which nothing leaves.
func stateSentence(s consent.State) string {
	switch s {
	case consent.Withdrawn:
		return "state-withdrawn"
	case consent.Expired:
		return "state-expired"
	case consent.Declined:
		return "state-declined"
	case consent.Changed:
		return "state-changed"
	case consent.Refused:
		return "state-refused"
	}
	return "state-asked"
}
