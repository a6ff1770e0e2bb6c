package sensors

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Supervised says which part to read, how often, and what to make of it. Zero fields take the defaults.
type Supervised struct {
	Name    string
	Driver  string
	Bus     string // parts of one bus are read one after the other; parts without one have a goroutine each
	Address uint16 // for errors; 0 where there is none
	Fields  []Field
	Part    Part
	// Every is the time between readings. Default 10 s.
	Every time.Duration
	// Deadline is how long Identify or Sense may take. A part that has not returned by then, and a little more, is
	// abandoned. Default Every, at most 1 s.
	Deadline time.Duration
	// StuckAfter is how many readings in a row may bring the same number before it counts as stale. By default it is
	// 1000 for kinds that always jitter (pressure, acceleration and the like) and never for the others; a number set
	// here is for every number that is measured, -1 is never.
	StuckAfter int
	// Zero says what it means when all that was measured is exactly zero. By default it is a fault if one of the kinds
	// is never zero in practice (humidity, pressure, CO2 and the like).
	Zero ZeroMeaning
	// Jumps is, by quantity, the greatest believable step between two readings, in the kind's unit and scale. One value
	// beyond is a fault; a second near it is believed.
	Jumps map[string]int64
	// Change is, by quantity, the least step that is worth a reading. With a Change for any quantity, a reading in which
	// no quantity moved that far and no quality changed is not emitted; quantities without one count when they move at all.
	Change map[string]int64
	// AtLeast makes a reading be emitted after this time though Change held it back. 0 is never.
	AtLeast time.Duration
	// MinInterval is the least time between two emitted readings; those in between are not emitted.
	MinInterval time.Duration
}

// ZeroMeaning is what it means when all values of a part are exactly zero.
type ZeroMeaning uint8

// The meanings of zero.
const (
	ZeroByKind ZeroMeaning = iota // a fault if one of the kinds is never zero
	ZeroDead                      // a fault
	ZeroFine                      // a measurement
)

// SuperviseOptions are the parts to read, and on which clock.
type SuperviseOptions struct {
	Parts []Supervised
	// Clock gives the cadence and the time of readings. Deadlines are real time, as hardware does not follow a bent
	// clock. Default SystemClock.
	Clock Clock
	// RetryLongest is the longest time between two attempts at a part that fails. Default 1 min.
	RetryLongest time.Duration
	// Notice is called when the state of a part changes, one call at a time for each bus. It must return soon and may
	// be nil.
	Notice func(PartStatus)
}

// PartState is how a supervised part is.
type PartState uint8

// The states of a part.
const (
	Waiting      PartState = iota // not tried yet
	Working                       // the last reading was good
	Missing                       // nobody answers, or the bus is not there or may not be used
	Wrong                         // another part answers
	Faulty                        // it answers, and badly
	Unresponsive                  // a call has not returned; nothing is asked of it until it does
)

// String returns the state in words.
func (s PartState) String() string {
	return [...]string{"not tried yet", "ok", "missing", "wrong part", "faulty", "hanging"}[s%6]
}

// PartStatus is what is known of a supervised part.
type PartStatus struct {
	Source, Driver, Bus string
	Address             uint16
	State               PartState
	Since               time.Time // of the state, on the supervisor's clock
	Last                error     // what went wrong last; nil while all is well
	LastGood            time.Time // of the last reading that was not a failure; zero when there was none
	Next                time.Time // when it is tried next
	Abandoned           int       // calls that have not returned: 0 or 1
}

// Watched is implemented by sources with a state to show, such as those of [Supervise].
type Watched interface {
	// Status may be called from any goroutine.
	Status() PartStatus
}

// Supervise turns parts into sources, in the same order, all of one new [Supervisor].
func Supervise(o SuperviseOptions) []Source {
	supervisor := NewSupervisor(o)
	sources := make([]Source, 0, len(o.Parts))
	for _, part := range o.Parts {
		sources = append(sources, supervisor.Add(part))
	}
	return sources
}

