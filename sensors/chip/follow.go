package chip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/candor-edge/candor/sensors"
	"github.com/candor-edge/candor/sensors/bus"
)

// Line is one GPIO input; [bus.Line] is one.
type Line interface {
	// Read says whether the line is active now. It may be called while Edges runs.
	Read() (bool, error)
	// Edges calls each for every change until ctx is done, or the line is lost, which is an error.
	Edges(ctx context.Context, each func(bus.Edge)) error
	Close() error
}

// LineOpener opens a line as an input. It must be safe for use by several goroutines.
type LineOpener func(bus.LineOptions) (Line, error)

// FollowOptions say which line to follow, and when to emit.
type FollowOptions struct {
	Open     LineOpener // required
	Source   string     // the source's name
	Line     string     // the line's name, "GPIO17", or chip label and offset, "pinctrl-bcm2835:17"
	Fields   []sensors.Field
	Every    time.Duration // time between readings besides those at changes; 0 for the row's
	Clock    sensors.Clock // required
	Settings map[string]string
}

// Source makes the source of a row that follows a line. Nothing is opened before it runs. It emits at every change of a
// line that says yes or no, and at its interval what was counted on one that counts: always what came since the reading
// before, so that the sum over any time is right. A line that is lost is opened again, first after a second and then
// less and less often. The source implements [sensors.Counting] and [sensors.Watched].
func (r Row) Source(o FollowOptions) (sensors.Source, error) {
	if r.follow == nil {
		return nil, fmt.Errorf("%s is not on a line", r.Name)
	}
	if o.Open == nil || o.Clock == nil {
		return nil, errors.New("chip: FollowOptions needs Open and Clock")
	}
	s, err := r.settle(o.Settings)
	if err != nil {
		return nil, err
	}
	if o.Every == 0 {
		o.Every = r.Every
	}
	return &follower{
		row: r, o: o, tally: r.follow(s), sheet: sheet{quantities: r.Quantities, values: make([]sensors.Value, 1)},
		line: bus.LineOptions{Name: o.Line, ActiveLow: s["active_low"] == 1, Bias: r.pull,
			Debounce: time.Duration(s["debounce_ms"]) * time.Millisecond},
		faults: map[string]*sensors.FaultCount{},
		status: sensors.PartStatus{Source: o.Source, Driver: r.Name, Bus: o.Line},
	}, nil
}

// follower is the source of one line.
type follower struct {
	row   Row
	o     FollowOptions
	line  bus.LineOptions
	tally tally // of Run's goroutine only
	sheet sheet // of Run's goroutine only

	looked func() // nil: nobody counts

	mu     sync.Mutex
	faults map[string]*sensors.FaultCount
	status sensors.PartStatus
}

var (
	_ sensors.Source   = (*follower)(nil)
	_ sensors.Counting = (*follower)(nil)
	_ sensors.Watched  = (*follower)(nil)
	_ sensors.Beating  = (*follower)(nil)
)

// waiting is how many edges wait to be taken in. More than that are missed and counted as such. Ours: some seconds of a fast meter.
const waiting = 256

const (
	firstRetry = time.Second // ours: soon enough for a plug that was touched
	lastRetry  = time.Minute // ours: seldom enough for a log
	glance     = time.Minute // ours: between two looks at a line that is quiet
)

// Name implements [sensors.Source].
func (f *follower) Name() string { return f.o.Source }

// Fields implements [sensors.Source].
func (f *follower) Fields() []sensors.Field { return f.o.Fields }

// Faults implements [sensors.Counting].
func (f *follower) Faults() []sensors.FaultCount {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []sensors.FaultCount
	for _, what := range []string{lineLost, edgesMissed} {
		if c := f.faults[what]; c != nil {
			out = append(out, *c)
		}
	}
	return out
}

const (
	lineLost    = "line not to be had"
	edgesMissed = "changes missed"
)

// Beat implements [sensors.Beating]: a line on which nothing happens is asked now and then all the same.
func (f *follower) Beat(looked func()) time.Duration {
	f.looked = looked
	return glance
}

// Status implements [sensors.Watched].
func (f *follower) Status() sensors.PartStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *follower) count(what string, n uint64, hint string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.faults[what] == nil {
		f.faults[what] = &sensors.FaultCount{What: what, Where: f.o.Line}
	}
	f.faults[what].Count += n
	f.faults[what].Hint = hint
}

// state sets how the line is; why is nil while all is well.
func (f *follower) state(to sensors.PartState, why error, next time.Time) {
	now := f.o.Clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.State != to {
		f.status.State, f.status.Since = to, now
	}
	f.status.Last, f.status.Next = why, next
	if why == nil {
		f.status.LastGood = now
	}
}

