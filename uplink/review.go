package uplink

// Review cuts off what is on its way for grants that the plan in force does not know any more: after a change of policy
// or charter, or when a yes has lapsed. Unlike [Uplink.Cancel] it does not keep them from sending later.
func (u *Uplink) Review() {
	plan := u.Gate.Plan()
	u.mu.Lock()
	defer u.mu.Unlock()
	for grant, flights := range u.flights {
		if plan.Granted(grant) != nil {
			continue
		}
		for _, cancel := range flights {
			cancel()
		}
	}
}
