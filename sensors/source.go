package sensors

import (
	"context"
	"time"
)

// Clock is where every part of the agent takes its time from, so that a test or the demo can bend it.
type Clock interface {
	// Now is the wall time; what it is worth is the agent's business, not the source's.
	Now() time.Time
	// After sends the time once, d later on this clock. d <= 0 sends at once.
	After(d time.Duration) <-chan time.Time
}

// Source is one thing that is read.
//
// Name and Fields are fixed from the moment the source is opened and may be called from any goroutine.
//
// Run emits readings, oldest first, until ctx is done (it returns nil or ctx's error) or the source has ended for good
// (it returns nil). It returns an error only when the source can't go on; single bad reads are counted, not returned.
// emit may block while the buffer is busy; when it returns an error Run stops and returns that error. emit does not
// keep the Values slice, so a source may reuse it. Run is called at most once, by one goroutine, and leaves nothing
// behind when it returns.
type Source interface {
	Name() string
	Fields() []Field
	Run(ctx context.Context, emit func(Reading) error) error
}

// Ending is implemented by sources that can end by themselves (recorded files, a simulation with a length). `run
// --once` refuses sources that do not implement it or answer false.
type Ending interface {
	Ends() bool
}

// Resuming is implemented by recorded sources. Resume is called before Run with the Position up to which the recording
// need not be emitted again (each grant keeps its own; this is the smallest); recording is the name under which
// positions are kept, so that another file under the same source name starts at its beginning.
type Resuming interface {
	Recording() string
	Resume(position uint64)
}

// Counting is implemented by sources that count what they could not use. Faults returns short fixed texts (never
// values) and how often each happened; it may be called from any goroutine while Run runs.
type Counting interface {
	Faults() []FaultCount
}

// Beating is implemented by sources that look at their part on a schedule, whether or not there is news to emit.
type Beating interface {
	// Beat has looked called, on the goroutine that samples, each time a look has come back, with a value or an error: what
	// hangs does not come back. every is the longest time between two of them while nothing hangs; 0 is no schedule.
	// A source whose every look is emitted need not call looked. Beat is called at most once, before Run; looked must return soon.
	Beat(looked func()) (every time.Duration)
}

// FaultCount is one line of a source's fault list.
type FaultCount struct {
	What  string `json:"what"`            // e.g. "bad cell", "unknown column"
	Where string `json:"where,omitempty"` // e.g. "room.csv:17, column co2": the latest place
	Count uint64 `json:"count"`
	Hint  string `json:"hint,omitempty"` // what would mend it
}
