package control

import (
	"context"
	"time"
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
