package control

import (
	"context"
	"net/http"

	"github.com/candor-edge/candor/store/consent"
)

// Servant switches services. A service is what the policy says a strictly necessary purpose serves (ePrivacy directive, art. 5(3)):
// who wants it has asked for what it needs, and who switches it off has all of that end.
type Servant interface {
	// Services lists every service of the policy, and those that a yes in force was given for. Language is as for
	// [Reporter.Consent].
	Services(ctx context.Context, language string) (Services, error)

	// SwitchService answers every purpose of one service: a yes to each, or a withdrawal of each. Role and decision are as
	// for [Decider]. A service that there isn't is an [ErrNotFound]. Where one purpose fails, the others are answered all
	// the same, and the error names it. To switch off is never refused.
	SwitchService(ctx context.Context, name string, on bool, role Role, d Decision) (Switched, error)
}

// Services answers which services there are.
type Services struct {
	Services []Service `json:"services"`
}

// Service is one service and what it needs.
type Service struct {
	Name     string           `json:"name"`     // as the policy has it
	On       bool             `json:"on"`       // all of what it needs is allowed
	Purposes []ServicePurpose `json:"purposes"` // what it needs
}

// ServicePurpose is a purpose that a service needs.
type ServicePurpose struct {
	ID    string        `json:"id"`
	Title string        `json:"title"`
	State consent.State `json:"state"`
}

// Switched answers a switch: what became of each purpose.
type Switched struct {
	Service  string    `json:"service"`
	On       bool      `json:"on"`
	Purposes []Decided `json:"purposes"`
	Notice   string    `json:"notice"` // what happens now, in words
}

func (s *server) services(r *http.Request) (any, error) {
	if err := noQuery(r, "language"); err != nil {
		return nil, err
	}
	lang := r.URL.Query().Get("language")
	if err := checkLanguage(lang); err != nil {
		return nil, err
	}
	answer, err := s.backend.Services(r.Context(), lang)
	answer.Services = list(answer.Services)
	return answer, err
}

func (s *server) switchService(on bool) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		return decided(func(ctx context.Context, role Role, d Decision) (Switched, error) {
			if d.KeepHistory {
				return Switched{}, Errorf(ErrBadRequest, "candor consent withdraw "+consent.MineID, "to keep the history is for the withdrawal of %s only", consent.MineID)
			}
			answer, err := s.backend.SwitchService(ctx, r.PathValue("name"), on, role, d)
			answer.Purposes = list(answer.Purposes)
			return answer, err
		})(r)
	}
}
