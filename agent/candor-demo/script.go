package main

import "time"

// step is one thing that the person of the script says.
type step struct {
	at      int // percent of the run
	purpose string
	yes     bool
}

// script is what is still to be said, in order.
type script []step

// newScript is the story of the demo: nothing leaves, then one purpose after the other is granted, and the first is
// taken back. One purpose is never granted.
func newScript() script {
	return script{
		{20, "trends", true},
		{45, "improve", true},
		{60, "service", true},
		{75, "trends", false},
	}
}

// next takes the first step that is due after elapsed of a run of that length.
func (s *script) next(elapsed, length time.Duration) (step, bool) {
	if len(*s) == 0 || elapsed*100 < length*time.Duration((*s)[0].at) {
		return step{}, false
	}
	first := (*s)[0]
	*s = (*s)[1:]
	return first, true
}
