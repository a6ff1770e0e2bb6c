package sensors

import "sync"

// What a supervisor counts besides the kinds of fault. These are all the texts.
const (
	abandoned  = "a call did not return"
	dropped    = "reading dropped"
	staleValue = "stuck value"
	deadZero   = "dead zero"
	jumped     = "jump"
	outOfRange = "value out of range"
	badValue   = "value that is none"
)

// tally counts what a source could not use. The zero value is ready; it is safe for use by several goroutines.
type tally struct {
	mu     sync.Mutex
	faults []FaultCount
}

// add counts one more of what at where. Both are fixed texts, so that the list stays short.
func (t *tally) add(what, where, hint string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.faults {
		if f := &t.faults[i]; f.What == what && f.Where == where {
			f.Count++
			return
		}
	}
	t.faults = append(t.faults, FaultCount{What: what, Where: where, Count: 1, Hint: hint})
}

// list returns a copy.
func (t *tally) list() []FaultCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]FaultCount{}, t.faults...)
}

// hintFor says what mends a fault of that kind most often.
func hintFor(k FaultKind) string {
	switch k {
	case NoAnswer:
		return "check power, cable and address"
	case Timeout:
		return "a line is held low or the part stretches the clock: take the power from the part, try a slower bus"
	case Arbitration:
		return "check for a second master, missing pull-ups and long cables"
	case Permission:
		return "see the error for the group that may use the node"
	case Gone:
		return "the bus is not there; see the error for what switches it on"
	case Corrupt:
		return "shorten the cable, keep it away from motors and mains, try a slower bus"
	case WrongPart:
		return "the driver or the address in the configuration is not that of this part"
	case Implausible:
		return "the part is damaged, not powered, or two parts have one address"
	case Busy:
		return "another program or a kernel driver uses it"
	}
	return ""
}
