package uplink

import "context"

// Halt stops everything that leaves, deletion requests too, and cuts off what is on its way; Halt(false) lets it go on.
// It returns at once. Nothing of what waits is lost or changed.
func (u *Uplink) Halt(on bool) {
	u.mu.Lock()
	u.halted = on
	if on {
		for _, cancel := range u.rounds {
			cancel()
		}
	}
	u.mu.Unlock()
	if !on {
		u.Wake()
	}
}

// enter begins a round, whose context ends with a halt; false: nothing may leave now.
func (u *Uplink) enter(ctx context.Context) (inner context.Context, leave func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.halted {
		return ctx, nil, false
	}
	inner, cancel := context.WithCancel(ctx)
	u.entered++
	id := u.entered
	u.rounds[id] = cancel
	return inner, func() {
		cancel()
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.rounds, id)
	}, true
}
