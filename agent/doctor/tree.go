package doctor

import (
	"context"

	"github.com/candor-edge/candor/agent/control"
	"github.com/candor-edge/candor/uplink/transport"
)

// step is one check of the tree.
type step struct {
	name string
	look func(*walk) *Check // nil: a stretch of the way to the recipients
}

// tree is the order of the walk: what everything stands on comes first.
func tree() []step {
	return []step{
		{"board", (*walk).board}, {"power", (*walk).power}, {"temperature", (*walk).temperature}, {"clock", (*walk).clock},
		{"configuration", (*walk).configuration}, {"control", (*walk).control}, {"mounts", (*walk).mounts}, {"disk", (*walk).disk},
		{"flash wear", (*walk).wear}, {"i2c", (*walk).i2c}, {"device rights", (*walk).rights}, {"bus lines", (*walk).levels},
		{"chips", (*walk).chips}, {"reads", (*walk).reads}, {"gpio lines", (*walk).lines}, {"policy", (*walk).policy},
		{"state", (*walk).state}, {"consent", (*walk).consent}, {"buffer", (*walk).buffer}, {"unsent", (*walk).unsent},
		{"routes", (*walk).routes}, {transport.StepName, nil}, {transport.StepReach, nil}, {transport.StepTLS, nil},
		{transport.StepAuth, nil}, {transport.StepReply, nil}, {"daemon", (*walk).daemon},
	}
}

// Names are the checks in the order of the walk.
func Names() (out []string) {
	for _, s := range tree() {
		out = append(out, s.name)
	}
	return out
}

// walk is one walk, with what was asked of the object once.
type walk struct {
	*World
	ctx   context.Context
	model string // of the board; "" when it is not told
	user  user   // for whom the daemon's rights count

	status *control.Status
	looks  []control.Look
	looked bool
	tests  []control.UplinkTest
	tested bool
	err    error // of the tests
}

// Run walks down the tree and ends at the first break. tell is called with each check as it is made; nil is fine.
func Run(ctx context.Context, world *World, tell func(*Check)) Report {
	w := &walk{World: world, ctx: ctx}
	r := Report{Daemon: world.Daemon, Checks: []*Check{}, NotReached: []string{}}
	over := false
	for _, s := range tree() {
		if over || ctx.Err() != nil {
			r.NotReached = append(r.NotReached, s.name)
			continue
		}
		var c *Check
		if s.look == nil {
			c = w.stretch(s.name)
		} else {
			c = s.look(w)
		}
		c.Name = s.name
		r.Checks = append(r.Checks, c)
		if tell != nil {
			tell(c)
		}
		over = c.ends()
	}
	r.conclude()
	return r
}