// Run implements [sensors.Source].
func (f *follower) Run(ctx context.Context, emit func(sensors.Reading) error) error {
	for pause := firstRetry; ctx.Err() == nil; pause = min(2*pause, lastRetry) {
		opened := f.o.Clock.Now()
		stop, err := f.watch(ctx, emit)
		if stop {
			return err
		}
		if ctx.Err() != nil {
			return nil // whatever ended the watch: it was to end, and the line may have noticed first
		}
		f.count(lineLost, 1, "look at the line's name and at what else uses it")
		if f.o.Clock.Now().Sub(opened) > lastRetry { // it worked for a while
			pause = firstRetry
		}
		f.state(stateOf(err), err, f.o.Clock.Now().Add(pause))
		f.look()
		select {
		case <-ctx.Done():
		case <-f.o.Clock.After(pause):
		}
	}
	return nil
}

// stateOf says how a line is that can't be followed.
func stateOf(err error) sensors.PartState {
	switch sensors.FaultOf(err) {
	case sensors.Gone, sensors.Permission, sensors.Busy:
		return sensors.Missing
	}
	return sensors.Faulty
}

// watch follows the line until it is lost or ctx is done, or emit has failed: then stop is true and err is emit's.
func (f *follower) watch(ctx context.Context, emit func(sensors.Reading) error) (stop bool, err error) {
	line, err := f.o.Open(f.line)
	if err != nil {
		return false, f.fault("opening the line", err)
	}
	defer func() { _ = line.Close() }() // it was read only; there is nothing to lose
	ctx, cancel := context.WithCancel(ctx)
	edges, lost := make(chan bus.Edge, waiting), make(chan error, 1)
	defer func() {
		cancel()
		<-lost
	}()
	go func() {
		defer close(lost)
		lost <- f.collect(ctx, line, edges)
	}()
	active, err := line.Read()
	if err != nil {
		return false, f.fault("reading the line", err)
	}
	f.state(sensors.Working, nil, time.Time{})
	if f.tally.level(active) {
		if err := f.emit(emit); err != nil {
			return true, err
		}
	}
	return f.follow(ctx, line, edges, lost, emit)
}

// collect hands edges on. When nobody takes them they are counted with the next that is taken.
func (f *follower) collect(ctx context.Context, line Line, edges chan<- bus.Edge) error {
	var missed uint32
	return line.Edges(ctx, func(e bus.Edge) {
		e.Missed += missed
		select {
		case edges <- e:
			missed = 0
		default:
			missed = e.Missed + 1
		}
	})
}

// follow takes in edges and the interval.
func (f *follower) follow(ctx context.Context, line Line, edges <-chan bus.Edge, lost <-chan error, emit func(sensors.Reading) error) (stop bool, err error) {
	var tick <-chan time.Time
	if f.o.Every > 0 {
		tick = f.o.Clock.After(f.o.Every)
	}
	quiet := f.o.Clock.After(glance)
	for {
		news := false
		select {
		case <-ctx.Done():
			return true, nil
		case <-quiet:
			quiet = f.o.Clock.After(glance)
			if _, err := line.Read(); err != nil {
				return false, f.fault("reading the line", err)
			}
			f.look()
		case err := <-lost:
			if err == nil {
				err = errEnded
			}
			return false, f.fault("following the line", err)
		case e := <-edges:
			if e.Missed > 0 {
				f.count(edgesMissed, uint64(e.Missed), "the line changes faster than it is read; set debounce_ms, or look for a loose contact")
			}
			news = f.tally.edge(e)
		case <-tick:
			tick = f.o.Clock.After(f.o.Every)
			if err := f.level(line, len(edges)); err != nil {
				return false, err
			}
			news = true
		}
		if news {
			if err := f.emit(emit); err != nil {
				return true, err
			}
		}
	}
}

// look tells that the line was asked, and answered.
func (f *follower) look() {
	if f.looked != nil {
		f.looked()
	}
}

// level reads where the line is, in case a change was missed, unless changes wait to be taken in. A line that is counted
// is left to its edges.
func (f *follower) level(line Line, waiting int) error {
	if _, yesOrNo := f.tally.(*state); !yesOrNo || waiting > 0 {
		return nil
	}
	active, err := line.Read()
	if err != nil {
		return f.fault("reading the line", err)
	}
	f.tally.level(active)
	return nil
}

var errEnded = errors.New("there are no more changes to come, and nobody said stop")

func (f *follower) emit(emit func(sensors.Reading) error) error {
	now := f.o.Clock.Now()
	clear(f.sheet.values)
	f.sheet.number(0, f.tally.value())
	f.state(sensors.Working, nil, time.Time{})
	return emit(sensors.Reading{Source: f.o.Source, Time: sensors.Micros(now.UnixMicro()), Values: f.sheet.values})
}

func (f *follower) fault(what string, err error) error {
	return &sensors.FaultError{Source: f.o.Source, Driver: f.row.Name, Bus: f.o.Line, Operation: what, Kind: kindOf(err), Cause: bare(err)}
}
