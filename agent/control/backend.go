package control

import "context"

// Reporter tells how things stand. Methods of these interfaces may be called by many goroutines at once; they
// return within seconds and honour ctx.
type Reporter interface {
	// Status is the state of the object in words and counts, never values.
	Status(ctx context.Context) (Status, error)

	// Consent is every purpose in full, in a language tag as "fr"; "" is the object's own. A language that is not
	// there is no error: the answer says which one it is in.
	Consent(ctx context.Context, language string) (Consent, error)
}

// Discloser shows what leaves. Both answers hold measured values or what can be told from them.
type Discloser interface {
	// Preview shows the next upload of one purpose, or of all with "", with its state in the context's language ([WithLanguage]). It changes nothing. A purpose that the policy
	// does not have is an [ErrNotFound].
	Preview(ctx context.Context, purpose string) ([]Preview, error)

	// Sent lists what left, oldest first.
	Sent(ctx context.Context) ([]Sent, error)
}

// Decider takes the person's decisions. Role says who speaks and is never [Technician]; with [Root] the decision says on
// whose behalf. A purpose that the policy does not have is an [ErrNotFound]; one that can't be granted, as the
// charter refuses it, an [ErrConflict]. A withdrawal that is repeated is no error.
type Decider interface {
	Grant(ctx context.Context, purpose string, role Role, d Decision) (Decided, error)
	Withdraw(ctx context.Context, purpose string, role Role, d Decision) (Decided, error)
	// Refuse says no: a yes in force is withdrawn by it, and nobody asks again for [QuietAfterNo].
	Refuse(ctx context.Context, purpose string, role Role, d Decision) (Decided, error)
}

// Backend is the agent as the server sees it.
type Backend interface {
	Reporter
	Discloser
	Decider
	Servant
	Keeper
	Looker
	Pauser
	Prover
	Eraser
	Prober
	Historian
	Teller
	Medic
	Presenter
	Witness
	Watcher
	Pairer
}