// Supervisor turns parts into sources. It starts nothing: while at least one source of a bus runs, one goroutine reads
// the parts of that bus in the order in which they are due, and another waits for the part that is being read. A part
// that does not return is left alone with its goroutine, the others go on; there is never more than one such call a
// part, and when it returns the part is tried again. A part that is missing, wrong or faulty is counted, shown by
// [Watched] and tried again, first at its own interval and then less and less often; the source goes on.
//
// A reading is checked before it is emitted: kind, dead zero, stuck values, jumps. A part that answers with what can't
// be true gives a reading of quality Fault; a part that does not answer gives none. Readings for which the agent has no
// time are counted and dropped, so that one slow consumer does not slow a bus.
//
// Its methods may be called from any goroutine.
type Supervisor struct {
	o SuperviseOptions

	mu    sync.Mutex
	loops map[string]*loop // by bus
}

// NewSupervisor returns a supervisor of no parts; o.Parts is not looked at.
func NewSupervisor(o SuperviseOptions) *Supervisor {
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.RetryLongest <= 0 {
		o.RetryLongest = time.Minute
	}
	o.Parts = nil
	return &Supervisor{o: o, loops: map[string]*loop{}}
}

// Add returns the source of a part. It implements [Counting] and [Watched].
func (v *Supervisor) Add(part Supervised) Source {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.loops[part.Bus]
	if l == nil || part.Bus == "" {
		l = &loop{o: v.o, wake: make(chan struct{}, 1)}
		v.loops[part.Bus] = l
	}
	return newSupervised(part, l)
}

// supervised is the source of one part.
type supervised struct {
	Supervised
	loop   *loop
	looked func() // nil: nobody counts
	judge  judge
	tally  tally
	free   chan []Value // buffers that nobody uses
	ready  chan Reading

	// Of the loop's goroutine only.
	turn turn

	mu     sync.Mutex
	status PartStatus
}

var (
	_ Source   = (*supervised)(nil)
	_ Counting = (*supervised)(nil)
	_ Watched  = (*supervised)(nil)
	_ Beating  = (*supervised)(nil)
)

// buffered is how many readings wait for the agent, for each source.
const buffered = 4

func newSupervised(c Supervised, l *loop) *supervised {
	if c.Every <= 0 {
		c.Every = 10 * time.Second
	}
	if c.Deadline <= 0 {
		c.Deadline = min(c.Every, time.Second)
	}
	s := &supervised{Supervised: c, loop: l, judge: newJudge(c), free: make(chan []Value, buffered), ready: make(chan Reading, buffered)}
	for range buffered {
		s.free <- make([]Value, len(c.Fields))
	}
	s.turn.values = make([]Value, len(c.Fields))
	s.status = PartStatus{Source: c.Name, Driver: c.Driver, Bus: c.Bus, Address: c.Address}
	return s
}

// Name implements [Source].
func (s *supervised) Name() string { return s.Supervised.Name }

// Fields implements [Source].
func (s *supervised) Fields() []Field { return s.Supervised.Fields }

// Faults implements [Counting].
func (s *supervised) Faults() []FaultCount { return s.tally.list() }

// Beat implements [Beating]. A call that was left alone is no look, however often it is found not to have returned.
func (s *supervised) Beat(looked func()) time.Duration {
	s.looked = looked
	return s.loop.longest(s)
}

// Status implements [Watched].
func (s *supervised) Status() PartStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run implements [Source].
func (s *supervised) Run(ctx context.Context, emit func(Reading) error) error {
	if ctx.Err() != nil {
		return nil
	}
	if !s.loop.join(s) {
		return errors.New("the source " + s.Name() + " is running already")
	}
	defer s.loop.leave(s)
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-s.ready:
			if ctx.Err() != nil {
				return nil
			}
			err := emit(r)
			s.free <- r.Values
			if err != nil {
				return err
			}
		}
	}
}

// offer hands a copy of a reading to Run, unless the agent is that far behind; it says whether it did.
func (s *supervised) offer(at time.Time, values []Value) bool {
	select {
	case free := <-s.free:
		copy(free, values)
		s.ready <- Reading{Source: s.Name(), Time: Micros(at.UnixMicro()), Values: free}
		return true
	default:
		s.tally.add(dropped, "", "the agent is busy; read this sensor less often")
		return false
	}
}
