package agent

import (
	"context"
	"fmt"
	"strings"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/store/consent"
	"github.com/candor-edge/candor/store/ledger"
)

// Refuse implements control.Decider: an explicit no. A yes in force is taken back by it.
func (a *Agent) Refuse(ctx context.Context, purpose string, role control.Role, d control.Decision) (control.Decided, error) {
	var ended *control.Decided
	if len(a.openGrants(purpose)) > 0 {
		done, err := a.Withdraw(ctx, purpose, role, d)
		if err != nil {
			return done, err
		}
		ended = &done
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recompile()
	p, err := a.purpose(purpose)
	if err != nil {
		if ended != nil { // without a policy there is nothing to say no to, but the yes is gone
			return *ended, nil
		}
		return control.Decided{}, err
	}
	no := a.complete(a.receipt(p, role, d), p, d.Language)
	no.Until, no.DeleteBy = 0, 0 // a no has no end, and nothing leaves under it
	if err := a.book.Refuse(no); err != nil {
		return control.Decided{}, control.Errorf(control.ErrUnavailable, "candor status", "nothing of %s leaves, but the no could not be written down, so you may be asked again: %w", purpose, err)
	}
	if err := a.keys.Sync(); err != nil {
		a.opts.Log.Warn("the ledger's head is not beside the keys yet", "error", err)
	}
	a.opts.Log.Info("a purpose was refused", "purpose", p.ID, "role", role)
	return control.Decided{Purpose: p.ID, State: consent.Declined,
		Notice: say(d, "refused") + map[bool]string{true: ".", false: ": candor consent grant " + p.ID}[d.Channel == control.ChannelPage]}, nil
}

// stateOf is where a purpose stands with the person; a no is told from no answer here.
func (a *Agent) stateOf(p *consent.Purpose) consent.State {
	if p.State == consent.Asked || p.State == consent.Withdrawn || p.State == consent.Expired {
		if no, ok := a.book.Refused(p.ID); ok {
			if last, had := a.newestAnswer(p.ID); !had || no.Given >= last.Withdrawn {
				return consent.Declined
			}
		}
	}
	return p.State
}

// prompts lists what the person is to be asked now. a.mu is held.
func (a *Agent) prompts(language string) []control.Prompt {
	var out []control.Prompt
	for _, p := range a.pipe.Plan().Purposes() {
		last, had := a.newestAnswer(p.ID)
		no := a.lastNo(p.ID, last, had)
		if why := promptFor(a.stateOf(p), p.Grant.Until, no, a.now(), a.clockTrusted()); why != "" {
			q := control.Prompt{Purpose: p.ID, Why: why, Text: promptText(why, p.TitleIn(language), language)}
			if why == control.PromptLapses {
				q.Until = timeOf(p.Grant.Until)
			}
			out = append(out, q)
		}
	}
	return out
}

// lastNo is the moment of the newest no or withdrawal of a purpose, 0 without one.
func (a *Agent) lastNo(purpose string, last ledger.Answer, had bool) (no sensors.Micros) {
	if refused, ok := a.book.Refused(purpose); ok {
		no = refused.Given
	}
	if had && last.Ending == ledger.Withdrawn {
		no = max(no, last.Withdrawn)
	}
	return no
}

const (
	quietAfterNo = sensors.Micros(control.QuietAfterNo / 1000)
	remindBefore = sensors.Micros(control.RemindBefore / 1000)
)

// promptFor says why a purpose may be put to the person who did not ask for it, "" when it may not. After a no it keeps
// quiet for six months; a clock that nobody vouches for, or that was set back, ends no such quiet, and no yes is said to
// lapse by it.
func promptFor(state consent.State, until, no, now sensors.Micros, trusted bool) string {
	if state == consent.Given {
		if trusted && until != 0 && until-now <= remindBefore {
			return control.PromptLapses
		}
		return ""
	}
	if no != 0 && (!trusted || now-no < quietAfterNo) {
		return ""
	}
	switch state {
	case consent.Asked, consent.Withdrawn, consent.Declined:
		return control.PromptNew
	case consent.Changed:
		return control.PromptChanged
	case consent.Expired:
		return control.PromptLapsed
	}
	return ""
}

func promptText(why, title, language string) string {
	texts := map[string]string{
		control.PromptNew:     "%q has no answer: nothing of it leaves until you say yes.",
		control.PromptChanged: "What %q asks has changed: nothing of it leaves until you answer anew.",
		control.PromptLapses:  "Your yes to %q lapses soon, and then nothing of it leaves.",
		control.PromptLapsed:  "Your yes to %q has lapsed: nothing of it leaves until you say yes again.",
	}
	if strings.HasPrefix(language, "fr") {
		texts = map[string]string{
			control.PromptNew:     "« %s » est sans réponse : rien n'en part tant que vous n'avez pas dit oui.",
			control.PromptChanged: "Ce que demande « %s » a changé : rien n'en part tant que vous n'avez pas répondu de nouveau.",
			control.PromptLapses:  "Votre oui à « %s » arrive bientôt à échéance ; ensuite, rien n'en part.",
			control.PromptLapsed:  "Votre oui à « %s » est échu : rien n'en part tant que vous ne le redites pas.",
		}
	}
	return fmt.Sprintf(texts[why], title)
}
