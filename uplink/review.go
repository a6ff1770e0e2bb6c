package uplink

import (
	"slices"

	"github.com/candor-edge/candor/store/consent"
)

// Review cuts off what is on its way for grants that the plan in force does not know any more, after a change of policy
// or charter or when a yes has lapsed, and for those in narrowed, of which less leaves than before. Unlike [Uplink.Cancel] it
// does not keep them from sending later.
func (u *Uplink) Review(narrowed ...consent.GrantID) {
	plan := u.Gate.Plan()
	u.mu.Lock()
	defer u.mu.Unlock()
	for grant, flights := range u.flights {
		if plan.Granted(grant) != nil && !slices.Contains(narrowed, grant) {
			continue
		}
		for _, cancel := range flights {
			cancel()
		}
	}
}
