package simulated

import (
	"fmt"
	"sync"

	"github.com/candor-edge/candor/sensors"
)

// What can be wrong with a recording. These are all the texts that a technician sees of it.
const (
	badCell       = "bad cell"
	badTime       = "bad time"
	badLine       = "bad line"
	longLine      = "line too long"
	unknownColumn = "unknown column"
	unusableName  = "unusable column name"
)

// tally counts what could not be used of a recording. It is safe for use by several goroutines.
type tally struct {
	file string // as it is shown

	mu     sync.Mutex
	faults []fault
}

// fault is one line of a tally; it becomes text only when somebody asks.
type fault struct {
	what   string
	column string // "" for a whole line
	hint   string
	line   int // the latest
	count  uint64
}

// add counts one more of what, in that column ("" for none) and line.
func (t *tally) add(what, column, hint string, line int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.faults {
		if f := &t.faults[i]; f.what == what && f.column == column {
			f.line = line
			f.count++
			return
		}
	}
	t.faults = append(t.faults, fault{what, column, hint, line, 1})
}

// list returns the faults as texts, in the order in which they were first met.
func (t *tally) list() []sensors.FaultCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]sensors.FaultCount, 0, len(t.faults))
	for _, f := range t.faults {
		where := fmt.Sprintf("%s:%d", t.file, f.line)
		if f.column != "" {
			where += ", column " + f.column
		}
		list = append(list, sensors.FaultCount{What: f.what, Where: where, Count: f.count, Hint: f.hint})
	}
	return list
}
