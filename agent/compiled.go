package agent

import (
	"reflect"
	"slices"

	"github.com/candor-edge/candor/store/consent"
)

// compiled is what the compiler said last, and of what. A plan is a function of its inputs, and is asked for once a minute and with
// every look, while its inputs change a few times a year. Guarded by Agent.mu.
type compiled struct {
	of       consent.Inputs
	plan     *consent.Plan
	findings []consent.Finding
}

// compile is [consent.Compile], made anew only when an input has changed, or a yes has lapsed or, by a clock that went back, has not.
func (c *compiled) compile(in consent.Inputs) (*consent.Plan, []consent.Finding) {
	if c.plan == nil || !sameInputs(&c.of, &in) {
		c.plan, c.findings = consent.Compile(in)
		c.of = in
		c.of.Sources = slices.Clone(in.Sources)
		for i := range c.of.Sources { // a source may change what it gave
			c.of.Sources[i].Fields = slices.Clone(in.Sources[i].Fields)
		}
	}
	return c.plan, c.findings
}

// sameInputs tells whether two inputs have the same plan. A policy is read anew or not at all, so its address stands for it; of the
// moment counts only which answers have lapsed.
func sameInputs(a, b *consent.Inputs) bool {
	if a.Policy != b.Policy || a.Minor != b.Minor || !reflect.DeepEqual(a.Answers, b.Answers) {
		return false
	}
	for i := range a.Answers {
		if until := a.Answers[i].Until; until != 0 && a.Now >= until != (b.Now >= until) {
			return false
		}
	}
	return reflect.DeepEqual(a.Charter, b.Charter) && reflect.DeepEqual(a.Sources, b.Sources) && reflect.DeepEqual(a.Reach, b.Reach)
}
