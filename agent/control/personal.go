package control

import (
	"context"
	"time"

	"github.com/candor-edge/candor/store/consent/charter"
)

// Pauser stops and starts everything that leaves.
type Pauser interface {
	// Pause has nothing leave from now on, requests on their way included, and what is sensed until Resume will never
	// leave. It survives a restart. Repeating it is no error.
	Pause(ctx context.Context, role Role, d Decision) (Paused, error)
	// Resume ends a pause; repeating it is no error.
	Resume(ctx context.Context, role Role, d Decision) (Paused, error)
}

// Paused answers a pause or its end.
type Paused struct {
	Since  time.Time `json:"since,omitzero"` // when it began; zero: nothing is paused
	Notice string    `json:"notice"`         // what happens now, in words
}

// QuietAfterNo is how long nobody asks again after a no or a withdrawal (183 days, CNIL practice on trackers). The person
// may open the purpose and answer anew at any time.
const QuietAfterNo = 183 * 24 * time.Hour

// RemindBefore is how long before a yes lapses the person is told.
const RemindBefore = 30 * 24 * time.Hour

// Prompt is something the object may put to the person of its own accord.
type Prompt struct {
	Purpose string    `json:"purpose"`
	Why     string    `json:"why"`            // one of the constants below
	Until   time.Time `json:"until,omitzero"` // when the yes lapses, for PromptLapses
	Text    string    `json:"text"`           // in the language asked for
}

// Why the person is asked.
const (
	PromptNew     = "new"     // the purpose was never answered
	PromptChanged = "changed" // what is asked is not what was answered
	PromptLapses  = "lapses"  // the yes ends soon
	PromptLapsed  = "lapsed"  // the yes has ended by itself
)

// NoticeLine is one line of a notice: a fragment of the charter in one language.
type NoticeLine struct {
	ID    string        `json:"id,omitempty"`
	Voice charter.Voice `json:"voice,omitempty"` // who says so: object, maker, law
	Part  charter.Part  `json:"part,omitempty"`
	Label string        `json:"label"` // the part in words
	Text  string        `json:"text"`
}
